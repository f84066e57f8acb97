"""supervise beside the original: one scenario under each, steered and read by the original's clients and by ours.

Not tested: a process table that is full; a disk that is full while the directory is made.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from smarthost.formats import status
from tests.support import processes
from tests.support.chains import both
from tests.support.originals import original
from tests.support.processes import ended
from tests.support.run import TIMEOUT, Outcome, ours, run
from tests.support.supervised import RUN, Supervised, make_service, supervised
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

BOTH = ["original", "ours"]
DONE = Outcome(0, b"", b"")


def program(which: str, name: str) -> str:
    return original(name) if which == "original" else ours(name)


class Scene:
    """A service under one of the two supervises, and the clients of one of the two."""

    def __init__(self, service: Supervised, clients: str) -> None:
        self.service = service
        self._clients = clients
        self.seen: list[str] = []

    def say(self, options: str) -> None:
        done = run([program(self._clients, "svc"), options, "service"], cwd=self.service.directory.parent)
        assert done == DONE

    def shown(self) -> str:
        """svstat's line, without numbers, and the last bytes of the status that it is made from."""
        done = run([program(self._clients, "svstat"), "service"], cwd=self.service.directory.parent)
        data = (self.service.directory / "supervise/status").read_bytes()
        assert len(data) == status.SIZE
        words = re.sub(rb"\d+", b"N", done.stdout).decode().strip()
        return f"{words} {'pid' if data[12:16].strip(bytes(1)) else '-'} {data[16]} {data[17:]!r}"

    def becomes(self, words: str, rest: str) -> None:
        wanted = f"service: {words} {rest}"
        eventually(lambda: self.shown() == wanted, f"{wanted} (is {self.shown()})")
        self.seen.append(wanted)

    def okay(self) -> int:
        return run([program(self._clients, "svok"), "service"], cwd=self.service.directory.parent).status


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "service"


@pytest.mark.slow
@pytest.mark.parametrize("clients", BOTH)
@pytest.mark.parametrize("which", BOTH)
def test_every_letter(here: Path, which: str, clients: str) -> None:
    make_service(here)
    up, down = "up (pid N) N seconds", "down N seconds, normally up"
    with supervised(here, program(which, "supervise")) as service:
        scene = Scene(service, clients)
        first = service.started()
        scene.becomes(up, "pid 0 b'u'")
        assert scene.okay() == 0
        scene.say("-hai")
        eventually(lambda: len(service.got()) == 4)
        assert sorted(service.got()[1:]) == ["SIGALRM", "SIGHUP", "SIGINT"]
        scene.say("-p")
        scene.becomes(up + ", paused", "pid 1 b'u'")
        eventually(lambda: processes.state(first) == "T")
        scene.say("-c")
        scene.becomes(up, "pid 0 b'u'")
        eventually(lambda: processes.state(first) != "T")
        scene.say("-o")
        scene.becomes(up, "pid 0 b'\\x00'")
        scene.say("-u")
        scene.becomes(up, "pid 0 b'u'")
        scene.say("-t")
        eventually(lambda: service.got().count("start") == 2)
        second = eventually(lambda: service.status().pid != first and service.status().pid)
        scene.say("-p")
        scene.becomes(up + ", paused", "pid 1 b'u'")
        scene.say("-d")  # with CONT
        scene.becomes(down, "- 0 b'd'")
        assert ended(second)
        scene.say("-p")
        scene.say("-o")
        eventually(lambda: service.got().count("start") == 3)
        scene.becomes(up, "pid 0 b'\\x00'")
        scene.say("-k")
        scene.becomes(down, "- 0 b'\\x00'")
        scene.say("-u")
        eventually(lambda: service.got().count("start") == 4)
        scene.becomes(up, "pid 0 b'u'")
        scene.say("-x")
        scene.becomes(up, "pid 0 b'u'")
        assert scene.okay() == 0
        scene.say("-t")
        assert service.process.wait(TIMEOUT) == 0
        scene.becomes("supervise not running", "- 0 b'u'")
        assert scene.okay() == 100
        assert service.got().count("SIGTERM") == 3
        assert service.stderr.read_text() == ""


