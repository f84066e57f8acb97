"""[rpcinterface:svscan]: service directories in a supervisord as it comes, beside a program of its own.

Not tested: an event listener beside them; a restart while something refuses to end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import xmlrpc.client
from typing import TYPE_CHECKING

import pytest
from supervisor.xmlrpc import Faults, SupervisorTransport

from smarthost.formats import status
from tests.support.engine import Engine, lines, program
from tests.support.originals import original
from tests.support.processes import ended
from tests.support.run import BIN, TIMEOUT, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

FOREVER = "exec sleep 1000"
# supervisor refuses port 0, so the test has an address of its own, by its process id, instead of a port.
ADDRESS = ".".join(map(str, (127, *(os.getpid() + 2**17).to_bytes(3, "big"))))
# Two servers: supervisord makes the interface for each.
CONFIGURATION = """
[supervisord]
logfile={root}/supervisord.log
pidfile={root}/supervisord.pid
environment=FROM_CONFIGURATION="yes"
[unix_http_server]
file={root}/socket
[inet_http_server]
port={address}:9002
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{root}/socket
[program:plain]
command=sh -c 'echo $$ >>{root}/plain.pids; exec sleep 1000'
"""
SECTION = """
[rpcinterface:{name}]
supervisor.rpcinterface_factory = smarthost.supervision.rpc:make_svscan_interface
directory = {directory}
"""


class Stock(Engine):
    """supervisord, in the foreground unless `daemon`."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.conf = root / "conf"
        self.configure()

    def configure(self, more: str = "") -> None:
        section = SECTION.format(name="svscan", directory=self.service)
        self.conf.write_text(CONFIGURATION.format(root=self.root, address=ADDRESS) + section + more)

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        with self.stderr.open("ab") as stderr:
            self.process = subprocess.Popen(
                [BIN / "supervisord", "-n", "-c", self.conf],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env={**os.environ, **environment},
            )
        return self.process

    @property
    def log(self) -> str:
        return (self.root / "supervisord.log").read_text()

    def ctl(self, *arguments: str) -> str:
        return run([str(BIN / "supervisorctl"), "-c", str(self.conf), *arguments]).stdout.decode()

    def rpc(self, method: str) -> object:
        transport = SupervisorTransport(None, None, f"unix://{self.root}/socket")
        try:
            return getattr(xmlrpc.client.ServerProxy("http://localhost", transport), method)()
        finally:
            transport.close()

    def state(self, name: str) -> str:
        said = self.ctl("status", name).split()
        return said[1] if len(said) > 1 else ""

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(TIMEOUT)


@pytest.fixture
def stock(tmp_path: Path) -> Iterator[Stock]:
    with Stock(tmp_path) as made:
        yield made
        pids = lines(tmp_path / "plain.pids")
        made._leftovers.update(map(int, pids))


def svstat(home: Path) -> str:
    return run([original("svstat"), home.name], cwd=home.parent).stdout.decode(errors="replace")


def up(home: Path) -> int:
    """Its process id once somebody attends to it and it is up."""

    def look() -> int:
        try:
            os.close(os.open(home / "supervise" / "ok", os.O_WRONLY | os.O_NONBLOCK))
            return status.unpack((home / "supervise" / "status").read_bytes()).pid
        except OSError:
            return 0

    return eventually(look)


def another(home: Path, before: int) -> int:
    return eventually(lambda: pid if (pid := up(home)) != before else 0)


COUNT = f"""exec {sys.executable} -ISc '
import os, sys, time
for number in range(1, 3001):
    os.write(1, b"%d\\n" % number)
    if number % 10 == 0:
        time.sleep(0.001)
os.close(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT))
time.sleep(1000)
' $ROOT/counted"""


