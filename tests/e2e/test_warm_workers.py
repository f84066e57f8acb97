"""Warm workers: nothing of one connection reaches the next, and nobody can tell them from new processes."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import processes, warm
from tests.support.run import TIMEOUT, ours, run
from tests.support.servers import serving
from tests.support.waiting import PATIENCE, eventually

if TYPE_CHECKING:
    from pathlib import Path

CHEAP = ["-H", "-R", "-l", "0"]

# Says what it finds, then leaves behind whatever a program can.
LITTERER = """
import os, resource, signal, sys, threading
ORDER = []
KNOWN = {}
class Kept:
    colour = "none"

def main(argv=()):
    found = [
        os.environb.get(b"LEFT"), os.environb.get(b"HOME"), os.environb.get(b"TCPREMOTEIP"), os.getcwd(),
        "%o" % os.umask(0o022), sorted(set(os.listdir("/proc/self/fd"))),
        [signal.getsignal(number) for number in (1, 10, 13, 15, 17)],
        sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ()))),
        signal.getitimer(signal.ITIMER_REAL)[0], signal.getitimer(signal.ITIMER_PROF)[0],
        ORDER[:], dict(KNOWN), Kept.colour, globals().get("SECRET"), resource.getrlimit(resource.RLIMIT_CORE),
        "left.behind" in sys.path, "smarthost.programs.late" in sys.modules, threading.active_count(),
        os.readlink("/proc/self/fd/2"),
    ]
    os.umask(0o022)
    os.write(1, repr(found).encode() + b"\\n")
    wanted = os.read(0, 100).strip()
    os.environb[b"LEFT"] = b"behind"
    os.environb[b"HOME"] = b"elsewhere"
    os.chdir("/")
    os.umask(0o077)
    signal.signal(signal.SIGHUP, lambda *_: None)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGUSR2))
    signal.setitimer(signal.ITIMER_REAL, 1000)
    signal.setitimer(signal.ITIMER_PROF, 1000)
    ORDER.append("me")
    KNOWN["me"] = 1
    Kept.colour = "red"
    globals()["SECRET"] = "secret"
    sys.path.append("left.behind")
    import smarthost.programs.late
    os.open("/dev/null", os.O_RDONLY)
    os.dup2(os.open("/dev/null", os.O_RDONLY), 2)
    os.dup2(0, 50)
    if wanted == b"limit":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if wanted == b"thread":
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    if wanted == b"child" and not os.fork():
        os.closerange(0, 100)
        while True:
            signal.pause()
    return 7 if wanted == b"seven" else 0
"""

ECHO = """
import os

def main(argv=()):
    os.write(1, os.read(0, 100))
    os.read(0, 1)
    return 0
"""


def program(directory: Path) -> dict[str, str]:
    environment = warm.install(directory, "litterer", LITTERER, patient=True)
    (directory / "programs" / "late.py").write_text("")
    return {**environment, "HOME": "/home/of/all"}


@pytest.mark.slow
@pytest.mark.parametrize("wish", [b"nothing", b"seven", b"limit", b"thread", b"child"])
def test_nothing_is_left_behind(wish: bytes, tmp_path: Path) -> None:
    """What a connection finds is the same after one that left everything behind as in a new process."""
    found: dict[str, list[bytes]] = {}
    logs = {}
    for way in ("-w", "-W"):
        with serving(
            [ours("tcpserver"), way, "-v", *CHEAP, "-1", "127.0.0.1", "0", "litterer"],
            tmp_path,
            env=program(tmp_path),
        ) as server:
            found[way] = []
            for number in range(3):
                found[way].append(server.talk(wish))
                server.wait_for(rb"status: 0/40\n", number + 2)
            logs[way] = server.log
    assert found["-w"][0].startswith(b"[None, b'/home/of/all', b'127.0.0.1'")
    assert found["-w"] == [found["-w"][0]] * 3
    own_state = [answer.replace(b"'13': 0", b"") for answer in found["-W"]]
    assert own_state[0] == own_state[1]
    statuses = [line.split()[-1] for line in logs["-w"].splitlines() if b"end " in line]
    assert statuses == [line.split()[-1] for line in logs["-W"].splitlines() if b"end " in line]
    pids = {line.split()[2] for line in logs["-w"].splitlines() if b"pid " in line}
    assert len(pids) == (1 if wish in (b"nothing", b"seven") else len(pids))


PLAIN = """
import os
def main(argv=()):
    os.write(1, b"%d %s " % (os.getpid(), b" ".join(map(os.fsencode, argv))))
    while block := os.read(0, 65536):
        os.write(1, block)
    return 0