# It keeps the status that it began with, which may be gone before a test looks.
KEEPS_STATUS = RUN.replace(
    'os.write(got, b"start ")\n',
    """while True:
    with open("supervise/status", "rb") as file:
        begun = file.read()
    if int.from_bytes(begun[12:16], "little") == os.getpid():
        break
with open("begun", "wb") as file:
    file.write(begun)
os.write(got, b"start ")
""",
)


@pytest.mark.slow
@pytest.mark.parametrize("which", BOTH)
def test_letters_wait_for_a_second_after_a_start(here: Path, which: str) -> None:
    """And come one by one: `u` starts it, `d` ends it a second later, `x` ends all."""
    make_service(here, KEEPS_STATUS, down=True)
    with supervised(here, program(which, "supervise")) as service:
        scene = Scene(service, "ours")
        scene.becomes("down N seconds", "- 0 b'd'")
        scene.say("-udx")
        assert service.process.wait(TIMEOUT) == 0
        assert service.got() == ["start", "SIGTERM"]
        begun = status.unpack((here / "begun").read_bytes())
        over = service.status()
        elapsed = (over.since - begun.since) * 10**9 + over.nanoseconds - begun.nanoseconds
        assert elapsed > 0.5 * 10**9


@pytest.mark.slow
@pytest.mark.parametrize("clients", BOTH)
@pytest.mark.parametrize("which", BOTH)
def test_one_that_ends_at_once_can_be_told_all_the_same(here: Path, which: str, clients: str) -> None:
    """Each of its lives is over before its first second is, in which it hears nothing."""
    make_service(here, "#!/bin/sh\nprintf 'start ' >>got\n")
    with supervised(here, program(which, "supervise")) as service:
        scene = Scene(service, clients)
        eventually(lambda: len(service.got()) > 2)
        scene.say("-d")
        scene.becomes("down N seconds, normally up", "- 0 b'd'")
        so_far = len(service.got())
        scene.say("-o")
        eventually(lambda: len(service.got()) == so_far + 1)
        scene.becomes("down N seconds, normally up", "- 0 b'\\x00'")
        scene.say("-u")
        eventually(lambda: len(service.got()) > so_far + 2)
        scene.say("-x")
        assert service.process.wait(TIMEOUT) == 0


@pytest.mark.slow
@pytest.mark.parametrize("which", BOTH)
def test_one_that_ends_at_once_may_tell_it_itself(here: Path, which: str) -> None:
    """As the originals' own suite has it: two lives, the second of which ends supervise."""
    make_service(here, "#!/bin/sh\nprintf 'first ' >>got; exec mv second run\n", down=True)
    (here / "second").write_text(f"#!/bin/sh\nprintf 'second ' >>got; exec {ours('svc')} -x .\n")
    (here / "second").chmod(0o755)
    with supervised(here, program(which, "supervise")) as service:
        Scene(service, "ours").say("-u")
        assert service.process.wait(TIMEOUT) == 0
        assert service.got() == ["first", "second"]


@pytest.mark.slow
@pytest.mark.parametrize("which", BOTH)
def test_whom_a_letter_ends_is_down_for_the_next(here: Path, which: str) -> None:
    """`k`, and then `o`: it runs once more."""
    make_service(here)
    with supervised(here, program(which, "supervise")) as service:
        scene = Scene(service, "ours")
        service.started()
        scene.say("-o")
        scene.becomes("up (pid N) N seconds", "pid 0 b'\\x00'")
        for _ in range(3):
            so_far = len(service.got())
            first = service.status().pid
            scene.say("-k")
            eventually(lambda first=first: ended(first), "its end")  # type: ignore[misc]
            scene.say("-o")
            eventually(lambda so_far=so_far: len(service.got()) == so_far + 1, "its start")  # type: ignore[misc]
            scene.becomes("up (pid N) N seconds", "pid 0 b'\\x00'")