def test_services_beside_a_program(stock: Stock) -> None:
    one = stock.add("one", f"echo $FROM_CONFIGURATION; {FOREVER}", stock.multilog("one"))
    # Each kill may leave one old file, and none must go.
    stock.add("count", COUNT, f"exec {program('multilog')} n1000 {stock.root}/count-log")
    stock.start()
    first, logger = up(one), up(one / "log")
    eventually(lambda: stock.logged("one") == ["yes"])
    # The producer writes on while its logger is killed again and again.
    counter = stock.real / "count" / "log"
    before = 0
    while not (stock.root / "counted").exists():
        before = another(counter, before)
        os.kill(before, signal.SIGKILL)
    eventually(lambda: stock.logged("count")[-1:] == ["3000"])
    # Killed after it has written and before it has taken that out of the pipe, the next one writes it again.
    assert list(dict.fromkeys(stock.logged("count"))) == [str(number) for number in range(1, 3001)]
    os.kill(first, signal.SIGKILL)
    second = another(one, first)
    eventually(lambda: len(stock.logged("one")) == 2)
    # As the originals steer it
    assert run([original("svok"), str(one)]).status == 0
    assert run([ours("svc"), "-d", "--wait=down", str(one)]).status == 0
    assert ended(second)
    assert "down" in svstat(one)
    assert stock.state("one") == "STOPPED"
    assert run([ours("svc"), "-u", "--wait=up", str(one)]).status == 0
    assert run([original("svc"), "-t", str(one)]).status == 0
    # As supervisorctl does, beside its own
    eventually(lambda: stock.state("one") == "RUNNING")
    assert stock.ctl("stop", "one") == "one: stopped\n"
    assert "down" in svstat(one)
    assert stock.ctl("start", "one") == "one: started\n"
    third = up(one)
    assert stock.ctl("restart", "one", "plain").splitlines() == [
        "one: stopped",
        "plain: stopped",
        "one: started",
        "plain: started",
    ]
    assert ended(third)
    eventually(lambda: stock.ctl("tail", "one").split() == stock.logged("one"))
    with subprocess.Popen(
        [BIN / "supervisorctl", "-c", stock.conf, "tail", "-f", "one"], stdout=subprocess.PIPE
    ) as tail:
        try:
            assert tail.stdout is not None
            tail.stdout.readline()  # what it does
            count = len(stock.logged("one"))
            assert [tail.stdout.readline() for _ in range(count)] == [b"yes\n"] * count
        finally:
            tail.kill()
    # What the configuration does not name is no leftover.
    stock.configure("[program:new]\ncommand=sleep 1000\n")
    assert stock.ctl("update") == "new: added process group\n"
    assert up(one / "log") == logger
    assert {line.split()[0] for line in stock.ctl("status").splitlines()} == {
        *("count", "count:log", "new", "one", "one:log", "plain")
    }
    assert stock.stop() == 0
    assert ended(logger)
    assert ended(int(lines(stock.root / "plain.pids")[-1]))


def test_scans(stock: Stock) -> None:
    home = stock.add("early", FOREVER)
    stock.start()
    pid = up(home)
    methods = stock.rpc("system.listMethods")
    assert isinstance(methods, list)
    assert [name for name in methods if name.startswith("svscan")] == ["svscan.rescan"]
    for inner in ("_directory", "_options", "__init__", "rescan.__func__", "_directory.release"):
        with pytest.raises(xmlrpc.client.Fault, match="UNKNOWN_METHOD"):
            stock.rpc(f"svscan.{inner}")
    assert svstat(home).startswith(f"early: up (pid {pid})")
    late = stock.add("late", FOREVER)
    up(late)  # by the scan that comes by itself
    odd = stock.add("o:d d\udcff\n", FOREVER)
    taken = stock.add("plain", FOREVER)
    broken = stock.add("b\n\udcff", FOREVER)
    (broken / "run").unlink()
    assert stock.rpc("svscan.rescan") is True
    eventually(lambda: stock.state("o%3Ad%20d%FF%0A") in ("STARTING", "RUNNING"))
    assert svstat(taken) == "plain: unable to open supervise/ok: file does not exist\n"
    eventually(lambda: "unable to run plain: something else that supervisord runs is called so" in stock.log)
    eventually(lambda: "b%0A%FF/run: file does not exist" in stock.log)
    # Removed, it comes back as long as it is there.
    before = up(odd)
    assert stock.ctl("stop", "late") == "late: stopped\n"
    assert stock.ctl("remove", "late") == "late: removed process group\n"
    assert stock.rpc("svscan.rescan") is True
    up(late)
    assert up(odd) == before
    # Unlinked, it goes on until svc -x.
    (stock.service / "early").unlink()
    left = "early is no longer in the directory: it goes on until svc -x"
    eventually(lambda: stock.rpc("svscan.rescan") and left in stock.log)
    assert up(home) == pid
    assert run([original("svc"), "-dx", str(home)]).status == 0
    eventually(lambda: "supervise not running" in svstat(home))
    eventually(lambda: stock.rpc("svscan.rescan") and "early" not in stock.ctl("status"))
    assert stock.stop() == 0


