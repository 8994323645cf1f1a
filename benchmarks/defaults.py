"""What the defaults of a reciprocal connector cost: an estimated rho, report and text.

Cells fill a cube at 50,000 per mm3. Measured is CPU time of whole draws within one population,
nodes indexed before, over that of a quiet draw with ``NormalizedReciprocalRate`` as `pr`: with an
estimated rho where no pair is clipped and where many are, quiet, and with the connection report
and what ``verbose`` prints. Draws alternate, and the least time of several counts.

Run with ``python benchmarks/defaults.py``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import platform
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from bmtk.builder import NetworkBuilder

import bmtool_connectors as bc

DENSITY = 5e-5  # per um^3
GAUSS = bc.GaussianDropoff(stdev=75.0, pmax=0.2, max_dist=300.0)
RATE = bc.NormalizedReciprocalRate(1.0)

#: Joint probabilities: one for each pair; one rho, without clipping and with it.
CASES: dict[str, Callable[[], dict[str, Any]]] = {
    "NRR": lambda: {"pr": RATE, "pr_arg": "0"},
    "rho for pr = 0.001": lambda: {"pr": 0.001},
    "rho for pr = 0.01, clipped": lambda: {"pr": 0.01},
}


def pool(n: int) -> Any:
    """Return n cells."""
    net = NetworkBuilder("net")
    positions = np.random.default_rng(0).uniform(0, (n / DENSITY) ** (1 / 3), (n, 3))
    net.add_nodes(N=n, positions=list(positions))
    return net.nodes()


def seconds(nodes: Any, case: str, quiet: bool) -> tuple[float, int]:
    """Return the CPU time of a draw, and its edges."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        connector = bc.ReciprocalConnector(
            GAUSS,
            p0_arg=bc.spherical_dist,
            sampler="sparse",
            rng=1,
            verbose=not quiet,
            save_report=not quiet,
            report_name=str(Path(folder) / "conn.csv"),
            **CASES[case](),
        )
        connector.setup_nodes(nodes, nodes)
        start = time.process_time()
        n_edges = len(connector.connectivity.forward)
        return time.process_time() - start, n_edges


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", bc.ConnectivityWarning)
    print(
        f"{date.today()}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"BMTK {version('bmtk')}, {platform.processor() or platform.machine()}\n"
    )
    print("| cells | edges | draw | CPU time (s) | over NRR, quiet |")
    print("|---|---|---|---|---|")
    for n in arguments.cells:
        nodes = pool(n)
        seconds(nodes, "NRR", quiet=True)  # reads the nodes
        ways = [(case, quiet) for case in CASES for quiet in (True, False)]
        found = [{way: seconds(nodes, *way) for way in ways} for _ in range(arguments.repeats)]
        least = {way: min(each[way] for each in found) for way in ways}
        for way, (taken, n_edges) in least.items():
            name = f"{way[0]}, {'quiet' if way[1] else 'report and text'}"
            ratio = taken / least["NRR", True][0]
            print(f"| {n} | {n_edges} | {name} | {taken:.2f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
