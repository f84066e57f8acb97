"""A home's launchers: short scripts, each of which starts one program with this Python.

They are replaced only by newer launchers: what is not one of ours was put there on purpose. Beside them, in
.bundles, are the modules of those that are started for each message (bundles.py).
"""

from __future__ import annotations

import os
import sys

from smarthost import bundle
from smarthost.store import bundles
from smarthost.store.deployment import PACKAGE, write

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

# What Linux before 5.1 reads of a first line, with the two characters that make it one.
SHEBANG_LIMIT: Final = 127
OURS: Final = b"\nfrom smarthost.programs."

# The administrator's programs that are about one home, and belong into its bin/.
OF_ADMINISTRATORS: Final = (b"qmail_queuectl",)

# Started for each message or connection, and not only by servers that have them loaded.
OFTEN: Final = frozenset(
    b"smarthost.programs.qmail." + module
    for module in (
        b"bouncesaying",
        b"condredirect",
        b"except_",
        b"forward",
        b"preline",
        b"qmail_inject",
        b"qmail_local",
        b"qmail_qmqpc",
        b"qmail_qmqpd",
        b"qmail_queue",
        b"qmail_remote",
        b"sendmail",
    )
)


def programs() -> Iterator[tuple[bytes, bytes]]:
    """Name and module of each program that a home's bin/ holds."""
    for family in (b"daemontools", b"qmail", b"ucspi"):
        for file in sorted(os.listdir(PACKAGE + b"/programs/" + family)):
            module, suffix = os.path.splitext(file)
            if suffix == b".py" and not module.startswith(b"_"):
                # A name that is Python's own has a line under its end.
                name = module.rstrip(b"_").replace(b"_", b"-")
                yield name, b"smarthost.programs." + family + b"." + module
    for module in OF_ADMINISTRATORS:
        yield module.replace(b"_", b"-"), b"smarthost.programs.admin." + module


def launcher(path: bytes, module: bytes) -> bytes:
    """The text of a launcher that starts in a fifth of the usual time, for what runs per message.

    -S leaves out site, which looks through every installed package's .pth files, and -I the user's
    directories and PYTHON*: so the two places that are needed are named. Its last lines are those
    of bin/'s, by which tcpserver knows a program of ours.
    """
    python = os.fsencode(sys.executable)
    first = b"#!" + python + b" -IS\n"
    if len(first) > SHEBANG_LIMIT or any(blank in python for blank in b" \t\n"):
        # A shell starts it then: to Python the two lines are a string.
        first = b"#!/bin/sh\n'''exec' '%s' -IS \"$0\" \"$@\"\n' '''\n" % python.replace(b"'", b"'\"'\"'")
    places = [os.fsdecode(place) for place in _places()]
    bundled = b""
    if module in OFTEN:
        bundled = b"from smarthost.bundle import load\n\nload(%s)\n" % ascii(_bundle(path)).encode()
    return b"%simport sys\n\nsys.path += %s\n%sfrom %s import main\n\nraise SystemExit(main())\n" % (
        first,
        ascii(places).encode(),
        bundled,
        module,
    )


def _bundle(path: bytes) -> str:
    return bundle.beside(os.path.abspath(os.fsdecode(path)))


def _places() -> Iterator[bytes]:
    """Where smarthost is, and where the libraries are that it uses."""
    ours = os.path.dirname(PACKAGE)
    yield ours
    import sysconfig  # noqa: PLC0415 - slow, and only a deployment asks

    for kind in ("purelib", "platlib"):
        place = os.fsencode(sysconfig.get_path(kind))
        if place != ours:
            yield place
            ours = place


def refresh(path: bytes, module: bytes) -> bool:
    """Make the launcher, or make it anew after Python or smarthost moved; leave what is none of ours.

    Whether it is ours.
    """
    text = launcher(path, module)
    if os.path.lexists(path):
        if os.path.islink(path) or not os.path.isfile(path):
            return False
        with open(path, "rb") as there:
            content = there.read()
        if content != text and OURS not in content:
            return False
    else:
        content = b""
    if module in OFTEN:
        bundles.put(os.fsencode(_bundle(path)), module.decode())
    if content != text:
        write(path, text, 0o755)
    return True
