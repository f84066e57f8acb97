"""A tree is made, and made whole again.

Not tested: -s, which changes the system that the tests run on.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import smarthost
from tests.support import processes
from tests.support.run import TIMEOUT, Outcome, ours, run
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

PACKAGE = Path(smarthost.__file__).parent


def deploy(*arguments: str) -> Outcome:
    return run([ours("smarthost-deploy"), *arguments])


def state(root: Path) -> dict[str, tuple[int, bytes]]:
    """Every file's mode and content, every link's target."""
    found = {}
    for path in root.rglob("*"):
        if path.is_symlink():
            content = os.fsencode(path.readlink())
        else:
            content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (path.lstat().st_mode, content)
    return found


def test_twice_is_once(tmp_path: Path) -> None:
    assert deploy(str(tmp_path / "var")).status == 0
    first = state(tmp_path)
    assert {"qmail", "service", "etc", "log"} == {path.name for path in (tmp_path / "var").iterdir()}
    assert (tmp_path / "var/qmail/run").stat().st_mode & 0o777 == 0o700
    assert deploy(str(tmp_path / "var")) == Outcome(0, b"", b"")
    assert state(tmp_path) == first


def test_what_was_changed_stays_and_what_is_missing_comes_back(tmp_path: Path) -> None:
    root = tmp_path / "var"
    deploy(str(root))
    changed = [
        "qmail/control/me",
        "qmail/control/qmqpport",
        "qmail/supervise/qmail-qmqpd/run",
        "qmail/bin/tcpserver",
    ]
    for name in changed:
        (root / name).write_text("mine\n")
    (root / "qmail/control/concurrencyqmqp").unlink()
    (root / "service/qmail-qmqpd").unlink()
    assert (
        deploy(str(root)).stdout == f"smarthost-deploy: made {root}/qmail/control/concurrencyqmqp\n".encode()
    )
    assert {(root / name).read_text() for name in changed} == {"mine\n"}
    assert not (root / "service/qmail-qmqpd").exists()


def test_where_mail_goes_stays_as_it_was_changed(tmp_path: Path) -> None:
    root = tmp_path / "var"
    deploy(str(root))
    assign, rule = root / "qmail/users/assign", root / "qmail/alias/.qmail-default"
    assert assign.read_text().startswith("+:")
    assign.write_text("=joe:joe:1000:1000:/home/joe:::\n.\n")
    os.utime(assign, ns=(0, (root / "qmail/users/cdb").stat().st_mtime_ns + 1))
    rule.write_text("&joe@example.com\n")
    (root / "service/qmail-send").unlink()
    assert deploy(str(root)).stdout == f"smarthost-deploy: made {root}/qmail/users/cdb\n".encode()
    assert assign.read_text().startswith("=joe:")
    assert rule.read_text() == "&joe@example.com\n"
    assert not (root / "service/qmail-send").exists()
    assign.write_text("nonsense\n")
    os.utime(assign, ns=(0, (root / "qmail/users/cdb").stat().st_mtime_ns + 1))
    failed = deploy(str(root))
    assert failed.status == 100
    assert failed.stderr.endswith(
        f"smarthost-deploy: fatal: unable to compile {assign}: see the line above\n".encode()
    )


def test_a_tree_that_was_moved_delivers_to_where_it_is_now(tmp_path: Path) -> None:
    deploy(str(tmp_path / "var"))
    (tmp_path / "var").rename(tmp_path / "new")
    deploy(str(tmp_path / "new"))
    assert f":{tmp_path}/new/qmail/alias:" in (tmp_path / "new/qmail/users/assign").read_text()
    assert (tmp_path / "new/qmail/control/qmqpservers").read_text() == f"{tmp_path}/new/qmail/submit/qmqp\n"


def test_what_was_not_changed_follows_a_new_version(tmp_path: Path) -> None:
    """As if an older version had written it: with its digest in the record."""
    root = tmp_path / "var"
    deploy(str(root))
    run_script, record = root / "qmail/supervise/qmail-qmqpd/run", root / "qmail/etc/deployed"
    new = run_script.read_bytes()
    run_script.write_bytes(b"old\n")
    digest = run(["sha256sum", str(run_script)]).stdout.split()[0]
    entries = [line for line in record.read_bytes().splitlines() if not line.endswith(b"qmqpd/run")]
    record.write_bytes(b"\n".join([*entries, digest + b" ../supervise/qmail-qmqpd/run", b""]))
    assert deploy(str(root)).stdout == f"smarthost-deploy: made {run_script}\n".encode()
    assert run_script.read_bytes() == new


def test_what_a_deployment_made_that_was_cut_off_follows_too(tmp_path: Path) -> None:
    """Without its record, which is written last; the next deployment finds what it would make."""
    root = tmp_path / "var"
    deploy(str(root))
    record = root / "qmail/etc/deployed"
    whole = record.read_bytes()
    record.unlink()
    (root / "qmail/control/me").write_text("mine\n")
    assert deploy(str(root)) == Outcome(0, b"", b"")
    missing = set(whole.splitlines()) - set(record.read_bytes().splitlines())
    assert [line.partition(b" ")[2] for line in missing] == [b"../control/me"]


def test_a_umask_closes_nothing_to_who_serves(tmp_path: Path) -> None:
    """The rules and users/assign are compiled by programs that go by it, and read by other accounts."""
    root = tmp_path / "var"
    assert run(["sh", "-c", 'umask 077; exec "$@"', "sh", ours("smarthost-deploy"), str(root)]).status == 0
    own = {"qmail/queue", "qmail/run", "qmail/alias/Maildir"}
    closed = [
        path
        for path in root.rglob("*")
        if not path.is_symlink()
        and path.stat().st_mode & 0o044 != 0o044
        and not any(path.is_relative_to(root / name) for name in own)
    ]
    assert closed == []


def test_rules_that_are_put_back_are_compiled(tmp_path: Path) -> None:
    """With their old time, as mv and cp -p leave it: what is in force was made of others."""
    root = tmp_path / "var"
    deploy(str(root))
    source, made, kept = root / "etc/tcp.qmqp", root / "etc/tcp.qmqp.cdb", tmp_path / "kept"
    kept.write_text(":deny\n")
    os.utime(kept, ns=(0, 0))
    before = made.stat().st_mtime_ns
    eventually(lambda: _changed_after(kept, before))
    kept.rename(source)
    assert deploy(str(root)).stdout == f"smarthost-deploy: made {made}\n".encode()


def _changed_after(path: Path, time_ns: int) -> bool:
    """Change nothing about it until the kernel's clock is beyond that time."""
    path.chmod(0o644)
    return path.stat().st_ctime_ns > time_ns


