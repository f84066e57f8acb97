"""Which state of a service ends svc --wait?"""

from __future__ import annotations

import pytest

from smarthost.formats import status
from smarthost.policy.awaited import DOWN, READY, RESTART, STATES, UP, View, reached


def view(
    pid: int, since: int = 1, *, want: bytes = b"u", ready: bool = False, finishing: bool = False
) -> View:
    return View(status.Status(since, 0, pid, want=want), ready=ready, finishing=finishing)


@pytest.mark.parametrize(
    ("now", "states"),
    [
        (view(7), {UP}),
        (view(7, ready=True), {UP, READY, RESTART}),
        (view(0), set()),  # about to be started
        (view(0, want=b"d"), {DOWN}),
        (view(0, want=b"\0"), {DOWN}),
        (view(0, want=b"d", finishing=True), set()),
        (view(7, want=b"d", ready=True), {UP, READY, RESTART}),
        (None, {DOWN}),
    ],
)
def test_each_state(now: View | None, states: set[bytes]) -> None:
    assert {state for state in STATES if reached(state, now, None)} == states


@pytest.mark.parametrize(
    ("first", "now", "done"),
    [
        (view(7, ready=True), view(7, ready=True), False),
        (view(7, ready=True), view(8, 2, ready=True), True),
        (view(7, ready=True), view(8, 2), False),
        (view(7, ready=True), view(7, 2, ready=True), True),  # the same id once more
        (view(0, want=b"d"), view(7, 2, ready=True), True),
        (view(0), view(0), False),
    ],
)
def test_another_process_than_at_first(first: View, now: View, done: bool) -> None:
    assert reached(RESTART, now, first) == done
