"""Pictures of the comparison with peers, drawn from its CSV.

Run with ``python benchmarks/peers/plot.py`` to draw them again without measuring.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from setups import CONSTANT, GAUSS, OURS, PEERS, RATE

# Okabe and Ito's colours, told apart by the colour-blind; the marker tells the rest.
STYLES = {
    OURS: ("#000000", "o"),
    f"{OURS}, auto": ("#000000", ""),
    "NEST": ("#0072B2", "s"),
    "NEST, in-degree": ("#0072B2", "D"),
    "Brian2": ("#D55E00", "^"),
    "braintools": ("#009E73", "v"),
    "brainpy": ("#56B4E9", "P"),
    "csa": ("#E69F00", "X"),
    "PyNN": ("#CC79A7", "<"),
    "bmtool": ("#7F7F7F", ">"),
}
TITLES = {
    CONSTANT: "one probability, 100 edges per cell",
    GAUSS: "Gaussian of distance, up to 34 edges per cell",
}


def lines(rows: list[dict[str, str]], law: str, value: str, least: float) -> dict[str, Any]:
    """Return (cells, values) of each package in a panel; values below `least` are raised to it."""
    found: dict[str, Any] = {}
    for name in PEERS:
        for drawn in (law, RATE) if law == GAUSS else (law,):
            points = [
                (int(row["cells"]), max(float(row[value]), least))
                for row in rows
                if (row["package"], row["law"]) == (name, drawn)
            ]
            if points:
                label = f"{name}, NRR = 2" if drawn == RATE else name
                found[label] = tuple(zip(*points, strict=True))
    return found


def draw_pictures(folder: Path) -> None:
    """Write peers_time.png and peers_memory.png beside the CSV."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import NullFormatter

    with open(folder / "peers.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    pictures = [
        ("time", "seconds", "CPU time of the draw, s", 1e-4),
        ("memory", "peak", "peak memory of the draw, MB", 1.0),
    ]
    for name, value, label, least in pictures:
        figure, axes = plt.subplots(
            1, 2, figsize=(10, 5), sharex=True, sharey=True, layout="constrained"
        )
        handles: dict[str, Any] = {}
        for axis, law in zip(axes, TITLES, strict=True):
            for package, (cells, values) in lines(rows, law, value, least).items():
                mine = package.startswith(OURS)
                rate, auto = package.endswith("NRR = 2"), package.endswith("auto")
                colour, marker = STYLES[OURS if rate else package]
                (handles[package],) = axis.plot(
                    cells,
                    values,
                    color=colour,
                    marker=marker or None,
                    markerfacecolor="white" if rate or "in-degree" in package else colour,
                    markersize=6 if mine else 5,
                    linestyle=":" if auto else "--" if rate or "in-degree" in package else "-",
                    linewidth=2.4 if mine and not (rate or auto) else 1.3,
                    zorder=3 if mine else 2,
                )
            axis.set(xlabel="cells", xscale="log", yscale="log")
            axis.set_title(TITLES[law], fontsize="medium", loc="left")
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.grid(which="major", color="0.88", linewidth=0.6)
            axis.spines[["top", "right"]].set_visible(False)
        axes[0].set_ylabel(label + (" (at least 1)" if value == "peak" else ""))
        labels = sorted(handles, key=lambda label: not label.startswith(OURS))
        figure.legend(
            [handles[label] for label in labels], labels, loc="outside right center", frameon=False
        )
        figure.savefig(folder / f"peers_{name}.png", dpi=150)
        plt.close(figure)


if __name__ == "__main__":
    draw_pictures(Path(__file__).parents[1] / "images")
