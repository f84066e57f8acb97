"""Which tree holds control/, queue/ and bin/?

QMAILHOME says so. Without it a program belongs to the home that it was started from, so that
/var/mini-qmail/bin/sendmail, also when reached through /usr/sbin/sendmail, reads
/var/mini-qmail/control. The originals have one home, compiled in: /var/qmail.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT = b"/var/qmail"
MINI = b"/var/mini-qmail"

# As many links as Linux itself follows in one path.
_LINKS_LIMIT = 40


def qmail_home(
    environ: Mapping[bytes, bytes] | None = None, launcher: bytes | None = None, default: bytes = DEFAULT
) -> bytes:
    """The home's path: $QMAILHOME, else where `launcher` (sys.argv[0]) lies, else the default.

    A launcher lies in a home when it, or a file that it links to, is HOME/bin/NAME and HOME/control
    is a directory. Ask before changing directory: a launcher may be named by a relative path.
    """
    named = (os.environb if environ is None else environ).get(b"QMAILHOME")
    if named:
        return named
    file = os.fsencode(sys.argv[0]) if launcher is None else launcher
    for _ in range(_LINKS_LIMIT):
        directory = os.path.dirname(os.path.abspath(file))
        if os.path.basename(directory) == b"bin":
            home = os.path.dirname(directory)
            if os.path.isdir(home + b"/control"):
                return home
        try:
            file = os.path.join(directory, os.readlink(file))
        except OSError:
            break
    return default


def program(name: bytes, home: bytes) -> bytes:
    """The file to start for another program of this installation: HOME/bin/NAME, else the one beside
    this program's own launcher, else whatever PATH has under that name.
    """
    beside = os.path.dirname(os.path.abspath(os.fsencode(sys.argv[0])))
    for directory in (home + b"/bin", beside):
        file = directory + b"/" + name
        if os.access(file, os.X_OK):
            return file
    return name
