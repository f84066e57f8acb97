"""supervisord's options and its way to the kernel, as the engine wants them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NoReturn

from supervisor.options import ServerOptions

from smarthost.errors import Temporary
from smarthost.supervision.bulletin import loggable
from smarthost.supervision.wake import Poller

if TYPE_CHECKING:
    from collections.abc import Callable

    from smarthost.supervision.group import ServiceGroup
    from smarthost.supervision.start import Starter

# sockaddr_un holds 108 bytes; supervisord first binds to a name with its process id behind.
SOCKET_NAME_LIMIT: Final = 107 - len(".4194304")


class EngineOptions(ServerOptions):  # type: ignore[misc]  # supervisor is untyped
    """service: finds a service by its name; Engine says how."""

    poller: Poller
    server_configs: list[dict[str, Any]]

    def __init__(self, starter: Starter, name: str) -> None:
        super().__init__()
        self.starter = starter
        self.name = name
        self.service: Callable[[bytes], ServiceGroup | None] = lambda _name: None
        self.poller.close()
        self.poller = Poller(self)

    def usage(self, msg: object) -> NoReturn:
        raise Temporary(str(msg))

    def make_logger(self) -> None:
        """The file that CONFIGURATION names. stderr is for `announce`: supervisord tells it too much."""
        self.nodaemon, self.silent = True, True
        super().make_logger()

    def announce(self, text: str) -> None:
        """What an administrator must know, on stderr and in the log."""
        self.logger.warn(loggable(text))
        try:
            os.write(2, os.fsencode(f"{self.name}: warning: {text}\n"))
        except OSError:
            pass

    def openhttpservers(self, supervisord: Any) -> None:
        """Services run also where the tree lies too deep for the name of a socket."""
        fitting = []
        for config in self.server_configs:
            file = os.fsencode(config.get("file", ""))
            if len(file) > SOCKET_NAME_LIMIT:
                self.announce(
                    f"supervisorctl cannot be served: the name {os.fsdecode(file)} is too long for a socket"
                )
            else:
                fitting.append(config)
        self.server_configs = fitting
        super().openhttpservers(supervisord)

    def set_uid_or_exit(self) -> None:
        """Services give up their rights one by one: that the engine keeps root's needs no warning."""
        if self.uid is not None:
            super().set_uid_or_exit()

    def write_pidfile(self) -> None:
        if self.pidfile != "/dev/null":
            super().write_pidfile()

    def cleanup_fds(self) -> None:
        """Nothing leaks here, and a reload must not close what the engine holds."""