def test_names_that_change(stock: Stock) -> None:
    """A service is called as its directory is by now; one that has lost its name is told from who has it."""
    old, log = stock.add("a", FOREVER), stock.add("log", FOREVER, FOREVER)
    stock.start()
    pids = up(old), up(log), up(log / "log")
    (stock.service / "log").rename(stock.service / "b")
    new = stock.add("c", FOREVER)
    (stock.service / "c").rename(stock.service / "a")
    (stock.service / "plain").symlink_to(old)
    assert stock.rpc("svscan.rescan") is True
    names = {"a", "b", "b:log", "plain", "plain%2"}
    eventually(lambda: {line.split()[0] for line in stock.ctl("status").splitlines()} == names)
    assert "log is called b now" in stock.log
    assert (up(old), up(log), up(log / "log")) == pids
    assert stock.ctl("pid", "a") == f"{up(new)}\n"
    assert stock.ctl("pid", "plain%2") == f"{up(old)}\n"
    (stock.service / "plain").unlink()
    (stock.service / "b").unlink()
    stock.add("d", FOREVER)
    (stock.service / "d").rename(stock.service / "b")
    eventually(lambda: stock.rpc("svscan.rescan") and stock.state("b") in ("STARTING", "RUNNING"))
    assert stock.ctl("pid", "b%2:log") == f"{pids[2]}\n"
    assert run([ours("svc"), "-dx", str(log), str(log / "log"), str(old)]).status == 0
    names = {"a", "b", "plain"}
    eventually(
        lambda: (
            stock.rpc("svscan.rescan")
            and {line.split()[0] for line in stock.ctl("status").splitlines()} == names
        )
    )
    assert stock.stop() == 0


def test_the_end_in_order(stock: Stock) -> None:
    """Each logger reads what its service says last, though supervisord stops groups one after the other."""
    names = ("a", "b", "c")
    for name in names:
        stock.add(
            name,
            f"trap 'echo last; : >$ROOT/{name}.end; while [ ! -e $ROOT/go ]; do sleep 0.02; done; exit' TERM\n"
            f"echo first; : >$ROOT/{name}.begun; while :; do sleep 0.02; done",
            f"while read line; do echo $line >>$ROOT/{name}.said; done; echo end >>$ROOT/{name}.said",
        )
    stock.start()
    for name in names:
        eventually((stock.root / f"{name}.begun").exists)
    assert stock.ctl("shutdown") == "Shut down\n"
    for name in names:
        eventually((stock.root / f"{name}.end").exists)
    (stock.root / "go").touch()
    assert stock.process is not None
    assert stock.process.wait(TIMEOUT) == 0
    for name in names:
        assert lines(stock.root / f"{name}.said") == ["first", "last", "end"]
        assert not (stock.real / name / "supervise" / "child").read_bytes()


