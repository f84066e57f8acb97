"""A compiled rules file as a server sees it that runs for months: replaced while it is in use.

The file is looked at for every connection (one stat) and opened again when it is another one, so
new rules take effect at the next connection.
"""

from __future__ import annotations

import os

from smarthost.errors import FormatError, Temporary
from smarthost.formats import cdb
from smarthost.policy import access
from smarthost.unix import errtext, files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

    from smarthost.policy.access import Decision

# Decisions for clients without a name are remembered until the file changes, at most this many.
REMEMBERED: Final = 4096


def access_rules(path: bytes | None, *, missing_allows: bool) -> AccessRules | None:
    """Those that -x names, if it is there. An empty name is one, too, which no file has."""
    return None if path is None else AccessRules(path, missing_allows=missing_allows)


class AccessRules:
    """The rules in `path`. `missing_allows`: no file means no rules, instead of no connections."""

    def __init__(self, path: bytes, *, missing_allows: bool) -> None:
        self._path = path
        self._missing_allows = missing_allows
        self._reader: cdb.Reader | None = None
        self._by_address: dict[bytes, Decision] = {}
        self._names_matter: bool | None = None

    def anew(self) -> AccessRules:
        """The same rules as nobody has opened them yet: for a process that these have no descriptor in."""
        return AccessRules(self._path, missing_allows=self._missing_allows)

    def decide(self, ip: bytes, host: bytes | None = None, info: bytes | None = None) -> Decision:
        """What the rules say of a client. Raises Temporary where they cannot be read: drop it then."""
        try:
            reader = self._current()
            if reader is None:
                return access.DEFAULT
            if host is not None or info is not None:
                return _decide(reader, ip, host, info)
            known = self._by_address.get(ip)
            if known is None:
                if len(self._by_address) >= REMEMBERED:
                    self._by_address.clear()
                known = self._by_address[ip] = _decide(reader, ip)
            return known
        except (OSError, FormatError) as error:
            raise self._unreadable(error) from error

    def decide_user(self, uid: int, gid: int) -> Decision:
        """What the rules say of a process of this host. Raises as `decide`."""
        try:
            reader = self._current()
            found = access.first(reader.get, access.user_keys(uid, gid)) if reader is not None else None
        except (OSError, FormatError) as error:
            raise self._unreadable(error) from error
        return access.decision(found[1]) if found else access.DEFAULT

    def names_matter(self) -> bool:
        """Whether what DNS or ident say of a client could change the decision. Raises Temporary."""
        try:
            reader = self._current()
            if reader is None:
                return False
            if self._names_matter is None:
                self._names_matter = access.depends_on_names(reader)
        except (OSError, FormatError) as error:
            raise self._unreadable(error) from error
        return self._names_matter

    def _current(self) -> cdb.Reader | None:
        try:
            now = cdb.identity(os.stat(self._path))
        except FileNotFoundError:
            self._forget()
            if self._missing_allows:
                return None
            raise
        if self._reader is None or self._reader.identity != now:
            self._forget()
            self._reader = cdb.Reader(files.open_read(self._path))
        return self._reader

    def _forget(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader = None
        self._by_address.clear()
        self._names_matter = None

    def _unreadable(self, error: OSError | FormatError) -> Temporary:
        reason = errtext.reason(error) if isinstance(error, OSError) else "protocol error"
        return Temporary(f"unable to read {os.fsdecode(self._path)}: {reason}")


def _decide(reader: cdb.Reader, ip: bytes, host: bytes | None = None, info: bytes | None = None) -> Decision:
    found = access.find(reader.get, ip, host, info)
    return access.decision(found[1]) if found else access.DEFAULT
