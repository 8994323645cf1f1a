"""Pictures of connections: who with whom, at which distance, how many.

Each function takes a connector, a built network or the folder of a saved one, draws into
``ax`` (or a figure of its own) and returns the ``Axes``. Colours can be told apart by the
colour-blind, and in print.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bmtool_connectors.checks import number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.inspection.connections import Connections
from bmtool_connectors.inspection.distances import by_distance
from bmtool_connectors.inspection.pools import PoolKey, network_of, pool_key, short_names
from bmtool_connectors.inspection.tables import number_text
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.recordings.intervals import clopper_pearson
from bmtool_connectors.saved import read_connections

if TYPE_CHECKING:
    from matplotlib.axes import Axes

EdgeType: TypeAlias = int | tuple[str, str, int]

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
#: Populations of which a matrix has room for numbers, and the length of a name beside another.
MOST_NUMBERS, MOST_BESIDE = 12, 9
#: Letters in a line of a title.
MOST_TITLE = 48


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


def _one(network: Any, owner: str, edge_type: EdgeType | None) -> tuple[Connections, str]:
    """Return the connections and the direction that are to be shown."""
    found = _connections(network, owner)
    if isinstance(network, BaseConnector):
        if edge_type is not None:
            raise ParameterError(
                f"edge_type of {owner} is {edge_type!r}, and a connector has none; leave it out."
            )
        return found[0], "forward"
    known = {}
    for each in found:
        ends = network_of(each.source), network_of(each.target)
        for edge_id, direction in zip(each.edge_types, each.directions, strict=True):
            key = (*(ends if direction == "forward" else ends[::-1]), edge_id)
            known[key] = each, direction
    chosen = [key for key in known if edge_type is None or edge_type in (key, key[2])]
    if len(chosen) == 1:
        return known[chosen[0]]
    ids = [key[2] for key in known]
    allowed = [repr(key if ids.count(key[2]) > 1 else key[2]) for key in known]
    raise ParameterError(
        f"edge_type of {owner} is {edge_type!r}; allowed here are "
        f"{', '.join(allowed) or 'none: there are no edges'}."
    )


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
    Empty fields have no edges, or nothing to count both ways. Of more than twelve populations
    there are colours only.
    A connector draws its edges if it has not.
    """
    owner = "connection_matrix()"
    if not isinstance(kind, str) or kind not in KINDS:
        raise ParameterError(
            f"kind of {owner} is {kind!r}; allowed are {', '.join(map(repr, KINDS))}."
        )
    values: dict[tuple[PoolKey, PoolKey], float] = {}
    found = _connections(network, owner)
    directed = [each for each in found if not each.undirected]
    for each in directed or found:
        for source, target, value in _fields(each, kind):
            values[source, target] = values.get((source, target), 0.0) + value
    rows = list(dict.fromkeys(source for source, _ in values))
    columns = list(dict.fromkeys(target for _, target in values))
    columns.sort(key=lambda name: rows.index(name) if name in rows else len(rows))
    table = np.full((len(rows), len(columns)), np.nan)
    for (source, target), value in values.items():
        table[rows.index(source), columns.index(target)] = value
    names = short_names(label for each in found for label in (each.source, each.target))
    return _draw_table(
        ax, table, [names[key] for key in rows], [names[key] for key in columns], KINDS[kind]
    )


def _fields(each: Connections, kind: str) -> Iterable[tuple[PoolKey, PoolKey, float]]:
    """Yield source, target and value."""
    ends = pool_key(each.source), pool_key(each.target)
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


