"""The picture of recordings, laws and a network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bmtool_connectors import vectorization
from bmtool_connectors.arrays import FloatArray
from bmtool_connectors.recordings.pair_counts import PairCounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes


#: Colour and marker of each probability; the colours can be told apart by colour-blind readers
#: (Okabe and Ito 2008).
STYLES = {"p0": ("#0072B2", "o"), "p1": ("#D55E00", "s"), "pr": ("#009E73", "^")}
NAMES = {"p0": "forward", "p1": "backward", "pr": "both ways"}


def draw_counts(
    counts: PairCounts,
    laws: dict[str, Any],
    edges: FloatArray,
    network: PairCounts | None,
    level: float,
    ax: Axes | None,
) -> Axes:
    """Draw estimates with intervals, laws as lines, and what a network has as open markers."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    dist = np.linspace(edges[0], edges[-1], 601)
    lines = {of: vectorization.of_values(laws[of], (dist,), len(dist), of) for of in ("p0", "p1")}
    pairs = (dist, lines["p0"], lines["p1"])
    lines["pr"] = vectorization.of_values(laws["pr"], pairs, len(dist), "pr")
    shown = ("p0", "pr") if counts.n_backward is None else ("p0", "p1", "pr")
    data: list[Any] = []
    networks: list[Any] = []
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    for k, of in enumerate(shown):
        color, marker = STYLES[of]
        name = "connected" if of == "p0" and len(shown) == 2 else NAMES[of]
        # Side by side, so that no interval hides another.
        place = middle + (k - (len(shown) - 1) / 2) * 0.16 * half
        found, ends = np.array(getattr(counts, of).p), counts.interval(of, level)
        error = np.maximum([found - ends[:, 0], ends[:, 1] - found], 0.0)
        ax.plot(dist, np.broadcast_to(lines[of], dist.shape), color=color, lw=1.2)
        style: dict[str, Any] = {"fmt": marker, "color": color, "ms": 5, "capsize": 3}
        data.append(ax.errorbar(place, found, error, label=name, **style))
        if network is not None:
            at = (network.bin_edges[1:] + network.bin_edges[:-1]) / 2
            values = np.array(getattr(network, of).p)
            style = {"ls": "none", "mfc": "none", "mec": color, "ms": 9}
            at += (place - middle)[0]
            networks += ax.plot(at, values, marker, label=f"{name}, network", **style)
    ax.set(xlabel="distance (µm)", ylabel="probability", xlim=(edges[0], edges[-1]))
    ax.set_ylim(bottom=-0.02 * ax.get_ylim()[1])  # markers at 0 are seen whole
    ax.legend(handles=[*data, *networks], frameon=False)
    return ax
