"""tcpserver beside the original: the same options and the same clients, cold and warm.

Not tested here: -U and -u as root for a warm program (tests/e2e), DNS with a name server
(tests/unit/server/test_resolver.py), source routes (no host here sends one).
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.nameserver import NameServer
from tests.support.originals import original
from tests.support.run import Outcome, blocking, ours, run
from tests.support.servers import anonymous, serving
from tests.support.waiting import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.nameserver import Zone

SHOW = "env | LC_ALL=C sort | grep -E '^(PROTO|TCP|RULE|KEPT)'"
# What a child of a server sees of the state it starts in, descriptors and signals included.
STATE = "ls -l /proc/self/fd | sed 's/.* \\([0-9]*\\) -> \\([a-z]*\\).*/\\1 \\2/' | sort; grep ^Sig[BIC] /proc/self/status; umask; pwd"
CHEAP = ["-H", "-R", "-l", "0"]


def both() -> list[str]:
    return [original("tcpserver"), ours("tcpserver")]


@pytest.fixture
def resolver() -> Iterator[dict[str, str]]:
    """What leads both to a name server of the test's own. Who may not listen at its port asks that of the machine."""
    if os.geteuid():
        yield {}
        return
    names: Zone = {
        "1.0.0.127.in-addr.arpa": {"PTR": ["one.example."]},
        "one.example": {"A": ["127.0.0.1"]},
        "9.0.0.127.in-addr.arpa": {"PTR": ["liar.example."]},
        "liar.example": {"A": ["127.0.0.8"]},
        "7.0.0.127.in-addr.arpa": {"PTR": ["odd/name.example."]},
        "odd/name.example": {"A": ["127.0.0.7"]},
    }
    with NameServer(names) as server:
        yield server.env


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A compiled rules file."""
    made = run(
        [original("tcprules"), str(tmp_path / "rules.cdb"), str(tmp_path / "rules.tmp")],
        b'127.0.0.1:allow,RULE="one",TCPREMOTEHOST="named"\n127.0.0.2:deny\n127.0.0.3:deny,RULE="x"\n'
        b"127.0.0.:allow\n:deny\n",
    )
    assert made == Outcome(0, b"", b"")
    return tmp_path / "rules.cdb"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["0"],
        ["0", "0"],
        ["", "0"],
        ["-z"],
        ["-vz", "0", "0", "true"],
        ["-c"],
        ["-q"],
        ["-q", "0"],
        ["-q", "0", "no-such-port", "true"],
        ["0", "no-such-port"],
        ["0", "no-such-port", "true"],
        ["0", "1x", "true"],
        ["1.2.3.4", "", "true"],
        ["1.2.3.4", "0", "true"],
        ["001.002.003.004", "0", "true"],
        ["[1.2.3.4]", "0", "true"],
        ["1.2.3", "0", "true"],
        ["1.2.3.4.5", "0", "true"],
        ["x" * 64 + ".example.", "0", "true"],
        ["-q", "1.2.3.4", "0", "true"],
        ["--", "1.2.3.4", "0", "true"],
        ["--nonsense", "1.2.3.4", "0", "true"],
        ["-x", "/nowhere", "1.2.3.4", "0", "true"],
        ["-Xx/nowhere", "-c40", "-b", "5", "-Bhi", "-t9", "-l", "0", "1.2.3.4", "0", "true"],
    ],
)
def test_what_it_refuses_to_start_with(arguments: list[str]) -> None:
    theirs, own = (run([program, *arguments]) for program in both())
    assert own == theirs
    assert own.status in (100, 111)


@pytest.mark.parametrize("option", ["-c", "-b", "-g", "-u", "-t"])
def test_a_bad_value_is_refused_where_the_original_takes_it_as_nothing(option: str) -> None:
    outcome = run([ours("tcpserver"), option, "abc", "1.2.3.4", "0", "true"])
    assert outcome.status == 100
    assert outcome.stderr.startswith(f"tcpserver: option {option}: abc: not a whole number\n".encode())
    assert run([original("tcpserver"), option, "abc", "1.2.3.4", "0", "true"]).status == 111


def test_a_port_in_use(tmp_path: Path) -> None:
    for program in both():
        with serving([ours("tcpserver"), "-1", "127.0.0.1", "0", "true"], tmp_path) as server:
            outcome = run([program, "127.0.0.1", str(server.port), "true"])
        assert outcome == Outcome(111, b"", b"tcpserver: fatal: unable to bind: address already used\n")


@pytest.mark.parametrize("options", [["-u", "1"], ["-g", "2"], ["-U"]])
def test_who_may_not_change_identity_does_not_serve(options: list[str]) -> None:
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
    theirs, own = (
        run([*prefix, program, *options, "127.0.0.1", "0", "true"], env={"UID": "1", "GID": "2"})
        for program in both()
    )
    assert own == theirs
    assert own.status == 111


@pytest.mark.skipif(os.getuid() != 0, reason="changes identity")
@pytest.mark.parametrize(
    "options",
    [["-u", "65534", "-g", "65533"], ["-g", "65533"], ["-U"], ["-u7", "-U"], ["-U", "-u7"], ["-u0"]],
)
def test_identity_of_the_program(options: list[str], tmp_path: Path) -> None:
    said = []
    for program in both():
        with serving(
            [program, *options, *CHEAP, "-1", "127.0.0.1", "0", "sh", "-c", "id"],
            tmp_path,
            env={"UID": "65534", "GID": "65533"},
        ) as server:
            said.append(server.talk())
    assert said[0] == said[1]


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-v"],
        ["-Q"],
        ["-q"],
        ["-v", *CHEAP],
        [*CHEAP],
        ["-q", *CHEAP],
        ["-vHRl", "local"],
        ["-v", "-Hhp", "-Rr", "-t1", "-l0"],
        ["-v", "-l", "a b%c:d" + "e" * 200, "-HR"],
        ["-vHRl0", "-B", "hello\r\n"],
        ["-HRl0", "-B", "hello\r\n", "-D", "-o", "-d", "-O"],
        ["-vHR"],
        ["-vHRl0", "-x", "rules.cdb"],
        ["-HRl0", "-x", "rules.cdb"],
        ["-x", "rules.cdb", "-v"],
        ["-Q", "-x", "rules.cdb"],
        ["-vHRl0", "-x", "rules.cdb", "-B", "hello\r\n"],
        ["-vHRl0", "-x", "missing.cdb"],
        ["-vHRl0", "-Xx", "missing.cdb"],
        ["-vHRl0", "-x", ""],
        ["-Q", "-x", ""],
        ["-vHRl", "", "-Xx", ""],
        ["-vHRl0", "-x", "broken.cdb"],
        ["-HRl0", "-x", "broken.cdb"],
        ["-qHRl0", "-x", "broken.cdb"],
        ["-v", "-x", "broken.cdb"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    "program",
    [
        ["sh", "-c", SHOW],
        ["sh", "-c", STATE],
        ["./missing"],
        ["missing-too"],
        ["sh", "-c", "echo hi >&2; exit 7"],
    ],
    ids=["environment", "state", "missing", "not in PATH", "status"],
)
@pytest.mark.usefixtures("rules")
def test_clients_and_the_log(
    options: list[str], program: list[str], tmp_path: Path, resolver: dict[str, str]
) -> None:
    (tmp_path / "broken.cdb").write_bytes(b"x" * 100)
    verbose = any(option.startswith("-v") for option in options)
    said = []
    for server_program in both():
        with serving(
            [server_program, *options, "-1", "127.0.0.1", "0", *program],
            tmp_path,
            env={
                **resolver,
                **dict.fromkeys(("TCPREMOTEHOST", "TCPREMOTEINFO", "TCPLOCALHOST"), "stale"),
                "KEPT": "kept",
            },
        ) as server:
            answers = []
            for source in ("127.0.0.1", "127.0.0.2", "127.0.0.9"):
                answers.append(re.sub(rb"PORT=\d+", b"PORT=n", server.talk(source=source)))
                if verbose:
                    server.wait_for(rb"status: 0/40\n", len(answers) + 1)
                else:
                    server.wait_for_children()
            said.append((answers, by_client(anonymous(server.log, server.port))))
    assert said[1] == said[0]


def test_a_name_of_unusual_bytes_that_leads_back_is_believed(
    tmp_path: Path, resolver: dict[str, str]
) -> None:
    if not resolver:
        pytest.skip("this user has no name server of its own")
    # As the original has several servers in one variable; nobody answers at the first.
    several = {"DNSCACHEIP": "127.0.0.1." + resolver["DNSCACHEIP"]}
    for program in both():
        command = [program, "-pRl0", "-1", "127.0.0.1", "0", "printenv", "TCPREMOTEHOST"]
        with serving(command, tmp_path, env=several) as server:
            assert server.talk(source="127.0.0.7") == b"odd\\057name.example\n"


def by_client(log: bytes) -> bytes:
    """Pids count from 0 again at each client: ours uses its own pid for those that it turns away."""
    return re.sub(rb"PID\d+", b"PID", log)


def test_inherited_descriptors_are_passed_on_and_ours_are_not(tmp_path: Path) -> None:
    said = []
    for program in both():
        reading, writing = os.pipe()
        try:
            with serving(
                [program, *CHEAP, "-1", "127.0.0.1", "0", "sh", "-c", STATE], tmp_path, pass_fds=[reading]
            ) as server:
                said.append(server.talk())
                assert b"%d pipe" % reading in said[-1]
        finally:
            os.close(reading)
            os.close(writing)
    assert said[0] == said[1]


def test_the_cap_defers_and_drops_nobody(tmp_path: Path) -> None:
    for program in both():
        with serving([program, "-vc2", *CHEAP, "-1", "127.0.0.1", "0", "cat"], tmp_path) as server:
            clients = [server.connect() for _ in range(4)]
            server.wait_for(rb"ok ", 2)
            for client in clients:
                client.sendall(b"x")
            assert [clients[0].recv(1), clients[1].recv(1)] == [b"x", b"x"]
            assert server.log.count(b"ok ") == 2
            clients[0].close()
            assert clients[2].recv(1) == b"x"
            clients[1].close()
            assert clients[3].recv(1) == b"x"
            for client in clients[2:]:
                client.close()
            log = server.wait_for(rb"status: 0/2\n", 2)
            assert b"3/2" not in log
            assert log.count(b"end ") == 4


def test_rules_replaced_while_running_hold_for_the_next_client(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text(":allow\n")
    compile_rules = [original("tcprules"), str(tmp_path / "rules.cdb"), str(tmp_path / "rules.tmp")]
    for program in both():
        run(compile_rules, b":allow\n")
        with serving(
            [program, "-v", *CHEAP, "-x", "rules.cdb", "-1", "127.0.0.1", "0", "echo", "in"], tmp_path
        ) as server:
            assert server.talk() == b"in\n"
            run(compile_rules, b":deny\n")
            assert server.talk() == b""
            (tmp_path / "rules.cdb").unlink()
            assert server.talk() == b""
            run(compile_rules, b'127.0.0.1:allow,A="b"\n')
            assert server.talk() == b"in\n"
            log = server.wait_for(rb"end ", 4)
            assert b"deny" in log
            assert (
                b"tcpserver: warning: dropping connection, unable to read rules.cdb: file does not exist\n"
                in log
            )
            assert b"status 28416" in log


def test_sigterm_ends_the_server_and_leaves_the_clients(tmp_path: Path) -> None:
    for program in both():
        with (
            serving([program, "-v", *CHEAP, "-1", "127.0.0.1", "0", "cat"], tmp_path) as server,
            server.connect() as client,
        ):
            server.wait_for(rb"ok ")
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(PATIENCE) == 0
            client.sendall(b"still here")
            assert client.recv(100) == b"still here"
            with pytest.raises(ConnectionRefusedError):
                server.connect()


@pytest.mark.parametrize("options", [CHEAP, ["-v", *CHEAP]], ids=["quiet", "verbose"])
def test_a_burst_takes_no_more_descriptors_than_one_client(options: list[str], tmp_path: Path) -> None:
    """Nobody is lost for want of them: the original has one client's at a time. Every second one is denied."""
    (tmp_path / "rules").write_text("127.0.0.1:allow\n:deny\n")
    with (tmp_path / "rules").open("rb") as source:
        subprocess.run(
            [original("tcprules"), "rules.cdb", "rules.tmp"], stdin=source, cwd=tmp_path, check=True
        )
    for program in both():
        command = [program, *options, "-b64", "-c100", "-x", "rules.cdb", "-1", "127.0.0.1", "0", "cat"]
        with serving(["sh", "-c", 'ulimit -n 13; exec "$@"', "sh", *command], tmp_path) as server:
            server.process.send_signal(signal.SIGSTOP)
            clients = []
            for _ in range(15):
                server.connect(source="127.0.0.2").close()
                clients.append(server.connect())
            server.process.send_signal(signal.SIGCONT)
            for client in clients:
                client.sendall(b"here")
            assert [client.recv(100) for client in clients] == [b"here"] * len(clients)
            for client in clients:
                client.close()
            assert b"warning" not in server.log


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes a user who has no other process")
@pytest.mark.parametrize("options", [CHEAP, ["-v", *CHEAP]], ids=["quiet", "verbose"])
def test_no_process_to_be_had(options: list[str], tmp_path: Path) -> None:
    user = str(3_000_000_000 + os.getpid())
    for program in both():
        command = [program, *options, "-u", user, "-1", "127.0.0.1", "0", "cat"]
        with serving(["bash", "-c", 'ulimit -u 1; exec "$@"', "bash", *command], tmp_path) as server:
            assert server.talk(b"x") == b""
            server.wait_for(rb"tcpserver: warning: dropping connection, unable to fork: temporary failure\n")
            assert server.process.poll() is None


