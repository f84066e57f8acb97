"""The files of a service's directory beyond daemontools: names and meanings as s6 has them where it has them.

Not tested: a finish that cannot be made a process of.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.support import processes
from tests.support.engine import SAY_WHEN, Engine, lines, starts
from tests.support.originals import original
from tests.support.run import TIMEOUT, ours, run
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

pytestmark = pytest.mark.slow

FOREVER = "exec sleep 1000"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path) as made:
        yield made


def svc(home: Path, *arguments: str) -> None:
    done = run([ours("svc"), *arguments, "--timeout=30", str(home)])
    assert (done.status, done.stderr) == (0, b"")


def state(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run([ours("svstat"), "--json", str(home)]).stdout)
    return found


def supervised(home: Path) -> bool:
    return run([original("svok"), str(home)]).status == 0


def finish(engine: Engine, home: Path, text: str) -> None:
    engine.script(home / "finish", text)


class TestFinish:
    @pytest.mark.parametrize(
        ("end", "arguments"),
        [("exit 7", "7 0"), ("kill -9 $$", "256 9")],
    )
    def test_it_is_told_how_run_ended(self, engine: Engine, end: str, arguments: str) -> None:
        home = engine.add("one", f"echo run $$ >>$ROOT/log; {end}")
        finish(engine, home, "echo finish $* $(pwd) >>$ROOT/log")
        engine.start()
        eventually(lambda: len(lines(engine.root / "log")) >= 4)
        said = lines(engine.root / "log")
        pid = said[0].split()[1]
        assert said[1] == f"finish {arguments} one {pid} {home}"
        assert [line.split()[0] for line in said[:4]] == ["run", "finish", "run", "finish"]

    def test_its_output_is_logged_and_the_end_waits_for_it(self, engine: Engine) -> None:
        home = engine.add("one", f"echo $$ >$ROOT/pid; {FOREVER}", engine.multilog("one"))
        (home / "timeout-finish").write_text("0\n")  # as long as we take
        finish(engine, home, "until [ -f $ROOT/go ]; do sleep 0.05; done; echo finished")
        process = engine.start()
        engine.pid("pid")
        eventually(lambda: supervised(home))
        svc(home, "-d")
        eventually(lambda: state(home)["finishing"])
        assert state(home)["up"] is False
        process.terminate()
        (engine.root / "go").touch()
        assert process.wait(TIMEOUT) == 0
        assert engine.logged("one") == ["finished"]

    def test_down_is_when_it_has_ended(self, engine: Engine) -> None:
        home = engine.add("one", f"echo run >>$ROOT/log; {FOREVER}")
        finish(engine, home, "sleep 0.3; echo finished >>$ROOT/log")
        engine.start()
        eventually(lambda: lines(engine.root / "log") == ["run"])
        svc(home, "-d", "--wait=down")
        assert lines(engine.root / "log") == ["run", "finished"]

    def test_it_is_killed_when_it_takes_too_long(self, engine: Engine) -> None:
        home = engine.add(
            "one",
            "echo $$ >>$ROOT/pids; [ -f $ROOT/first ] && exec sleep 1000; : >$ROOT/first; sleep 1",
        )
        finish(engine, home, FOREVER)
        (home / "timeout-finish").write_text("200\n")
        engine.start()
        pid = int(eventually(lambda: lines(engine.root / "pids")[1:])[0])
        [line] = [line for line in lines(engine.stderr) if "takes too long" in line]
        assert line == f"smarthost: warning: {engine.service}/one/finish takes too long: it is killed"
        # Nobody is left there but the second one.
        assert [one for one in processes.all_there() if processes.directory(one) == str(home)] == [pid]

    def test_125_means_never_again(self, engine: Engine) -> None:
        home = engine.add("one", "echo run >>$ROOT/log; exit 3")
        finish(engine, home, "echo finish $1 >>$ROOT/log; exit 125")
        engine.start()
        eventually(lambda: any("is not started again" in line for line in lines(engine.stderr)))
        svc(home, "--wait=down")
        assert lines(engine.root / "log") == ["run", "finish 3"]
        assert state(home)["want"] is None
        svc(home, "-u")
        eventually(lambda: len(lines(engine.root / "log")) == 4)

    def test_the_next_engine_takes_it_over(self, engine: Engine) -> None:
        home = engine.add("one", f"echo run >>$ROOT/log; {FOREVER}")
        finish(
            engine,
            home,
            "echo $$ >$ROOT/finish; until [ -f $ROOT/go ]; do sleep 0.05; done; echo over >>$ROOT/log",
        )
        (home / "timeout-finish").write_text("0\n")  # as long as we take
        first = engine.start()
        eventually(lambda: lines(engine.root / "log") == ["run"])
        svc(home, "-t")
        engine.pid("finish")
        first.kill()
        first.wait()
        engine.start()
        eventually(lambda: supervised(home))
        assert state(home)["finishing"]
        assert lines(engine.root / "log") == ["run"]
        (engine.root / "go").touch()
        eventually(lambda: lines(engine.root / "log") == ["run", "over", "run"])


class TestReadiness:
    def test_it_says_so(self, engine: Engine) -> None:
        home = engine.add(
            "one",
            "until [ -f go ]; do sleep 0.05; done; echo >&4; echo noise >&4; exec 4>&-; exec sleep 1000",
        )
        (home / "notification-fd").write_text("4\n")
        engine.start()
        eventually(lambda: supervised(home))
        svc(home, "--wait=up")
        assert state(home)["ready"] is False
        done = run([ours("svc"), "--wait=ready", "--timeout=0", str(home)])
        assert done.status == 99
        (home / "go").touch()
        svc(home, "--wait=ready")
        said = run([ours("svstat"), "one"], cwd=engine.service).stdout.decode()
        assert re.fullmatch(r"one: up \(pid \d+\) \d+ seconds, ready \d+ seconds\n", said)
        theirs = run([original("svstat"), "one"], cwd=engine.service).stdout.decode()
        assert re.fullmatch(r"one: up \(pid \d+\) \d+ seconds\n", theirs)
        (home / "go").unlink()
        svc(home, "-t", "--wait=up")
        eventually(lambda: state(home)["ready"] is False)
        assert not (home / "supervise/ready").exists()

    def test_while_there_is_no_engine(self, engine: Engine) -> None:
        """It does not die of it, and the next engine hears it."""
        home = engine.add(
            "one",
            "echo $$ >>$ROOT/pids; until [ -f go ]; do sleep 0.05; done; echo >&9; : >said; exec sleep 1000",
        )
        (home / "notification-fd").write_text("9")
        first = engine.start()
        pid = engine.pid("pids")
        first.kill()
        first.wait()
        (home / "go").touch()
        eventually((home / "said").exists)
        engine.start()
        eventually(lambda: supervised(home))
        svc(home, "--wait=ready")
        assert state(home)["pid"] == pid
        # And one more engine finds it written down.
        assert engine.process is not None
        engine.process.kill()
        engine.process.wait()
        engine.start()
        eventually(lambda: supervised(home))
        assert state(home)["ready"] is True

    @pytest.mark.parametrize("descriptor", [1, 200])
    def test_any_descriptor(self, engine: Engine, descriptor: int) -> None:
        home = engine.add("one", "", engine.multilog("one"))
        (home / "run").write_text(
            f"#!{ours('svc')[: -len('svc')]}python -IS\nimport os, time\nos.write({descriptor}, b'ready\\n')\n"
            "print(*sorted(int(name) for name in os.listdir('/proc/self/fd')), file=open('open', 'w'))\ntime.sleep(1000)\n"
        )
        (home / "notification-fd").write_text(str(descriptor))
        engine.start()
        eventually(lambda: supervised(home))
        svc(home, "--wait=ready")
        eventually(lambda: lines(home / "open"))
        found = {int(word) for word in lines(home / "open")[0].split()}
        # Beside its own and that of the listing and of the file that is written.
        assert {0, 1, 2, descriptor} <= found
        assert len(found) <= len({0, 1, 2, descriptor}) + 2


@pytest.mark.parametrize("descriptor", ["1", "5"])
def test_the_engine_keeps_no_descriptor_of_a_start(engine: Engine, descriptor: str) -> None:
    """With everything that a start may need; also where a service says on its log's descriptor that it is ready."""
    home = engine.add("one", f"echo $$ >>$ROOT/pids; echo >&{descriptor}; {FOREVER}", "exec cat >/dev/null")
    (home / "notification-fd").write_text(descriptor)
    finish(engine, home, "exit 0")
    process = engine.start()

    def held() -> list[str]:
        """What it keeps: each look also finds what it has open for a moment, to scan or to write a status."""
        looks = [sorted(processes.descriptors(process.pid).values()) for _ in range(20)]
        return min(looks, key=len)

    eventually(lambda: supervised(home) and supervised(home / "log"))
    svc(home, "--wait=ready")
    svc(home / "log", "--wait=up")
    before = held()
    assert sum(name.endswith("/logpipe") for name in before) == 2
    for _ in range(2):
        svc(home, "-t", "--wait=restart")
    eventually(lambda: held() == before)


