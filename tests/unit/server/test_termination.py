"""A signal whose exception Python loses ends a server all the same."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from smarthost.server.termination import Terminated, Termination
from tests.support.run import TIMEOUT


def test_before_there_is_a_loop_it_is_noted() -> None:
    terminate = Termination()
    terminate()
    assert terminate.came


def test_then_it_breaks_off() -> None:
    terminate = Termination()
    terminate.breaks_off = True
    with pytest.raises(Terminated):
        terminate()
    assert terminate.came


# A server that gets SIGTERM within a callback of a weak reference, as an import has one.
LOST = """
import os, signal, sys, weakref
from smarthost.programs.ucspi import tcpserver
from smarthost.server import journal

class Thing:
    pass

def status(self, count, limit, before=journal.Journal.status):
    before(self, count, limit)
    if count:
        thing = Thing()
        reference = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))
        del thing

journal.Journal.status = status
sys.argv[0] = "tcpserver"
raise SystemExit(tcpserver.main())
"""


def test_one_that_is_lost() -> None:
    argv = [sys.executable, "-c", LOST, "-1HRl0", "127.0.0.1", "0", "sleep", "0"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline())
            with socket.create_connection(("127.0.0.1", port)):
                assert server.wait(TIMEOUT) == 0
        finally:
            server.kill()
