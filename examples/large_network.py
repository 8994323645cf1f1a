"""Build and save a network of the size of a cortical area, and say what each part took.

::

    python examples/large_network.py [--cells N] [--populations N] [--output FOLDER]

200,000 cells in 17 populations, which lie in layers. Every two populations are connected in both
directions, with a probability that falls off with distance, twice as many reciprocal pairs as by
chance, and delays that grow with distance: 289 edge types. Each edge type has streams of its own
from one seed, so that the network does not depend on what else the script builds.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

import bmtool_connectors
from bmtool_connectors import (
    GaussianDropoff,
    NetworkBuilder,
    NormalizedReciprocalRate,
    ReciprocalConnector,
    spherical_dist,
    syn_dist_delay_feng,
)

DENSITY = 1e-4  # cells per um^3
THICKNESS = 900.0  # um, of all layers
PEAK = 0.2  # connection probability of neighbours
STDEV, REACH = 80.0, 250.0  # um


def add_cells(net: NetworkBuilder, cells: int, names: list[str]) -> None:
    """Give every population a layer of its own, from the surface down."""
    rng = np.random.default_rng(1)
    side = (cells / (DENSITY * THICKNESS)) ** 0.5
    depth = THICKNESS / len(names)
    for k, part in enumerate(np.array_split(np.arange(cells), len(names))):
        low, high = (0.0, 0.0, k * depth), (side, side, (k + 1) * depth)
        positions = rng.uniform(low, high, size=(len(part), 3))
        net.add_nodes(N=len(part), pop_name=names[k], positions=list(positions))
    net.nodes()


def declare_edges(net: NetworkBuilder, names: list[str]) -> None:
    """Connect every two populations, and each with itself."""
    p = GaussianDropoff(stdev=STDEV, max_dist=REACH, pmax=PEAK)
    for k, first in enumerate(names):
        for second in names[k:]:
            connector = ReciprocalConnector(
                p0=p,
                p1=p,
                p0_arg=spherical_dist,
                p1_arg=spherical_dist,
                pr=NormalizedReciprocalRate(2.0),
                pr_arg="0",
                sampler="sparse",
                verbose=False,
                save_report=False,
            )
            delay = partial(syn_dist_delay_feng, connector=connector)
            one_way = {
                "syn_weight": 1e-4,
                "properties": {"names": "delay", "rule": delay, "dtypes": np.float32},
            }
            connector.connect(
                net,
                source={"pop_name": first},
                target={"pop_name": second},
                forward=one_way,
                backward=None if first == second else one_way,
            )


def memory() -> float:
    """Return the greatest memory of this process so far, MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform == "linux" else 1024**2)


def main() -> int:
    """Build, save, and print a line for each part."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cells", type=int, default=200_000)
    parser.add_argument("--populations", type=int, default=17)
    parser.add_argument("--seed", type=int, default=1234)
    parser.add_argument("--output", type=Path, default=Path("output") / "large_network")
    args = parser.parse_args()

    bmtool_connectors.rng = args.seed
    net = NetworkBuilder("cortex", verbose=False)
    names = [f"P{k:02}" for k in range(args.populations)]
    print(f"{'part':<10}{'s':>8}{'peak MB':>10}")

    def part(name: str, do: Callable[[], object]) -> None:
        start = time.perf_counter()
        do()
        print(f"{name:<10}{time.perf_counter() - start:>8.1f}{memory():>10.0f}", flush=True)

    part("cells", lambda: add_cells(net, args.cells, names))
    part("declare", lambda: declare_edges(net, names))
    part("build", net.build)
    part("save", lambda: net.save(args.output))
    size = sum(path.stat().st_size for path in args.output.iterdir()) / 1e6
    print(
        f"{net.nnodes} cells, {len(net.get_connections())} edge types, {net.nedges} synapses, "
        f"{size:.0f} MB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
