"""The line that says what became of a message: who sent it to whom, and the reply.

    qmail-qmqpd: pid 712 from 192.0.2.7 sender <a@example.com> recipients 2 <b@example.org> <c@example.org>: Kok ...

What a peer chose is shortened, and whatever could end a field or the line becomes a question mark.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

# So many recipients are named, and so much of an address is shown.
NAMED: Final = 20
SHOWN: Final = 100
CUT: Final = b"..."

_PLAIN: Final = bytes(byte if 33 <= byte <= 126 and byte not in b"<>" else 0x3F for byte in range(256))
_WORDS: Final = bytes(byte if 32 <= byte <= 126 else 0x3F for byte in range(256))


def address(text: bytes) -> bytes:
    """An address as it stands in the line."""
    shown = text[:SHOWN].translate(_PLAIN)
    return b"<" + shown + (CUT if len(text) > SHOWN else b"") + b">"


def line(
    program: str,
    pid: int,
    *,
    origin: bytes,
    sender: bytes,
    recipients: Sequence[bytes],
    count: int,
    reply: bytes,
) -> bytes:
    """The whole line. `recipients` are the first of `count`."""
    named = [address(recipient) for recipient in recipients[:NAMED]]
    if count > len(named):
        named.append(CUT)
    return b"%s: pid %d from %s sender %s recipients %d %s: %s\n" % (
        program.encode(),
        pid,
        origin[:SHOWN].translate(_PLAIN),
        address(sender),
        count,
        b" ".join(named) or b"-",
        reply.translate(_WORDS),
    )
