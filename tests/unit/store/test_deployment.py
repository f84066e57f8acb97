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


def test_defaults_are_where_pip_wrote_that_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a virtual environment: not below sys.prefix."""
    packages = tmp_path / "local/lib/site-packages"
    information = packages / "smarthost-9.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: smarthost\nVersion: 9\n")
    (information / "RECORD").write_text("../../share/smarthost/service/supervisord.conf,,\n")
    monkeypatch.syspath_prepend(packages)
    monkeypatch.setattr(deployment, "PACKAGE", bytes(packages / "smarthost"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "usr"))
    assert deployment.defaults() == bytes(tmp_path / "local/share/smarthost")
