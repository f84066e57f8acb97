"""elq: maildir2mbox, then the mail reader. Not tested: the real reader."""

from __future__ import annotations

from tests.support.mailreaders import Contract


class TestElq(Contract):
    name = "elq"
    readers = ("elm",)
