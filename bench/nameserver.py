"""A name server that knows one name for every address: python -m bench.nameserver ADDRESS

Prints a line when it is there to be asked. Servers under test find it by $DNSCACHEIP, whose port is 53.
"""

from __future__ import annotations

import socket
import sys

PORT = 53
NAME = b"\5bench\7example\0"
# A pointer to the question's name, PTR, IN, an hour.
ANSWER = b"\xc0\x0c\0\x0c\0\1\0\0\x0e\x10" + len(NAME).to_bytes(2, "big") + NAME


def answer(query: bytes) -> bytes:
    """The same question with our answer."""
    end = query.index(b"\0", 12) + 5
    return query[:2] + b"\x85\x80\0\1\0\1\0\0\0\0" + query[12:end] + ANSWER


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((sys.argv[1], PORT))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            query, client = server.recvfrom(512)
            server.sendto(answer(query), client)


if __name__ == "__main__":
    main()
