"""The whole build with the same connectors: BMTK's own NetworkBuilder against ours.

Wall time of each part (nodes, declaring edges, build, save) and the peak memory of
the build, for a network of equal populations that are all connected to all, with
one delay per synapse. Each builder has a process of its own. Run with
``python benchmarks/build.py``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import date
from functools import partial
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

import bmtool_connectors
from bmtool_connectors import UnidirectionConnector

BUILDERS = {"BMTK": "bmtk.builder", "ours": "bmtool_connectors"}
PARTS = ("nodes", "declare", "build", "save")
DENSITY = 5e-5  # cells per um^3


def measure(args: argparse.Namespace) -> dict[str, float]:
    """Build and save one network, and return seconds, edges and bytes."""
    builder = import_module(BUILDERS[args.builder]).NetworkBuilder
    seconds: dict[str, float] = {}

    def timed(part: str, do: Callable[[], None]) -> None:
        start = time.perf_counter()
        do()
        seconds[part] = time.perf_counter() - start

    net = builder("cortex")
    names = [f"P{k}" for k in range(args.populations)]

    def nodes() -> None:
        side = (args.cells / DENSITY) ** (1 / 3)
        rng = np.random.default_rng(1)
        for part, name in zip(
            np.array_split(np.arange(args.cells), len(names)), names, strict=True
        ):
            cells = list(rng.uniform(0, side, (len(part), 3)))
            net.add_nodes(N=len(part), pop_name=name, positions=cells)
        net.nodes()

    def declare() -> None:
        for source in names:
            for target in names:
                add(net, source, target, args)

    timed("nodes", nodes)
    timed("declare", declare)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if args.memory:
        for each in net.get_connections():
            _ = each.connector.edges  # what the connectors hold
        tracemalloc.start()
    timed("build", net.build)
    edges = float(net.nedges)
    peak = 1024.0 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    if args.memory:
        peak = float(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    with tempfile.TemporaryDirectory() as folder:
        timed("save", lambda: net.save(output_dir=folder))
    return {**seconds, "edges": edges, "bytes": peak / edges}


def add(net: Any, source: str, target: str, args: argparse.Namespace) -> None:
    """Declare the edges from one population to another."""
    sampler = "sparse" if args.cells**2 / args.populations**2 > 1e6 else "pairwise"
    options: dict[str, Any] = {"rng": 1, "sampler": sampler, "verbose": False, "save_report": False}
    p = args.edges / args.cells**2
    connector: Any
    helper: Any
    if args.law == "distance":
        # Within reach are 4/3 pi 150^3 um^3 of cells.
        law = bmtool_connectors.UniformInRange(p=min(1.0, p * args.cells / 707), max_dist=150.0)
        arg = bmtool_connectors.spherical_dist
        connector = UnidirectionConnector(p=law, p_arg=arg, **options)
        helper = partial(bmtool_connectors.syn_dist_delay_feng, connector=connector)
    else:
        connector = UnidirectionConnector(p=p, **options)
        helper = bmtool_connectors.syn_const_delay
    connector.setup_nodes(source=net.nodes(pop_name=source), target=net.nodes(pop_name=target))
    edges = net.add_edges(syn_weight=1e-4, **connector.edge_params())
    edges.add_properties("delay", rule=helper, rule_params={"rng": 2}, dtypes=float)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=5000)
    parser.add_argument("--populations", type=int, default=1)
    parser.add_argument("--edges", type=float, default=1e6)
    parser.add_argument("--law", choices=["constant", "distance"], default="constant")
    parser.add_argument("--builder", choices=BUILDERS, help="default: both")
    parser.add_argument("--memory", action="store_true", help="trace memory (slow)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(args)))
        return
    packages = ", ".join(f"{name} {version(name)}" for name in ("bmtk", "numpy"))
    print(
        f"{date.today()}, Python {platform.python_version()}, {packages}, bmtool-connectors "
        f"{bmtool_connectors.__version__}: {args.cells} cells in {args.populations} populations, "
        f"{args.populations**2} edge types, {args.law} law\n"
    )
    print(f"| builder | edges | {', s | '.join(PARTS)}, s | build, us per edge | bytes per edge |")
    print("|---" * (len(PARTS) + 4) + "|")
    for name in [args.builder] if args.builder else BUILDERS:
        command = [sys.executable, __file__, *sys.argv[1:], "--child", "--builder", name]
        found = json.loads(subprocess.check_output(command, text=True))
        parts = " | ".join(f"{found[part]:.2f}" for part in PARTS)
        rate = 1e6 * found["build"] / found["edges"]
        print(f"| {name} | {found['edges']:.0f} | {parts} | {rate:.3f} | {found['bytes']:.0f} |")


if __name__ == "__main__":
    main()
