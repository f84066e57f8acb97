"""A message that nobody would get: qmail-inject queues it, and says 0, unless it is asked to refuse it.

sendmail and mailsubj ask, by a letter in QMAILINJECT that the original knows nothing of and ignores.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from typing import Final

_VARIABLE: Final = b"QMAILINJECT"
_LETTER: Final = b"n"


def refuse(environ: MutableMapping[bytes, bytes]) -> None:
    """Let the qmail-inject that gets this environment refuse such a message."""
    environ[_VARIABLE] = environ.get(_VARIABLE, b"") + _LETTER


def is_refused(environ: Mapping[bytes, bytes]) -> bool:
    return _LETTER in environ.get(_VARIABLE, b"")
