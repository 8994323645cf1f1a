"""Pictures of connections: who with whom, at which distance, how many.

Each function takes a connector, a built network or the folder of a saved one, draws into
``ax`` (or a figure of its own) and returns the ``Axes``. Colours can be told apart by the
colour-blind, and in print.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.checks import number
from bmtool_connectors.distances import Metric, squared_distances
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.inspection.connections import Connections, pattern
from bmtool_connectors.inspection.tables import number_text
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.recordings.intervals import clopper_pearson
from bmtool_connectors.saved import read_connections

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["connection_matrix", "degrees", "probability_by_distance"]

#: From M. Okabe and K. Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/.
ORANGE, BLUE = "#E69F00", "#0072B2"
#: What `kind` may be, and what the colour bar says.
KINDS = {
    "number": "connected pairs",
    "probability": "connection probability",
    "reciprocal": "probability of a reciprocal pair",
    "convergence": "mean in-degree",
    "divergence": "mean out-degree",
}
#: Pairs that stand for all when distances are looked at.
MOST_PAIRS = 4_000_000


def _connections(network: Any, owner: str) -> list[Connections]:
    """Return the connections of whatever was given."""
    if isinstance(network, BaseConnector):
        network._look()
        return [network.connections_of(network.use)]
    if isinstance(network, str | os.PathLike):
        return read_connections(network)
    adaptor = getattr(network, "adaptor", network)
    if not hasattr(adaptor, "connections"):
        raise ParameterError(
            f"network of {owner} is {network!r}; allowed is a connector, a network of our "
            "NetworkBuilder after build(), or the folder of a saved network."
        )
    found: list[Connections] = adaptor.connections()
    return found


def _one(network: Any, owner: str, edge_type: int | None) -> tuple[Connections, str]:
    """Return the connections and the direction that are to be shown."""
    found = _connections(network, owner)
    if isinstance(network, BaseConnector):
        if edge_type is not None:
            raise ParameterError(
                f"edge_type of {owner} is {edge_type!r}, and a connector has none; leave it out."
            )
        return found[0], "forward"
    known = {
        number: (each, direction)
        for each in found
        for number, direction in zip(each.edge_types, each.directions, strict=True)
    }
    if edge_type is None and len(known) == 1:
        return next(iter(known.values()))
    if edge_type not in list(known):  # which may be anything
        raise ParameterError(
            f"edge_type of {owner} is {edge_type!r}; allowed here are "
            f"{', '.join(map(str, known)) or 'none: there are no edges'}."
        )
    return known[edge_type]


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes that are drawn into."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


# ---------------------------------------------------------------------- who with whom
def connection_matrix(network: Any, kind: str = "probability", ax: Axes | None = None) -> Axes:
    """Show a number for each pair of populations: sources are rows, targets columns.

    Parameters
    ----------
    network : BaseConnector, NetworkBuilder, str or path
        A connector, a network after ``build()``, or the folder of a saved one.
    kind : {'probability', 'number', 'reciprocal', 'convergence', 'divergence'}
        Share of the pairs that are connected; connected pairs; share of the pairs that are
        connected both ways; connected sources of each target, on average; connected targets of
        each source.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a figure of its own when left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParameterError
        If `network` or `kind` is not allowed, or the network is not built.

    Notes
    -----
    Edge types between the same populations are added up (of probabilities, this is the mean
    number of connections of a pair); gap junctions are left out, unless there is nothing else.
    Empty fields have no edges, or nothing to count both ways.
    A connector draws its edges if it has not.
    """
    owner = "connection_matrix()"
    if not isinstance(kind, str) or kind not in KINDS:
        raise ParameterError(
            f"kind of {owner} is {kind!r}; allowed are {', '.join(map(repr, KINDS))}."
        )
    values: dict[tuple[str, str], float] = {}
    found = _connections(network, owner)
    directed = [each for each in found if not each.undirected]
    for each in directed or found:
        for source, target, value in _fields(each, kind):
            values[source, target] = values.get((source, target), 0.0) + value
    ax = _axes(ax, (5.2, 4.2))
    rows = list(dict.fromkeys(source for source, _ in values))
    columns = list(dict.fromkeys(target for _, target in values))
    columns.sort(key=lambda name: rows.index(name) if name in rows else len(rows))
    table = np.full((len(rows), len(columns)), np.nan)
    for (source, target), value in values.items():
        table[rows.index(source), columns.index(target)] = value
    _draw_table(ax, table, rows, columns, KINDS[kind])
    return ax


def _fields(each: Connections, kind: str) -> Iterable[tuple[str, str, float]]:
    """Yield source, target and value."""
    ends = _short(each.source), _short(each.target)
    if kind == "reciprocal":
        if each.reciprocal is not None:
            share = each.reciprocal / max(each.unordered_pairs, 1)
            yield (*ends, share)
            if each.backward is not None:
                yield (*ends[::-1], share)
        return
    for direction, edges in each.directions.items():
        out, into = each.degrees(direction)
        value = {
            "number": float(len(edges)),
            "probability": len(edges) / max(each.pairs, 1),
            "convergence": float(into.mean()) if len(into) else 0.0,
            "divergence": float(out.mean()) if len(out) else 0.0,
        }[kind]
        yield (*(ends if direction == "forward" else ends[::-1]), value)


def _short(label: str) -> str:
    """Return a pool's label without what all labels have."""
    network, _, query = label.partition(": ")
    if query in ("", "*"):
        return network
    return "\n".join(part.partition("==")[2].strip("'") or part for part in query.split("&"))