class TestTheEnd:
    def test_another_signal(self, engine: Engine) -> None:
        home = engine.add(
            "one",
            "trap 'echo hup >>$ROOT/log; exit' HUP; trap 'echo term >>$ROOT/log' TERM; echo $$ >$ROOT/pid\nwhile :; do sleep 0.05; done",
        )
        (home / "down-signal").write_text("SIGHUP\n")
        engine.start()
        engine.pid("pid")
        eventually(lambda: supervised(home))
        svc(home, "-d", "--wait=down")
        assert lines(engine.root / "log") == ["hup"]

    def test_kill_after_a_while(self, engine: Engine) -> None:
        home = engine.add("one", "trap '' TERM; echo $$ >$ROOT/pid; while :; do sleep 0.05; done")
        (home / "timeout-kill").write_text("300\n")
        process = engine.start()
        engine.pid("pid")
        eventually(lambda: supervised(home))
        svc(home, "-d", "--wait=down")
        (engine.root / "pid").unlink()
        svc(home, "-u", "--wait=up")
        engine.pid("pid")
        process.terminate()
        assert process.wait(TIMEOUT) == 0
        killed = [
            line for line in lines(engine.stderr) if line.endswith("one has not ended in time: it is killed")
        ]
        assert len(killed) == 2

    def test_what_makes_no_sense_is_said_once(self, engine: Engine) -> None:
        home = engine.add("one", f"echo $$ >>$ROOT/pids; {FOREVER}")
        for file in ("down-signal", "timeout-kill", "notification-fd"):
            (home / file).write_text("many words\n")
        (home / "depends").mkdir()
        engine.start()
        eventually(lambda: lines(engine.root / "pids"))
        eventually(lambda: supervised(home))
        svc(home, "-d", "--wait=down")
        svc(home, "-u", "--wait=up")
        svc(home, "-d", "--wait=down")
        place = f"{engine.service}/one"
        number = "is ignored: it is no whole number up to"
        assert sorted(lines(engine.stderr)) == [
            f"smarthost: warning: {place}/down-signal is ignored: it names no signal",
            f"smarthost: warning: {place}/notification-fd {number} 1023",
            f"smarthost: warning: {place}/timeout-kill {number} 2147483647",
            f"smarthost: warning: unable to read {place}/depends: is a directory",
        ]


