"""What is said about a delivery to another host: qmail-remote's reports, and what qmail-rspawn makes of them.

A recipient's report is `r` (accepted), `h` (refused) or `s` (try later) and text, the message's is `K`, `Z`
or `D` and text. Each ends in a zero byte, the message's is the last.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

ACCEPTED: Final = b"K"
DEFERRED: Final = b"Z"
REJECTED: Final = b"D"

TAKEN: Final = b"r"
REFUSED: Final = b"h"
LATER: Final = b"s"

OUT_OF_MEMORY: Final = b"ZOut of memory. (#4.3.0)\n"
NO_RESOURCES: Final = b"ZSystem resources temporarily unavailable. (#4.3.0)\n"
NO_CONNECTION: Final = b"ZSorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n"
UNREADABLE: Final = b"ZUnable to read message. (#4.3.0)\n"
NO_NAME_NOW: Final = b"ZSorry, I couldn't find any host by that name. (#4.1.2)\n"
NO_HOME: Final = b"ZUnable to switch to home directory. (#4.3.0)\n"
NO_CONTROLS: Final = b"ZUnable to read control files. (#4.3.0)\n"
PARTIAL_LINE: Final = b"DSMTP cannot transfer messages with partial final lines. (#5.6.2)\n"
MISUSED: Final = b"DI (qmail-remote) was invoked improperly. (#5.3.5)\n"
NO_EXCHANGER: Final = b"DSorry, I couldn't find a mail exchanger or IP address. (#5.4.4)\n"
IT_IS_ME: Final = (
    b"DSorry. Although I'm listed as a best-preference MX or A for that host,\n"
    b"it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)\n"
)

CRASHED: Final = b"Zqmail-remote crashed.\n"
NOT_RUN_NOW: Final = b"ZUnable to run qmail-remote.\n"
NOT_RUN: Final = b"DUnable to run qmail-remote.\n"
SILENT: Final = b"Zqmail-remote produced no output.\n"

# What the process of a delivery ends with that could not be begun: for now, for good.
TEMPORARY_STATUS: Final = 111
PERMANENT_STATUS: Final = 100


def no_such_host(host: bytes) -> bytes:
    shown = bytes(byte if 33 <= byte <= 126 else 0x3F for byte in host)
    return b"DSorry, I couldn't find any host named " + shown + b". (#5.1.2)\n"


class NothingToTry(Exception):
    """Why no server can be tried: the report on the message."""

    def __init__(self, report: bytes) -> None:
        super().__init__(report)
        self.report = report


class Outcome:
    """What one server, or none, made of a message.

    recipients  their reports, as far as they were asked for
    message     the report on the message
    elsewhere   another server may be asked: this one has decided nothing
    in_doubt    it may have the message all the same
    """

    __slots__ = ("elsewhere", "in_doubt", "message", "recipients")

    def __init__(
        self,
        message: bytes,
        recipients: Iterable[bytes] = (),
        *,
        elsewhere: bool = False,
        in_doubt: bool = False,
    ) -> None:
        self.message = message
        self.recipients = list(recipients)
        self.elsewhere = elsewhere
        self.in_doubt = in_doubt

    def output(self) -> bytes:
        return b"".join([report + b"\0" for report in (*self.recipients, self.message)])


def summary(wait_status: int, output: bytes) -> bytes:
    """What qmail-send is told about one recipient's delivery: `K`, `Z` or `D` and text.

    wait_status  how the process ended
    output       its reports: a recipient's, if it came to that, and the message's
    """
    if wait_status & 127:
        return CRASHED
    status = wait_status >> 8
    if status:
        # Python that cannot start ends with 1. The original takes all but 111 for permanent.
        return NOT_RUN if status == PERMANENT_STATUS else NOT_RUN_NOW
    if not output:
        return SILENT
    *reports, _ = output.split(b"\0")
    message = next((report[:1] for report in reports if report[:1] in _RANKS), REJECTED)
    rank = _RANKS[message]
    verdict = _RECIPIENT_RANKS.get(output[:1], rank)
    end = output.find(b"\0", 1)
    text = output[1:end] if end > 0 else b""
    # Where the recipient fared worse than the message, the message's text would mislead.
    if rank <= verdict and end > 0 and output[end + 1 : end + 2] in _RANKS:
        text += output[end + 2 :].partition(b"\0")[0]
    return _LETTERS[verdict] + text


_RANKS: Final = {ACCEPTED: 1, DEFERRED: 0, REJECTED: -1}
_LETTERS: Final = {rank: letter for letter, rank in _RANKS.items()}
_RECIPIENT_RANKS: Final = {LATER: 0, REFUSED: -1}
