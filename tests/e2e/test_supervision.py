"""Service directories under the engine: real processes, pipes and signals.

Not tested: a full process table, a full descriptor table.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import processes
from tests.support.engine import SAY_WHEN, Engine, lines, starts
from tests.support.processes import ended
from tests.support.run import BIN, TIMEOUT, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call = Callable[..., str]

pytestmark = pytest.mark.slow

# Who starts programs by posix_spawn, as make does, has glibc leave these two ignored; no program can tell.
GLIBCS_OWN = 1 << 31 | 1 << 32


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path) as made:
        yield made


class TestWhatAServiceFinds:
    def test_its_directory_clean_signals_and_nothing_open(self, engine: Engine) -> None:
        home = engine.add(
            "look",
            "grep Sig /proc/self/status >$ROOT/signals; ulimit -Sn >$ROOT/limit; pwd >$ROOT/cwd\n"
            "env >$ROOT/environment; echo $$ >$ROOT/pid; exec sleep 1000",
        )
        leak = os.open("/dev/null", os.O_RDONLY)
        argv = ["sh", "-c", 'ulimit -Sn 333; exec "$0" "$@"', sys.executable]
        with engine.stderr.open("wb") as stderr:
            engine.process = subprocess.Popen(
                [*argv, "-m", "smarthost.supervision", str(engine.service)],
                stdout=stderr,
                stderr=stderr,
                pass_fds=[leak],
                env={"PATH": os.environ["PATH"], "ODD": "as given"},
            )
        os.close(leak)
        pid = engine.pid("pid")
        status = dict(line.split(":\t") for line in lines(engine.root / "signals"))
        assert int(status["SigBlk"], 16) == 0
        assert int(status["SigIgn"], 16) & ~GLIBCS_OWN == 0
        assert lines(engine.root / "limit") == ["333"]
        assert lines(engine.root / "cwd") == [str(home)]
        eventually(lambda: processes.name(pid) == "sleep")  # the shell has its own open
        # The loader opens one for a moment.
        eventually(lambda: processes.descriptors(pid).keys() == {0, 1, 2})
        assert processes.descriptors(pid)[0] == "/dev/null"
        assert {
            line
            for line in lines(engine.root / "environment")
            if not line.startswith(("PWD=", "_=", "OLDPWD", "SHLVL"))
        } == {
            f"PATH={os.environ['PATH']}",
            "ODD=as given",
        }
        assert os.getpgid(pid) == pid  # Ctrl-C at the terminal is the engine's alone

    def test_without_a_logger_it_writes_where_the_engine_does(self, engine: Engine) -> None:
        engine.add("plain", "echo to stdout; echo to stderr >&2; exec sleep 1000")
        engine.start()
        eventually(lambda: {"to stdout", "to stderr"} <= set(lines(engine.stderr)))


def uptime() -> float:
    return float(Path("/proc/uptime").read_text().split()[0])


class TestForEver:
    def test_once_a_second_at_most(self, engine: Engine) -> None:
        engine.add("brief", SAY_WHEN)
        engine.start()
        eventually(lambda: len(starts(engine.root)) >= 4)
        gaps = [after - before for before, after in pairwise(starts(engine.root))]
        assert min(gaps) > 0.6, gaps  # the engine looks at the clock a moment before it starts it
        assert min(gaps) < 2, gaps
        assert len([line for line in lines(engine.stderr) if "within a second" in line]) == 1

    def test_at_once_if_it_lived_for_a_second(self, engine: Engine) -> None:
        engine.add("long", f"{SAY_WHEN}; echo $$ >>$ROOT/pids; exec sleep 1000")
        engine.start()
        pauses = []
        for number in range(3):
            [pid] = eventually(lambda number=number: lines(engine.root / "pids")[number:])  # type: ignore[misc]
            begun = starts(engine.root)[number]
            eventually(lambda begun=begun: uptime() > begun + 1.5)  # type: ignore[misc]
            killed = uptime()
            os.kill(int(pid), signal.SIGKILL)
            eventually(lambda number=number: len(starts(engine.root)) == number + 2)  # type: ignore[misc]
            pauses.append(starts(engine.root)[-1] - killed)
        # A busy machine may come late to one of them. A pause after the end would have all of them last a second.
        assert min(pauses) < 0.5, pauses

    def test_down_until_told(self, engine: Engine) -> None:
        engine.add("idle", "echo up >>$ROOT/idle.log; exec sleep 1000", down=True)
        engine.add("busy", "echo up >>$ROOT/busy.log; exec sleep 1000")
        engine.start()
        eventually(lambda: lines(engine.root / "busy.log"))
        assert not lines(engine.root / "idle.log")

    def test_a_missing_run_is_said_once_and_waited_for(self, engine: Engine) -> None:
        home = engine.real / "empty"
        home.mkdir()
        (engine.service / "empty").symlink_to(home)
        engine.add("tick", "echo tick >>$ROOT/ticks")
        engine.start()
        eventually(lambda: len(lines(engine.root / "ticks")) >= 3)
        said = f"smarthost: warning: unable to start {engine.service}/empty/run: file does not exist"
        assert [line for line in lines(engine.stderr) if "empty" in line] == [
            said + "; trying again every second"
        ]
        engine.script(home / "run.new", "echo up >>$ROOT/up; exec sleep 1000")
        (home / "run.new").rename(home / "run")
        eventually(lambda: lines(engine.root / "up"))

    @pytest.mark.parametrize(
        ("text", "reason"),
        [("no first line", "exec format error"), ("#!/nonexistent/sh\n", "file does not exist")],
    )
    def test_an_unstartable_run(self, engine: Engine, text: str, reason: str) -> None:
        home = engine.add("broken", "")
        (home / "run").write_text(text)
        engine.start()
        eventually(lambda: any(f"broken/run: {reason};" in line for line in lines(engine.stderr)))


class TestTheDirectory:
    def test_new_ones_are_found_and_removed_ones_stopped(self, engine: Engine) -> None:
        engine.add("early", "echo $$ >$ROOT/early; exec sleep 1000")
        engine.start()
        engine.pid("early")
        engine.add(
            "late",
            "trap 'echo term >>$ROOT/log; exit' TERM; echo $$ >$ROOT/late; while :; do sleep 0.1; done",
        )
        engine.rescan()
        pid = engine.pid("late")
        engine.real.joinpath("late").rename(engine.root / "elsewhere")

        def gone() -> bool:
            engine.rescan()
            return ended(pid)

        eventually(gone)
        assert lines(engine.root / "log") == ["term"]
        # The engine goes on, and takes the directory back.
        engine.root.joinpath("late").unlink()
        engine.root.joinpath("elsewhere").rename(engine.real / "late")
        engine.rescan()
        assert engine.pid("late") != pid
        assert not ended(engine.pid("early"))

    def test_two_names_of_one_directory_are_one_service(self, engine: Engine) -> None:
        home = engine.add("a", "echo up >>$ROOT/a.log; exec sleep 1000")
        (engine.service / "b").symlink_to(home)
        (engine.service / ".hidden").symlink_to(home)
        engine.add("c", "echo up >>$ROOT/c.log")
        engine.start()
        eventually(lambda: lines(engine.root / "a.log") and len(lines(engine.root / "c.log")) >= 2)
        assert lines(engine.root / "a.log") == ["up"]

    def test_only_one_engine_runs_it(self, engine: Engine) -> None:
        engine.add("a", "echo up >>$ROOT/a.log; exec sleep 1000")
        engine.start()
        eventually(lambda: lines(engine.root / "a.log"))
        second = run([sys.executable, "-m", "smarthost.supervision", str(engine.service)])
        assert second.status == 111
        assert (
            second.stderr
            == f"smarthost: fatal: the services of {engine.service} are already being run\n".encode()
        )


NUMBERS = "i=0; [ -f $ROOT/done ] && exec sleep 1000\nwhile [ $i -lt 3000 ]; do i=$((i+1)); echo $i; done; : >$ROOT/done; exec sleep 1000"


class TestTheLogPipe:
    def test_a_logger_that_ends_loses_nothing(self, engine: Engine) -> None:
        engine.add("count", NUMBERS, f"echo $$ >>$ROOT/loggers; {engine.multilog('count')}")
        engine.start()
        for number in range(3):
            eventually(lambda number=number: len(lines(engine.root / "loggers")) > number)  # type: ignore[misc]
            os.kill(int(lines(engine.root / "loggers")[-1]), signal.SIGTERM)
        eventually(lambda: len(engine.logged("count")) == 3000)
        assert engine.logged("count") == [str(number) for number in range(1, 3001)]

    def test_a_service_that_dies_leaves_its_lines(self, engine: Engine) -> None:
        """And its logger lives on, without an end of file."""
        engine.add(
            "dies",
            "echo last words; echo $$ >>$ROOT/pids; exec sleep 1000",
            f"echo $$ >>$ROOT/loggers; {engine.multilog('dies')}",
        )
        engine.start()
        eventually(lambda: lines(engine.root / "loggers"))
        for number in range(2):
            eventually(lambda number=number: len(lines(engine.root / "pids")) > number)  # type: ignore[misc]
            os.kill(int(lines(engine.root / "pids")[-1]), signal.SIGKILL)
        eventually(lambda: len(lines(engine.root / "pids")) == 3)
        eventually(lambda: engine.logged("dies") == ["last words"] * 3)
        assert len(lines(engine.root / "loggers")) == 1

    def test_killing_the_engine_stops_nothing_and_the_next_one_reads_on(self, engine: Engine) -> None:
        engine.add(
            "on",
            "[ -f $ROOT/first ] && exec sleep 1000\n: >$ROOT/first; echo $$ >$ROOT/pid\n"
            "echo before; until [ -f $ROOT/go ]; do sleep 0.05; done; echo after; exec sleep 1000",
            f"[ -f $ROOT/logger ] || echo $$ >$ROOT/logger; {engine.multilog('on')}",
        )
        first = engine.start()
        pid, logger = engine.pid("pid"), engine.pid("logger")
        eventually(lambda: engine.logged("on"))
        first.kill()
        first.wait(TIMEOUT)
        assert not ended(pid)
        engine.start()
        (engine.root / "go").touch()
        eventually(lambda: engine.logged("on") == ["before", "after"])
        os.kill(logger, signal.SIGTERM)

    def test_at_the_end_the_logger_reads_everything(self, engine: Engine) -> None:
        engine.add(
            "talks",
            "trap 'i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo $i; done; exit' TERM\n"
            "echo $$ >$ROOT/pid; while :; do sleep 0.05; done",
            f"until [ -f $ROOT/stopping ]; do sleep 0.05; done; {engine.multilog('talks')}",
        )
        process = engine.start()
        pid = engine.pid("pid")
        process.send_signal(signal.SIGINT)
        eventually(lambda: ended(pid))
        (engine.root / "stopping").touch()
        assert process.wait(TIMEOUT) == 0
        assert engine.logged("talks") == [str(number) for number in range(1, 2001)]

    def test_at_the_end_a_paused_logger_reads_everything(self, engine: Engine) -> None:
        """It is continued: else it would read nothing, and then be told to end."""
        home = engine.add(
            "talks",
            "trap 'echo last words; exit' TERM; echo $$ >$ROOT/pid; while :; do sleep 0.05; done",
            f"echo $$ >$ROOT/logger; {engine.multilog('talks')}",
        )
        engine.start()
        engine.pid("pid")
        logger = engine.pid("logger")
        assert run([ours("svc"), "-p", str(home / "log")]).status == 0
        eventually(lambda: processes.state(logger) == "T")
        assert engine.stop() == 0
        assert engine.logged("talks") == ["last words"]

    def test_at_the_end_a_logger_that_dies_is_started_again(self, engine: Engine) -> None:
        engine.add(
            "two",
            "trap 'echo important; exit' TERM; echo $$ >$ROOT/pid; while :; do sleep 0.05; done",
            f"if [ ! -f $ROOT/died ]; then echo $$ >$ROOT/logger; until [ -f $ROOT/died ]; do sleep 0.05; done; exit 1; fi\n"
            f"{engine.multilog('two')}",
        )
        process = engine.start()
        pid = engine.pid("pid")
        engine.pid("logger")
        process.send_signal(signal.SIGTERM)
        eventually(lambda: ended(pid))
        (engine.root / "died").touch()
        assert process.wait(TIMEOUT) == 0
        assert engine.logged("two") == ["important"]

    def test_at_the_end_a_pipe_held_by_somebody_else_is_waited_for_with_a_bound(self, engine: Engine) -> None:
        engine.add(
            "held",
            "echo line; sleep 1000 & echo $! >$ROOT/holder; echo $$ >$ROOT/pid; exec sleep 1000",
            engine.multilog("held"),
        )
        process = engine.start()
        engine.pid("holder")
        eventually(lambda: engine.logged("held"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
        assert engine.logged("held") == ["line"]

    def test_a_second_signal_leaves_what_will_not_stop(self, engine: Engine) -> None:
        engine.add(
            "deaf", "trap 'echo no >>$ROOT/asked' TERM; echo $$ >$ROOT/pid; while :; do sleep 0.1; done"
        )
        process = engine.start()
        pid = engine.pid("pid")
        process.send_signal(signal.SIGTERM)
        eventually(lambda: lines(engine.root / "asked"))
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
        assert not ended(pid)


# supervisor refuses port 0, so the test has an address of its own, by its process id, instead of a port.
OWN_ADDRESS = ".".join(map(str, (127, *(os.getpid() + 2**16).to_bytes(3, "big"))))


def listening(pid: int) -> list[tuple[str, int]]:
    """The TCP addresses that a process listens on, as the kernel tells."""
    sockets = set(processes.descriptors(pid).values())
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    found = [row[1].split(":") for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]
    return [(socket.inet_ntoa(bytes.fromhex(ip)[::-1]), int(port, 16)) for ip, port in found]


CONFIGURATION = """
[supervisord]
logfile=%(here)s/engine.log
pidfile=%(here)s/engine.pid
[unix_http_server]
file=%(here)s/s
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://%(here)s/s
"""


class TestSupervisorctl:
    @pytest.fixture
    def ctl(self, engine: Engine) -> Call:
        engine.configuration = engine.root / "conf"
        engine.configuration.write_text(CONFIGURATION)

        def call(*arguments: str) -> str:
            done = run([str(BIN / "supervisorctl"), "-c", str(engine.configuration), *arguments])
            return done.stdout.decode()

        return call

    def test_it_shows_stops_starts_and_reads(self, engine: Engine, ctl: Call) -> None:
        engine.add("web", "echo $$ >>$ROOT/pids; echo a line; exec sleep 1000", engine.multilog("web"))
        engine.add("odd name", "exec sleep 1000", down=True)
        engine.start()
        eventually(lambda: ctl("status").count("RUNNING") == 2)
        shown = {line.split()[0]: line.split()[1] for line in ctl("status").splitlines()}
        assert shown == {"web": "RUNNING", "web:log": "RUNNING", "odd%20name": "STOPPED"}
        eventually(lambda: engine.logged("web"))
        assert ctl("tail", "web").strip() == "a line"
        assert ctl("stop", "web") == "web: stopped\n"
        assert ctl("status", "web").split()[1] == "STOPPED"
        assert ctl("start", "web") == "web: started\n"
        assert ctl("restart", "web") == "web: stopped\nweb: started\n"
        assert ctl("start", "odd%20name") == "odd%20name: started\n"
        eventually(lambda: engine.logged("web") == ["a line"] * 3)
        assert len(lines(engine.root / "pids")) == 3
        ctl("clear", "web")
        assert engine.logged("web") == ["a line"] * 3
        ctl("update")
        assert ctl("status").count("RUNNING") == 3
        assert ctl("shutdown") == "Shut down\n"
        assert engine.process is not None
        assert engine.process.wait(TIMEOUT) == 0
        assert not (engine.root / "s").exists()

    def test_the_web_page(self, engine: Engine) -> None:
        """Off unless asked for; then it shows the services, stops them, and reads their logs."""
        engine.configuration = engine.root / "conf"
        engine.configuration.write_text(CONFIGURATION + f"[inet_http_server]\nport={OWN_ADDRESS}:9001\n")
        engine.add("web", "echo a line; exec sleep 1000", engine.multilog("web"))
        process = engine.start()
        eventually(lambda: listening(process.pid) == [(OWN_ADDRESS, 9001)])

        def get(path: str) -> str:
            with urllib.request.urlopen(f"http://{OWN_ADDRESS}:9001/{path}", timeout=TIMEOUT) as answer:
                text: str = answer.read().decode()
                return text

        eventually(lambda: get("").count(">running<") == 2)
        assert ">web<" in get("")
        assert ">web:log<" in get("")
        eventually(lambda: engine.logged("web"))
        assert "a line" in get("tail.html?processname=web")
        get("index.html?processname=web&action=stop")
        eventually(lambda: ">stopped<" in get(""))

    def test_no_port_is_open_unless_asked_for(self, engine: Engine, ctl: Call) -> None:
        engine.add("web", "exec sleep 1000")
        process = engine.start()
        eventually(lambda: ctl("status").count("RUNNING") == 1)
        assert listening(process.pid) == []

    def test_a_service_that_cannot_start(self, engine: Engine, ctl: Call) -> None:
        home = engine.add("none", "")
        (home / "run").unlink()
        engine.start()
        eventually(lambda: "BACKOFF" in ctl("status"))
        assert "file does not exist" in ctl("status", "none")
        assert ctl("stop", "none") == "none: stopped\n"
        assert ctl("start", "none") == "none: ERROR (no such file)\n"

    def test_reload_starts_everything_anew(self, engine: Engine, ctl: Call) -> None:
        engine.add("a", "echo up >>$ROOT/a.log; exec sleep 1000", engine.multilog("a"))
        engine.start()
        eventually(lambda: lines(engine.root / "a.log") and "RUNNING" in ctl("status"))
        ctl("reload")
        eventually(lambda: len(lines(engine.root / "a.log")) == 2)
        eventually(lambda: ctl("status").count("RUNNING") == 2)
