"""A name server for tests, made of dnspython, which shares no code with what it tests.

A zone says what a name has: records of a kind as text, or how asking about it fails. Aliases are followed, as a
server that looks things up for others does.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from typing import TYPE_CHECKING, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Has = Mapping[str, Sequence[str] | str]
    Zone = Mapping[str, Has]

SERVFAIL = "SERVFAIL"
REFUSED = "REFUSED"
SILENT = "SILENT"
# Cut off over UDP, whole over TCP.
LARGE = "LARGE"
# Something that is no answer.
GARBAGE = "GARBAGE"

PORT = 53


def lonely_address(number: int = 0) -> str:
    """One of this host's own that no other process of the tests uses; another for each number."""
    pid = os.getpid()
    return f"127.{53 + number}.{pid // 250 % 250 + 1}.{pid % 250 + 2}"


class NameServer:
    """Answers at `address`, by UDP and TCP, until the end of `with`. `asked` is what for.

    At port 53, where qmail-remote asks, only root may listen: the test is skipped for others.
    """

    def __init__(self, zone: Zone, port: int = PORT, address: str | None = None) -> None:
        self.zone = dict(zone)
        self.asked: list[tuple[str, str]] = []
        self.address = address or lonely_address()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp = socket.socket()
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._stop, self._stopped = socket.socketpair()
        try:
            self._udp.bind((self.address, port))
            self.port: int = self._udp.getsockname()[1]
            self._tcp.bind((self.address, self.port))
            self._tcp.listen()
        except PermissionError:
            self._close()
            pytest.skip("this user may not listen at port 53")
        except OSError:
            self._close()
            raise
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()
        self._thread.join()
        self._close()

    def _close(self) -> None:
        for one in (self._udp, self._tcp, self._stop, self._stopped):
            one.close()

    @property
    def env(self) -> dict[str, str]:
        """What leads our programs here."""
        return {"DNSCACHEIP": self.address}

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._udp, self._tcp, self._stopped], [], [])
            if self._stopped in ready:
                return
            if self._udp in ready:
                query, client = self._udp.recvfrom(4096)
                answer = self._answer(query, udp=True)
                if answer is not None:
                    self._udp.sendto(answer, client)
            if self._tcp in ready:
                connection, _ = self._tcp.accept()
                with connection:
                    try:
                        self._serve_tcp(connection)
                    except OSError:  # the client went away
                        pass

    def _serve_tcp(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection.makefile("rb") as stream:
            query = stream.read(int.from_bytes(stream.read(2), "big"))
        answer = self._answer(query, udp=False) if query else None
        if answer is not None:
            connection.sendall(len(answer).to_bytes(2, "big") + answer)

    def _answer(self, packet: bytes, *, udp: bool) -> bytes | None:
        query = dns.message.from_wire(packet)
        [question] = query.question
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append((name, kind))
        reply = dns.message.make_response(query, recursion_available=True)
        known = self.zone.get(name)
        for _ in range(8):
            if known is None or "CNAME" not in known:
                break
            alias = known["CNAME"][0]
            reply.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "CNAME", alias))
            name = alias.removesuffix(".").lower()
            known = self.zone.get(name)
        if known is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
            return reply.to_wire()
        records = known.get(kind, known.get("ANY", ()))
        if records == SILENT:
            return None
        if records == GARBAGE:
            return packet[:2] + b"\x81\x80\0\1\0\7" + bytes(4) + packet[12:] + b"\xc0"
        if records in (SERVFAIL, REFUSED):
            reply.set_rcode(dns.rcode.from_text(str(records)))
            return reply.to_wire()
        if records == LARGE:
            if udp:
                reply.flags |= dns.flags.TC
                return reply.to_wire()
            records = known[LARGE]
        if records:
            reply.answer.append(dns.rrset.from_text(name + ".", 60, "IN", kind, *records))
        return reply.to_wire(max_size=65535)