def when_up(home: Path) -> bytes:
    """The label of its start, which the engine makes: a shell may take longer to say something than another."""
    return (home / "supervise/status").read_bytes()[:12]


def when_ready(home: Path) -> bytes:
    return (home / "supervise/ready").read_bytes()[:12]


class TestDepends:
    def test_after_these_are_ready(self, engine: Engine) -> None:
        first = engine.add(
            "z", "until [ -f go ]; do sleep 0.05; done; echo z >>$ROOT/log; echo >&3; exec sleep 1000"
        )
        (first / "notification-fd").write_text("3")
        second = engine.add("b", f"echo b >>$ROOT/log; {FOREVER}")
        (second / "depends").write_text("z\n")
        third = engine.add("a", f"echo a >>$ROOT/log; {FOREVER}")
        (third / "depends").write_text("b\nz\n")
        engine.add("free", f"echo free >>$ROOT/log; {FOREVER}")
        engine.start()
        eventually(lambda: "smarthost: warning: a waits for b, z" in lines(engine.stderr))
        eventually(lambda: "smarthost: warning: b waits for z" in lines(engine.stderr))
        eventually(lambda: lines(engine.root / "log") == ["free"])
        (first / "go").touch()
        eventually(lambda: len(lines(engine.root / "log")) == 4)
        assert lines(engine.root / "log")[:2] == ["free", "z"]
        svc(third, "--wait=up")
        assert when_ready(first) <= when_up(second) < when_up(third)
        assert len(lines(engine.stderr)) <= 3

    def test_of_one_that_is_not_there_and_in_a_circle(self, engine: Engine) -> None:
        lonely = engine.add("lonely", f"echo lonely >>$ROOT/log; {FOREVER}")
        (lonely / "depends").write_text("late")
        for name, other in ("one", "two"), ("two", "one"):
            home = engine.add(name, f"echo {name} >>$ROOT/log; {FOREVER}")
            (home / "depends").write_text(other)
        engine.start()
        eventually(
            lambda: (
                sorted(lines(engine.stderr))
                == [
                    "smarthost: warning: lonely waits for late (which is not there)",
                    "smarthost: warning: one waits for two (in a circle)",
                    "smarthost: warning: two waits for one (in a circle)",
                ]
            )
        )
        engine.add("late", f"echo late >>$ROOT/log; {FOREVER}")
        engine.rescan()
        eventually(lambda: sorted(lines(engine.root / "log")) == ["late", "lonely"])
        svc(lonely, "--wait=up")
        assert when_up(engine.real / "late") < when_up(lonely)
        # Once: whatever it depends on.
        svc(engine.real / "one", "-o", "--wait=up")
        eventually(lambda: sorted(lines(engine.root / "log")) == ["late", "lonely", "one", "two"])
        svc(engine.real / "two", "--wait=up")
        assert when_up(engine.real / "one") < when_up(engine.real / "two")


def gaps(engine: Engine, count: int) -> list[float]:
    eventually(lambda: len(starts(engine.root)) > count)
    return [after - before for before, after in pairwise(starts(engine.root))]


def test_backoff_grows_up_to_its_cap_and_never_gives_up(engine: Engine) -> None:
    home = engine.add("one", SAY_WHEN)
    (home / "backoff").write_text("1500\n")
    engine.start()
    found = gaps(engine, 4)
    # Less than the pauses of 1, 1.5, 1.5 and 1.5 seconds: the engine looks at the clock a moment before it starts it.
    assert found[0] > 0.6
    assert min(found[1:]) > 1.1
    assert len(lines(engine.stderr)) == 1


def test_up_does_not_wait_for_the_end_of_a_long_pause(engine: Engine) -> None:
    home = engine.add("one", SAY_WHEN)
    (home / "backoff").touch()
    engine.start()
    found = gaps(engine, 3)
    assert found[1] > 1.2
    assert found[2] > 2.2
    svc(home, "-u")  # 8 seconds would be the next
    assert gaps(engine, 4)[3] < 7
