"""Where the defaults are.

Not tested here: copies and their record (tests/e2e/test_smarthost_deploy.py).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from smarthost.store import deployment

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_defaults_are_the_checkouts_or_the_installations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (deployment.defaults() + b"/service").endswith(b"/service")
    monkeypatch.setattr(deployment, "PACKAGE", bytes(tmp_path / "smarthost"))
    assert deployment.defaults() == sys.prefix.encode() + b"/share/smarthost"
