"""Time and memory of the sparse sampler, per edge, against the number of cells.

Cells fill a slab 250 um thick at 3.3e-5 per um^3, as in published build scripts. Measured is CPU
time of the draw, nodes indexed before; memory is the peak above the nodes.

Run with ``python benchmarks/sparse.py``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np
from bmtk.builder import NetworkBuilder

import bmtool_connectors as bc

DENSITY = 3000 / (600 * 600 * 250)
EDGES = 1e6  # wanted from laws without distance

GAUSS = bc.GaussianDropoff(stdev=100.0, pmax=0.1, max_dist=300.0)
RATE = bc.NormalizedReciprocalRate(2.0)


def quiet() -> dict[str, Any]:
    """Return arguments for a sparse draw without output."""
    return {"sampler": "sparse", "rng": 1, "verbose": False, "save_report": False}


CASES: dict[str, Callable[[int], bc.BaseConnector]] = {
    "unidirectional, constant": lambda n: bc.UnidirectionConnector(p=EDGES / n**2, **quiet()),
    "reciprocal, constant, rho = 0.1": lambda n: bc.ReciprocalConnector(
        p0=EDGES / n**2, rho=0.1, **quiet()
    ),
    "unidirectional, Gaussian": lambda n: bc.UnidirectionConnector(
        p=GAUSS, p_arg=bc.spherical_dist, **quiet()
    ),
    "reciprocal, Gaussian, NRR = 2": lambda n: bc.ReciprocalConnector(
        p0=GAUSS, p0_arg=bc.spherical_dist, pr=RATE, pr_arg="0", **quiet()
    ),
    "reciprocal, Gaussian, rho estimated": lambda n: bc.ReciprocalConnector(
        p0=GAUSS, p0_arg=bc.spherical_dist, pr=0.002, **quiet()
    ),
}


def network(n: int) -> NetworkBuilder:
    """Return n cells at reference density."""
    side = (n / DENSITY / 250) ** 0.5
    net = NetworkBuilder("net")
    positions = np.random.default_rng(0).uniform([0, 0, 0], [side, side, 250], (n, 3))
    net.add_nodes(N=n, pop_name="A", positions=list(positions))
    return net


def floor(m: int) -> float:
    """Return ns per edge of skipping with plain NumPy: gaps, numbers, and the pair of each."""
    rng, n = np.random.default_rng(1), 100_000
    start = time.process_time()
    numbers = np.cumsum((rng.standard_exponential(m) * (n * n / m)).astype(np.int64) + 1)
    np.divmod(numbers, n)
    return 1e9 * (time.process_time() - start) / m


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("bmtk", "numpy", "scipy"))
    print(
        f"{date.today()}, Python {platform.python_version()}, {packages}, "
        f"bmtool-connectors {bc.__version__}, "
        f"plain NumPy floor {floor(1_000_000):.0f} ns per edge\n"
    )
    print("| law | cells | edges | s | ns per edge | peak bytes per edge |")
    print("|---|---|---|---|---|---|")
    for n in args.sizes:
        pool = network(n).nodes(pop_name="A")
        _ = bc.NodeArrays.from_pool(pool).positions
        for name, make in CASES.items():
            times = []
            for _ in range(args.runs):
                connector = make(n)
                connector.setup_nodes(pool, pool)
                start = time.process_time()
                connector.initial_all_to_all()
                times.append(time.process_time() - start)
            edges = len(connector.connectivity.forward)
            connector = make(n)
            connector.setup_nodes(pool, pool)
            tracemalloc.start()
            connector.initial_all_to_all()
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            seconds = statistics.median(times)
            print(
                f"| {name} | {n} | {edges} | {seconds:.2f} | {1e9 * seconds / edges:.0f} "
                f"| {peak / edges:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
