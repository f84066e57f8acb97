"""An engine that is killed, and the next one: nothing is started again, and no line is lost.

Not tested: a kill between the child's fork and its exec, which no test can place; what stands in its way is that
the child has the lock until it has written down who it is.
"""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import processes
from tests.support.engine import Engine, lines
from tests.support.originals import original
from tests.support.processes import ended
from tests.support.run import TIMEOUT, ours, run
from tests.support.supervised import make_service
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

FOREVER = "exec sleep 1000"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path) as made:
        yield made


def svstat(home: Path) -> str:
    """By the original; without the seconds."""
    said = run([original("svstat"), home.name], cwd=home.parent).stdout.decode()
    return re.sub(r"\d+ seconds", "N seconds", said.strip())


def svc(home: Path, *arguments: str) -> None:
    done = run([ours("svc"), *arguments, str(home)])
    assert (done.status, done.stderr) == (0, b"")


def kill(engine: Engine) -> None:
    assert engine.process is not None
    engine.process.kill()
    engine.process.wait(TIMEOUT)


def test_what_runs_is_taken_over_with_what_was_wanted(engine: Engine) -> None:
    homes = {
        name: engine.add(name, f"echo $$ >>$ROOT/{name}.pids; {FOREVER}")
        for name in ("plain", "paused", "stopped", "once", "gone")
    }
    homes["idle"] = engine.add("idle", f"echo $$ >>$ROOT/idle.pids; {FOREVER}", down=True)
    engine.start()
    for name in ("plain", "paused", "stopped", "once", "gone"):
        eventually(lambda name=name: lines(engine.root / f"{name}.pids"))  # type: ignore[misc]
    svc(homes["stopped"], "-d", "--wait=down")
    svc(homes["idle"], "-u", "--wait=up")
    svc(homes["once"], "-o")
    svc(homes["paused"], "-p")
    eventually(lambda: svstat(homes["paused"]).endswith(", paused"))
    eventually(lambda: (homes["once"] / "supervise/status").read_bytes()[17:] == b"\0")
    eventually(lambda: lines(engine.root / "idle.pids"))
    before = {name: svstat(home) for name, home in homes.items()}
    labels = {name: (home / "supervise/status").read_bytes()[:12] for name, home in homes.items()}
    kill(engine)
    assert svstat(homes["plain"]) == "plain: supervise not running"
    gone = int(lines(engine.root / "gone.pids")[0])
    os.kill(gone, signal.SIGKILL)
    eventually(lambda: ended(gone))
    engine.start()
    del before["gone"], labels["gone"]
    eventually(lambda: {name: svstat(homes[name]) for name in before} == before, str(before))
    assert {name: (homes[name] / "supervise/status").read_bytes()[:12] for name in before} == labels
    # The one that ended while nobody looked, and no other, has been started again.
    eventually(lambda: len(lines(engine.root / "gone.pids")) == 2)
    assert all(len(lines(engine.root / f"{name}.pids")) == 1 for name in homes if name != "gone")
    # What was taken over is steered as before, and noticed when it ends.
    svc(homes["paused"], "-c")
    eventually(lambda: not svstat(homes["paused"]).endswith(", paused"))
    svc(homes["plain"], "-t", "--wait=restart", "--timeout=30")
    svc(homes["once"], "-t", "--wait=down", "--timeout=30")
    assert len(lines(engine.root / "once.pids")) == 1
    svc(homes["stopped"], "-u", "--wait=up", "--timeout=30")
    assert engine.stop() == 0
    pids = [int(pid) for name in homes for pid in lines(engine.root / f"{name}.pids")]
    assert all(map(ended, pids))
    # After an end in order the next one begins anew.
    engine.start()
    eventually(lambda: len(lines(engine.root / "once.pids")) == 2)
    eventually(lambda: svstat(homes["idle"]) == "idle: down N seconds")


