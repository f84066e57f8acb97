"""The lines of qmail-log(5).

Not tested here but beside the original: tests/differential/test_qmail_send.py.
"""

from __future__ import annotations

from smarthost.formats import sendlog


def test_what_others_chose_is_made_safe() -> None:
    assert sendlog.safe(b"Sorry,\n100% \x1b[31m caf\xc3\xa9~!") == b"Sorry,/100___[31m_caf__~!"


def test_lines() -> None:
    assert sendlog.status((1, 2), (10, 20), closing=False) == b"status: local 1/10 remote 2/20\n"
    assert sendlog.status((0, 0), (10, 20), closing=True) == b"status: local 0/10 remote 0/20 exitasap\n"
    assert (
        sendlog.info(457, 1000, b"me@here", 77, 1000)
        == b"info msg 457: bytes 1000 from <me@here> qp 77 uid 1000\n"
    )
    assert sendlog.starting(3, 457, 1, b"a b") == b"starting delivery 3: msg 457 to remote a_b\n"
    assert sendlog.ended(3, b"success", b"ok\n") == b"delivery 3: success: ok/\n"
    assert (
        sendlog.cannot_start(b"unable to read controls") == b"alert: cannot start: unable to read controls\n"
    )
