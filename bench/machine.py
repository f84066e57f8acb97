"""Where and with what was measured."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime

PACKAGES = ("daemontools", "ucspi-tcp")


def cpu_model() -> str:
    with open("/proc/cpuinfo") as information:
        for line in information:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def package_version(name: str) -> str:
    """Debian's version, or that there is none."""
    try:
        done = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", name], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return "unknown"
    return done.stdout if done.returncode == 0 else "not installed"


def load_average() -> str:
    """Of one, five and fifteen minutes. On a machine with other work CPU costs more, and rates mean little."""
    return ", ".join(f"{value:.2f}" for value in os.getloadavg())


def description() -> list[tuple[str, str]]:
    """Name and value of each fact."""
    return [
        ("date", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("processor", f"{cpu_model()}, {os.cpu_count()} cores"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("Python", platform.python_version() + f" ({sys.implementation.name})"),
        *((f"Debian's {name}", package_version(name)) for name in PACKAGES),
        ("load average before", load_average()),
    ]