def test_what_does_not_end_in_time_is_left_to_the_next_engine(engine: Engine) -> None:
    home = engine.add("deaf", "trap '' TERM; echo $$ >>$ROOT/pids; while :; do sleep 0.1; done")
    engine.start()
    pid = engine.pid("pids")
    svc(home, "--wait=up", "--timeout=30")
    assert engine.process is not None
    engine.process.send_signal(signal.SIGTERM)
    eventually(lambda: svstat(home).endswith(", want down"))
    assert engine.stop() == 0
    assert not ended(pid)
    engine.start()
    eventually(lambda: svstat(home) == f"deaf: up (pid {pid}) N seconds")
    svc(home, "-k")
    eventually(lambda: len(lines(engine.root / "pids")) == 2)
    svc(home, "-dk", "--wait=down")


IMPATIENT = """
import os, signal, sys
from smarthost.supervision import engine, group
def lose_patience(*_):
    group.PRODUCER_BOUND = group.LOGGER_BOUND = group.UNREAD_BOUND = group.LAST_BOUND = 0.3
signal.signal(signal.SIGUSR1, lose_patience)
raise SystemExit(engine.serve(os.fsencode(sys.argv[1]), None, dict(os.environb)))
"""


def impatient(engine: Engine) -> subprocess.Popen[bytes]:
    """Start it with bounds that are short from USR1 on."""
    with engine.stderr.open("ab") as stderr:
        engine.process = subprocess.Popen(
            [sys.executable, "-c", IMPATIENT, str(engine.service)], stderr=stderr, stdin=subprocess.DEVNULL
        )
    return engine.process


def test_what_no_logger_has_read_at_the_end_is_said_to_be_lost(engine: Engine) -> None:
    """Whether it had to be told to end, or cannot be started."""
    homes = [
        engine.add("mute", f"echo last words; echo $$ >$ROOT/mute; {FOREVER}", FOREVER),
        engine.add("none", f"echo more; echo $$ >$ROOT/none; {FOREVER}", "exit 1"),
        engine.add("read", f"echo read; {FOREVER}", "exec cat >$ROOT/read"),
    ]
    process = impatient(engine)
    for file in ("mute", "none", "read"):
        eventually(lambda file=file: lines(engine.root / file))  # type: ignore[misc]
    process.send_signal(signal.SIGTERM)
    for part in (*homes, homes[2] / "log"):
        eventually(lambda part=part: ": down " in svstat(part))  # type: ignore[misc]
    process.send_signal(signal.SIGUSR1)
    assert process.wait(TIMEOUT) == 0
    assert sorted(line for line in lines(engine.stderr) if "bytes" in line) == [
        "smarthost: warning: 11 bytes for the log of mute are lost",
        "smarthost: warning: 5 bytes for the log of none are lost",
    ]


def test_the_end_is_bounded_without_a_second_signal(engine: Engine) -> None:
    """By leaving what does not end, service or logger. With shorter bounds than those of the manual, as soon as
    all that ends has ended: however long that takes here.
    """
    deaf = "trap '' TERM; echo $$ >$ROOT/{0}; while :; do sleep 0.1; done"
    homes = [
        engine.add("service", deaf.format("service.pid"), "exec cat >/dev/null"),
        engine.add("logger", FOREVER, deaf.format("logger.pid")),
        engine.add("usual", FOREVER, "exec cat >/dev/null"),
    ]
    process = impatient(engine)
    pids = [engine.pid("service.pid"), engine.pid("logger.pid")]
    svc(homes[2], "--wait=up", "--timeout=30")
    process.send_signal(signal.SIGTERM)
    for part in (homes[1], homes[2], homes[2] / "log"):
        eventually(lambda part=part: ": down " in svstat(part))  # type: ignore[misc]
    process.send_signal(signal.SIGUSR1)
    assert process.wait(TIMEOUT) == 0
    assert not any(map(ended, pids))
    assert sorted(lines(engine.stderr)) == [
        "smarthost: warning: logger:log does not end: it is left running",
        "smarthost: warning: service does not end: it is left running",
        "smarthost: warning: service:log does not end: it is left running",
    ]
    engine.start()
    eventually(lambda: svstat(homes[0]) == f"service: up (pid {pids[0]}) N seconds")
    eventually(lambda: svstat(homes[1] / "log") == f"log: up (pid {pids[1]}) N seconds")
    svc(homes[0], "-dk", "--wait=down", "--timeout=30")
    svc(homes[1] / "log", "-dk", "--wait=down", "--timeout=30")