"""


@pytest.mark.slow
def test_a_worker_is_used_again(tmp_path: Path) -> None:
    environment = warm.install(tmp_path, "plain", PLAIN, patient=True)
    with serving(
        [ours("tcpserver"), "-vc3", *CHEAP, "-1", "127.0.0.1", "0", "plain", "an", "argument"],
        tmp_path,
        env=environment,
    ) as server:
        said = []
        for number in range(5):
            said.append(server.talk(b"x"))
            server.wait_for(rb"status: 0/3\n", number + 2)
        assert len(set(said)) == 1
        assert said[0].endswith(b" an argument x")
        assert server.log.count(b"end ") == 5


@pytest.mark.slow
def test_a_worker_goes_by_itself(tmp_path: Path) -> None:
    environment = warm.install(tmp_path, "plain", PLAIN)
    with serving(
        [ours("tcpserver"), "-v", *CHEAP, "-1", "127.0.0.1", "0", "plain"], tmp_path, env=environment
    ) as server:
        pid = int(server.talk().split()[0])
        eventually(lambda: processes.gone(pid), "the worker to go")
        assert server.log.count(b"end ") == 1
        assert int(server.talk().split()[0]) != pid


@pytest.mark.slow
def test_the_cap_and_a_burst(tmp_path: Path) -> None:
    environment = warm.install(tmp_path, "plain", PLAIN)
    with serving(
        [ours("tcpserver"), "-vc3", *CHEAP, "-1", "127.0.0.1", "0", "plain"], tmp_path, env=environment
    ) as server:
        clients = [server.connect() for _ in range(30)]
        server.wait_for(rb"status: 3/3\n")
        for client in clients:
            client.sendall(b"hello")
            client.shutdown(1)
        assert all(client.makefile("rb").read().endswith(b" hello") for client in clients)
        for client in clients:
            client.close()
        log = server.wait_for(rb"end \d+ status 0\n", 30)
        assert b"4/3" not in log


@pytest.mark.slow
def test_a_worker_killed_while_it_serves_and_while_it_sleeps(tmp_path: Path) -> None:
    environment = warm.install(tmp_path, "plain", PLAIN, patient=True)
    with serving(
        [ours("tcpserver"), "-v", *CHEAP, "-1", "127.0.0.1", "0", "plain"], tmp_path, env=environment
    ) as server:
        with server.connect() as client:
            pid = int(client.recv(100).split()[0])
            os.kill(pid, signal.SIGTERM)
            assert client.recv(100) == b""
        server.wait_for(rb"end %d status 15\ntcpserver: status: 0/40\n" % pid)
        asleep = int(server.talk().split()[0])
        server.wait_for(rb"end %d status 0\ntcpserver: status: 0/40\n" % asleep)
        os.kill(asleep, signal.SIGKILL)
        eventually(lambda: processes.gone(asleep), "it to be reaped")
        assert int(server.talk().split()[0]) != asleep
        server.wait_for(rb"status: 0/40\n", 4)
        assert server.log.count(b"end ") == 3


@pytest.mark.slow
def test_sigterm_ends_the_server_and_the_sleepers_and_leaves_who_serves(tmp_path: Path) -> None:
    environment = warm.install(tmp_path, "plain", PLAIN, patient=True)
    with serving(
        [ours("tcpserver"), "-v", *CHEAP, "-1", "127.0.0.1", "0", "plain"], tmp_path, env=environment
    ) as server:
        with server.connect() as client, server.connect() as other:
            pids = [int(one.recv(100).split()[0]) for one in (client, other)]
            other.shutdown(1)
            server.wait_for(rb"end %d " % pids[1])
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(TIMEOUT) == 0
            eventually(lambda: processes.ended(pids[1]), "the sleeper to go")
            client.sendall(b"still here")
            assert client.recv(100) == b"still here"
        eventually(lambda: processes.ended(pids[0]), "the last one to go")


VARIABLES = """
import os
def main(argv=()):
    os.write(1, repr({k: v for k, v in os.environb.items() if k.startswith(b"RULE")}).encode())
    return 0
"""


@pytest.mark.slow
def test_variables_of_the_rules_odd_ones_too(tmp_path: Path) -> None:
    environment = warm.install(tmp_path, "variables", VARIABLES)
    made = run(
        [ours("tcprules"), str(tmp_path / "rules.cdb"), str(tmp_path / "rules.tmp")],
        b'127.0.0.1:allow,RULE="a=b",="no name",RULE\xe9="\xff",RULE2=""\n:allow\n',
    )
    assert made.status == 0
    options = ["-x", str(tmp_path / "rules.cdb"), *CHEAP, "-1", "127.0.0.1", "0"]
    for way in ("-w", "-W"):
        with serving([ours("tcpserver"), way, *options, "variables"], tmp_path, env=environment) as server:
            assert server.talk() == repr({b"RULE": b"a=b", b"RULE\xe9": b"\xff", b"RULE2": b""}).encode()
            assert server.talk(source="127.0.0.2") == b"{}"


IDENTITY = """
import os
def main(argv=()):
    os.write(1, repr((os.getresuid(), os.getresgid(), os.getgroups())).encode())
    return 0
