"""supervise/ in a service's directory: what daemontools' programs see of whoever attends to the service.

lock      a file, locked as long as the service is attended to
control   a fifo, from which letters are taken
ok        a fifo, open for reading meanwhile
status    formats.status, replaced as a whole
ready     formats.readiness, there while the service has said that it is ready
notify    a fifo, into which it says so; ours alone, as are
child     formats.lastchild, for the next engine
logpipe   see logpipe.py

The directory is held by a descriptor and everything in it named from there: it may be renamed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from typing import TYPE_CHECKING, Final

from smarthost.errors import FormatError
from smarthost.formats import lastchild, readiness, status
from smarthost.unix import errtext, files

if TYPE_CHECKING:
    from collections.abc import Callable

LOCK: Final = b"supervise/lock"
CONTROL: Final = b"supervise/control"
OK: Final = b"supervise/ok"
STATUS: Final = b"supervise/status"
READY: Final = b"supervise/ready"
NOTIFY: Final = b"supervise/notify"
CHILD: Final = b"supervise/child"


class Unable(Exception):
    """What could not be done, with the reason: the words of a line in the log."""


def open_home(path: bytes, *, at: int | None = None) -> int:
    """A descriptor of a service's directory: to name things from, no more. Raises OSError."""
    return os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at)


def make_supervise(home: int) -> None:
    """The directory, or the one that a link there points to. Whatever fails will be found out by the next step."""
    try:
        os.mkdir(b"supervise", 0o700, dir_fd=home)
    except FileExistsError:
        try:
            target = os.readlink(b"supervise", dir_fd=home)
        except OSError:
            return  # no link
        try:
            os.mkdir(target, 0o700, dir_fd=home)
        except OSError:
            pass
    except OSError:
        pass


def open_fifo(path: bytes, flags: int, home: int) -> int:
    """Make it if it is missing, and open it. Raises OSError, also if it is something else."""
    try:
        os.mkfifo(path, 0o600, dir_fd=home)
    except FileExistsError:
        pass
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=home)
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    return descriptor


