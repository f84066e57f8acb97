"""What unixserver and unixclient tell of a connection: in the environment, and in the log's fields."""

from __future__ import annotations

from smarthost.policy import ucspi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

LOCAL_PID: Final = b"UNIXLOCALPID"


class Connection:
    """One client: `descriptor` is its socket, the rest is the process that connected, as the kernel knows it."""

    __slots__ = ("descriptor", "gid", "pid", "uid")

    def __init__(self, descriptor: int, uid: int, gid: int, pid: int) -> None:
        self.descriptor = descriptor
        self.uid = uid
        self.gid = gid
        self.pid = pid

    def facts(self) -> tuple[int, int, int]:
        """All but the descriptor: uid, gid, pid."""
        return self.uid, self.gid, self.pid

    def origin(self) -> bytes:
        """What the log's pid line ends in: as the original's, in nothing."""
        return b""


def environment(peer: Connection, path: bytes, uid: int, gid: int) -> tuple[tuple[bytes, bytes | None], ...]:
    """The changes to the environment of a process that runs as `uid` and `gid`, but for LOCAL_PID."""
    return (
        (b"PROTO", b"UNIX"),
        (b"UNIXLOCALPATH", path),
        (b"UNIXLOCALUID", b"%d" % uid),
        (b"UNIXLOCALGID", b"%d" % gid),
        (b"UNIXREMOTEEUID", b"%d" % peer.uid),
        (b"UNIXREMOTEEGID", b"%d" % peer.gid),
        (b"UNIXREMOTEPID", b"%d" % peer.pid),
    )


def ends(peer: Connection, path: bytes) -> bytes:
    """Both ends as the log shows them: the socket's path, the client's uid:gid:pid."""
    return b"%b %d:%d:%d" % (ucspi.safe(path), peer.uid, peer.gid, peer.pid)
