"""qail: maildir2mbox, then the mail reader. Not tested: the real reader."""

from __future__ import annotations

from tests.support.mailreaders import Contract


class TestQail(Contract):
    name = "qail"
    readers = ("Mail", "mail")