class Attendance:
    """One directory, attended to or not.

    open_home: opens the directory; raises OSError
    name: for the log
    """

    def __init__(self, name: str, opener: Callable[[], int]) -> None:
        self.name = name
        self._opener = opener
        self.home = -1
        self.control = -1
        self.record = -1
        self._lock = -1
        self._ok = -1

    @property
    def held(self) -> bool:
        return self._ok >= 0

    def take(self) -> None:
        """Lock it, and hold what is needed to serve it. `attend` is to follow. Raises Unable."""
        step = f"unable to open directory {self.name}"
        try:
            if self.home < 0:
                self.home = self._opener()
            make_supervise(self.home)
            step = f"unable to acquire {self.name}/supervise/lock"
            self._lock = os.open(
                LOCK,
                os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC,
                0o600,
                dir_fd=self.home,
            )
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            step = f"unable to read {self.name}/supervise/control"
            # For reading and writing: else it would be at its end whenever no svc has it open.
            self.control = open_fifo(CONTROL, os.O_RDWR, self.home)
            step = f"unable to open {self.name}/supervise/child"
            self.record = self._open_record()
        except OSError as error:
            self.let_go()
            raise Unable(f"{step}: {errtext.reason(error)}") from error

    def _open_record(self) -> int:
        """One that others could have written is not believed, but made anew: an adopted process gets our signals."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(CHILD, flags, 0o600, dir_fd=self.home)
            found = os.fstat(descriptor)
            if found.st_uid == os.geteuid() and not found.st_mode & 0o022 and found.st_nlink == 1:
                return descriptor
            os.close(descriptor)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
        os.unlink(CHILD, dir_fd=self.home)
        return os.open(CHILD, flags | os.O_EXCL, 0o600, dir_fd=self.home)

    def attend(self) -> None:
        """From now on svok says so. Raises Unable."""
        try:
            self._ok = open_fifo(OK, os.O_RDONLY, self.home)
        except OSError as error:
            self.let_go()
            raise Unable(f"unable to read {self.name}/supervise/ok: {errtext.reason(error)}") from error

    def let_go(self) -> None:
        """Close everything; may be said again."""
        # The lock last: whoever has it finds nobody else at the fifos.
        for held in (self._ok, self.control, self.record, self._lock, self.home):
            if held >= 0:
                os.close(held)
        self.home = self.control = self.record = self._lock = self._ok = -1

    def normally_up(self) -> bool:
        """Raises Unable if that cannot be told."""
        try:
            os.stat(b"down", dir_fd=self.home)
        except FileNotFoundError:
            return True
        except OSError as error:
            self.let_go()
            raise Unable(f"unable to stat {self.name}/down: {errtext.reason(error)}") from error
        return False

    def is_deleted(self) -> bool:
        """Whether the directory has no name at all any more."""
        return self.home >= 0 and os.fstat(self.home).st_nlink == 0

    # What is said

    def letter(self) -> bytes:
        """The next letter; empty if there is none. Only one is taken: what is left, another engine may read."""
        try:
            return os.read(self.control, 1)
        except BlockingIOError:
            return b""

    def publish(self, state: status.Status) -> str:
        """Replace the status. Empty, or what went wrong."""
        return self._replace(STATUS, status.pack(state))

    def publish_ready(self, since: int, nanoseconds: int, pid: int) -> str:
        return self._replace(READY, readiness.pack(since, nanoseconds, pid))

    def unpublish_ready(self) -> None:
        try:
            os.unlink(READY, dir_fd=self.home)
        except OSError:
            pass

    def _replace(self, path: bytes, data: bytes) -> str:
        new = path + b".new"
        shown = f"{self.name}/{os.fsdecode(new)}"
        step = f"unable to open {shown}"
        # A directory that the service's account owns may hold a link to whatever that wants to be overwritten.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(new, flags, 0o644, dir_fd=self.home)
            try:
                step = f"unable to write {shown}"
                files.write_all(descriptor, data)
            finally:
                os.close(descriptor)
            step = f"unable to rename {shown}"
            os.rename(new, path, src_dir_fd=self.home, dst_dir_fd=self.home)
        except OSError as error:
            if self.is_deleted():
                return ""  # nobody can read it any more
            self._write_over(path, data)
            return f"{step}: {errtext.reason(error)}"
        return ""

    def _write_over(self, path: bytes, data: bytes) -> None:
        """On a full disk there is still room where the last status lies."""
        try:
            descriptor = os.open(
                path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.home
            )
        except OSError:
            return
        try:
            os.pwrite(descriptor, data, 0)
        except OSError:
            pass
        finally:
            os.close(descriptor)

    def _read(self, path: bytes, size: int) -> bytes:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self.home)
        except OSError:
            return b""
        try:
            return os.read(descriptor, size)
        except OSError:
            return b""
        finally:
            os.close(descriptor)

    # What the last engine left

    def last_status(self) -> status.Status | None:
        try:
            return status.unpack(self._read(STATUS, status.SIZE))
        except FormatError:
            return None

    def last_ready(self, pid: int) -> bool:
        try:
            return readiness.since(self._read(READY, readiness.SIZE), pid) is not None
        except FormatError:
            return False

    def last_child(self, boot: bytes) -> lastchild.LastChild | None:
        """None: there was none, it was before the system's last start, or that engine had ended in order."""
        try:
            child = lastchild.unpack(os.pread(self.record, lastchild.SIZE, 0))
        except (OSError, FormatError):
            return None
        return child if boot and child.boot == boot else None

    def note(self, kind: bytes, boot: bytes) -> str:
        """Write down that there is no child now (NONE). What went wrong, else empty."""
        try:
            os.pwrite(self.record, lastchild.pack(lastchild.LastChild(kind, 0, 0, boot)), 0)
        except OSError as error:
            return f"unable to write {self.name}/supervise/child: {errtext.reason(error)}"
        return ""

    def forget(self) -> None:
        """The end, in order: the next engine begins anew."""
        try:
            os.ftruncate(self.record, 0)
        except OSError:
            pass
