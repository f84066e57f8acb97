"""After a server failed. Not tested: nothing known."""

from __future__ import annotations

import pytest

from smarthost.policy.failover import Failure, may_go_on, verdict
from smarthost.policy.replies import CONNECT_TIMED_OUT, CONNECTION_BROKEN, NO_CONFIGURATION, NOT_CONNECTED

SURE = Failure(NOT_CONNECTED)
DOUBT = Failure(CONNECTION_BROKEN, in_doubt=True)


@pytest.mark.parametrize(
    ("failures", "go_on"),
    [([], True), ([SURE] * 20, True), ([DOUBT], True), ([DOUBT, SURE], True), ([DOUBT, SURE, DOUBT], False)],
)
def test_one_doubt_is_accepted_and_the_second_ends_the_search(failures: list[Failure], go_on: bool) -> None:
    assert may_go_on(failures) is go_on


@pytest.mark.parametrize(
    ("failures", "status"),
    [
        ([], NO_CONFIGURATION),
        ([SURE], NOT_CONNECTED),
        ([SURE, Failure(CONNECT_TIMED_OUT)], CONNECT_TIMED_OUT),
        ([SURE, DOUBT], CONNECTION_BROKEN),
    ],
)
def test_the_last_failure_is_the_verdict(failures: list[Failure], status: int) -> None:
    assert verdict(failures) == status
