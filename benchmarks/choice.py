"""Which sampler the default takes with a private seed, against both of them.

Cells fill a cube at 50,000 per mm3. Laws: one probability, and a Gaussian of distance (stdev 75 um,
cut at 300 um) with that probability at most; in one direction between two populations, in both
within one, without and with an estimated rho. Measured is CPU time of the draw, with nodes indexed
before.

Run with ``python benchmarks/choice.py``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
import warnings
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from typing import Any

import numpy as np
from bmtk.builder import NetworkBuilder

import bmtool_connectors as bc

DENSITY = 5e-5  # per um3
Make = Callable[[str], bc.BaseConnector]


def laws(p: float) -> dict[str, Make]:
    """Return connectors with a probability of at most p, by sampler."""
    gauss = bc.GaussianDropoff(stdev=75.0, pmax=p, max_dist=300.0)
    by = {"p0": gauss, "p0_arg": bc.spherical_dist}
    none: dict[str, Any] = {"rng": 1, "verbose": False, "save_report": False}
    return {
        "one way, constant": lambda s: bc.UnidirectionConnector(p=p, sampler=s, **none),
        "one way, Gaussian": lambda s: bc.UnidirectionConnector(
            p=gauss, p_arg=bc.spherical_dist, sampler=s, **none
        ),
        "both ways, constant": lambda s: bc.ReciprocalConnector(p0=p, rho=0.0, sampler=s, **none),
        "both ways, Gaussian": lambda s: bc.ReciprocalConnector(**by, rho=0.0, sampler=s, **none),
        "both ways, Gaussian, rho estimated": lambda s: bc.ReciprocalConnector(
            **by, pr=p * p / 10, sampler=s, **none
        ),
    }


def milliseconds(make: Make, sampler: str, pools: tuple[Any, Any]) -> float:
    """Return the CPU time of one draw."""
    connector = make(sampler)
    connector.setup_nodes(*pools)
    start = time.process_time()
    connector.initial_all_to_all()
    return 1e3 * (time.process_time() - start)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[500, 2000, 5000, 14_000])
    parser.add_argument("--probabilities", type=float, nargs="+", default=[0.01, 0.1, 0.3, 1.0])
    parser.add_argument("--runs", type=int, default=25)
    args = parser.parse_args()
    warnings.simplefilter("ignore", bc.ConnectivityWarning)  # some rho clip, on purpose
    packages = ", ".join(f"{name} {version(name)}" for name in ("bmtk", "numpy", "scipy"))
    print(f"{date.today()}, Python {platform.python_version()}, {packages}\n")
    print("| law | cells | p | pairwise, ms | sparse, ms | auto, ms | over 1.25 best + 0.5 ms |")
    print("|---|---|---|---|---|---|---|")
    for n in args.sizes:
        side = (n / DENSITY) ** (1 / 3)
        net = NetworkBuilder("net")
        for name in "AB":
            positions = np.random.default_rng(ord(name)).uniform(0, side, (n, 3))
            net.add_nodes(N=n, pop_name=name, positions=list(positions))
        a, b = (net.nodes(pop_name=name) for name in "AB")
        for p in args.probabilities:
            for law, make in laws(p).items():
                pools = (a, b) if law.startswith("one way") else (a, a)
                found: dict[str, list[float]] = {"pairwise": [], "sparse": [], "auto": []}
                # Fewer runs where one takes seconds; all alternate.
                first = milliseconds(make, "pairwise", pools)
                for _ in range(max(3, min(args.runs, round(4000 / first)))):
                    for sampler, times in found.items():
                        times.append(milliseconds(make, sampler, pools))
                pairwise, sparse, auto = (statistics.median(each) for each in found.values())
                excess = auto / (1.25 * min(pairwise, sparse) + 0.5)
                row = f"{pairwise:.2f} | {sparse:.2f} | {auto:.2f} | {excess:.2f}"
                print(f"| {law} | {n} | {p:g} | {row} |", flush=True)


if __name__ == "__main__":
    main()
