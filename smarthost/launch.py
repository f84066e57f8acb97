"""How does one program start the next?

become  exec in place: the links of a chain (softlimit, setuidgid, tcpserver's child); become_engine, for supervision/
call    start it with this process's own descriptors and environment, and wait for its end
outcome as call, and how it ended, or that it could not be run
feed    as call, with more on its standard input
finish_as  as call, but in this very process if it is one of ours: for a program's last step
spawn   vfork and exec: a child without the cost of a copied interpreter
own     a program of this installation, loaded: for those who start it often (server/workers.py)
"""

from __future__ import annotations

import errno
import os
import sys

from smarthost.errors import Permanent, Temporary
from smarthost.unix import errtext, files, signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import ModuleType
    from typing import Any, Final, NoReturn, TypeVar

    Started = TypeVar("Started")

# What the originals look through when there is no PATH.
DEFAULT_PATH = b"/bin:/usr/bin"

# An exec that fails for one of these leaves the rest of PATH worth trying.
_LOOK_FURTHER = {errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR}


class NotStarted(Temporary):
    """A program could not be run. `number`: the error's; `again`: another time it may."""

    def __init__(self, argv: Sequence[bytes], error: OSError) -> None:
        super().__init__(f"unable to run {os.fsdecode(argv[0])}: {errtext.reason(error)}")
        self.number: Final = error.errno
        self.again: Final = errtext.is_temporary(error)


def candidates(program: bytes, path: bytes | None) -> Iterator[bytes]:
    """The files that `program` may mean, in order. An empty part of `path` is this directory."""
    if b"/" in program:
        yield program
        return
    for directory in (DEFAULT_PATH if path is None else path).split(b":"):
        yield (directory or b".") + b"/" + program


def module_of(program: bytes) -> str | None:
    """The module of the program that PATH resolves to, if that is a launcher of ours; else None."""
    file = _launcher_of(program)
    return _module_named_in(file) if file is not None else None


def _launcher_of(program: bytes) -> bytes | None:
    for file in candidates(program, os.environb.get(b"PATH")):
        if os.access(file, os.X_OK) and not os.path.isdir(file):
            return file
    return None


def _module_named_in(file: bytes) -> str | None:
    from smarthost.formats import launcher  # noqa: PLC0415  a chain's links do not ask

    try:
        with open(file, "rb") as opened:
            return launcher.module_named_in(opened.read(launcher.SIZE))
    except OSError:
        return None


def execute(argv: Sequence[bytes], environ: Mapping[bytes, bytes] | None) -> NoReturn:
    """Replace this process by the program; PATH is this process's own, as in the originals.

    Without `environ` the program gets this process's environment as it lies in memory: no copy is
    made, for which there may be no memory left, and odd entries are kept.

    Raises OSError, as the originals choose among several: the last that was not "file does not
    exist", else that.
    """

    def start(file: bytes) -> NoReturn:
        if environ is None:
            os.execv(file, argv)  # type: ignore[arg-type]
        os.execve(file, argv, environ)  # type: ignore[arg-type]

    _first(argv[0], start)


def _first(program: bytes, start: Callable[[bytes], Started]) -> Started:
    """Try what `program` may mean, until one starts."""
    if not program:
        # The originals then try to run the directories of PATH themselves, which Python will not.
        raise PermissionError(errno.EACCES, "")
    failure: OSError = FileNotFoundError(errno.ENOENT, "")
    for file in candidates(program, os.environb.get(b"PATH")):
        try:
            return start(file)
        except OSError as error:
            if error.errno not in _LOOK_FURTHER:
                raise
            if error.errno != errno.ENOENT:
                failure = error
    raise failure


def become(argv: Sequence[bytes], environ: Mapping[bytes, bytes] | None = None) -> NoReturn:
    """Turn this process into the next program of the chain, with signals as Python found them."""
    signals.undo_python()
    try:
        execute(argv, environ)
    except OSError as error:
        raise NotStarted(argv, error) from error


def become_engine(module: bytes, arguments: Sequence[bytes]) -> NoReturn:
    """Turn into an engine of services. -P: the working directory may hold services, and no modules.

    Python's start may swallow the exception that INT raises there. So INT waits until the engine lets it come.
    """
    signals.block([signals.SIGINT])
    become([os.fsencode(sys.executable), b"-P", b"-m", module, *arguments])


def call(argv: list[bytes]) -> int:
    """Run the program to its end; its exit status, or 128 and the signal's number, as a shell says it."""
    ended = _wait(_start(argv))
    return ended if ended >= 0 else 128 - ended


def outcome(argv: list[bytes]) -> int:
    """The same, for who looks at how it ended: its exit status, or minus the signal.

    A program that cannot be run is none that raises: 111 if another time it may be, else 100.
    """
    try:
        return _wait(_start(argv))
    except NotStarted as error:
        return Temporary.status if error.again else Permanent.status