def test_killed_it_is_followed_by_one_that_takes_over(stock: Stock) -> None:
    homes = [stock.add(name, f"echo $$; {FOREVER}", stock.multilog(name)) for name in ("one", "two")]
    stock.start()
    parts = [part for home in homes for part in (home, home / "log")]
    pids = [up(part) for part in parts]
    for name, pid in (("one", pids[0]), ("two", pids[2])):
        eventually(lambda name=name, pid=pid: stock.logged(name) == [str(pid)])  # type: ignore[misc]
    stock.kill()
    assert not any(map(ended, pids))
    stock.start()
    assert [up(part) for part in parts] == pids
    os.kill(pids[0], signal.SIGKILL)
    again = another(homes[0], pids[0])
    eventually(lambda: stock.logged("one") == [str(pids[0]), str(again)])
    assert stock.logged("two") == [str(pids[2])]
    # HUP is supervisord's own restart: everything is stopped and begun anew, in the same process.
    assert stock.process is not None
    stock.process.send_signal(signal.SIGHUP)
    pids = [another(part, pid) for part, pid in zip(parts, [again, *pids[1:]], strict=True)]
    eventually(lambda: len(lines(stock.root / "plain.pids")) == 3)
    assert stock.stop() == 0
    assert all(map(ended, pids))


def test_in_the_background(stock: Stock) -> None:
    """What it starts is started by the process that stays; from two directories."""
    home = stock.add("one", FOREVER)
    second = stock.root / "second"
    (second / "one").mkdir(parents=True)
    stock.script(second / "one" / "run", FOREVER)
    (second / "two").mkdir()
    stock.script(second / "two" / "run", FOREVER)
    stock.configure(SECTION.format(name="second", directory=second))
    assert run([str(BIN / "supervisord"), "-c", str(stock.conf)]).status == 0
    pid = up(home)
    daemon = int(eventually(lambda: lines(stock.root / "supervisord.pid"))[0])
    try:
        os.kill(pid, signal.SIGKILL)
        another(home, pid)
        up(second / "two")
        assert "unable to run one: something else that supervisord runs is called so" in stock.log
        stock.start()  # another one finds the socket in use
        assert stock.process is not None
        assert stock.process.wait(TIMEOUT) == 2
    finally:
        os.kill(daemon, signal.SIGTERM)
    eventually(lambda: ended(daemon))


def test_one_directory_has_one_engine(stock: Stock) -> None:
    home = stock.add("one", FOREVER)
    other = subprocess.Popen([program("svscan"), str(stock.service)], stdin=subprocess.DEVNULL)
    try:
        pid = up(home)
        stock.start()
        eventually(
            lambda: (
                (stock.root / "supervisord.log").exists()
                and f"the services of {stock.service} are already being run; trying again" in stock.log
            )
        )
    finally:
        other.terminate()
        other.wait(TIMEOUT)
    another(home, pid)
    assert stock.stop() == 0


@pytest.mark.parametrize("line", ["", "directory = /service\nspeed = 5"])
def test_a_wrong_section_is_refused(stock: Stock, line: str) -> None:
    stock.conf.write_text(stock.conf.read_text().replace(f"directory = {stock.root}/service", line))
    process = stock.start()
    assert process.wait(TIMEOUT) == 2
    assert "takes directory=, the directory of services, and nothing else" in stock.log


def test_svscan_has_no_use_for_it(stock: Stock) -> None:
    done = run([program("svscan"), str(stock.service), str(stock.conf)])
    assert done.status == 111
    assert b"Could not make svscan rpc interface" in done.stderr


def test_a_fault_while_it_ends(stock: Stock) -> None:
    home = stock.add(
        "slow",
        "trap 'while [ ! -e $ROOT/go ]; do sleep 0.02; done; exit' TERM; "
        ": >$ROOT/begun; while :; do sleep 0.02; done",
    )
    stock.start()
    eventually((stock.root / "begun").exists)
    up(home)
    assert stock.rpc("supervisor.shutdown")
    with pytest.raises(xmlrpc.client.Fault) as caught:
        stock.rpc("svscan.rescan")
    assert caught.value.faultCode == Faults.SHUTDOWN_STATE
    (stock.root / "go").touch()
    assert stock.process is not None
    assert stock.process.wait(TIMEOUT) == 0
