"""policy.ucspiunix: a connection in the environment and in the log."""

from __future__ import annotations

from smarthost.policy.ucspiunix import LOCAL_PID, Connection, ends, environment

CONNECTION = Connection(5, 1000, 50, 4711)


def test_both_ends_as_the_log_shows_them() -> None:
    assert ends(CONNECTION, b"/run/a b:c") == b"/run/a?b?c 1000:50:4711"
    assert CONNECTION.origin() == b""


def test_environment() -> None:
    said = dict(environment(CONNECTION, b"s", 7, 8))
    assert said == {
        b"PROTO": b"UNIX",
        b"UNIXLOCALPATH": b"s",
        b"UNIXLOCALUID": b"7",
        b"UNIXLOCALGID": b"8",
        b"UNIXREMOTEEUID": b"1000",
        b"UNIXREMOTEEGID": b"50",
        b"UNIXREMOTEPID": b"4711",
    }
    assert LOCAL_PID not in said


def test_facts() -> None:
    assert Connection(9, *CONNECTION.facts()).facts() == (1000, 50, 4711)
