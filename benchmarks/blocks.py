"""Time of a BlockConnector against its blocks as connectors of their own.

Measured is CPU time of one core from the constructors to the complete edges, pools indexed
before. Both alternate in one process, and the fastest run of each counts.

Run with ``python benchmarks/blocks.py``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import gc
import platform
import time
from datetime import date
from importlib.metadata import version
from itertools import product
from typing import Any

import numpy as np
from bmtk.builder import NetworkBuilder

import bmtool_connectors as bc

QUIET = {"rng": 1, "verbose": False, "save_report": False}
GAUSSIAN = bc.GaussianDropoff(stdev=80.0, pmax=0.4, max_dist=300.0)

#: Name: entry of all blocks, its argument, and sampler.
CASES: dict[str, tuple[Any, Any, str]] = {
    "p = 0.1": (0.1, None, "pairwise"),
    "p = 0.1, sparse": (0.1, None, "sparse"),
    "Gaussian": (GAUSSIAN, bc.spherical_dist, "pairwise"),
    "Gaussian, sparse": (GAUSSIAN, bc.spherical_dist, "sparse"),
}


def network(n: int, n_classes: int, mixed: bool) -> Any:
    """Return a network with classes one after another, or in any order, in a cube of 1 mm."""
    rng = np.random.default_rng(0)
    classes = np.arange(n) * n_classes // n
    classes = rng.permutation(classes) if mixed else classes
    net = NetworkBuilder("net")
    net.add_nodes(N=n, group=classes.tolist(), positions=list(rng.uniform(0, 1000, (n, 3))))
    return net


def separate(net: Any, n_classes: int, case: tuple[Any, Any, str]) -> list[bc.EdgeList]:
    """Return the edges of a connector per block."""
    p, p_arg, sampler = case
    found = []
    for a, b in product(range(n_classes), repeat=2):
        law = {"p_arg": p_arg, "allow_autapses": False, "sampler": sampler}
        connector = bc.UnidirectionConnector(p, **law, **QUIET)
        connector.setup_nodes(source=net.nodes(group=a), target=net.nodes(group=b))
        found.append(connector.connectivity.forward)
    return found


def together(net: Any, n_classes: int, case: tuple[Any, Any, str]) -> bc.EdgeList:
    """Return the edges of a BlockConnector."""
    p, p_arg, sampler = case
    table = bc.modular_blocks(range(n_classes), p, p)
    connector = bc.BlockConnector(table, by="group", p_arg=p_arg, sampler=sampler, **QUIET)
    connector.setup_nodes(source=net.nodes(), target=net.nodes())
    return connector.connectivity.forward


def timed(function: Any, *args: Any) -> tuple[float, Any]:
    """Return CPU seconds and what a function returns."""
    gc.collect()
    start = time.process_time()
    found = function(*args)
    return time.process_time() - start, found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--classes", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    options = parser.parse_args()
    packages = ("bmtk", "numpy", "scipy", "bmtool-connectors")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"{date.today()}, Python {platform.python_version()}, {versions}")
    print("| law | classes in the pool | edges | one connector, s | a connector each, s | ratio |")
    print("|---|---|---|---|---|---|")
    for mixed in (False, True):
        net = network(options.cells, options.classes, mixed)
        for name in options.cases:
            args = (net, options.classes, CASES[name])
            times: dict[str, list[float]] = {"ours": [], "theirs": []}
            for _ in range(options.runs):
                seconds, parts = timed(separate, *args)
                times["theirs"].append(seconds)
                n = sum(len(edges) for edges in parts)
                del parts
                seconds, edges = timed(together, *args)
                times["ours"].append(seconds)
                assert len(edges) == n
                del edges
            # The fastest runs: what else the machine is doing only adds to them.
            one, each = (min(times[who]) for who in ("ours", "theirs"))
            order = "mixed" if mixed else "one after another"
            print(f"| {name} | {order} | {n} | {one:.2f} | {each:.2f} | {one / each:.2f} |")


if __name__ == "__main__":
    main()
