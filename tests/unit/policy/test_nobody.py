from __future__ import annotations

import pytest

from smarthost.policy import nobody


@pytest.mark.parametrize("letters", [None, b"", b"cf"])
def test_the_letter_is_added(letters: bytes | None) -> None:
    environ = {} if letters is None else {b"QMAILINJECT": letters}
    assert not nobody.is_refused(environ)
    nobody.refuse(environ)
    assert nobody.is_refused(environ)
    assert environ == {b"QMAILINJECT": (letters or b"") + b"n"}
