"""qmail-showctl: explain the current configuration.

Reads   every file in control/ of the home: QMAILHOME, else the home that this program lies in,
        else /var/qmail
Writes  on descriptor 1, what each control file means: first those that the original knows, in its
        order and words, whether they are there or not; then the others that are there
Exits   0; 111 when the home or its control directory cannot be entered, or control/me not be read
Differs an account or group that does not exist is shown as ? (the original ends with 111);
        control files that only this project's programs read are explained, where the original has
        no idea what they do; files after the original's list are sorted by name;
        numbers beyond 2^31 are shown as they are
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.store.controlfiles import KNOWN, OURS
from smarthost.store.controls import Controls
from smarthost.store.home import qmail_home
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

    from smarthost.store.controlfiles import File

NAME = "qmail-showctl"

TROUBLE: Final = b"Oops! Trouble reading this file.\n"
NO_IDEA: Final = b"I have no idea what this file does.\n"

# What the originals have compiled in (their conf-break, conf-patrn, conf-spawn and conf-split).
COMPILED_IN: Final = (
    b"user-ext delimiter: -.\n"
    b"paternalism (in decimal): 2.\n"
    b"silent concurrency limit: 120.\n"
    b"subdirectory split: 23.\n"
)
USERS: Final = ("alias", "qmaild", "qmaill", "root", "qmailp", "qmailq", "qmailr", "qmails")
GROUPS: Final = ("nofiles", "qmail")


def _ids(what: bytes, numbers: Iterable[int | None]) -> bytes:
    return (
        what + b": " + b", ".join(b"?" if number is None else b"%d" % number for number in numbers) + b".\n"
    )


def _uid(user: str) -> int | None:
    import pwd  # noqa: PLC0415

    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None


def _gid(group: str) -> int | None:
    import grp  # noqa: PLC0415

    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        return None


def _explained(file: File, controls: Controls) -> bytes:
    try:
        return b"\n" + file.name + b": " + file.explain(controls)
    except OSError:
        return b"\n" + file.name + b": " + TROUBLE


def _report(home: bytes) -> tuple[int, bytes]:
    """The exit status, and all that is to be said."""
    said = b"qmail home directory: " + home + b".\n" + COMPILED_IN
    said += _ids(b"user ids", map(_uid, USERS)) + _ids(b"group ids", map(_gid, GROUPS))
    if not os.access(home, os.X_OK) or not os.path.isdir(home):
        return 111, said + b"Oops! Unable to chdir to " + home + b".\n"
    controls = Controls(home)
    if not os.access(controls.directory, os.X_OK) or not os.path.isdir(controls.directory):
        return 111, said + b"Oops! Unable to chdir to control.\n"
    try:
        present = sorted(os.listdir(controls.directory))
    except OSError:
        return 111, said + b"Oops! Unable to open current directory.\n"
    try:
        controls.line(b"me")
    except OSError:
        return 111, said + b"Oops! Trouble reading control/me."
    for known in KNOWN:
        said += _explained(known, controls)
    ours = {file.name: file for file in OURS}
    for name in present:
        if name in ours:
            said += _explained(ours[name], controls)
        elif all(name != known.name for known in KNOWN):
            said += b"\n" + name + b": " + NO_IDEA
    return 0, said


def body(_arguments: list[bytes]) -> int:
    status, said = _report(qmail_home())
    files.write_all(ending.STDOUT, said)
    return status


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)
