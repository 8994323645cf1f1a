"""How in- and out-degrees are distributed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bmtool_connectors.plot.shown import BLUE, ORANGE, EdgeType, axes_of, chosen, finish

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["degrees"]


def degrees(network: Any, edge_type: EdgeType | None = None, *, ax: Axes | None = None) -> Axes:
    """Show how in- and out-degrees are distributed, with what was expected.

    Parameters
    ----------
    network : BaseConnector, NetworkBuilder, str or path
        A connector, a network after ``build()``, or the folder of a saved one.
    edge_type : int or tuple of (str, str, int), optional
        Edge type id; needed where there are several. Of a connector, its forward edges. Where
        several networks of a folder have that id, ``(source network, target network, id)``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParameterError
        If a parameter is not allowed, or the network is not built.

    Notes
    -----
    Where all pairs of a node have one probability, the expected distribution is binomial, and
    shown as a line. Elsewhere a dashed line shows the expected mean, and the shade one standard
    deviation over nodes and draws to either side. Of gap junctions, the junctions of each cell.
    """
    found, direction = chosen(network, "degrees()", edge_type)
    ax = axes_of(ax, (5.2, 3.6))
    out, into = found.degrees(direction)
    prefix = "" if direction == "forward" else "backward "
    expected = {} if found.expected is None else found.expected.degrees
    shown = [("in", into, BLUE)]
    if not found.undirected:
        shown.insert(0, ("out", out, ORANGE))
    most = max((int(each.max(initial=0)) for _, each, _ in shown), default=0)
    width = max(1, most // 60)
    bins = np.arange(0, most + 2 * width, width) - 0.5
    for name, numbers, color in shown:
        label = "junctions of a cell" if found.undirected else f"{name}-degree"
        heights = np.histogram(numbers, bins)[0] / max(len(numbers), 1)
        ax.stairs(heights, bins, color=color, fill=True, alpha=0.3)
        ax.stairs(heights, bins, color=color, linewidth=1.5, label=label)
        if prefix + name in expected:
            mean, sd = expected[prefix + name]
            pairs = found.pairs * (2 if found.undirected else 1)  # for either cell
            _draw_expected(ax, mean, sd, pairs / max(len(numbers), 1), width, color)
    ax.set(xlabel="degree", ylabel="share of the nodes")
    ax.set_xlim(left=max(bins[0], -0.5))
    ax.set_ylim(bottom=0.0)
    finish(ax, found, direction)
    return ax


def _draw_expected(
    ax: Axes, mean: float, sd: float | None, partners: float, width: int, color: str
) -> None:
    """Show what is expected of a degree, among a number of possible partners."""
    variance = mean * (1 - mean / partners) if partners else 0.0
    if sd and abs(sd**2 - variance) < 1e-6 * variance:
        from scipy.stats import binom

        n = round(partners)
        low, high = (max(0, round(mean + k * sd)) for k in (-4.5, 4.5))
        degree = np.arange(low, min(high, n) + 1)
        share = width * binom.pmf(degree, n, mean / partners)
        ax.plot(degree, share, color=color, linewidth=1.5, linestyle="--", label="binomial")
        return
    ax.axvline(mean, color=color, linewidth=1.5, linestyle="--", label="expected mean, sd")
    if sd is not None:
        ax.axvspan(mean - sd, mean + sd, color=color, alpha=0.12, linewidth=0)