def test_supervise_takes_over_from_a_killed_supervise(tmp_path: Path) -> None:
    home = make_service(tmp_path / "service", "#!/bin/sh\necho $$ >>pids\nexec sleep 1000\n")
    processes = []
    try:
        for _ in range(3):
            processes.append(subprocess.Popen([ours("supervise"), home]))
            eventually(lambda: run([original("svok"), str(home)]).status == 0)
            svc(home, "--wait=up", "--timeout=30")
            pid = int(eventually(lambda: lines(home / "pids"))[0])
            processes[-1].kill()
            processes[-1].wait(TIMEOUT)
        processes.append(subprocess.Popen([ours("supervise"), home]))
        eventually(lambda: svstat(home) == f"service: up (pid {pid}) N seconds")
        svc(home, "-dx", "--wait=down")
        assert processes[-1].wait(TIMEOUT) == 0
        assert lines(home / "pids") == [str(pid)]
        assert ended(pid)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_record_of_another_process_is_not_believed(tmp_path: Path) -> None:
    """The id is in use again, by a process that was started at another time; or the system was started since."""
    home = make_service(tmp_path / "service", "#!/bin/sh\necho $$ >>pids\nexec sleep 1000\n")
    (home / "supervise").mkdir()
    with open("/proc/sys/kernel/random/boot_id") as file:
        boot = file.read().strip()
    other = subprocess.Popen(["sleep", "1000"])
    try:
        started = processes.begun(other.pid)
        for number, record in enumerate(
            [f"run {other.pid} {started + 1} {boot}", f"run {other.pid} {started} another", "nonsense", ""], 1
        ):
            (home / "supervise/child").write_text(record)
            process = subprocess.Popen([ours("supervise"), home])
            try:
                eventually(lambda number=number: len(lines(home / "pids")) == number)  # type: ignore[misc]
                svc(home, "-dx", "--wait=down")
                assert process.wait(TIMEOUT) == 0
            finally:
                process.kill()
                process.wait()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


LINES = 100_000
ROUNDS = 8
# It goes on from where it stopped, as far as it is let; what was written but not noted comes twice.
PRODUCER = """#!{python} -IS
import os, time
def number(file):
    try:
        return int(open(file).read())
    except (FileNotFoundError, ValueError):
        return 0
count = number("count")
while True:
    goal = number("goal")
    if count >= goal:
        time.sleep(0.002)
        continue
    more = min(count + 50, goal)
    text = b"".join(b"line %07d of the kill test\\n" % number for number in range(count, more))
    while text:
        text = text[os.write(1, text):]
    with open("count.new", "w") as new:
        new.write(str(more))
    os.rename("count.new", "count")
    count = more
"""


@pytest.mark.parametrize("logger", ["original", "ours"])
def test_no_line_in_a_hundred_thousand(engine: Engine, logger: str) -> None:
    """The engine is killed over and over, and now and then the producer, and the logger told to end."""
    chance = random.Random(1)
    program = original("multilog") if logger == "original" else ours("multilog")
    home = engine.add("count", "", f"exec {program} s16777215 n1000 {engine.root}/count-log")
    (home / "run").write_text(PRODUCER.format(python=sys.executable, lines=LINES))
    engine.start()

    def seen() -> int:
        try:
            return int((home / "count").read_text())
        except (FileNotFoundError, ValueError):
            return 0

    for number in range(ROUNDS):
        before, goal = seen(), (number + 1) * LINES // ROUNDS
        (home / "goal.new").write_text(str(goal))
        (home / "goal.new").rename(home / "goal")
        step = chance.randrange(goal - before)
        eventually(lambda target=before + step: seen() >= target)  # type: ignore[misc]
        kind = chance.choice(["engine", "engine", "producer", "logger"])
        if kind == "engine":
            kill(engine)
            engine.start()
        elif kind == "producer":
            svc(home, "-k")
        else:
            svc(home / "log", "-t")
        for part in (home, home / "log"):
            eventually(lambda part=part: run([original("svok"), str(part)]).status == 0)  # type: ignore[misc]
        eventually(lambda goal=goal: seen() == goal)  # type: ignore[misc]
    wanted = {f"line {number:07d} of the kill test" for number in range(LINES)}
    eventually(lambda: wanted <= set(engine.logged("count")), "all lines")
