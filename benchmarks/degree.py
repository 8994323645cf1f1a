"""Time per edge of connectors with given numbers, beside NEST's rules where NEST is installed.

Measured is CPU time of one core from the constructor to the complete edges in canonical order,
nodes indexed before; of NEST the same rule with one thread, nodes made before. Both alternate in
one process.

Run with ``python benchmarks/degree.py``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import platform
import statistics
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from typing import Any

from bmtk.builder import NetworkBuilder

import bmtool_connectors as bc

QUIET = {"rng": 1, "verbose": False, "save_report": False}
CONNECTIONS = {"allow_autapses": False, "allow_multapses": False}

Make = Callable[[int, int], bc.BaseConnector]


def no_rule(n: int, k: int) -> None:
    """Return that NEST has no such rule."""


#: Name: our connector for n cells and k edges per cell, and NEST's rule.
CASES: dict[str, tuple[Make, Callable[[int, int], dict[str, Any] | None]]] = {
    "fixed in-degree": (
        lambda n, k: bc.FixedInDegreeConnector(k, **QUIET),
        lambda n, k: {"rule": "fixed_indegree", "indegree": k, **CONNECTIONS},
    ),
    "fixed in-degree, multapses": (
        lambda n, k: bc.FixedInDegreeConnector(k, allow_multapses=True, **QUIET),
        lambda n, k: {"rule": "fixed_indegree", "indegree": k, "allow_autapses": False},
    ),
    "fixed in-degree, one per node": (
        lambda n, k: bc.FixedInDegreeConnector(lambda node: k // 2 + node.node_id % k, **QUIET),
        no_rule,
    ),
    "fixed out-degree": (
        lambda n, k: bc.FixedOutDegreeConnector(k, **QUIET),
        lambda n, k: {"rule": "fixed_outdegree", "outdegree": k, **CONNECTIONS},
    ),
    "fixed total number, multapses": (
        lambda n, k: bc.FixedTotalNumberConnector(n * k, allow_multapses=True, **QUIET),
        lambda n, k: {"rule": "fixed_total_number", "N": n * k, "allow_autapses": False},
    ),
    "fixed total number": (lambda n, k: bc.FixedTotalNumberConnector(n * k, **QUIET), no_rule),
    "pairwise Poisson": (
        lambda n, k: bc.PairwisePoissonConnector(k / n, **QUIET),
        # NEST looks at every pair: minutes for 100,000 cells.
        lambda n, k: (
            {"rule": "pairwise_poisson", "pairwise_avg_num_conns": k / n, "allow_autapses": False}
            if n <= 20_000
            else None
        ),
    ),
}


def ours(make: Make, n: int, k: int, pool: Any) -> tuple[float, int]:
    """Return CPU seconds and synapses."""
    gc.collect()
    start = time.process_time()
    connector = make(n, k)
    connector.setup_nodes(source=pool, target=pool)
    edges = connector.connectivity.forward
    return time.process_time() - start, int(edges.n_syn.sum())


def of_nest(rule: dict[str, Any], n: int) -> tuple[float, int]:
    """Return CPU seconds and synapses of NEST's Connect."""
    import nest

    nest.ResetKernel()
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.local_num_threads = 1
    nodes = nest.Create("parrot_neuron", n)
    start = time.process_time()
    nest.Connect(nodes, nodes, rule)
    return time.process_time() - start, int(nest.num_connections)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, nargs="+", default=[100_000, 10_000])
    parser.add_argument("--edges", type=float, default=1e7)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES))
    options = parser.parse_args()
    with_nest = importlib.util.find_spec("nest") is not None
    packages = ["bmtk", "numpy", "scipy", "bmtool-connectors"]
    packages += ["nest-simulator"] if with_nest else []
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    print(f"{date.today()}, Python {platform.python_version()}, {versions}")
    print("| rule | cells | synapses | ours, ns per synapse | NEST, ns per synapse |")
    print("|---|---|---|---|---|")
    for n in options.cells:
        net = NetworkBuilder("net")
        net.add_nodes(N=n)
        pool = net.nodes()
        k = round(options.edges / n)
        for name in options.cases:
            make, rule = CASES[name]
            found: dict[str, list[float]] = {"ours": [], "nest": []}
            for _ in range(options.runs):
                seconds, synapses = ours(make, n, k, pool)
                found["ours"].append(1e9 * seconds / synapses)
                given = rule(n, k) if with_nest else None
                if given is not None:
                    seconds, theirs = of_nest(given, n)
                    found["nest"].append(1e9 * seconds / theirs)
            cells = [f"{statistics.median(each):.0f}" if each else "-" for each in found.values()]
            print(f"| {name} | {n} | {synapses} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
