"""The environment as this process was given it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

# Where Python finds the C locale it sets LC_CTYPE to the first of these that exists (PEP 538), and
# every program down the chain would inherit it.
_COERCED: Final = (b"C.UTF-8", b"C.utf8", b"UTF-8")


def undo_python() -> None:
    """Give LC_CTYPE in os.environb back the value, or the absence, that it had before Python started."""
    if os.environb.get(b"LC_CTYPE") not in _COERCED:
        return
    try:
        with open("/proc/self/environ", "rb", buffering=0) as environ:
            entries = environ.read().split(b"\0")
    except OSError:
        return
    given = [entry[9:] for entry in entries if entry.startswith(b"LC_CTYPE=")]
    if given:
        os.environb[b"LC_CTYPE"] = given[0]
    else:
        del os.environb[b"LC_CTYPE"]


def current() -> dict[bytes, bytes]:
    """A copy of the environment, as it can be given to a program: without an entry that has no name."""
    # What os.environb keeps its variables in: to ask it for each one takes ten times as long, and warm
    # workers ask several times for every connection.
    data = getattr(os.environb, "_data", None)
    copy = data.copy() if isinstance(data, dict) else dict(os.environb)
    copy.pop(b"", None)
    return copy


def replace(environ: Mapping[bytes, bytes]) -> None:
    """Make this the environment, and touch no variable that is as it should be."""
    now = current()
    if now == environ:
        return
    for name in now.keys() - environ.keys():
        del os.environb[name]
    for name, value in environ.items():
        if now.get(name) != value:
            os.environb[name] = value
