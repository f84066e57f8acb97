"""What is a client told when the queue program has ended? `K` accepted, `Z` try later, `D` do not.

The statuses that qmail-queue and programs in its place end with, and the words that qmail's own
programs have for them (qmail.c).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

# The queue program's exit statuses.
QUEUED: Final = 0
ADDRESS_TOO_LONG: Final = 11
REJECTED: Final = 31
OUT_OF_MEMORY: Final = 51
TIMED_OUT: Final = 52
WRITE_ERROR: Final = 53
READ_ERROR: Final = 54
NO_CONFIGURATION: Final = 55
NO_NETWORK: Final = 56
NO_HOME: Final = 61
NO_QUEUE: Final = 62
NO_PID_FILE: Final = 63
NO_MESS_FILE: Final = 64
NO_INTD_FILE: Final = 65
NO_TODO_FILE: Final = 66
DEFERRED: Final = 71
CONNECT_TIMED_OUT: Final = 72
NOT_CONNECTED: Final = 73
CONNECTION_BROKEN: Final = 74
BUG: Final = 81
OWN_WORDS: Final = 82
BAD_ENVELOPE: Final = 91
NOT_STARTED: Final = 120

_CREATING: Final = b"Zqq trouble creating files in queue (#4.3.0)"

REPLIES: Final[Mapping[int, bytes]] = {
    ADDRESS_TOO_LONG: b"Denvelope address too long for qq (#5.1.3)",
    REJECTED: b"Dmail server permanently rejected message (#5.3.0)",
    OUT_OF_MEMORY: b"Zqq out of memory (#4.3.0)",
    TIMED_OUT: b"Zqq timeout (#4.3.0)",
    WRITE_ERROR: b"Zqq write error or disk full (#4.3.0)",
    READ_ERROR: b"Zqq read error (#4.3.0)",
    NO_CONFIGURATION: b"Zqq unable to read configuration (#4.3.0)",
    NO_NETWORK: b"Zqq trouble making network connection (#4.3.0)",
    NO_HOME: b"Zqq trouble in home directory (#4.3.0)",
    NO_QUEUE: _CREATING,
    NO_PID_FILE: _CREATING,
    NO_MESS_FILE: _CREATING,
    NO_INTD_FILE: _CREATING,
    NO_TODO_FILE: _CREATING,
    DEFERRED: b"Zmail server temporarily rejected message (#4.3.0)",
    CONNECT_TIMED_OUT: b"Zconnection to mail server timed out (#4.4.1)",
    NOT_CONNECTED: b"Zconnection to mail server rejected (#4.4.1)",
    CONNECTION_BROKEN: b"Zcommunication with mail server failed (#4.4.2)",
    BUG: b"Zqq internal bug (#4.3.0)",
    BAD_ENVELOPE: b"Zqq internal bug (#4.3.0)",
    115: b"Denvelope address too long for qq (#5.1.3)",  # for programs of earlier times, as qmail.c has it
    NOT_STARTED: b"Zunable to exec qq (#4.3.0)",
}

PERMANENT: Final = b"Dqq permanent problem (#5.3.0)"
TEMPORARY: Final = b"Zqq temporary problem (#4.3.0)"
CRASHED: Final = b"Zqq crashed (#4.3.0)"
LOST: Final = b"Zqq waitpid surprise (#4.3.0)"
BAD_ADDRESS: Final = b"Dsorry, I can't accept addresses like that (#5.1.3)"

# What is otherwise said by the exit status alone, for who wants to know.
NOT_A_REQUEST: Final = b"Dsorry, that is not a QMQP request (#5.5.2)"
REQUEST_TOO_LONG: Final = b"Zsorry, I can't take a request of that length (#4.3.0)"
OUT_OF_TIME: Final = b"Zsorry, this takes too long (#4.4.2)"
NO_RESOURCES: Final = b"Zout of resources (#4.3.0)"

ACCEPTED: Final = b"K"

# What a queue program may say in its own words: more than a letter and one byte.
WORDS_LEAST: Final = 3
WORDS_LIMIT: Final = 255


def failure(ended: int, words: bytes = b"", *, whole: bool = True) -> bytes | None:
    """The reply to a message that was not queued; None if it was.

    `ended` is the exit status, or minus the signal; `words` what came on descriptor 6; `whole`
    whether the program took all that was written to it: a 0 for less is not believed.
    """
    if ended < 0:
        return CRASHED
    if ended == QUEUED:
        return None if whole else REPLIES[READ_ERROR]
    if ended == OWN_WORDS and len(words) >= WORDS_LEAST:
        said = words[:WORDS_LIMIT].partition(b"\0")[0]
        if said[:1] in (b"D", b"Z"):
            return said
    if ended in REPLIES:
        return REPLIES[ended]
    return PERMANENT if 11 <= ended <= 40 else TEMPORARY


def accepted(seconds: int, pid: int) -> bytes:
    """The message is in the queue, says the program that had this pid, at this Unix time."""
    return b"Kok %d qp %d" % (seconds, pid)
