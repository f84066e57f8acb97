"""Options and fixtures of all tests.

--quick           leave out what is marked slow
--need-originals  a missing original is a failure, not a skip; so it is where $CI is set
--thorough        1000 examples a property instead of 100
"""

from __future__ import annotations

import gc
import os
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support import originals

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("usual", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", parent=settings.get_profile("usual"), max_examples=1000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out what is marked slow")
    parser.addoption("--need-originals", action="store_true", help="fail where an original is missing")
    parser.addoption("--thorough", action="store_true", help="1000 examples a property")


# Whoever starts the tests may ignore these, or hold them back: nohup does, and a script that says `pytest &`.
_PASSED_ON = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGCHLD")


def _give_programs_the_usual_signals() -> None:
    """A program inherits what is ignored, and not what is caught: so these do nothing here, and all there."""
    for signum in map(signal.Signals.__getitem__, _PASSED_ON):
        if signal.getsignal(signum) == signal.SIG_IGN:
            signal.signal(signum, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def pytest_configure(config: pytest.Config) -> None:
    _give_programs_the_usual_signals()
    settings.load_profile("thorough" if config.getoption("--thorough") else "usual")
    originals.required = config.getoption("--need-originals") or bool(os.environ.get("CI"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--quick"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow"))


@pytest.fixture(autouse=True)
def _no_descriptor_is_left_open() -> Iterator[None]:
    before = _open_descriptors()
    yield
    after = _open_descriptors()
    if len(after) > len(before):
        # What only a circle of references holds, as a caught exception and its frames are, is no leak.
        gc.collect()
        after = _open_descriptors()
    assert len(after) <= len(before), f"left open: {after - before}"


def _open_descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A directory where everybody may look, unlike pytest's own, which every other pytest closes again."""
    with tempfile.TemporaryDirectory(prefix="smarthost-test.") as made:
        os.chmod(made, 0o755)
        yield Path(made)
