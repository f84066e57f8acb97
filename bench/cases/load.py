"""One server under the load client: CPU of a unit, units a second, and the client's share."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from bench import processes
from bench.figures import Sample
from bench.world import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MILLISECONDS = 1000
NOTHING = -1


def loaded(
    argv: Sequence[str],
    environ: Mapping[str, str],
    *,
    units: int,
    concurrency: int,
    size: int = NOTHING,
    nameserver: str | None = None,
) -> Sample:
    """A server's life with a warm-up and the load, less a life with only the warm-up. Raises Failed."""
    warm = max(concurrency, 20)
    spent = []
    seconds = share = 0.0
    for load in (0, units):
        helper = _nameserver(nameserver) if nameserver else 0
        with processes.serving(argv, environ) as server:
            words = (server.port, warm, load, concurrency, size)
            client = processes.output_of(
                [sys.executable, "-m", "bench.client", *map(str, words)],
                {**os.environ, "PYTHONPATH": str(ROOT)},
            )
            taken_off = client.cpu
            if helper:
                os.kill(helper, 9)
                taken_off += processes.wait(helper, 0).cpu
        said = json.loads(client.output)
        if said["wrong"]:
            raise processes.Failed(f"{said['wrong']} of {warm + load} connections went wrong")
        spent.append(server.cpu - taken_off)
        if load:
            seconds, share = said["seconds"], said["cpu"] / said["seconds"]
    return Sample((spent[1] - spent[0]) / units * MILLISECONDS, units / seconds, share)


def _nameserver(address: str) -> int:
    """Start one; it is there when this returns. Raises Failed."""
    reading, writing = os.pipe2(os.O_CLOEXEC)
    argv = [sys.executable, "-m", "bench.nameserver", address]
    helper = processes.start(argv, {**os.environ, "PYTHONPATH": str(ROOT)}, {1: writing})
    os.close(writing)
    with open(reading, "rb") as stream:
        if stream.readline() != b"ready\n":
            processes.wait(helper, 0)
            raise processes.Failed(f"no name server can be had on {address}")
    return helper
