"""Connection probability against distance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bmtool_connectors.checks import number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.plot.shown import BLUE, ORANGE, EdgeType, axes_of, chosen, finish
from bmtool_connectors.recordings.intervals import clopper_pearson
from bmtool_connectors.reports.distance_curve import by_distance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["probability_by_distance"]


def probability_by_distance(
    network: Any,
    edge_type: EdgeType | None = None,
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
    edge_type : int or tuple of (str, str, int), optional
        Edge type id; needed where there are several. Of a connector, its forward edges. Where
        several networks of a folder have that id, ``(source network, target network, id)``.
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
        raise ParameterError(f"bins of {owner} must be {allowed}, got {bins!r}.")
    allowed = "a number from 0.001 to 0.999999"
    confidence = number(confidence, f"confidence of {owner}", allowed, 0.001, 0.999999)
    found, direction = chosen(network, owner, edge_type)
    edges, counts, connected = by_distance(found, direction, bins, owner)
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
        xlim=(edges[0], edges[-1]),
    )
    # Bins of few pairs have long intervals, which need not be seen whole.
    many = share[counts[some] >= counts.max() / 100]
    highest = [float(part.max(initial=0.0)) for part in (many, *(each.get_ydata() for each in law))]
    ax.set_ylim(0.0, min(1.3 * max(highest), 1.0) or 1.0)
    finish(ax, found, direction)
    return ax
