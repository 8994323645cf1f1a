"""Numbers for pairs of populations: who with whom."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.errors import ParameterError
from bmtool_connectors.plot.shown import axes_of, connections_of
from bmtool_connectors.reports.connections import Connections
from bmtool_connectors.reports.pool_names import PoolKey, pool_key, short_names
from bmtool_connectors.reports.tables import number_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["connection_matrix"]

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
            f"kind of {owner} must be one of {', '.join(map(repr, KINDS))}, got {kind!r}."
        )
    values: dict[tuple[PoolKey, PoolKey], float] = {}
    found = connections_of(network, owner)
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
    ax = axes_of(ax, (max(width, 5.2), max(height, 4.2)))
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
        index: number_text(value if float(value).is_integer() else float(f"{value:.3g}"))
        for index, value in np.ndenumerate(table)
        if np.isfinite(value)
    }
    size = 9.0 * min(1.0, 8 / max(map(len, texts.values())))
    for (i, j), text in texts.items():
        color = "black" if table[i, j] > middle else "white"
        ax.text(j, i, text, ha="center", va="center", color=color, fontsize=size)
