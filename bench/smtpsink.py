"""An SMTP server that takes everything and keeps nothing: python -m bench.smtpsink

Prints its port. One process, one loop: it must not be what is measured.
"""

from __future__ import annotations

import select
import socket
import sys

HELLO = b"250-sink\r\n250-PIPELINING\r\n250-SIZE\r\n250 8BITMIME\r\n"
REPLIES = {
    b"EHLO": HELLO,
    b"HELO": b"250 sink\r\n",
    b"MAIL": b"250 ok\r\n",
    b"RCPT": b"250 ok\r\n",
    b"DATA": b"354 go\r\n",
    b"QUIT": b"221 bye\r\n",
}
END = b"\r\n.\r\n"


class Client:
    """What of a client's bytes has not been answered."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.pending = b""
        self.in_message = False

    def answer(self, data: bytes) -> bytes:
        self.pending += data
        replies = []
        while True:
            if self.in_message:
                end = self.pending.find(END)
                if end < 0:
                    self.pending = self.pending[-len(END) :]
                    break
                self.pending = self.pending[end + len(END) :]
                self.in_message = False
                replies.append(b"250 taken\r\n")
                continue
            line, newline, rest = self.pending.partition(b"\n")
            if not newline:
                break
            verb = line[:4].upper()
            replies.append(REPLIES.get(verb, b"500 what\r\n"))
            # A message without a line ends as one with a line does.
            self.in_message = verb == b"DATA"
            self.pending = b"\r\n" + rest if self.in_message else rest
        return b"".join(replies)


def main() -> None:
    clients: dict[int, Client] = {}
    poll = select.epoll()
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        listening.setblocking(False)
        poll.register(listening, select.EPOLLIN)
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == listening.fileno():
                    connection, _ = listening.accept()
                    clients[connection.fileno()] = Client(connection)
                    poll.register(connection, select.EPOLLIN)
                    connection.sendall(b"220 sink ESMTP\r\n")
                    continue
                client = clients[descriptor]
                try:
                    data = client.connection.recv(262144)
                    replies = client.answer(data)
                    if replies:
                        client.connection.sendall(replies)
                except OSError:
                    data = b""
                if not data:
                    del clients[descriptor]
                    client.connection.close()


if __name__ == "__main__":
    main()
