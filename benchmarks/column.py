"""The cortical column of the examples, with our connectors and with the predecessor's.

Measured as CPU time: drawing (all rules of the network asked for all rows, without
BMTK) and the whole job (cells, connectors, build and save), with BMTK's own
NetworkBuilder for both and with ours for our connectors. Runs alternate; the
median is printed.

Run with ``python benchmarks/column.py``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import statistics
import sys
import tempfile
import time
import warnings
from contextlib import redirect_stdout
from datetime import date
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

import bmtk.builder
import cortical_column

import bmtool_connectors
from bmtool_connectors.connection_rule import ConnectionRule
from bmtool_connectors.nodes import _known

STOCK = "whole job on stock BMTK"
#: The builders that each module's connectors are used with.
BUILDERS: dict[str, dict[str, Any]] = {
    "ours": {STOCK: bmtk.builder, "whole job on our NetworkBuilder": bmtool_connectors},
    "predecessor": {STOCK: bmtk.builder},
}


def ask(connection: Any) -> int:
    """Ask a rule for everything, as fast as its package can; return the number of edges."""
    rule = connection.connector
    if isinstance(rule, ConnectionRule):
        edges = rule.edges
        for i in range(edges.shape[0]):
            edges.row(i)
        return len(edges)
    sources, targets = list(connection.source_nodes), list(connection.target_nodes)
    if connection.iterator == "one_to_all":
        return sum(int((rule(source, targets) > 0).sum()) for source in sources)
    if connection.iterator == "all_to_one":
        return sum(int((rule(sources, target) > 0).sum()) for target in targets)
    return sum(rule(source, target) > 0 for source in sources for target in targets)


def draw(module: ModuleType, cells: int, folder: Path) -> tuple[float, int]:
    """Return CPU seconds of drawing all edges, and their number."""
    module.report_name = str(folder / "conn.csv")  # type: ignore[attr-defined]
    column = cortical_column.Column(module, 1234, cells)
    for network in column.networks():
        network.nodes()  # making the nodes is BMTK's part
    _known.clear()
    start = time.process_time()
    column.connect()
    edges = sum(ask(connection) for connection in column.net.adaptor.get_connections())
    return time.process_time() - start, edges


def whole(module: ModuleType, cells: int, folder: Path, builder: ModuleType) -> float:
    """Return CPU seconds of the whole job."""
    module.report_name = str(folder / "conn.csv")  # type: ignore[attr-defined]
    start = time.process_time()
    column = cortical_column.Column(module, 1234, cells, builder.NetworkBuilder)
    column.connect()
    column.net.build()
    column.save(folder)
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    modules = {
        "ours": bmtool_connectors,
        "predecessor": importlib.import_module("bmtool.connectors"),
    }
    times: dict[tuple[str, str], list[float]] = {}
    edges = {}
    for _ in range(args.runs):
        for name, module in modules.items():
            with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
                seconds, edges[name] = draw(module, args.cells, Path(folder))
                times.setdefault(("drawing", name), []).append(seconds)
                for part, builder in BUILDERS[name].items():
                    seconds = whole(module, args.cells, Path(folder), builder)
                    times.setdefault((part, name), []).append(seconds)
    packages = ", ".join(f"{name} {version(name)}" for name in ("bmtk", "numpy", "bmtool"))
    print(
        f"{date.today()}, Python {platform.python_version()}, {packages}, "
        f"bmtool-connectors {bmtool_connectors.__version__}, {args.cells} cells, "
        f"{edges['ours']} and {edges['predecessor']} edges\n"
    )
    print("| part | ours, s | predecessor, s | ratio |")
    print("|---|---|---|---|")
    for part in ("drawing", *BUILDERS["ours"]):
        base = part if part in ("drawing", STOCK) else STOCK  # what the predecessor can do
        ours = statistics.median(times[part, "ours"])
        theirs = statistics.median(times[base, "predecessor"])
        print(f"| {part} | {ours:.2f} | {theirs:.1f} | {theirs / ours:.1f} |")


if __name__ == "__main__":
    main()
