from __future__ import annotations

import pytest

from smarthost.policy import replies


@pytest.mark.parametrize(
    ("ended", "reply"),
    [
        (0, None),
        (-9, b"Zqq crashed (#4.3.0)"),
        (10, replies.TEMPORARY),
        (11, b"Denvelope address too long for qq (#5.1.3)"),
        (12, replies.PERMANENT),
        (31, b"Dmail server permanently rejected message (#5.3.0)"),
        (40, replies.PERMANENT),
        (41, replies.TEMPORARY),
        (53, b"Zqq write error or disk full (#4.3.0)"),
        (66, b"Zqq trouble creating files in queue (#4.3.0)"),
        (255, replies.TEMPORARY),
    ],
)
def test_failure(ended: int, reply: bytes | None) -> None:
    assert replies.failure(ended) == reply


def test_a_program_that_did_not_take_all_is_not_believed() -> None:
    assert replies.failure(0, whole=False) == b"Zqq read error (#4.3.0)"
    assert replies.failure(53, whole=False) == b"Zqq write error or disk full (#4.3.0)"


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (b"Dno", b"Dno"),
        (b"Znot now (#4.0.0)", b"Znot now (#4.0.0)"),
        (b"D" + b"x" * 300, b"D" + b"x" * 254),
        (b"Dno\0more", b"Dno"),
        (b"D\0\0", b"D"),
        (b"Dn", replies.TEMPORARY),
        (b"", replies.TEMPORARY),
        (b"Kok", replies.TEMPORARY),
        (b"\0no", replies.TEMPORARY),
    ],
)
def test_own_words(words: bytes, reply: bytes) -> None:
    assert replies.failure(replies.OWN_WORDS, words) == reply


def test_words_count_for_their_own_status_only() -> None:
    assert replies.failure(81, b"Dno") == b"Zqq internal bug (#4.3.0)"


def test_only_success_is_called_so() -> None:
    for ended in range(1, 256):
        reply = replies.failure(ended)
        assert reply is not None
        assert reply[:1] == (b"D" if 11 <= ended <= 40 or ended == 115 else b"Z")


def test_accepted() -> None:
    assert replies.accepted(1795342144, 4711) == b"Kok 1795342144 qp 4711"
