"""Time and memory of the sparse sampler, per edge, against the number of cells.

Cells fill a slab 250 um thick at 3.3e-5 per um^3, as in published build scripts. Measured is CPU
time of the draw, nodes indexed before; memory is the peak above the nodes.

Run with ``python benchmarks/sparse.py``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import itertools
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


POPULATIONS = tuple(f"P{k}" for k in range(17))


def both_ways(n: int) -> bc.BaseConnector:
    """Return the connector of any two populations."""
    return bc.ReciprocalConnector(
        p0=GAUSS,
        p0_arg=bc.spherical_dist,
        symmetric_p1=True,
        symmetric_p1_arg=True,
        pr=RATE,
        pr_arg="0",
        **quiet(),
    )


def network(n: int, populations: tuple[str, ...] = ("A",)) -> NetworkBuilder:
    """Return n cells at reference density, shared out among populations in one volume."""
    side = (n / DENSITY / 250) ** 0.5
    net = NetworkBuilder("net")
    positions = np.random.default_rng(0).uniform([0, 0, 0], [side, side, 250], (n, 3))
    for k, name in enumerate(populations):
        own = positions[k :: len(populations)]
        net.add_nodes(N=len(own), pop_name=name, positions=list(own))
    return net


def floor(m: int) -> float:
    """Return ns per edge of skipping with plain NumPy: gaps, numbers, and the pair of each."""
    rng, n, times = np.random.default_rng(1), 100_000, []
    for _ in range(9):
        start = time.process_time()
        numbers = np.cumsum((rng.standard_exponential(m) * (n * n / m)).astype(np.int64) + 1)
        np.divmod(numbers, n)
        times.append(time.process_time() - start)
    return 1e9 * statistics.median(times) / m


def measured(connectors: list[bc.BaseConnector], pools: list[tuple[Any, Any]]) -> tuple[int, float]:
    """Draw all connectors; return the number of edges and the CPU time, s."""
    for connector, pair in zip(connectors, pools, strict=True):
        connector.setup_nodes(*pair)
    start = time.process_time()
    for connector in connectors:
        connector.initial_all_to_all()
    seconds = time.process_time() - start
    edges = 0
    for connector in connectors:
        drawn = connector.connectivity
        edges += len(drawn.forward) + (0 if drawn.backward is None else len(drawn.backward))
    return edges, seconds


def row(
    name: str,
    n: int,
    make: Callable[[int], bc.BaseConnector],
    pools: list[tuple[Any, Any]],
    runs: int,
) -> str:
    """Return a line of the table: the median of the runs, and the peak of one more."""
    found = [measured([make(n) for _ in pools], pools) for _ in range(runs)]
    edges, seconds = found[0][0], statistics.median(each[1] for each in found)
    connectors = [make(n) for _ in pools]
    tracemalloc.start()
    measured(connectors, pools)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    per_edge = f"{1e9 * seconds / edges:.0f} | {peak / edges:.0f}"
    return f"| {name} | {n} | {edges} | {seconds:.2f} | {per_edge} |"


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
            print(row(name, n, make, [(pool, pool)], args.runs), flush=True)
        many = network(n, POPULATIONS)
        pools = [many.nodes(pop_name=name) for name in POPULATIONS]
        for one in pools:
            _ = bc.NodeArrays.from_pool(one).positions
        pairs = list(itertools.combinations_with_replacement(pools, 2))
        name = "reciprocal, Gaussian, NRR = 2, within and between 17 populations"
        print(row(name, n, both_ways, pairs, 1), flush=True)


if __name__ == "__main__":
    main()