def _draw_table(
    ax: Axes | None,
    table: npt.NDArray[np.float64],
    rows: list[str],
    columns: list[str],
    label: str,
) -> Axes:
    """Draw fields with numbers, as large as these need where there are no axes yet."""
    has_numbers = max(table.shape) <= MOST_NUMBERS
    widths = [
        max((len(line) for name in names for line in name.split("\n")), default=0)
        for names in (rows, columns)
    ]
    is_turned = not has_numbers or widths[1] > MOST_BESIDE
    cell = 0.65 if has_numbers else 0.25  # inches, of which a letter takes 0.08
    width = 2.2 + 0.08 * widths[0] + cell * len(columns)
    height = 1.4 + 0.08 * widths[1] * is_turned + min(cell, 0.5) * len(rows)
    ax = _axes(ax, (max(width, 5.2), max(height, 4.2)))
    if table.size:
        most = float(np.nanmax(table)) or 1.0
        image = ax.imshow(
            np.ma.masked_invalid(table), cmap="cividis", vmin=0.0, vmax=most, aspect="auto"
        )
        bar = ax.figure.colorbar(image, ax=ax)
        bar.set_label(label)
        bar.outline.set_visible(False)
        if has_numbers:
            _write_numbers(ax, table, most / 2)
    ax.set_xticks(range(len(columns)), columns, rotation=90 * is_turned)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_xticks(np.arange(1, len(columns)) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, len(rows)) - 0.5, minor=True)
    ax.grid(which="minor", color="white", linewidth=2 if has_numbers else 0.5)
    ax.tick_params(which="both", length=0)
    ax.set(xlabel="target", ylabel="source")
    ax.spines[:].set_visible(False)
    return ax


def _write_numbers(ax: Axes, table: npt.NDArray[np.float64], middle: float) -> None:
    texts = {
        place: number_text(value if float(value).is_integer() else float(f"{value:.3g}"))
        for place, value in np.ndenumerate(table)
        if np.isfinite(value)
    }
    size = 9.0 * min(1.0, 8 / max(map(len, texts.values())))
    for (i, j), text in texts.items():
        color = "black" if table[i, j] > middle else "white"
        ax.text(j, i, text, ha="center", va="center", color=color, fontsize=size)


# ---------------------------------------------------------------------- at which distance
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
        raise ParameterError(f"bins of {owner} is {bins!r}; allowed is {allowed}.")
    allowed = "a number from 0.001 to 0.999999"
    confidence = number(confidence, f"confidence of {owner}", allowed, 0.001, 0.999999)
    found, direction = _one(network, owner, edge_type)
    edges, counts, connected = by_distance(found, direction, bins, owner)
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
        xlim=(edges[0], edges[-1]),
    )
    # Bins of few pairs have long intervals, which need not be seen whole.
    many = share[counts[some] >= counts.max() / 100]
    highest = [float(part.max(initial=0.0)) for part in (many, *(each.get_ydata() for each in law))]
    ax.set_ylim(0.0, min(1.3 * max(highest), 1.0) or 1.0)
    _finish(ax, found, direction)
    return ax


# ---------------------------------------------------------------------- how many
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
            pairs = found.pairs * (2 if found.undirected else 1)  # for either cell
            _draw_expected(ax, mean, sd, pairs / max(len(numbers), 1), width, color)
    ax.set(xlabel="degree", ylabel="share of the nodes")
    ax.set_xlim(left=max(bins[0], -0.5))
    ax.set_ylim(bottom=0.0)
    _finish(ax, found, direction)
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


def _set_title(ax: Axes, found: Connections, direction: str) -> None:
    """Say whose edges these are, in two lines where one is too long."""
    names = short_names((found.source, found.target))
    ends = [names[pool_key(each)].replace("\n", ", ") for each in (found.source, found.target)]
    title = " → ".join(ends if direction == "forward" else ends[::-1])
    if len(title) > MOST_TITLE:
        title = title.replace(" → ", "\n→ ")
    size = 12 * min(1.0, MOST_TITLE / max(map(len, title.split("\n"))))
    ax.set_title(title, fontsize=size)


def _finish(ax: Axes, found: Connections, direction: str) -> None:
    """Leave out what is no data, and say whose data it is."""
    _set_title(ax, found, direction)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(fontsize=8, edgecolor="none", framealpha=0.8)
