"""Which channel does a recipient belong to, and what is the address there? (qmail-send's rewrite.)

Domains are compared without regard to case; a list's last entry for one counts.
"""

from __future__ import annotations

from smarthost.formats.queuefiles import LOCAL, REMOTE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

DOT: Final = 0x2E


class Rewriter:
    """The facts of control/locals, percenthack, virtualdomains and envnoathost."""

    __slots__ = ("_locals", "_no_host", "_percent", "_virtual")

    def __init__(
        self,
        local: Iterable[bytes],
        percent: Iterable[bytes],
        virtual: Iterable[bytes],
        no_host: bytes,
    ) -> None:
        self._percent = {name.lower() for name in percent}
        self._no_host = no_host
        self.know(local, virtual)

    def know(self, local: Iterable[bytes], virtual: Iterable[bytes]) -> None:
        """Other local and virtual domains from now on: the two files that SIGHUP reads again."""
        pairs = [line.partition(b":") for line in virtual]
        self._locals = {name.lower() for name in local}
        self._virtual = {name.lower(): prepend for name, colon, prepend in pairs if colon}

    def place(self, recipient: bytes) -> tuple[int, bytes]:
        """The channel and the address."""
        address = recipient
        at = address.rfind(b"@")
        if at < 0:
            at = len(address)
            address += b"@" + self._no_host
        while address[at + 1 :].lower() in self._percent:
            percent = address.rfind(b"%", 0, at)
            if percent < 0:
                break
            address = address[:percent] + b"@" + address[percent + 1 : at]
            at = percent
        at = address.rfind(b"@")
        folded = address.lower()
        if folded[at + 1 :] in self._locals:
            return LOCAL, address
        if self._virtual:
            prepend = self._prepend(folded, at + 1, [0])
            if prepend:
                return LOCAL, prepend + b"-" + address
        return REMOTE, address

    def without_prepend(self, recipient: bytes) -> bytes:
        """The address as the sender knows it, of a recipient that a virtual domain made local."""
        _, at, domain = recipient.rpartition(b"@")
        if not at or not self._virtual:
            return recipient
        prepend = self._prepend(domain.lower(), 0, [])
        if prepend and recipient.startswith(prepend + b"-"):
            return recipient[len(prepend) + 1 :]
        return recipient

    def _prepend(self, folded: bytes, domain: int, first: list[int]) -> bytes | None:
        """What the first entry says: for the domain that begins there, then what follows each of its dots,
        then for everybody.
        """
        dots = [at for at in range(domain, len(folded)) if folded[at] == DOT and at != domain]
        for at in (*first, domain, *dots, len(folded)):
            prepend = self._virtual.get(folded[at:])
            if prepend is not None:
                return prepend
        return None
