"""Saving the same edge tables: BMTK's own code against ours.

CPU and wall time per row, what the process grows by, and bytes of the file per row,
for a network with one delay per synapse. Each saver has a process of its own. Compression
``zlib`` is gzip as it is where the package ``isal`` is missing; a number is a level of gzip. Run
with ``python benchmarks/save.py``; ``--help`` tells the options. Linux only.
"""

from __future__ import annotations

import argparse
import gc
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

import numpy as np
from bmtk.builder.network_adaptors import DenseNetwork

import bmtool_connectors
from bmtool_connectors import NetworkBuilder, UnidirectionConnector, syn_const_delay

SAVERS = ("BMTK", "ours")


def built(args: argparse.Namespace) -> Any:
    """Return a built network."""
    net = NetworkBuilder("cortex", verbose=False)
    names = [f"P{k}" for k in range(args.populations)]
    for part, name in zip(np.array_split(np.arange(args.cells), len(names)), names, strict=True):
        net.add_nodes(N=len(part), pop_name=name)
    for source in names:
        for target in names:
            connector = UnidirectionConnector(
                p=args.rows / args.cells**2,
                rng=1,
                sampler="sparse",
                verbose=False,
                save_report=False,
            )
            connector.setup_nodes(net.nodes(pop_name=source), net.nodes(pop_name=target))
            edges = net.add_edges(syn_weight=1e-4, **connector.edge_params())
            edges.add_properties(
                "delay", rule=syn_const_delay, rule_params={"rng": 2}, dtypes=float
            )
    net.build()
    return net


def memory(name: str) -> float:
    """Return what the system says of this process, MB: VmRSS is now, VmHWM the most so far."""
    text = Path("/proc/self/status").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) / 1024


def measure(args: argparse.Namespace) -> dict[str, float]:
    """Save one network, and return what it took."""
    net = built(args)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the most so far is now
    before = memory("VmRSS")
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        compression = args.compression
        if compression == "zlib":
            sys.modules["isal"] = None
            compression = "gzip"
        elif compression.isdecimal():
            compression = int(compression)
        cpu, wall = time.process_time(), time.perf_counter()
        if args.saver == "ours":
            net.save_edges(output_dir=folder, compression=compression)
        else:
            DenseNetwork.save_edges(net.adaptor, output_dir=folder, compression=compression)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    rows = net.nedges
    return {
        "rows": rows,
        "cpu": 1e6 * cpu / rows,
        "wall": 1e6 * wall / rows,
        "memory": memory("VmHWM") - before,
        "size": size / rows,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=200_000)
    parser.add_argument("--populations", type=int, default=1)
    parser.add_argument("--rows", type=float, default=7e6)
    parser.add_argument("--compression", nargs="*", default=["gzip", "none"])
    parser.add_argument("--folder", help="on the disk to write to; default: that of the system")
    parser.add_argument("--saver", choices=SAVERS, help="default: both")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        args.compression = args.compression[0]
        print(json.dumps(measure(args)))
        return
    packages = ", ".join(f"{name} {version(name)}" for name in ("bmtk", "numpy", "h5py"))
    print(
        f"{date.today()}, Python {platform.python_version()}, {packages}, bmtool-connectors "
        f"{bmtool_connectors.__version__}: {args.cells} cells, {args.populations**2} edge types\n"
    )
    print("| compression | saver | rows | CPU, us per row | wall | grows by, MB | bytes per row |")
    print("|---" * 7 + "|")
    for compression in args.compression:
        for saver in [args.saver] if args.saver else SAVERS:
            command = [sys.executable, __file__, *sys.argv[1:], "--child"]
            command += ["--saver", saver, "--compression", compression]
            found = json.loads(subprocess.check_output(command, text=True))
            cells = [compression, saver, f"{found['rows']:.0f}"]
            cells += [f"{found[name]:.2f}" for name in ("cpu", "wall")]
            cells += [f"{found['memory']:.0f}", f"{found['size']:.1f}"]
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
