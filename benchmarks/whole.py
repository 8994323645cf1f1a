"""The whole path, nodes to saved files, against the predecessor on BMTK's own NetworkBuilder.

One population at 5e-5 cells per um^3 connected to itself with one delay per synapse. CPU time of
nodes, connector, build and save together; each run has a process of its own, which has imported
everything and made a network of 50 cells before. Ours is the median of `--runs` runs in one, the
predecessor, which takes minutes, runs once. Above `--most` cells the predecessor is not run:
its time is that at `--most` cells times the square of the ratio, since it looks at every pair. The
predecessor is installed with ``pip install --no-deps bmtool==0.8.7``.

Run with ``python benchmarks/whole.py``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from functools import partial
from importlib import import_module
from importlib.metadata import version
from operator import itemgetter
from typing import Any

import numpy as np

DENSITY = 5e-5  # cells per um^3
LAWS = ["constant", "distance"]
#: Connectors and builder of each side.
SIDES = {
    "ours": ("bmtool_connectors", "bmtool_connectors"),
    "predecessor": ("bmtool.connectors", "bmtk.builder"),
}


def measure(side: str, n: int, law: str, compression: str) -> dict[str, float]:
    """Build and save one network; return CPU time, s, and edges."""
    connectors, builder = (import_module(name) for name in SIDES[side])
    rng = 1 if side == "ours" else np.random.default_rng(1)
    positions = list(np.random.default_rng(0).uniform(0, (n / DENSITY) ** (1 / 3), (n, 3)))
    start = time.process_time()
    net = builder.NetworkBuilder("net")
    net.add_nodes(N=n, pop_name="A", positions=positions)
    quiet: dict[str, Any] = {"verbose": False, "save_report": False, "rng": rng}
    if side == "ours":
        quiet["sampler"] = "sparse"
    helper: Any = connectors.syn_const_delay
    if law == "distance":
        gauss = connectors.GaussianDropoff(stdev=100.0, pmax=0.1, max_dist=300.0)
        connector = connectors.UnidirectionConnector(
            p=gauss, p_arg=connectors.spherical_dist, **quiet
        )
        helper = partial(connectors.syn_dist_delay_feng, connector=connector)
    else:
        connector = connectors.UnidirectionConnector(p=0.1, **quiet)
    pool = net.nodes(pop_name="A")
    connector.setup_nodes(pool, pool)
    edges = net.add_edges(syn_weight=1e-4, **connector.edge_params())
    edges.add_properties("delay", rule=helper, rule_params={"rng": rng}, dtypes=float)
    net.build()
    with tempfile.TemporaryDirectory() as folder:
        net.save(output_dir=folder, compression=compression)
    return {"seconds": time.process_time() - start, "edges": net.nedges}


def run(*what: Any) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--child", json.dumps(what)]
    answer: dict[str, float] = json.loads(
        subprocess.check_output(command, text=True).split("\n")[-2]
    )
    return answer


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[2000, 10_000])
    parser.add_argument("--most", type=int, default=4000, help="cells of the predecessor")
    parser.add_argument("--laws", nargs="+", choices=LAWS, default=LAWS)
    parser.add_argument("--runs", type=int, default=3, help="of ours")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        side, n, law, compression, runs = args.child
        measure(side, 50, law, compression)  # imports what is imported where it is used
        found = [measure(side, n, law, compression) for _ in range(runs)]
        print(json.dumps(sorted(found, key=itemgetter("seconds"))[runs // 2]))
        return
    packages = ", ".join(f"{name} {version(name)}" for name in ("bmtk", "numpy", "bmtool"))
    print(f"{date.today()}, Python {platform.python_version()}, {packages}\n")
    print("| law | compression | cells | edges | ours, s | predecessor, s | ratio |")
    print("|---|---|---|---|---|---|---|")
    for law in args.laws:
        for compression in ("gzip", "none"):
            peer = {
                n: run("predecessor", n, law, compression, 1)["seconds"]
                for n in sorted({args.most, *args.sizes})
                if n <= args.most
            }
            for n in args.sizes:
                ours = run("ours", n, law, compression, args.runs)
                squares = " (by squares)" if n > args.most else ""
                seconds = peer[args.most] * (n / args.most) ** 2 if squares else peer[n]
                print(
                    f"| {law} | {compression} | {n} | {ours['edges']:.0f} | {ours['seconds']:.2f} "
                    f"| {seconds:.1f}{squares} | {seconds / ours['seconds']:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
