"""Which assignments do accounts have? What qmail-pw2u makes of a line of passwd (qmail-pw2u.c).

    alias       +: with everything that nobody else has
    ann         =ann and, with extensions, +ann-

Names are compared without regard to case, and the last of several is the one that counts.
"""

from __future__ import annotations

from smarthost.errors import Temporary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

ALIAS: Final = b"alias"
BREAK: Final = b"-"

# More than a number of the kernel has.
DIGITS_LIMIT: Final = 20

_SEPARATOR: Final = b":"
_FIELDS: Final = 6
_CAPITALS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS: Final = b"0123456789"


class Choice:
    """Which accounts are wanted, and under which names.

    include, exclude  None: no such file
    mailnames         what an account is called in addresses, where that is something else: names with
                      colons between them
    """

    __slots__ = ("capitals", "exclude", "include", "mailnames")

    def __init__(
        self,
        *,
        capitals: bool,
        include: Iterable[bytes] | None,
        exclude: Iterable[bytes] | None,
        mailnames: Iterable[bytes] | None,
    ) -> None:
        self.capitals: Final = capitals
        self.include: Final = None if include is None else _names(include)
        self.exclude: Final = None if exclude is None else _names(exclude)
        self.mailnames: Final = mapping(mailnames or ())

    def wants(self, user: bytes) -> bool:
        name = user.lower()
        return not (
            (not self.capitals and user.translate(None, _CAPITALS) != user)
            or (self.include is not None and name not in self.include)
            or (self.exclude is not None and name in self.exclude)
        )


def _names(lines: Iterable[bytes]) -> frozenset[bytes]:
    return frozenset(line.lower() for line in lines)


def mapping(lines: Iterable[bytes]) -> dict[bytes, bytes]:
    """What stands behind the first colon of each line, by what stands before it. Other lines are left out."""
    pairs = (line.partition(_SEPARATOR) for line in lines)
    return {name.lower(): rest for name, colon, rest in pairs if colon}


class Accounts:
    """Assignments, a line of passwd at a time.

    lives_at_home  whether an account's home, by name and uid, lets it have mail
    dash           what goes before extensions in the name of a .qmail file
    separator      what goes before them in addresses; empty for no extensions
    """

    def __init__(
        self, choice: Choice, lives_at_home: Callable[[bytes, int], bool], dash: bytes, separator: bytes
    ) -> None:
        self._choice = choice
        self._lives_at_home = lives_at_home
        self._dash = dash
        self._separator = separator
        self._known: dict[bytes, bytes] = {}
        self.has_alias = False

    def assignments(self, line: bytes) -> bytes:
        """For one account; nothing for a line that is none, or one that is not wanted."""
        fields = line.split(_SEPARATOR, _FIELDS)
        if b"\0" in line or len(fields) <= _FIELDS:
            return b""
        user, _, uid, gid, _, home = fields[:_FIELDS]
        number = int(b"0" + uid[: len(uid) - len(uid.lstrip(_DIGITS))][:DIGITS_LIMIT])
        if number == 0 or not self._choice.wants(user) or not self._lives_at_home(home, number):
            return b""
        owner = b":%b:%b:%b:%b:" % (user, uid, gid, home)
        self._known[user.lower()] = owner
        made = b""
        if user == ALIAS:
            made += b"+" + owner + self._dash + b"::\n"
            self.has_alias = True
        for name in self._choice.mailnames.get(user.lower(), user).split(_SEPARATOR):
            if name:
                made += b"=" + name + owner + b"::\n"
                if self._separator:
                    made += b"+" + name + self._separator + owner + self._dash + b"::\n"
        return made

    def subuser(self, line: bytes) -> bytes:
        """For a line `sub:user:pre:` of users/subusers. Raises Temporary if there is no such user."""
        fields = line.split(_SEPARATOR, 3)
        if len(fields) < 3:
            return b""
        sub, user = fields[:2]
        owner = self._known.get(user.lower())
        if owner is None:
            raise Temporary(f"unable to find {user.decode('utf-8', 'surrogateescape')} user for subuser")
        if len(fields) == 3:
            return b""
        made = b"=" + sub + owner + self._dash + b":" + fields[2] + b":\n"
        if self._separator:
            made += b"+" + sub + self._separator + owner + self._dash + b":" + fields[2] + b"-:\n"
        return made