def test_children_are_counted_also_where_sigchld_came_blocked(tmp_path: Path) -> None:
    for program in both():
        command = [program, "-vc1", *CHEAP, "-1", "127.0.0.1", "0", "grep", "^SigBlk", "/proc/self/status"]
        with serving([*blocking(signal.SIGCHLD), *command], tmp_path) as server:
            for times in (1, 2):
                assert server.talk() == b"SigBlk:\t0000000000000000\n"
                server.wait_for(rb"end \d+ status 0\ntcpserver: status: 0/1\n", times)


def test_a_killed_child_is_logged_with_its_raw_wait_status(tmp_path: Path) -> None:
    for program in both():
        with serving(
            [program, "-v", *CHEAP, "-1", "127.0.0.1", "0", "sh", "-c", "kill -9 $$"], tmp_path
        ) as server:
            assert server.talk() == b""
            server.wait_for(rb"end \d+ status 9\ntcpserver: status: 0/40\n")


def test_a_directory_as_rules_drops_the_client_where_the_original_crashes(tmp_path: Path) -> None:
    options = ["-v", *CHEAP, "-x", ".", "-1", "127.0.0.1", "0", "true"]
    with serving([ours("tcpserver"), *options], tmp_path) as server:
        assert server.talk() == b""
        server.wait_for(rb"warning: dropping connection, unable to read \.: is a directory\n.*status 28416")


def test_any_address_means_the_one_the_client_came_to(tmp_path: Path) -> None:
    for host in ("0", "", "0.0.0.0"):
        for program in both():
            with (
                serving(
                    [program, *CHEAP, "-1", host, "0", "sh", "-c", "echo $TCPLOCALIP"], tmp_path
                ) as server,
                socket.create_connection(("127.0.0.5", server.port), PATIENCE) as client,
            ):
                assert client.recv(100) == b"127.0.0.5\n"


def test_a_burst_of_clients_is_served_whole(tmp_path: Path) -> None:
    with serving(
        [ours("tcpserver"), "-vc5", *CHEAP, "-1", "127.0.0.1", "0", "echo", "in"], tmp_path
    ) as server:
        clients = [server.connect() for _ in range(60)]
        for client in clients:
            with client:
                assert client.recv(10) == b"in\n"
        log = server.wait_for(rb"end \d+ status 0\n", 60)
        assert b"6/5" not in log
