"""What do sendmail's arguments say? Thirty years of flags, joined to their values or apart from them.

Nothing here fails for a flag that nobody knows: who calls sendmail has a message to send, and would
rather have it sent than argue.
"""

from __future__ import annotations

import os

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

# Flags without value: no effect here, but for t.
FLAGS: Final = b"GUimntvx"
# Flags with a value, in the same word or the next. b f F r count; the others have no effect here.
VALUES: Final = b"ABCDFLNORVXbefhopr"
# Flags whose value, if any, is in the same word. I and q count.
JOINED: Final = b"EIJdq"

# What -b may ask for.
DELIVER: Final = b"m"
SHOW_QUEUE: Final = b"p"
SPEAK_SMTP: Final = b"s"
MAKE_ALIASES: Final = b"i"
MODES: Final = (DELIVER, SHOW_QUEUE, SPEAK_SMTP, MAKE_ALIASES)


class Call:
    """What sendmail is asked to do.

    mode          one of MODES
    from_header   -t: the header names recipients
    sender        -f or -r, without brackets: b"" for <>; None if it is not given
    full_name     -F
    run_queue     -q
    recipients    the arguments
    unknown       flags that nobody knows, as written
    """

    __slots__ = ("from_header", "full_name", "mode", "recipients", "run_queue", "sender", "unknown")

    def __init__(self) -> None:
        self.mode = DELIVER
        self.from_header = False
        self.sender: bytes | None = None
        self.full_name: bytes | None = None
        self.run_queue = False
        self.recipients: list[bytes] = []
        self.unknown: list[bytes] = []


def read(arguments: Sequence[bytes]) -> Call:
    """Options stand before the first address, or --. Raises FormatError, with words for the user, for
    a flag that lacks its value and a mode that does not exist here.
    """
    call = Call()
    words = iter(arguments)
    for word in words:
        if word == b"--":
            break
        if not word.startswith(b"-") or word == b"-":
            call.recipients.append(word)
            break
        _take_word(call, word, words)
    call.recipients += words
    return call


def _take_word(call: Call, word: bytes, words: Iterator[bytes]) -> None:
    for at in range(1, len(word)):
        flag = word[at]
        joined = word[at + 1 :]
        if flag in FLAGS:
            call.from_header = call.from_header or flag == ord("t")
        elif flag in JOINED:
            _take(call, flag, joined)
            return
        elif flag in VALUES:
            value = joined or next(words, None)
            if value is None:
                raise FormatError(f"option requires an argument -- {chr(flag)}")
            _take(call, flag, value)
            return
        else:
            call.unknown.append(word if at == 1 else b"-" + word[at:])
            return


def _take(call: Call, flag: int, value: bytes) -> None:
    if flag in b"fr":
        call.sender = without_brackets(value)
    elif flag == ord("F"):
        call.full_name = value
    elif flag == ord("q"):
        call.run_queue = True
    elif flag == ord("I"):
        call.mode = MAKE_ALIASES
    elif flag == ord("b"):
        call.mode = value[:1]
        if call.mode not in MODES:
            raise FormatError(f"there is no mode -b{os.fsdecode(value)} here")


def without_brackets(address: bytes) -> bytes:
    """<joe@host> is joe@host, and <> nobody."""
    return address[1:-1] if address.startswith(b"<") and address.endswith(b">") else address