@pytest.mark.parametrize("which", BOTH)
def test_modes_of_what_it_keeps(here: Path, which: str) -> None:
    make_service(here, down=True)

    def modes() -> dict[str, str]:
        files = [file for file in (here / "supervise").iterdir() if file.name != "child"]
        try:
            return {file.name: oct(file.stat().st_mode) for file in files}
        except FileNotFoundError:  # status.new, which becomes status
            return {}

    wanted = {"control": "0o10600", "lock": "0o100600", "ok": "0o10600", "status": "0o100644"}
    with supervised(here, program(which, "supervise")):
        # The original writes the status once more when it can be asked.
        eventually(lambda: modes() == wanted, f"{wanted} (is {modes()})")
        assert (here / "supervise").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "arguments", [[], ["a", "b"], ["nowhere"], [""], ["file"], ["loop"], ["badly"], ["odd"]]
)
def test_what_cannot_be_supervised(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    make_service(tmp_path / "badly")
    (tmp_path / "badly/supervise").touch()
    make_service(tmp_path / "odd")
    (tmp_path / "odd/down").symlink_to("down")
    theirs, mine = both("supervise", arguments, cwd=tmp_path)
    assert mine == theirs
    assert mine.status in (100, 111)


@pytest.mark.parametrize("holder", BOTH)
def test_only_one_supervises(here: Path, holder: str) -> None:
    make_service(here)
    with supervised(here, program(holder, "supervise")) as service:
        service.started()
        theirs, mine = both("supervise", ["service"], cwd=here.parent)
        assert mine == theirs
        assert mine == Outcome(
            111, b"", b"supervise: fatal: unable to acquire service/supervise/lock: temporary failure\n"
        )
        assert service.got() == ["start"]


@pytest.mark.slow
@pytest.mark.parametrize("which", BOTH)
def test_what_the_service_finds(here: Path, which: str) -> None:
    """Its directory, the environment, and the descriptors of supervise itself."""
    make_service(
        here,
        "#!/bin/sh\nread line; echo read $line; ls /proc/self/fd; pwd; env | sort; echo $0 $#; exec sleep 1000\n",
        down=True,
    )
    given = here.parent / "in"
    given.write_text("a line\n")
    with given.open("rb") as stdin, (here.parent / "out").open("wb") as stdout:
        process = subprocess.Popen(
            [program(which, "supervise"), "service"],
            stdin=stdin,
            stdout=stdout,
            cwd=here.parent,
            env={"PATH": os.environ["PATH"], "ODD": "as given"},
        )
    try:
        eventually(lambda: run([ours("svok"), str(here)]).status == 0)
        run([ours("svc"), "-u", str(here)])
        eventually(lambda: "./run 0" in (here.parent / "out").read_text())
    finally:
        run([ours("svc"), "-dxk", str(here)])
        process.wait(TIMEOUT)
    text = (here.parent / "out").read_text()
    lines = [line for line in text.splitlines() if not line.startswith(("OLDPWD=", "_=", "SHLVL=", "PWD="))]
    assert lines == [
        "read a line",
        "0",
        "1",
        "2",
        "3",
        str(here),
        "ODD=as given",
        f"PATH={os.environ['PATH']}",
        "./run 0",
    ]


LIMITED = """#!{python}
import os, resource, sys
resource.setrlimit(resource.{limit}, {values})
os.execv({program!r}, [{program!r}, *sys.argv[1:]])
"""
SAY_LIMIT = f"""#!{sys.executable}
import os, resource
limits = [resource.getrlimit(limit) for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC)]
with open("new", "w") as file:
    file.write(repr(limits))
os.rename("new", "limits")
os.execvp("sleep", ["sleep", "1000"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("which", BOTH)
@pytest.mark.parametrize(
    ("limit", "values"),
    [
        ("RLIMIT_NOFILE", (200, 300)),
        pytest.param(
            "RLIMIT_NPROC",
            (100, 150),
            marks=pytest.mark.skipif(os.getuid() != 0, reason="the limit would count other tests' processes"),
        ),
    ],
)
def test_low_limits_are_its_services(here: Path, which: str, limit: str, values: tuple[int, int]) -> None:
    """They keep it from nothing, and it does not raise them."""
    make_service(here, SAY_LIMIT)
    limited = here.parent / "limited"
    text = LIMITED.format(
        python=sys.executable, limit=limit, values=values, program=program(which, "supervise")
    )
    limited.write_text(text)
    limited.chmod(0o755)
    wanted = [
        values if name == limit else resource.getrlimit(getattr(resource, name))
        for name in ("RLIMIT_NOFILE", "RLIMIT_NPROC")
    ]
    with supervised(here, str(limited)):
        eventually((here / "limits").exists)
    assert (here / "limits").read_text() == repr(wanted)
