"""Reports of deliveries, and how they are ordered.

Not tested: nothing known.
"""

from __future__ import annotations

from smarthost.formats import spawnreport
from smarthost.formats.spawnreport import Reports
from tests.support.arrivals import arrivals


def test_a_command_is_a_slot_and_three_values() -> None:
    assert spawnreport.command(0, b"20/457", b"me@here", b"you@there") == b"\x0020/457\0me@here\0you@there\0"
    assert spawnreport.command(200, b"1/1", b"", b"x@y") == b"\xc81/1\0\0x@y\0"


def test_reports_come_however_they_arrive() -> None:
    stream = b"\0Kdid 1+0+0\n\0\x05Zlater\0\xffD\0\0\0\x07Khalf"
    for pieces in arrivals(stream):
        reports = Reports()
        found = [report for piece in pieces for report in reports.feed(piece)]
        assert [(report.slot, report.letter, report.text) for report in found] == [
            (0, ord("K"), b"did 1+0+0\n"),
            (5, ord("Z"), b"later"),
            (255, ord("D"), b""),
            (0, 0, b""),  # without a letter, and for slot 0
        ]


def test_a_report_has_an_end_also_when_its_text_has_none() -> None:
    reports = Reports()
    for _ in range(100):
        assert reports.feed(b"x" * 1000) == []
    [report] = reports.feed(b"\0")
    assert (report.slot, report.letter) == (ord("x"), ord("x"))
    assert len(report.text) == spawnreport.REPORT_LIMIT - 2
    [report] = reports.feed(b"\1Knext\0")
    assert report.text == b"next"


def test_the_longest_report_that_is_kept() -> None:
    text = b"y" * (spawnreport.REPORT_LIMIT - 3)
    [report] = Reports().feed(b"\1K" + text + b"\0")
    assert report.text == text
    [report] = Reports().feed(b"\1K" + text + b"zz\0")
    assert report.text == text + b"z"
