"""qmail-qmqpc beside the original, which knows only addresses and port 628: so this needs root.

Not tested: servers that cannot be reached for the original's ten seconds.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.support.peerhome import peer_in_home
from tests.support.qmqpserver import Server, answers, own_loopback_address, says
from tests.support.run import TIMEOUT, ours, run

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    Behaviour = Callable[[Server, socket.socket], None]

MESSAGE = b"Subject: hello\n\nworld\n"
ENVELOPE = b"Fjoe@example.com\0Tann@example.org\0\0"
PORT = 628


def run_both(
    tmp_path: Path, control: dict[str, str], message: bytes, envelope: bytes, closed: str = ""
) -> list[int]:
    """Their exit statuses; ours first. Nothing listens on descriptor 6, so the statuses must agree."""
    home = tmp_path / "home"
    (home / "control").mkdir(parents=True)
    for name, content in control.items():
        (home / "control" / name).write_text(content)
    (tmp_path / "message").write_bytes(message)
    (tmp_path / "envelope").write_bytes(envelope)
    statuses = []
    for words in ([ours("qmail-qmqpc")], peer_in_home("qmail-qmqpc", home)):
        done = subprocess.run(
            ["bash", "-c", f'exec 0<message 1<envelope {closed}; exec "$@"', "bash", *words],
            cwd=tmp_path,
            env={**os.environ, "QMAILHOME": str(home)},
            check=False,
            timeout=TIMEOUT,
            stderr=subprocess.DEVNULL,
        )
        statuses.append(done.returncode)
    return statuses


def with_servers(
    tmp_path: Path, behaviours: list[Behaviour | None], message: bytes = MESSAGE, envelope: bytes = ENVELOPE
) -> tuple[list[int], list[list[bytes]]]:
    """The exit statuses, and what each server received; None stands for a server that is down."""
    servers: list[Server] = []
    lines = ""
    with ExitStack() as stack:
        for behave in behaviours:
            address = own_loopback_address()
            lines += f"{address}\n"
            if behave is not None:
                try:
                    server = Server(behave, host=address, port=PORT)
                except PermissionError:
                    pytest.skip("only root may listen on the port that the original uses")
                servers.append(stack.enter_context(server))
        statuses = run_both(tmp_path, {"qmqpservers": lines}, message, envelope)
    return statuses, [server.received for server in servers]


ENVELOPES = {
    "bounce": b"F\0Tann@example.org\0\0",
    "many": b"Fjoe@example.com\0" + b"Tann@example.org\0" * 5000 + b"\0",
    "nobody": b"Fjoe@example.com\0\0",
    "empty recipient": b"Fjoe\0T\0\0",
    "trailing": b"Fjoe\0Tann\0\0more",
    "binary": b"Fj\xf6rg@\x01\0T:,\0\0",
}
MESSAGES = {"none": b"", "unfinished": b"x", "binary": bytes(range(256)) * 100, "large": b"x" * 1_100_000}


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=list(ENVELOPES))
def test_envelopes(envelope: bytes, tmp_path: Path) -> None:
    statuses, [received] = with_servers(tmp_path, [says(b"Kok")], envelope=envelope)
    assert statuses == [0, 0]
    assert received[0] == received[1]


@pytest.mark.parametrize("message", MESSAGES.values(), ids=list(MESSAGES))
def test_messages(message: bytes, tmp_path: Path) -> None:
    statuses, [received] = with_servers(tmp_path, [says(b"Kok")], message=message)
    assert statuses == [0, 0]
    assert received[0] == received[1]


ANSWERS: dict[str, tuple[list[Behaviour | None], int]] = {
    "accepted": ([says(b"Kok")], 0),
    "deferred": ([says(b"Znot now")], 71),
    "rejected": ([says(b"Dno")], 31),
    "down": ([None], 73),
    "one down": ([None, says(b"Dno")], 31),
    "closes": ([answers(b"")], 74),
    "closes after the length": ([answers(b"12:")], 74),
    "cut acceptance": ([answers(b"12:Kok")], 0),
    "refusal is final": ([says(b"Znot now"), says(b"Kok")], 71),
}


@pytest.mark.parametrize(("servers", "status"), ANSWERS.values(), ids=list(ANSWERS))
def test_answers(servers: list[Behaviour | None], status: int, tmp_path: Path) -> None:
    statuses, received = with_servers(tmp_path, servers)
    assert statuses == [status, status]
    assert all(len(requests) in (0, 2) for requests in received)


def test_where_ours_goes_on_and_the_original_gives_up(tmp_path: Path) -> None:
    statuses, [_, second] = with_servers(tmp_path, [answers(b""), says(b"Kok")])
    assert statuses == [0, 74]
    assert len(second) == 1


def test_where_ours_is_not_taken_in(tmp_path: Path) -> None:
    """The original takes the first K that it sees in an SMTP greeting for an answer."""
    statuses, _ = with_servers(tmp_path, [answers(b"220 mail.example.com ESMTP Kerberos\r\n")])
    assert statuses == [74, 0]


@pytest.mark.parametrize(
    ("control", "status"),
    [({}, 55), ({"qmqpservers": ""}, 55), ({"qmqpservers": "# none\n\n"}, 55), ({"qmqpservers": "!\n"}, 55)],
)
def test_no_servers(control: dict[str, str], status: int, tmp_path: Path) -> None:
    assert run_both(tmp_path, control, MESSAGE, ENVELOPE) == [status, status]


@pytest.mark.parametrize(
    "envelope", [b"", b"F", b"Fjoe\0", b"Fjoe\0Tann\0", b"\0", b"Tann\0\0", b"Fjoe\0Fann\0\0"]
)
def test_bad_envelopes(envelope: bytes, tmp_path: Path) -> None:
    control = {"qmqpservers": f"{own_loopback_address()}\n"}
    assert run_both(tmp_path, control, MESSAGE, envelope) == [91, 91]


@pytest.mark.parametrize("closed", ["0<&-", "1>&-"])
def test_nothing_to_read(closed: str, tmp_path: Path) -> None:
    control = {"qmqpservers": f"{own_loopback_address()}\n"}
    assert run_both(tmp_path, control, MESSAGE, ENVELOPE, closed) == [54, 54]


@pytest.mark.parametrize(
    ("reply", "status", "reason"),
    [
        (b"Kok", 0, b"forward: qp "),
        (b"Dno such user (#5.1.1)", 100, b"forward: fatal: no such user (#5.1.1)\n"),
        (b"Zdisk full (#4.3.1)", 111, b"forward: fatal: disk full (#4.3.1)\n"),
        (b"D", 100, b"forward: fatal: mail server permanently rejected message (#5.3.0)\n"),
        (b"", 111, b"forward: fatal: communication with mail server failed (#4.4.2)\n"),
    ],
)
@pytest.mark.parametrize("caller", ["ours", "original"])
def test_callers_tell_a_rejection_from_a_deferral(
    caller: str, reply: bytes, status: int, reason: bytes, tmp_path: Path
) -> None:
    """forward is the shortest of them; all of the originals ask through the same qmail.c."""
    home = tmp_path / "home"
    (home / "control").mkdir(parents=True)
    with Server(says(reply) if reply else answers(b"")) as server:
        (home / "control/qmqpservers").write_text(f"{server.line}\n")
        done = run(
            [*([ours("forward")] if caller == "ours" else peer_in_home("forward", home)), "ann@example.org"],
            MESSAGE,
            env={
                "NEWSENDER": "joe@example.com",
                "DTLINE": "Delivered-To: joe\n",
                "QMAILHOME": str(home),
                "QMAILQUEUE": ours("qmail-qmqpc"),
            },
        )
    assert done.status == status
    assert done.stderr.splitlines(keepends=True)[-1].startswith(reason)
