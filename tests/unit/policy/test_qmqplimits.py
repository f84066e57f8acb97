"""Each limit from both sides."""

from __future__ import annotations

from smarthost.policy import qmqplimits
from smarthost.policy.qmqplimits import DATABYTES, MAXHOPS, MAXRECIPIENTS, Inspection

HOP = b"Received: by somebody\n"


def inspected(settings: dict[bytes, int], message: bytes, recipients: int) -> bytes | None:
    inspection = Inspection(lambda name: settings.get(name, 0), len(message))
    inspection.part(message)
    for _ in range(recipients):
        inspection.recipient()
    return inspection.refusal


def test_nothing_is_refused_unless_asked_for() -> None:
    assert inspected({}, HOP * 1000 + b"\n" + b"x" * 10**6, 10_000) is None


def test_databytes() -> None:
    assert inspected({DATABYTES: 10}, b"x" * 10, 1) is None
    assert inspected({DATABYTES: 10}, b"x" * 11, 1) == qmqplimits.TOO_LARGE


def test_hops() -> None:
    assert inspected({MAXHOPS: 3}, HOP * 2 + b"\n" + HOP, 1) is None
    assert inspected({MAXHOPS: 3}, HOP * 3 + b"\n", 1) == qmqplimits.TOO_MANY_HOPS
    assert inspected({MAXHOPS: 1}, HOP + b"\n", 1) == qmqplimits.TOO_MANY_HOPS


def test_recipients() -> None:
    assert inspected({MAXRECIPIENTS: 2}, b"", 2) is None
    assert inspected({MAXRECIPIENTS: 2}, b"", 3) == qmqplimits.TOO_MANY_RECIPIENTS
    assert inspected({MAXRECIPIENTS: 1}, b"", 2) == qmqplimits.TOO_MANY_RECIPIENTS


def test_the_first_reason_is_said() -> None:
    limits = {DATABYTES: 1, MAXHOPS: 1, MAXRECIPIENTS: 1}
    assert inspected(limits, HOP + b"\n", 2) == qmqplimits.TOO_LARGE
