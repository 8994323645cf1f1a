"""Summaries of ten million rows: of a connector, and of a saved folder; time and memory.

Each part runs in a process of its own, so that its peak memory is that of the part.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bmtool_connectors import (
    GaussianDropoff,
    NetworkBuilder,
    NormalizedReciprocalRate,
    ReciprocalConnector,
    spherical_dist,
    summarize,
    syn_uniform_delay_section,
)

CELLS = 100_000


def made() -> tuple[Any, Any]:
    """Return a network of 100,000 cells and a connector that gives about 1e7 edges."""
    net = NetworkBuilder("net", verbose=False)
    positions = np.random.default_rng(0).uniform(0, 1000, (CELLS, 3))
    net.add_nodes(N=CELLS, positions=list(positions))
    connector = ReciprocalConnector(
        p0=GaussianDropoff(stdev=60, pmax=0.345, max_dist=200),
        p0_arg=spherical_dist,
        pr=NormalizedReciprocalRate(2.0),
        pr_arg="0",
        rng=1,
        verbose=False,
        save_report=False,
    )
    return net, connector


def of_connector() -> Any:
    """Return the summary of the connector, and what it took."""
    net, connector = made()
    connector.setup_nodes(net.nodes(), net.nodes())
    connector.initial_all_to_all()
    start = time.perf_counter()
    return connector.summary(), time.perf_counter() - start


def save(folder: Path) -> None:
    """Save the network, with one property of each synapse."""
    net, connector = made()
    delays = {"names": "delay", "rule": syn_uniform_delay_section, "dtypes": float}
    connector.connect(net, net.nodes(), net.nodes(), forward={"properties": delays})
    net.build()
    net.save(folder)


def of_folder(folder: Path) -> Any:
    """Return the summary of the folder, and what it took."""
    start = time.perf_counter()
    return summarize(folder), time.perf_counter() - start


def main() -> None:
    """Run the parts, or one of them."""
    if len(sys.argv) > 1:
        part, folder = sys.argv[1], Path(sys.argv[2])
        if part == "save":
            save(folder)
            return
        summary, seconds = of_connector() if part == "connector" else of_folder(folder)
        rows = summary.entries[0].measure("synapses", "forward").realised
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{part}: {rows:.0f} rows, {seconds:.2f} s, peak memory {peak:.2f} GB")
        return
    with tempfile.TemporaryDirectory() as folder:
        for part in ("connector", "save", "folder"):
            subprocess.run([sys.executable, __file__, part, folder], check=True)


if __name__ == "__main__":
    main()
