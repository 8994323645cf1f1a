"""The share of connected pairs against their distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.checks import number
from bmtool_connectors.distances import Metric, squared_distances
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.inspection.connections import Connections, pattern
from bmtool_connectors.plot.shown import BLUE, ORANGE, axes_of, chosen, finish, title_of
from bmtool_connectors.recordings.intervals import clopper_pearson

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["probability_by_distance"]

#: Pairs that stand for all when distances are looked at.
MOST_PAIRS = 4_000_000


def probability_by_distance(
    network: Any,
    edge_type: int | None = None,
    *,
    bins: int = 20,
    confidence: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Show the share of connected pairs against their distance, with the law behind it.

    Parameters
    ----------
    network : BaseConnector, NetworkBuilder, str or path
        A connector, a network after ``build()``, or the folder of a saved one.
    edge_type : int, optional
        Edge type id; needed where there are several. Of a connector, its forward edges.
    bins : int, default 20
        Number of bins of equal width.
    confidence : float, default 0.95
        Of the interval of each bin.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParameterError
        If a parameter is not allowed, or the network is not built.
    NodeError
        If the nodes have no positions.

    Notes
    -----
    Intervals are those of Clopper and Pearson [1]_, which hold the wanted confidence at any
    number of independent pairs; the two directions of reciprocal connectors are not quite that.
    Distances are straight lines (um), or those of the law's own argument. Where
    there are more than four million pairs, some of the sources stand for all, the same every
    time. The line is the law, where pairs have one; it is not known of a saved network.

    References
    ----------
    .. [1] C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in
       the case of the binomial", Biometrika 26(4), 404-413 (1934).
       https://doi.org/10.1093/biomet/26.4.404
    """
    owner = "probability_by_distance()"
    allowed = "a whole number from 1 to 10000"
    if int(number(bins, f"bins of {owner}", allowed, 1, 10_000)) != bins:
        raise ParameterError(f"bins of {owner} is {bins!r}; allowed is {allowed}.")
    allowed = "a number from 0.001 to 0.999999"
    confidence = number(confidence, f"confidence of {owner}", allowed, 0.001, 0.999999)
    found, direction = chosen(network, owner, edge_type)
    edges, counts, connected = _by_distance(found, direction, bins, owner)
    ax = axes_of(ax, (5.2, 3.6))
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    some = counts > 0
    share = connected[some] / counts[some]
    low, high = clopper_pearson(connected[some], counts[some], confidence).T
    law: list[Any] = []
    if found.law is not None and direction == "forward":
        line = np.linspace(edges[0], edges[-1], 500)
        law = ax.plot(line, found.law(line), color=ORANGE, linewidth=2, label="law", zorder=1)
    ax.errorbar(
        middle[some],
        share,
        # Lists: Matplotlib takes arrays of one number for numbers.
        yerr=[np.maximum(each, 0).tolist() for each in (share - low, high - share)],
        xerr=half[some],
        fmt="o",
        color=BLUE,
        markersize=3.5,
        linewidth=1,
        label=f"connected pairs, {confidence:.0%} interval",
        zorder=2,
    )
    ax.set(
        xlabel="distance (µm)",
        ylabel="connection probability",
        title=title_of(found, direction),
        xlim=(edges[0], edges[-1]),
    )
    # Bins of few pairs have long intervals, which need not be seen whole.
    many = share[counts[some] >= counts.max() / 100]
    highest = [float(part.max(initial=0.0)) for part in (many, *(each.get_ydata() for each in law))]
    ax.set_ylim(0.0, min(1.3 * max(highest), 1.0) or 1.0)
    finish(ax)
    return ax


def _by_distance(
    found: Connections, direction: str, bins: int, owner: str
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Return edges of bins, the pairs in each, and how many of them are connected."""
    source, target = found.positions if direction == "forward" else found.positions[::-1]
    if source is None or target is None:
        raise NodeError(
            f"network of {owner} has nodes without positions ({found.name}); give add_nodes() "
            "positions=..., or x=, y=, z= (um)."
        )
    edges = found.directions[direction]
    most = _longest(edges, source, target, found.metric)
    limits = np.linspace(0.0, most, bins + 1)
    step = max(1, -(-len(source) * len(target) // MOST_PAIRS))
    chosen = np.arange(0, len(source), step)
    connections, column = pattern(edges), np.arange(len(target))
    selfless = found.recurrent and found.pairs < len(source) ** 2
    counts = np.zeros((2, bins), dtype=np.int64)
    n_rows = max(1, (1 << 18) // max(len(target), 1))
    for rows in np.split(chosen, range(n_rows, len(chosen), n_rows)):
        dist = np.sqrt(squared_distances(source[rows], target, found.metric))
        inside = dist <= most
        if found.undirected:
            inside &= rows[:, None] < column
        elif selfless:
            inside &= rows[:, None] != column
        place = np.minimum((dist[inside] * (bins / most)).astype(np.int64), bins - 1)
        hit = connections[rows].toarray()[inside] > 0
        counts += [np.bincount(part, minlength=bins) for part in (place, place[hit])]
    return limits, counts[0], counts[1]


def _longest(
    edges: EdgeList,
    source: npt.NDArray[np.float64],
    target: npt.NDArray[np.float64],
    metric: Metric,
) -> float:
    """Return a distance a little above that of the longest edges, or the extent of the nodes."""
    some = slice(None, None, max(1, len(edges) // MOST_PAIRS))
    steps = metric.steps(source[edges.source[some]], target[edges.target[some]])
    longest = 1.1 * float(np.linalg.norm(steps, axis=1).max(initial=0.0))
    both = np.concatenate([source, target])[:, list(metric.axes)]
    extent = float(np.linalg.norm(both.max(axis=0) - both.min(axis=0)))
    return (min(longest, extent) if longest else extent) or 1.0
