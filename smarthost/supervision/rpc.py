"""[rpcinterface:svscan]: the services of a directory under a supervisord that is there already.

    [rpcinterface:svscan]
    supervisor.rpcinterface_factory = smarthost.supervision.rpc:make_svscan_interface
    directory = /service

supervisord makes these once for each of its HTTP servers: it needs one, or there are no services. Several
sections, with names of their own, run several directories. See svscan(8).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from supervisor.states import SupervisorStates
from supervisor.xmlrpc import Faults, RPCError

from smarthost.supervision import guest
from smarthost.supervision.wake import Poller

if TYPE_CHECKING:
    from smarthost.supervision.guest import Directory


class SvscanInterface:
    """Each public method can be called by whoever may talk to supervisord."""

    def __init__(self, options: Any, directory: Directory) -> None:
        self._options = options
        self._directory = directory

    def rescan(self) -> bool:
        """Look for new services, and for those that are gone, at once

        @return boolean result always true unless error
        """
        if self._options.mood < SupervisorStates.RUNNING:
            raise RPCError(Faults.SHUTDOWN_STATE)
        self._directory.rescan()
        return True


def make_svscan_interface(supervisord: Any, **settings: str) -> SvscanInterface:
    """The factory. Raises ValueError, with which supervisord does not start."""
    directory = settings.pop("directory", "")
    if not directory or settings:
        raise ValueError(
            "[rpcinterface:svscan] takes directory=, the directory of services, and nothing else"
        )
    options = supervisord.options
    is_engine = isinstance(options.poller, Poller) and not isinstance(options.poller, guest.GuestPoller)
    if is_engine:
        raise ValueError("[rpcinterface:svscan] is for supervisord: svscan has its directory already")
    path = os.path.abspath(os.fsencode(directory))
    return SvscanInterface(options, guest.of(supervisord).directory(path))
