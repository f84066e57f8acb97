"""Which access rule applies to a client, and what does it say?

The order of the lookups is that of ucspi-tcp's rules.c, the reading of a rule's data that of
tcpserver.c. A client's name is text of its owner's choice, so rules by name come after those by
address, but for what ident says.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Final

    from smarthost.formats.cdb import Reader

# Records of more bytes than this are not looked at one by one when a rules file is opened: these
# are some 35,000 rules and 20 ms.
WALK_LIMIT: Final = 1_000_000


def keys(ip: bytes, host: bytes | None = None, info: bytes | None = None) -> Iterator[bytes]:
    """The addresses to look up, most particular first; the first that has a rule decides.

    `host` and `info` are None where they are unknown, which differs from empty.
    """
    if info is not None:
        yield info + b"@" + ip
        if host is not None:
            yield info + b"@=" + host
    yield ip
    if host is not None:
        yield b"=" + host
    dot = ip.rfind(b".")
    while dot >= 0:
        yield ip[: dot + 1]
        dot = ip.rfind(b".", 0, dot)
    if host is not None:
        dot = host.find(b".")
        while dot >= 0:
            yield b"=" + host[dot:]
            dot = host.find(b".", dot + 1)
        yield b"="
    yield b""


def user_keys(uid: int, gid: int) -> tuple[bytes, ...]:
    """The addresses to look up for a process of this host. As s6-ipcserver-access spells them."""
    return b"uid/%d" % uid, b"gid/%d" % gid, b""


def find(
    lookup: Callable[[bytes], bytes | None],
    ip: bytes,
    host: bytes | None = None,
    info: bytes | None = None,
) -> tuple[bytes, bytes] | None:
    """The key and the data of the rule for this client; None where no rule applies."""
    return first(lookup, keys(ip, host, info))


def first(lookup: Callable[[bytes], bytes | None], addresses: Iterable[bytes]) -> tuple[bytes, bytes] | None:
    """The first of these that has a rule, and its data."""
    for key in addresses:
        data = lookup(key)
        if data is not None:
            return key, data
    return None


def instructions(data: bytes) -> list[bytes]:
    """The parts of a rule's data, each of which ends in a zero byte; an unended tail is none."""
    return data.split(b"\0")[:-1]


class Decision:
    """What a rule says: `deny`, and the variables to set, (name, value), in order.

    A variable is set even for a client that is denied, and a later one of the same name wins.
    """

    __slots__ = ("deny", "environment")

    def __init__(self, deny: bool = False, environment: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self.deny = deny
        self.environment = environment

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Decision):
            return NotImplemented
        return self.deny == other.deny and self.environment == other.environment

    def __hash__(self) -> int:
        return hash((self.deny, self.environment))

    def __repr__(self) -> str:
        return f"Decision(deny={self.deny}, environment={self.environment})"


# What holds for a client whom no rule names.
DEFAULT: Final = Decision()


def decision(data: bytes) -> Decision:
    """What a rule's data says: D denies, +NAME=VALUE sets a variable, anything else says nothing."""
    deny = False
    environment: list[tuple[bytes, bytes]] = []
    for instruction in instructions(data):
        if instruction.startswith(b"D"):
            deny = True
        elif instruction.startswith(b"+"):
            name, equals, value = instruction[1:].partition(b"=")
            if equals:
                environment.append((name, value))
    return Decision(deny, tuple(environment))


def depends_on_names(rules: Reader) -> bool:
    """Whether a rule may apply to what DNS or ident say of a client, rather than to its address.

    Made to be asked once per opened file. A file that is too large to look at each rule, and that
    has one of the two marks anywhere, is taken to depend on names: a needless lookup does no harm.
    """
    if not any(b"=" in block or b"@" in block for block in rules.blocks()):
        return False
    return rules.end > WALK_LIMIT or any(b"=" in key or b"@" in key for key, _ in rules.records())
