"""Checking a saved network of some million rows: time and memory.

Three networks, each made and checked in processes of their own: fixed in-degrees, one
edge type; reciprocal connections with delays and sections, a row per synapse; and 20
edge types sorted by source. Run with ``python benchmarks/verify.py``. Linux only.
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
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bmtool_connectors
from bmtool_connectors import (
    FixedInDegreeConnector,
    NetworkBuilder,
    ReciprocalConnector,
    syn_const_delay,
    syn_section_PN,
    verify,
)

KINDS = ("in-degrees", "reciprocal", "20 types")
QUIET: dict[str, Any] = {"verbose": False, "save_report": False}


def make(kind: str, rows: float, folder: str) -> None:
    """Save a network with about so many rows."""
    n = 100_000
    net = NetworkBuilder("net", verbose=False)
    for name in "AB":
        net.add_nodes(N=n // 2, pop_name=name, model_type="biophysical")
    if kind == "reciprocal":
        p = rows / n**2 / 2
        connector = ReciprocalConnector(p0=p, pr=p / 4, n_syn0=2, rng=1, **QUIET)
        connector.setup_nodes(net.nodes(), net.nodes())
        edges = net.add_edges(**connector.edge_params())
        rule_params = {"rng": 1}
        edges.add_properties("delay", rule=syn_const_delay, rule_params=rule_params, dtypes=float)
        names = ["afferent_section_id", "afferent_section_pos"]
        edges.add_properties(
            names, rule=syn_section_PN, rule_params=rule_params, dtypes=[int, float]
        )
    else:
        several = kind != "in-degrees"
        for k in range(5 if several else 1):
            for source in "AB" if several else [None]:
                for target in "AB" if several else [None]:
                    pools = [
                        net.nodes() if each is None else net.nodes(pop_name=each)
                        for each in (source, target)
                    ]
                    degree = round(rows / n / (10 if several else 1))
                    fixed = FixedInDegreeConnector(degree, rng=k, **QUIET)
                    fixed.setup_nodes(*pools)
                    net.add_edges(**fixed.edge_params(), delay=2.0)
    net.build()
    net.save(folder, sort_by="source_node_id" if kind == "20 types" else "target_node_id")


def memory(name: str) -> float:
    """Return what the system says of this process, MB: VmRSS is now, VmHWM the most so far."""
    text = Path("/proc/self/status").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) / 1024


def measure(folder: str) -> dict[str, float]:
    """Check a folder, and return what it took."""
    before, cpu, wall = memory("VmRSS"), time.process_time(), time.perf_counter()
    report = verify(folder)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    assert report, report
    rows = report.rows["edges net_to_net"]
    return {"rows": rows, "cpu": cpu, "wall": wall, "memory": memory("VmHWM") - before}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=float, default=1e7)
    parser.add_argument("--folder", help="on the disk to write to; default: that of the system")
    parser.add_argument("--make", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--check", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.make:
        make(args.make, args.rows, args.folder)
        return
    if args.check:
        print(json.dumps(measure(args.check)))
        return
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "h5py"))
    print(
        f"{date.today()}, Python {platform.python_version()}, {packages}, bmtool-connectors "
        f"{bmtool_connectors.__version__}\n"
    )
    print("| network | rows | CPU, s | wall, s | grows by, MB |")
    print("|---" * 5 + "|")
    for kind in KINDS:
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            own = [sys.executable, __file__, "--rows", str(args.rows)]
            subprocess.check_output([*own, "--make", kind, "--folder", folder])
            found = json.loads(subprocess.check_output([*own, "--check", folder], text=True))
        cells = [kind, f"{found['rows']:.0f}", f"{found['cpu']:.1f}", f"{found['wall']:.1f}"]
        print(f"| {' | '.join(cells)} | {found['memory']:.0f} |")


if __name__ == "__main__":
    main()