def test_two_at_a_time_are_one_after_the_other(tmp_path: Path) -> None:
    """The second waits for the first wherever it has come to: here at the home."""
    home = tmp_path / "var/qmail"
    home.mkdir(parents=True)
    first = os.open(home, os.O_RDONLY)
    try:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = subprocess.Popen([ours("smarthost-deploy"), str(home.parent)], stdout=subprocess.DEVNULL)
        eventually(lambda: processes.waits_for_a_lock(second.pid))
        assert os.listdir(home) == []
    finally:
        os.close(first)
    assert second.wait(TIMEOUT) == 0
    assert (home / "etc/deployed").exists()


def test_a_whole_tree_needs_no_room(tmp_path: Path) -> None:
    """Nothing is written where nothing is to be done, so that a full disk does not hinder a start."""
    root = tmp_path / "var"
    deploy(str(root))
    before = {path: path.lstat().st_ino for path in root.rglob("*")}
    assert deploy(str(root)).status == 0
    assert {path: path.lstat().st_ino for path in root.rglob("*")} == before


def test_rules_that_cannot_be_written_now_may_be_later(tmp_path: Path) -> None:
    root = tmp_path / "var"
    (root / "etc/tcp.qmqp.tmp").mkdir(parents=True)
    failed = deploy(str(root))
    assert failed.status == 111
    assert failed.stderr.endswith(b"; the old rules stay in force\n")