def _draw_table(
    ax: Axes, table: npt.NDArray[np.float64], rows: list[str], columns: list[str], label: str
) -> None:
    if table.size:
        image = ax.imshow(np.ma.masked_invalid(table), cmap="cividis", vmin=0.0, aspect="auto")
        bar = ax.figure.colorbar(image, ax=ax)
        bar.set_label(label)
        bar.outline.set_visible(False)
        middle = np.nanmax(table) / 2
        for (i, j), value in np.ndenumerate(table):
            if np.isfinite(value):
                color = "black" if value > middle else "white"
                text = number_text(value if float(value).is_integer() else float(f"{value:.3g}"))
                ax.text(j, i, text, ha="center", va="center", color=color, fontsize=9)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_xticks(np.arange(1, len(columns)) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, len(rows)) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=2)
    ax.tick_params(which="both", length=0)
    ax.set(xlabel="target", ylabel="source")
    ax.spines[:].set_visible(False)


# ---------------------------------------------------------------------- at which distance
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
    found, direction = _one(network, owner, edge_type)
    edges, counts, connected = _by_distance(found, direction, bins, owner)
    ax = _axes(ax, (5.2, 3.6))
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
        title=_title(found, direction),
        xlim=(edges[0], edges[-1]),
    )
    # Bins of few pairs have long intervals, which need not be seen whole.
    many = share[counts[some] >= counts.max() / 100]
    highest = [float(part.max(initial=0.0)) for part in (many, *(each.get_ydata() for each in law))]
    ax.set_ylim(0.0, min(1.3 * max(highest), 1.0) or 1.0)
    _finish(ax)
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


# ---------------------------------------------------------------------- how many
def degrees(network: Any, edge_type: int | None = None, *, ax: Axes | None = None) -> Axes:
    """Show how in- and out-degrees are distributed, with what was expected.

    Parameters
    ----------
    network : BaseConnector, NetworkBuilder, str or path
        A connector, a network after ``build()``, or the folder of a saved one.
    edge_type : int, optional
        Edge type id; needed where there are several. Of a connector, its forward edges.
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
    found, direction = _one(network, "degrees()", edge_type)
    ax = _axes(ax, (5.2, 3.6))
    out, into = found.degrees(direction)
    prefix = "" if direction == "forward" else "backward "
    expected = found.wanted.get("degrees", {})
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
            _draw_expected(ax, mean, sd, found.pairs / max(len(numbers), 1), width, color)
    ax.set(xlabel="degree", ylabel="share of the nodes", title=_title(found, direction))
    ax.set_xlim(left=max(bins[0], -0.5))
    ax.set_ylim(bottom=0.0)
    _finish(ax)
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


def _title(found: Connections, direction: str) -> str:
    ends = [_short(each).replace("\n", ", ") for each in (found.source, found.target)]
    return " → ".join(ends if direction == "forward" else ends[::-1])


def _finish(ax: Axes) -> None:
    """Leave out what is no data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize=8, edgecolor="none", framealpha=0.8)
