"""The reasons in the last words of a program, in the originals' own words (their error_str.c)."""

from __future__ import annotations

import errno
import os

_REASONS = {
    errno.EINTR: "interrupted system call",
    errno.ENOMEM: "out of memory",
    errno.ENOENT: "file does not exist",
    errno.ETXTBSY: "text busy",
    errno.EIO: "input/output error",
    errno.EEXIST: "file already exists",
    errno.ETIMEDOUT: "timed out",
    errno.EINPROGRESS: "operation in progress",
    errno.EAGAIN: "temporary failure",
    errno.EPIPE: "broken pipe",
    errno.EPERM: "permission denied",
    errno.EACCES: "access denied",
    errno.ENXIO: "device not configured",
    errno.EPROTO: "protocol error",
    errno.EISDIR: "is a directory",
    errno.ECONNREFUSED: "connection refused",
    errno.ENOTDIR: "not a directory",
    errno.ESRCH: "no such process",
    errno.E2BIG: "argument list too long",
    errno.ENOEXEC: "exec format error",
    errno.EBADF: "file descriptor not open",
    errno.ECHILD: "no child processes",
    errno.EDEADLK: "operation would cause deadlock",
    errno.EFAULT: "bad address",
    errno.ENOTBLK: "not a block device",
    errno.EBUSY: "device busy",
    errno.EXDEV: "cross-device link",
    errno.ENODEV: "device does not support operation",
    errno.EINVAL: "invalid argument",
    errno.ENFILE: "system cannot open more files",
    errno.EMFILE: "process cannot open more files",
    errno.ENOTTY: "not a tty",
    errno.EFBIG: "file too big",
    errno.ENOSPC: "out of disk space",
    errno.ESPIPE: "unseekable descriptor",
    errno.EROFS: "read-only file system",
    errno.EMLINK: "too many links",
    errno.EDOM: "input out of range",
    errno.ERANGE: "output out of range",
    errno.EALREADY: "operation already in progress",
    errno.ENOTSOCK: "not a socket",
    errno.EDESTADDRREQ: "destination address required",
    errno.EMSGSIZE: "message too long",
    errno.EPROTOTYPE: "incorrect protocol type",
    errno.ENOPROTOOPT: "protocol not available",
    errno.EPROTONOSUPPORT: "protocol not supported",
    errno.ESOCKTNOSUPPORT: "socket type not supported",
    errno.EOPNOTSUPP: "operation not supported",
    errno.EPFNOSUPPORT: "protocol family not supported",
    errno.EAFNOSUPPORT: "address family not supported",
    errno.EADDRINUSE: "address already used",
    errno.EADDRNOTAVAIL: "address not available",
    errno.ENETDOWN: "network down",
    errno.ENETUNREACH: "network unreachable",
    errno.ENETRESET: "network reset",
    errno.ECONNABORTED: "connection aborted",
    errno.ECONNRESET: "connection reset",
    errno.ENOBUFS: "out of buffer space",
    errno.EISCONN: "already connected",
    errno.ENOTCONN: "not connected",
    errno.ESHUTDOWN: "socket shut down",
    errno.ETOOMANYREFS: "too many references",
    errno.ELOOP: "symbolic link loop",
    errno.ENAMETOOLONG: "file name too long",
    errno.EHOSTDOWN: "host down",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENOTEMPTY: "directory not empty",
    errno.EUSERS: "too many users",
    errno.EDQUOT: "disk quota exceeded",
    errno.ESTALE: "stale NFS file handle",
    errno.EREMOTE: "too many levels of remote in path",
    errno.ENOLCK: "no locks available",
    errno.ENOSYS: "system call not available",
    errno.ENOSTR: "not a stream device",
    errno.ETIME: "timer expired",
    errno.ENOSR: "out of stream resources",
    errno.ENOMSG: "no message of desired type",
    errno.EBADMSG: "bad message type",
    errno.EIDRM: "identifier removed",
    errno.ENONET: "machine not on network",
    errno.ENOLINK: "link severed",
    errno.EADV: "advertise error",
    errno.ESRMNT: "srmount error",
    errno.ECOMM: "communication error",
    errno.EMULTIHOP: "multihop attempted",
    errno.EREMCHG: "remote address changed",
}

# What may be otherwise when the same is tried again (the originals' error_temp.c).
_TEMPORARY = frozenset(
    (
        *(errno.EINTR, errno.ENOMEM, errno.ETXTBSY, errno.EIO, errno.ETIMEDOUT, errno.EAGAIN, errno.EDEADLK),
        *(errno.EBUSY, errno.ENFILE, errno.EMFILE, errno.EFBIG, errno.ENOSPC, errno.ENETDOWN),
        *(errno.ENETUNREACH, errno.ENETRESET, errno.ECONNABORTED, errno.ECONNRESET, errno.ENOBUFS),
        *(errno.ETOOMANYREFS, errno.ECONNREFUSED, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EUSERS),
        *(errno.EDQUOT, errno.ESTALE, errno.ENOLCK),
    )
)


def is_temporary(error: OSError) -> bool:
    """Whether the originals would try again later."""
    return error.errno in _TEMPORARY


def reason(error: OSError) -> str:
    """Why a system call failed; the system's own words (in lower case) where the originals have none."""
    number = error.errno
    if isinstance(error, TimeoutError):
        return _REASONS[errno.ETIMEDOUT]
    if type(error).__module__ in ("socket", "ssl"):
        return _of_a_library(error)
    if number is None:
        return "unknown error"
    known = _REASONS.get(number)
    return known if known is not None else os.strerror(number).lower()


def _of_a_library(error: OSError) -> str:
    """The resolver and ssl raise OSError with numbers of their own."""
    text = getattr(error, "verify_message", None) or getattr(error, "reason", None) or error.strerror
    return str(text or "protocol error").replace("_", " ").lower()
