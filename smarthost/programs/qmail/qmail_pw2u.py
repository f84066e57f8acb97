"""qmail-pw2u: make assignments of accounts, for users/assign.

    qmail-pw2u [ -/ohHuUC ] [ -c char ] <passwd >users/assign

Reads   accounts on descriptor 0, as in /etc/passwd; in users/ of the home ($QMAILHOME, else where this
        program lies, else /var/qmail) the files include, exclude, mailnames, subusers and append
Writes  assignments on descriptor 1, and a dot after them
Options -o leave out who has no home, or whose home is somebody else's (the default); -h stop at who has
        none; -H do not look at homes; -u take names with capitals, -U (the default) leave them out;
        -c char stands between a name and an extension in place of -; -C there are no extensions;
        -/ extensions are files in .qmail-/
Exits   0; 100 an option that does not exist; 111 something failed, or there is no account alias
Differs the home is not compiled in; how much has been written when it fails: there is no dot then; usage
        is said in a second line
"""

from __future__ import annotations

import os

from smarthost import ending
from smarthost.errors import Temporary
from smarthost.formats import control
from smarthost.formats.lines import Lines
from smarthost.options import Chain, anything
from smarthost.policy.accounts import BREAK, Accounts, Choice
from smarthost.store.home import qmail_home
from smarthost.unix import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Final

NAME: Final = "qmail-pw2u"
OPTIONS: Final = Chain("qmail-pw2u [ -/ohHuUC ] [ -c char ]", flags="/ohHuUC", values={"c": anything})

ACCOUNTS: Final = 0

# What is written at once.
GATHERED: Final = 65536


def main(argv: Sequence[str] | None = None) -> int:
    return ending.run(NAME, body, argv, manual=__doc__)


def body(arguments: list[bytes]) -> int:
    given, _ = OPTIONS.parse(arguments)
    homes, capitals, dash, separator = "o", False, b"-:", BREAK
    for letter, value in given:
        if letter in "ohH":
            homes = letter
        elif letter in "uU":
            capitals = letter == "u"
        elif letter == "/":
            dash = b"-/:"
        else:
            separator = value[:1] if letter == "c" else b""
    try:
        os.chdir(qmail_home())
    except OSError as error:
        raise Temporary("unable to chdir") from error
    choice = Choice(
        capitals=capitals,
        include=_control(b"users/include"),
        exclude=_control(b"users/exclude"),
        mailnames=_control(b"users/mailnames"),
    )
    accounts = Accounts(choice, _homes(homes), dash.removesuffix(b":"), separator)
    output = _Output()
    for line in _lines(ACCOUNTS):
        output.add(accounts.assignments(line))
    if not accounts.has_alias:
        raise Temporary("unable to find alias user")
    for line in _lines_of(b"users/subusers"):
        output.add(accounts.subuser(line))
    for line in _lines_of(b"users/append"):
        output.add(line)
    output.add(b".\n")
    output.flush()
    return 0


def _homes(strategy: str) -> Callable[[bytes, int], bool]:
    def lives_at_home(home: bytes, uid: int) -> bool:
        if strategy == "H":
            return True
        try:
            return files.look(home).st_uid == uid
        except FileNotFoundError as error:
            if strategy == "h":
                raise Temporary(f"unable to stat {os.fsdecode(home)}") from error
            return False
        except OSError as error:
            raise Temporary(f"unable to stat {os.fsdecode(home)}") from error

    return lives_at_home


def _control(path: bytes) -> list[bytes] | None:
    try:
        descriptor = files.open_read(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Temporary("unable to read controls") from error
    try:
        return control.lines(b"".join(files.blocks(descriptor)))
    except OSError as error:
        raise Temporary("unable to read controls") from error
    finally:
        os.close(descriptor)


def _lines_of(path: bytes) -> Iterator[bytes]:
    try:
        descriptor = files.open_read(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Temporary("unable to read controls") from error
    try:
        yield from _lines(descriptor)
    finally:
        os.close(descriptor)


def _lines(descriptor: int) -> Iterator[bytes]:
    lines = Lines(files.blocks(descriptor))
    while True:
        try:
            line = next(lines, None)
        except OSError as error:
            raise Temporary("unable to read input") from error
        if line is None:
            return
        yield line


class _Output:
    def __init__(self) -> None:
        self._gathered = bytearray()

    def add(self, text: bytes) -> None:
        self._gathered += text
        if len(self._gathered) >= GATHERED:
            self.flush()

    def flush(self) -> None:
        try:
            files.write_all(ending.STDOUT, self._gathered)
        except OSError as error:
            raise Temporary("unable to write output") from error
        self._gathered.clear()
