"""Since when is a service ready? The 16 bytes of supervise/ready, which is there while it is.

0-7    the second in which it said so, a TAI64 label; the greater end first
8-11   its nanoseconds; the greater end first
12-15  the process that said so; the smaller end first. Of another one the file says nothing
"""

from __future__ import annotations

from smarthost.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

SIZE: Final = 16


def pack(since: int, nanoseconds: int, pid: int) -> bytes:
    return since.to_bytes(8, "big") + nanoseconds.to_bytes(4, "big") + pid.to_bytes(4, "little")


def since(data: bytes, pid: int) -> int | None:
    """The second from which process `pid` was ready, as TAI64 counts it. Raises FormatError."""
    if len(data) < SIZE:
        raise FormatError(f"readiness has {SIZE} bytes")
    return int.from_bytes(data[:8], "big") if int.from_bytes(data[12:16], "little") == pid else None