"""


@pytest.mark.skipif(os.getuid() != 0, reason="changes identity")
def test_privileges_are_dropped_before_any_worker_exists(tmp_path: Path) -> None:
    environment = warm.install(tmp_path, "identity", IDENTITY)
    with serving(
        [ours("tcpserver"), "-u65534", "-g65533", *CHEAP, "-1", "127.0.0.1", "0", "identity"],
        tmp_path,
        env=environment,
    ) as server:
        assert server.talk() == repr(((65534,) * 3, (65533,) * 3, [65533])).encode()


def test_a_program_that_is_not_ours_is_never_run_warm(tmp_path: Path) -> None:
    """A launcher of the same shape that points elsewhere, or has one more line, is started as any other."""
    (tmp_path / "smarthost_other.py").write_text("import os\ndef main():\n    os.write(1, b'cold')\n")
    elsewhere = "from smarthost_other import main\n\nraise SystemExit(main())\n"
    longer = "import os\nfrom smarthost.programs.plain import main\n\nos.write(1, b'cold')\n"
    for text in (elsewhere, longer):
        environment = warm.install(tmp_path, "plain", PLAIN)
        (tmp_path / "plain").write_text(f"#!{sys.executable}\n{text}")
        with serving(
            [ours("tcpserver"), *CHEAP, "-1", "127.0.0.1", "0", "plain"], tmp_path, env=environment
        ) as server:
            assert server.talk() == b"cold"


FAILING = """
def main(argv=()):
    raise RuntimeError("a mistake")
"""


@pytest.mark.slow
def test_a_program_with_a_mistake_is_one_connections_loss(tmp_path: Path) -> None:
    environment = warm.install(tmp_path, "failing", FAILING)
    with serving(
        [ours("tcpserver"), "-v", *CHEAP, "-1", "127.0.0.1", "0", "failing"], tmp_path, env=environment
    ) as server:
        for number in range(2):
            assert server.talk() == b""
            server.wait_for(rb"status: 0/40\n", number + 2)
        assert server.log.count(b" status 28416\n") == 2
        assert b"Traceback" not in server.log


@pytest.mark.slow
@pytest.mark.parametrize("more", [0, 5000], ids=["few", "many"])
def test_rules_that_a_worker_looks_into_are_those_of_now(more: int, tmp_path: Path) -> None:
    """Ident makes it the worker's task. Few rules are kept in memory, many are not."""
    environment = warm.install(tmp_path, "plain", PLAIN)
    many = b"".join(b"10.%d.%d.1:deny\n" % (number // 250, number % 250) for number in range(more))

    def compile_rules(text: bytes) -> None:
        assert run([ours("tcprules"), "rules.cdb", "rules.tmp"], text + many, cwd=tmp_path).status == 0

    compile_rules(b":allow\n")
    with serving(
        [ours("tcpserver"), "-v", "-Hl0", "-t1", "-x", "rules.cdb", "-1", "127.0.0.1", "0", "plain"],
        tmp_path,
        env=environment,
    ) as server:
        served = 0
        for text, answers in ((b":allow\n", b"in"), (b":deny\n", b""), (b":allow\n", b"in")):
            compile_rules(text)
            for source in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
                assert server.talk(b"in", source=source).endswith(answers)
                served += 1
                server.wait_for(rb"status: 0/40\n", served + 1)
        assert b"warning" not in server.log
        assert server.log.count(b"tcpserver: deny ") == 3


@pytest.mark.slow
@pytest.mark.parametrize("limit", [13, 20])
def test_without_descriptors_for_workers_everybody_is_served_all_the_same(limit: int, tmp_path: Path) -> None:
    """A worker takes a descriptor of the server, a client of the original's takes none: 30 fit in either."""
    environment = warm.install(tmp_path, "echoer", ECHO)
    limited = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh"]
    with serving(
        [*limited, ours("tcpserver"), "-v", *CHEAP, "-1", "127.0.0.1", "0", "echoer"],
        tmp_path,
        env=environment,
    ) as server:
        for _ in range(2):
            clients = [server.connect() for _ in range(30)]
            for number, client in enumerate(clients):
                client.settimeout(4 * PATIENCE)  # thirty programs start at once
                client.sendall(b"%d\n" % number)
            assert [client.recv(100) for client in clients] == [b"%d\n" % number for number in range(30)]
            for client in clients:
                client.close()
        log = server.wait_for(rb"end ", 60)
    assert b"warning" not in log
