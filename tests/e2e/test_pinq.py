"""pinq: maildir2mbox, then the mail reader. Not tested: the real reader."""

from __future__ import annotations

from tests.support.mailreaders import Contract


class TestPinq(Contract):
    name = "pinq"
    readers = ("pine", "alpine")