def feed(argv: list[bytes], head: bytes, reading: str = "unable to read input") -> int:
    """Run the program with `head` and then this process's own standard input on its; how it ended: its
    exit status, or minus the signal.

    What it does not read is its own affair. Raises NotStarted; and Temporary, in the words of `reading`, if
    the input cannot be read to its end: the program is killed then, lest it take half of it for all.
    """
    ours, theirs = os.pipe()
    try:
        child = _start(argv, ours)
    except BaseException:
        os.close(theirs)
        raise
    finally:
        os.close(ours)
    try:
        files.write_all(theirs, head)
        for block in files.blocks(0):
            files.write_all(theirs, block)
    except BrokenPipeError:
        pass
    except OSError as error:
        os.kill(child, signals.SIGKILL)
        raise Temporary(f"{reading}: {errtext.reason(error)}") from error
    finally:
        os.close(theirs)
        ended = _wait(child)
    return ended


def _start(argv: list[bytes], stdin: int = 0) -> int:
    """Start the program with this process's environment and descriptors, but for its 0. Its pid."""

    def start(file: bytes) -> int:
        actions = [(os.POSIX_SPAWN_DUP2, stdin, 0)] if stdin else []
        return os.posix_spawn(
            file, argv, os.environb, file_actions=actions, setsigdef=signals.IGNORED_BY_PYTHON
        )

    try:
        return _first(argv[0], start)
    except OSError as error:
        raise NotStarted(argv, error) from error


def _wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def prepare_to_spawn() -> None:
    """Load what `spawn` needs: before a change of identity, which may put it out of reach."""
    import smarthost.unix.vfork  # noqa: F401, PLC0415


def spawn(argv: Sequence[bytes], environ: Mapping[bytes, bytes], descriptor: int) -> int:
    """Start the program with `descriptor` as its 0 and 1, and signals as Python found them. Its pid.

    Raises Temporary if it cannot be run, or there can be no process.
    """
    from smarthost.unix import vfork  # noqa: PLC0415  only a server spawns

    try:
        return _first(argv[0], lambda file: vfork.start(file, argv, environ, descriptor))
    except OSError as error:
        raise NotStarted(argv, error) from error


class Own:
    """A program of this installation, loaded, that may be run many times in one process."""

    __slots__ = ("_arguments", "_identity", "_module", "file")

    def __init__(self, file: bytes, module: Any, arguments: Sequence[bytes]) -> None:
        self.file = file
        self._identity = _identity(file)
        self._module = module
        self._arguments = [os.fsdecode(argument) for argument in arguments]

    @property
    def modules(self) -> list[str]:
        """By name, its own and those that it imports late."""
        return [str(self._module.__name__), *late(self._module)]

    def is_current(self) -> bool:
        """Whether the file is still the one that was found: it may be replaced at any time.

        Where this process, with less rights by now, may not look, it is.
        """
        try:
            return _identity(self.file) == self._identity
        except PermissionError:
            return True

    def settle(self) -> None:
        """Make this process one of this program: its name is how it finds its home."""
        sys.argv[:] = [os.fsdecode(self.file), *self._arguments]

    def run(self) -> int:
        """Run it once. Its exit status."""
        return int(self._module.main(self._arguments))

    def run_with(self, arguments: Sequence[bytes]) -> int:
        """Run it once, with these arguments instead. Its exit status."""
        return int(self._module.main([os.fsdecode(argument) for argument in arguments]))

    def prepare(self) -> None:
        """Have it load what it loads late: for who runs it often, each time in a fork."""
        prepare = getattr(self._module, "prepare", None)
        if prepare is not None:
            prepare()


def _identity(file: bytes) -> tuple[int, int, int, int] | None:
    try:
        status = os.stat(file)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def late(module: ModuleType) -> tuple[str, ...]:
    """The modules that a program names as LATE: what it can do without where it runs once."""
    return getattr(module, "LATE", ())


def own(argv: Sequence[bytes]) -> Own | None:
    """The program, if PATH resolves to a launcher of ours whose module declares itself REENTRANT.

    It and what it imports late are loaded then: who forks has everything beforehand.
    """
    file = _launcher_of(argv[0])
    name = _module_named_in(file) if file is not None else None
    if file is None or name is None:
        return None
    from importlib import import_module  # noqa: PLC0415  only a server asks, once

    module = import_module(name)
    if not getattr(module, "REENTRANT", False):
        return None
    for each in late(module):
        import_module(each)
    return Own(os.path.abspath(file), module, argv[1:])


def first_found(programs: Sequence[bytes]) -> bytes:
    """The first of the names that PATH has a program for; the very first if it has none of them."""
    for program in programs:
        if any(os.access(file, os.X_OK) for file in candidates(program, os.environb.get(b"PATH"))):
            return program
    return programs[0]


def finish_as(argv: list[bytes]) -> int:
    """Do what the program does as this process's last deed: its exit status.

    One of this installation's own runs in this very process, which spares it the start of another Python.
    """
    file = _launcher_of(argv[0])
    module = _module_named_in(file) if file is not None else None
    if file is None or module is None:
        return call(argv)
    from smarthost import bundle  # noqa: PLC0415  few programs end in another

    bundle.load(bundle.beside(os.fsdecode(file)))
    sys.argv[0] = os.fsdecode(argv[0])
    main: Callable[[list[str]], int] = __import__(module, fromlist=["main"]).main
    return main([os.fsdecode(argument) for argument in argv[1:]])
