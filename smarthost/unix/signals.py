"""How signals are asked for: the C half of the signal module, and the state a chain leaves behind.

`signal` itself loads enum, which takes as long as half a bare interpreter's start; the
programs that run per connection and per message have no use for it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable, Iterable
    from types import FrameType
    from typing import Any

    Handler = Callable[[int, FrameType | None], None]
    # Signals, and what they did: what `exchange` answered.
    Handlers = tuple[tuple[int, Any], ...]
else:
    import _signal

SIGALRM = int(_signal.SIGALRM)
SIGCHLD = int(_signal.SIGCHLD)
SIGCONT = int(_signal.SIGCONT)
SIGHUP = int(_signal.SIGHUP)
SIGINT = int(_signal.SIGINT)
SIGKILL = int(_signal.SIGKILL)
SIGPIPE = int(_signal.SIGPIPE)
SIGPROF = int(_signal.SIGPROF)
SIGQUIT = int(_signal.SIGQUIT)
SIGTERM = int(_signal.SIGTERM)
SIGVTALRM = int(_signal.SIGVTALRM)
SIGXCPU = int(_signal.SIGXCPU)
SIGXFSZ = int(_signal.SIGXFSZ)

# Python starts with these ignored, and exec keeps ignored signals ignored: the next program
# would get EPIPE or EFBIG where the original chain lets the signal end it.
IGNORED_BY_PYTHON = (SIGPIPE, SIGXFSZ)

IGNORED = _signal.SIG_IGN
DEFAULT = _signal.SIG_DFL


def alarm(seconds: int) -> None:
    """SIGALRM after so many seconds, and then every second; 0 for none.

    Python loses an exception that a handler raises within a callback of its own, such as a weak reference's.
    Whoever raises one at SIGALRM does so again then.
    """
    _signal.setitimer(_signal.ITIMER_REAL, seconds, 1)


def catch(signum: int, handler: Handler) -> None:
    """Call `handler` between two of Python's steps when `signum` arrives."""
    _signal.signal(signum, handler)


def ignore(signum: int) -> None:
    _signal.signal(signum, _signal.SIG_IGN)


def uncatch(signum: int) -> None:
    """Back to the default."""
    _signal.signal(signum, _signal.SIG_DFL)


def block(signums: Iterable[int]) -> None:
    _signal.pthread_sigmask(_signal.SIG_BLOCK, signums)


def set_mask(signums: Iterable[int]) -> set[int]:
    """Block these and no others; which were blocked before."""
    return _signal.pthread_sigmask(_signal.SIG_SETMASK, signums)


def unblock(signums: Iterable[int]) -> None:
    """Let these come, whoever started this process with them blocked."""
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, signums)


def wake_by(descriptor: int) -> None:
    """Write a byte to `descriptor` whenever a caught signal arrives: what a poll loop sleeps on."""
    _signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)


def as_in_c() -> None:
    """Let SIGINT end this process as it ends a C program, instead of raising KeyboardInterrupt.

    An ignored SIGINT stays ignored: a shell gives that to its background jobs.
    """
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


def as_after_start(before: Handlers = ()) -> None:
    """Forget what a server set up before it forked: the state in which Python starts a program.

    `before`: signals, besides those that every server takes, and what they did.
    """
    _signal.set_wakeup_fd(-1)
    for signum, handler in before:
        _signal.signal(signum, handler)
    for signum in (SIGCHLD, SIGTERM):
        _signal.signal(signum, _signal.SIG_DFL)
    for signum in IGNORED_BY_PYTHON:
        _signal.signal(signum, _signal.SIG_IGN)


def undo_python() -> None:
    """Take back what Python's start changed, for the program that comes next."""
    for signum in IGNORED_BY_PYTHON:
        _signal.signal(signum, _signal.SIG_DFL)


# Neither can be caught, and the C library keeps 32 and 33.
_SETTABLE = tuple(number for number in range(1, 65) if number not in (9, 19, 32, 33))


def state() -> tuple[Any, ...]:
    """What this process does on each signal, and which it blocks: for `restore`."""
    return _handlers(), _signal.pthread_sigmask(_signal.SIG_BLOCK, ())


def _handlers() -> list[Any]:
    return list(map(_signal.getsignal, _SETTABLE))


def restore(before: tuple[Any, ...]) -> None:
    """Back to what `state` saw; timers stop."""
    handlers, blocked = before
    _signal.alarm(0)
    for timer in (_signal.ITIMER_VIRTUAL, _signal.ITIMER_PROF):
        _signal.setitimer(timer, 0)
    now = _handlers()
    if now != handlers:
        for number, was, handler in zip(_SETTABLE, now, handlers, strict=True):
            # None: set by someone else than Python, and so out of a program's reach too.
            if was is not handler and handler is not None:
                _signal.signal(number, handler)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, blocked)


def leave_to_others() -> None:
    """From now on no signal comes to this thread."""
    _signal.pthread_sigmask(_signal.SIG_BLOCK, _SETTABLE)


def exchange(signum: int, handler: Any) -> Any:
    """Set the handler (or IGNORED); what was there, to be put back in the same way."""
    return _signal.signal(signum, handler)
