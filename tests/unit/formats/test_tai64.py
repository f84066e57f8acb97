"""TAI64N labels."""

from __future__ import annotations

import pytest

from smarthost.formats import tai64

# The two labels with their meaning are from Bernstein's tai64n(8) and cr.yp.to/libtai/tai64.html.
MAN_PAGE = b"@4000000037c219bf2ef02e94"


def test_label_is_what_the_manual_shows() -> None:
    assert tai64.moment(MAN_PAGE[1:]) == (935467455 - 10, 787492500)
    assert tai64.label((935467455 - 10) * 10**9 + 787492001) == MAN_PAGE


@pytest.mark.parametrize(
    ("digits", "moment"),
    [
        (b"", (-tai64.EPOCH, 0)),
        (b"f", (-tai64.EPOCH, 15)),
        (b"400000000000000a" + b"f" * 8, (0, 2**32 - 1)),
        (b"deadbeef" + b"400000000000000a" + b"0" * 8, (0, 0)),
        (b"f" * 24, (2**64 - 1 - tai64.EPOCH - 2**64, 2**32 - 1)),
    ],
)
def test_any_number_of_digits_is_shifted_through(digits: bytes, moment: tuple[int, int]) -> None:
    assert tai64.moment(digits) == moment