def test_rules_are_compiled_when_they_are_newer(tmp_path: Path) -> None:
    root = tmp_path / "var"
    deploy(str(root))
    source, made = root / "etc/tcp.qmqp", root / "etc/tcp.qmqp.cdb"
    before = made.read_bytes()
    source.write_text("10.:allow\n:deny\n")
    os.utime(source, ns=(0, made.stat().st_mtime_ns + 1))
    assert deploy(str(root)).stdout == f"smarthost-deploy: made {made}\n".encode()
    assert made.read_bytes() != before
    good = made.read_bytes()
    source.write_text("10.:allow :deny\n")
    os.utime(source, ns=(0, made.stat().st_mtime_ns + 1))
    failed = deploy(str(root))
    assert failed.status == 100
    assert failed.stderr.endswith(
        f"smarthost-deploy: fatal: unable to compile {source}: see the line above; the old rules stay in force\n".encode()
    )
    assert made.read_bytes() == good


def test_a_port_that_is_asked_for_is_written(tmp_path: Path) -> None:
    root = tmp_path / "var"
    deploy(str(root))
    assert (root / "qmail/control/qmqpport").read_text() == "10628\n"
    deploy("-p", "2628", str(root))
    assert (root / "qmail/control/qmqpport").read_text() == "2628\n"


def test_launchers_start_in_isolation_and_are_renewed(tmp_path: Path) -> None:
    root = tmp_path / "var"
    deploy(str(root))
    launcher = root / "qmail/bin/tcprules"
    text = launcher.read_text()
    assert text.startswith("#!")
    assert " -IS\n" in text.partition("sys.path")[0] or "-IS" in text
    assert text.endswith("from smarthost.programs.ucspi.tcprules import main\n\nraise SystemExit(main())\n")
    launcher.write_text(text.replace("#!", "#!/moved", 1))
    deploy(str(root))
    assert launcher.read_text() == text
    assert run([str(launcher)]).stderr.startswith(b"tcprules: usage:")


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (["a", "b"], 100, b"smarthost-deploy: usage: "),
        (["-p", "x"], 100, b"smarthost-deploy: "),
        (["-u", "no-such-account"], 100, b"smarthost-deploy: fatal: there is no account no-such-account: "),
        (["-u", ""], 100, b"smarthost-deploy: fatal: there is no account : "),
        (["-n", ""], 100, b"smarthost-deploy: option -n: no server is named"),
        (["-n", "a qmqp", "-n", "b qmpq"], 100, b"smarthost-deploy: option -n: line 2: the protocol is "),
        (["a:b/var"], 100, b"smarthost-deploy: fatal: a tree cannot be "),
        (["a\nb"], 100, b"smarthost-deploy: fatal: a tree cannot be "),
        (["/dev/null/var"], 111, b"smarthost-deploy: fatal: unable to make "),
    ],
)
def test_bad_arguments_get_a_line(tmp_path: Path, arguments: list[str], status: int, line: bytes) -> None:
    failed = run([ours("smarthost-deploy"), *arguments], cwd=tmp_path)
    assert failed.status == status
    assert failed.stderr.startswith(line), failed.stderr


def test_an_account_is_checked_before_anything_is_made(tmp_path: Path) -> None:
    assert deploy("-u", "no-such-account", str(tmp_path / "var")).status == 100
    assert not (tmp_path / "var").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root deploys for another account")
def test_an_installation_that_the_account_cannot_read_is_said(open_to_all: Path) -> None:
    """As pip leaves it under umask 077: everything is made, and nothing of it would run."""
    copy = open_to_all / "copy"
    shutil.copytree(PACKAGE, copy / "smarthost")
    for name in ("service", "control", "tcprules"):
        shutil.copytree(PACKAGE.parent / name, copy / name)
    copy.chmod(0o700)
    start = "import sys; sys.path.insert(0, sys.argv.pop(1)); from smarthost.programs.admin.smarthost_deploy import main; main()"
    command = [sys.executable, "-P", "-c", start, str(copy), "-u", "nobody", str(open_to_all / "var")]
    warning = f"smarthost-deploy: warning: nobody cannot use {copy}/smarthost/".encode()
    closed = run(command)
    assert (closed.status, closed.stderr.startswith(warning)) == (0, True), closed
    copy.chmod(0o755)
    assert not run(command).stderr.startswith(warning)
