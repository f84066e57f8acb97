"""The load client: one process, non-blocking, a fixed number of connections under way at any time.

    python -m bench.client PORT WARM UNITS CONCURRENCY SIZE

SIZE is the size of the message to send by QMQP; -1 sends nothing and expects nothing. The first WARM
connections are not counted. Prints seconds, CPU seconds, and how many ended otherwise than they should.
"""

from __future__ import annotations

import errno
import json
import select
import sys
import time
from _socket import AF_INET, IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, socket

BLOCK = 65536
STALLED = 60.0
NOTHING = -1


def netstring(payload: bytes) -> bytes:
    return b"%d:%b," % (len(payload), payload)


def request(size: int) -> bytes:
    """A QMQP request with a message of so many bytes."""
    head = b"From: a@bench.example\nTo: b@bench.example\nSubject: bench\n\n"
    line = b"x" * 77 + b"\n"
    message = (head + line * (size // len(line) + 1))[: size - 1] + b"\n"
    return netstring(b"".join(map(netstring, (message, b"a@bench.example", b"b@bench.example"))))


def is_accepted(reply: bytes) -> bool:
    return reply.partition(b":")[2].startswith(b"K")


class Load:
    """Connections to one port, one after another, `concurrency` at a time."""

    def __init__(self, port: int, concurrency: int, size: int) -> None:
        self._address = ("127.0.0.1", port)
        self._concurrency = concurrency
        self._request = memoryview(request(size) if size != NOTHING else b"")
        self._poll = select.epoll()
        self._under_way: dict[int, tuple[socket, int, bytes]] = {}
        self._writing: set[int] = set()
        self.wrong = 0

    def run(self, units: int) -> None:
        """That many connections, to their ends."""
        begun = 0
        while begun < units or self._under_way:
            while begun < units and len(self._under_way) < self._concurrency:
                self._begin()
                begun += 1
            ready = self._poll.poll(STALLED)
            if not ready:
                raise SystemExit("bench.client: nothing happens any more")
            for descriptor, events in ready:
                if events & select.EPOLLOUT:
                    self._send(descriptor)
                if events & ~select.EPOLLOUT:
                    self._receive(descriptor)

    def _begin(self) -> None:
        connection = socket(AF_INET, SOCK_STREAM, 0)
        connection.setblocking(False)
        if self._request:
            connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        failed = connection.connect_ex(self._address)
        if failed and failed != errno.EINPROGRESS:
            raise OSError(failed, "connect")
        descriptor = connection.fileno()
        self._under_way[descriptor] = connection, 0, b""
        self._poll.register(descriptor, select.EPOLLIN)
        if self._request:
            self._send(descriptor)

    def _send(self, descriptor: int) -> None:
        connection, sent, received = self._under_way[descriptor]
        try:
            while sent < len(self._request):
                sent += connection.send(self._request[sent : sent + 4 * BLOCK])
        except BlockingIOError:
            if descriptor not in self._writing:
                self._writing.add(descriptor)
                self._poll.modify(descriptor, select.EPOLLIN | select.EPOLLOUT)
        except OSError:
            sent = len(self._request)  # what that means, the receiving side will see
        if sent == len(self._request) and descriptor in self._writing:
            self._writing.remove(descriptor)
            self._poll.modify(descriptor, select.EPOLLIN)
        self._under_way[descriptor] = connection, sent, received

    def _receive(self, descriptor: int) -> None:
        connection, sent, received = self._under_way[descriptor]
        try:
            block = connection.recv(BLOCK)
        except BlockingIOError:
            return
        except ConnectionResetError:
            block = b""
        if block:
            self._under_way[descriptor] = connection, sent, received + block
            return
        if not (is_accepted(received) if self._request else received == b""):
            self.wrong += 1
        del self._under_way[descriptor]
        self._writing.discard(descriptor)
        self._poll.unregister(descriptor)
        connection.close()


def main() -> None:
    port, warm, units, concurrency, size = map(int, sys.argv[1:])
    load = Load(port, concurrency, size)
    load.run(warm)
    began, used = time.perf_counter(), time.process_time()
    load.run(units)
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    sys.stdout.write(json.dumps({"seconds": seconds, "cpu": cpu, "wrong": load.wrong}))


if __name__ == "__main__":
    main()
