"""How the client's host is asked who opened a connection (RFC 1413), as ucspi-tcp's remoteinfo does."""

from __future__ import annotations

import time
from _socket import AF_INET, SOCK_STREAM, socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

PORT: Final = 113
# The answer may not fill our memory; the original stops here too.
ANSWER_LIMIT: Final = 256


def user(
    remote: tuple[str, int], local: tuple[str, int], patience: float, *, port: int = PORT
) -> bytes | None:
    """The user's name as the other side tells it, or None where it does not, within `patience` seconds."""
    deadline = time.monotonic() + patience
    asking = socket(AF_INET, SOCK_STREAM)
    try:
        asking.settimeout(patience or 0.001)
        asking.bind((local[0], 0))
        asking.connect((remote[0], port))
        asking.send(b"%d , %d\r\n" % (remote[1], local[1]))
        heard = b""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            asking.settimeout(left)
            part = asking.recv(128)
            if not part:
                return None
            heard += part
            name = name_in(heard)
            if name is not None:
                return name
            if len(heard) > 16 * ANSWER_LIMIT:
                return None
    except OSError:
        return None
    finally:
        asking.close()


def name_in(heard: bytes) -> bytes | None:
    """What follows the third colon of a line, blanks left out; None while the line is incomplete."""
    line, newline, _ = heard.partition(b"\n")
    fields = line.translate(None, b" \t\r").split(b":", 3)
    name = fields[3] if len(fields) == 4 else b""
    if len(name) > ANSWER_LIMIT:
        return _text(name[: ANSWER_LIMIT + 1])
    return _text(name) if newline else None


def _text(name: bytes) -> bytes:
    # It becomes an environment variable, which ends at a zero byte.
    return name.split(b"\0", 1)[0]
