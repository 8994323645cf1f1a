"""Time and memory per synapse of weights, delays and places.

Measured is CPU time of ``build()`` of one edge type whose edges have been drawn before, with the
rule and without any, and its peak of memory by tracemalloc in a run of its own; beside them the
time of a single call, as BMTK's own builder makes one for each synapse.

Run with ``python benchmarks/properties.py``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import gc
import platform
import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np
from scipy import stats

import bmtool_connectors as bc

NORM = stats.norm(1.0, 0.3)
GAUSS = bc.GaussianDropoff(stdev=100.0)
#: Name: rules of an edge type, or none.
CASES: dict[str, Callable[[], list[Any]]] = {
    "no property": lambda: [],
    "weights, a number": lambda: [bc.WeightRule(2.0)],
    "weights, lognormal": lambda: [bc.WeightRule(bc.lognormal(2.0, 0.5))],
    "weights, gamma": lambda: [bc.WeightRule(stats.gamma(2.0, scale=2.0))],
    "weights, normal truncated at 0": lambda: [bc.WeightRule(bc.truncated(NORM, 0.0))],
    "weights, normal above its 99th percentile": lambda: [
        bc.WeightRule(bc.truncated(NORM, NORM.ppf(0.99)))
    ],
    "weights, gamma above its 99th percentile": lambda: [
        bc.WeightRule(bc.truncated(stats.gamma(2.0), stats.gamma(2.0).ppf(0.99)))
    ],
    "weights, scipy's truncnorm": lambda: [bc.WeightRule(stats.truncnorm(-2, 2, 2))],
    "weights, mixture of lognormals": lambda: [
        bc.WeightRule(bc.mixture([bc.lognormal(1.0, 0.3), bc.lognormal(5.0, 1.0)], [0.9, 0.1]))
    ],
    "weights, lognormal, Gaussian of distance": lambda: [
        bc.WeightRule(bc.lognormal(2.0, 0.5), modulation=GAUSS)
    ],
    "delays, velocity": lambda: [bc.DelayRule(300.0, 0.5)],
    "delays, velocity, jitter, dt": lambda: [
        bc.DelayRule(300.0, 0.5, stats.norm(0.0, 0.1), dt=0.1)
    ],
    "places": lambda: [bc.PlacementRule([1, 2], [0.4, 0.6], p=[0.9, 0.1])],
    "weights, delays and places": lambda: [
        bc.WeightRule(bc.lognormal(2.0, 0.5)),
        bc.DelayRule(300.0, 0.5, stats.norm(0.0, 0.1), dt=0.1),
        bc.PlacementRule([1, 2], [0.4, 0.6], p=[0.9, 0.1]),
    ],
}


def network(n: int, rules: list[Any]) -> tuple[Any, Any]:
    """Return a network with n * (n - 1) edges, drawn and not built yet, and the rule."""
    bc.rng = 1
    net = bc.NetworkBuilder("net", verbose=False)
    net.add_nodes(N=n, positions=list(np.random.default_rng(0).uniform(0, 500, (n, 3))))
    connector = bc.AllToAllConnector(verbose=False, save_report=False)
    connector.setup_nodes(net.nodes(), net.nodes())
    edges = net.add_edges(**connector.edge_params())
    _ = connector.connectivity, connector.use.source.positions
    if not rules:
        return net, None
    arguments = bc.properties(*rules, add_nsyns=False)
    edges.add_properties(**arguments)
    return net, arguments["rule"]


def measure(n: int, rules: Callable[[], list[Any]], repeats: int) -> tuple[float, float, float]:
    """Return ns and bytes per synapse, and us per single call."""
    times = []
    for _ in range(repeats):
        net, rule = network(n, rules())
        gc.collect()
        start = time.process_time()
        net.build()
        times.append(time.process_time() - start)
    n_syns = net.nedges
    net, rule = network(n, rules())
    tracemalloc.start()
    net.build()
    n_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    calls = 0.0
    if rule is not None:
        nodes = list(net.nodes())[:2]
        start = time.process_time()
        for _ in range(2000):
            rule(*nodes)
        calls = (time.process_time() - start) / 2000 * 1e6
    return min(times) / n_syns * 1e9, n_bytes / n_syns, calls


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=3163, help="10 million synapses")
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    versions = ", ".join(f"{name} {version(name)}" for name in ("bmtk", "numpy", "scipy"))
    print(f"{date.today()}, Python {platform.python_version()}, {versions},")
    print(f"bmtool-connectors {bc.__version__}, {options.cells * (options.cells - 1)} synapses\n")
    print("| rule | ns per synapse | bytes per synapse, peak | one call, us |")
    print("|---|---|---|---|")
    for name, rules in CASES.items():
        seconds, n_bytes, call = measure(options.cells, rules, options.repeats)
        print(f"| {name} | {seconds:.1f} | {n_bytes:.1f} | {call:.1f} |", flush=True)


if __name__ == "__main__":
    main()
