"""A child that becomes another program without this process being copied first.

Python has vfork in the C half of subprocess and nowhere else. What that half takes is not documented, but it is
the same in the releases up to 3.13. Under a later one the whole of subprocess is asked: it does the same, with
0.1 ms more for each child, and threading in memory, which every fork would pay for.

posix_spawn is no way: glibc's leaves signals 32 and 33 ignored in the child, and the originals leave nothing.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

# More than a child that could not exec has to say.
COMPLAINT_SIZE: Final = 256

if sys.version_info < (3, 14):
    from _posixsubprocess import fork_exec

    def start(file: bytes, argv: Sequence[bytes], environ: Mapping[bytes, bytes], descriptor: int) -> int:
        """Start `file` with `descriptor` as its 0 and 1, and signals as Python found them. Its pid.

        What exec does not close it inherits. Raises OSError, also when the exec fails.
        """
        variables = [b"%b=%b" % variable for variable in environ.items()]
        complaints, complain = os.pipe()
        try:
            try:
                pid = fork_exec(
                    argv, (file,),
                    False, (),  # close nothing
                    None, variables,  # type: ignore[arg-type]  # in this directory
                    descriptor, -1, -1, descriptor, -1, -1,
                    complaints, complain,
                    True, False, -1,  # signals as Python found them; this session and process group
                    None, None, None, -1,  # this process's groups, user and umask
                    None, True,  # type: ignore[arg-type]  # nothing to call first; by vfork
                )  # fmt: skip
            finally:
                os.close(complain)
            complaint = os.read(complaints, COMPLAINT_SIZE)
        finally:
            os.close(complaints)
        if complaint:
            os.waitpid(pid, 0)
            number = int(complaint.split(b":")[1], 16)  # after the exception's name
            raise OSError(number, os.strerror(number))
        return pid

else:
    import subprocess

    subprocess._USE_POSIX_SPAWN = False  # noqa: SLF001  documented for this

    def start(file: bytes, argv: Sequence[bytes], environ: Mapping[bytes, bytes], descriptor: int) -> int:
        """As above."""
        child = subprocess.Popen(
            argv, executable=file, env=environ, stdin=descriptor, stdout=descriptor, close_fds=False
        )
        child.returncode = 0  # whoever asked waits for it; Popen must not
        return child.pid
