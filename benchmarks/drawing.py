"""Time of drawing, side by side with the predecessor, in one process and alternating.

Measured is CPU time from the constructor to complete edges plus one look-up of
every row, snapshot of the nodes included; the median of some runs. The
predecessor is installed with ``pip install --no-deps bmtool==0.8.7``.

Run with ``python benchmarks/drawing.py``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np
from bmtk.builder import NetworkBuilder

import bmtool_connectors
from bmtool_connectors.nodes import _known

Connector = Callable[[ModuleType, dict[str, Any]], Any]


def nrr(dist: float) -> float:
    """Return a reciprocal rate that falls with distance: a user's own function."""
    return 1.0 + 3.0 * 2.718281828 ** (-dist / 100.0)


def gauss(module: ModuleType) -> Any:
    """Return the distance law of the benchmarks."""
    return module.GaussianDropoff(stdev=100.0, pmax=0.1, max_dist=300.0)


CASES: dict[str, Connector] = {
    "unidirectional, p = 0.1": lambda m, kw: m.UnidirectionConnector(p=0.1, **kw),
    "reciprocal, p0 = 0.1, pr = 0.03": lambda m, kw: m.ReciprocalConnector(p0=0.1, pr=0.03, **kw),
    "unidirectional, Gaussian": lambda m, kw: m.UnidirectionConnector(
        p=gauss(m), p_arg=m.spherical_dist, **kw
    ),
    "reciprocal, Gaussian, rho estimated": lambda m, kw: m.ReciprocalConnector(
        p0=gauss(m), p0_arg=m.spherical_dist, pr=0.01, **kw
    ),
    "reciprocal, Gaussian, NRR = 2": lambda m, kw: m.ReciprocalConnector(
        p0=gauss(m),
        p0_arg=m.spherical_dist,
        pr=m.NormalizedReciprocalRate(2.0),
        pr_arg="0",
        **kw,
    ),
    "gap junctions, Gaussian": lambda m, kw: m.GapJunction(
        p=gauss(m), p_arg=m.cylindrical_dist_z, **kw
    ),
    "reciprocal, NRR a user's function": lambda m, kw: m.ReciprocalConnector(
        p0=gauss(m),
        p0_arg=m.spherical_dist,
        pr=m.NormalizedReciprocalRate(nrr),
        pr_arg="0",
        **kw,
    ),
}


def network(n: int) -> NetworkBuilder:
    """Return n cells in a slab of 600 x 600 x 250 um."""
    net = NetworkBuilder("net")
    positions = np.random.default_rng(0).uniform([0, 0, 0], [600, 600, 250], (n, 3))
    net.add_nodes(N=n, pop_name="A", positions=list(positions))
    net.nodes()
    return net


def quiet() -> dict[str, Any]:
    """Return arguments for a reproducible draw without output."""
    return {"rng": np.random.default_rng(1), "verbose": False, "save_report": False}


def time_ours(make: Connector, net: NetworkBuilder) -> tuple[float, int]:
    """Return seconds, and the number of edges."""
    pool = net.nodes(pop_name="A")
    _known.clear()  # the snapshot of the nodes belongs to the work
    start = time.process_time()
    connector = make(bmtool_connectors, quiet())
    connector.setup_nodes(pool, pool)
    connector.initial_all_to_all()
    edges = connector.connectivity.forward
    for i in range(edges.shape[0]):
        edges.row(i)
    return time.process_time() - start, len(edges)


def time_peer(make: Connector, net: NetworkBuilder, peer: ModuleType) -> float:
    """Return seconds."""
    pool = net.nodes(pop_name="A")
    nodes = list(pool)
    start = time.process_time()
    connector = make(peer, quiet())
    connector.setup_nodes(pool, pool)
    params = connector.edge_params()
    rule = params["connection_rule"]
    for source in nodes:
        if params["iterator"] == "one_to_all":
            rule(source, nodes)
        else:
            for target in nodes:
                rule(source, target)
    return time.process_time() - start


def peak_memory(n: int) -> float:
    """Return peak memory above the nodes, MB: distance law, estimated rho, no cache."""
    net = network(n)
    pool = net.nodes(pop_name="A")
    tracemalloc.start()
    connector = bmtool_connectors.ReciprocalConnector(
        p0=gauss(bmtool_connectors),
        p0_arg=bmtool_connectors.spherical_dist,
        pr=0.01,
        cache_data=False,
        **quiet(),
    )
    connector.setup_nodes(pool, pool)
    connector.initial_all_to_all()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1200, 2500, 5000])
    parser.add_argument("--runs", type=int, default=5, help="of ours; the peer runs as often")
    parser.add_argument("--peer-runs", type=int, help="runs of the predecessor, if fewer")
    parser.add_argument("--only", default="", help="cases whose name contains this text")
    args = parser.parse_args()
    peer = importlib.import_module("bmtool.connectors")
    packages = ", ".join(f"{name} {version(name)}" for name in ("bmtk", "numpy", "bmtool"))
    print(
        f"{date.today()}, Python {platform.python_version()}, {packages}, "
        f"bmtool-connectors {bmtool_connectors.__version__}\n"
    )
    print("| law | cells | edges | ours, ms | predecessor, s | ratio | ns per pair |")
    print("|---|---|---|---|---|---|---|")
    warnings.simplefilter("ignore")
    for n in args.sizes:
        net = network(n)
        for name, make in CASES.items():
            if args.only not in name:
                continue
            ours, theirs = [], []
            edges = 0
            for run in range(args.runs):
                seconds, edges = time_ours(make, net)
                ours.append(seconds)
                if run < (args.peer_runs or args.runs):
                    theirs.append(time_peer(make, net, peer))
            a, b = statistics.median(ours), statistics.median(theirs)
            print(
                f"| {name} | {n} | {edges} | {1e3 * a:.1f} | {b:.2f} | {b / a:.0f} "
                f"| {1e9 * a / n**2:.1f} |",
                flush=True,
            )
    print(
        f"\nPeak memory above the nodes, 5,000 cells, Gaussian, rho estimated, cache_data=False: "
        f"{peak_memory(5000):.0f} MB"
    )


if __name__ == "__main__":
    main()
