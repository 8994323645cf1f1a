"""Fixed degrees: with whom nodes connect that have a given number of partners.

Nodes of one pool (*rows*) choose partners in the other (*columns*). The stream of a draw is its
own: 128 bits are taken from the generator, as the root of the streams of all slabs of rows, so
that each slab can be drawn without the others. Part of its definition are ``STREAM_VERSION``,
``randomness.SLAB`` and ``CHUNK``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from bmtool_connectors import randomness, vectorization
from bmtool_connectors.arrays import Index, ranges
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.randomness import SharedGenerator, Streams

STREAM_VERSION = 2
#: Cells of the table that is drawn at a time: it stays in the cache.
CHUNK = 1 << 17
#: Marks the streams from which the degrees themselves are drawn.
_NUMBERS = 1

_NONE = np.zeros(0, dtype=np.int32)


def streams(rng: SharedGenerator) -> Streams:
    """Take the root of a draw from a generator; see :func:`randomness.streams`."""
    return randomness.streams(rng, STREAM_VERSION)


def count_sources(n: int, fraction: float) -> int:
    """Return how many of n sources take part: the nearest whole number, at least one if any."""
    return max(round(fraction * n), 1 if fraction > 0 else 0)


def choose_sources(n: int, fraction: float, rng: SharedGenerator) -> Index | None:
    """Return the indices of the sources that take part, ascending; None, undrawn, when all do.

    Every set of ``count_sources`` of them is equally likely.
    """
    if fraction == 1:
        return None
    chosen: Index = np.sort(rng.permutation(n)[: count_sources(n, fraction)])
    return chosen


def degrees(value: Any, nodes: NodeArrays, streams: Streams, name: str) -> Index:
    """Return the degree of each node, shape (n,), drawn slab by slab if it has a distribution.

    Parameters
    ----------
    value : int, ndarray of int, callable or distribution
        A function is called once per node, in pool order (once for all if it is declared
        ``@vectorized``); a distribution of ``scipy.stats`` draws one value per node.
    nodes : NodeArrays
    streams : callable
        Of the draw; see :func:`streams`.
    name : str
        Parameter and class, for messages.
    """
    if not hasattr(value, "rvs"):
        return given_degrees(value, nodes, name)
    slabs = randomness.slabs(len(nodes))
    found = [drawn_degrees(value, part.stop - part.start, streams, k) for k, part in slabs]
    return _checked(np.concatenate([*found, _NONE]), nodes, name)


def drawn_degrees(value: Any, n: int, streams: Streams, slab: int) -> Any:
    """Return the degrees of the n nodes of a slab, drawn from a distribution; unchecked."""
    return value.rvs(size=n, random_state=streams(slab, _NUMBERS))


def given_degrees(value: Any, nodes: NodeArrays, name: str) -> Index:
    """Return the degree of each node where nothing is drawn; see :func:`degrees`."""
    n = len(nodes)
    if vectorization.is_vectorized(value):
        found = vectorization.one_per_item(value(nodes.take(np.arange(n))), n, name, "nodes")
    elif callable(value):
        found = vectorization.as_array([value(node) for node in nodes.nodes])
    else:
        return np.broadcast_to(np.asarray(value, dtype=np.int64), (n,))
    return _checked(found, nodes, name)


def _checked(found: Any, nodes: NodeArrays, name: str) -> Index:
    def describe(k: int) -> str:
        return f"node {nodes.ids[k]} of {nodes.label}"

    allowed = "a whole number >= 0: round the result of the function"
    return vectorization.checked_counts(found, len(nodes), describe, name, allowed)


def partners(
    degree: Index,
    n: int,
    streams: Streams,
    left_out: Index | None = None,
    *,
    multapses: bool = False,
) -> tuple[Index, Index]:
    """Let each row choose its columns uniformly among those it may choose.

    Parameters
    ----------
    degree : ndarray of int, shape (n_rows,)
        Columns to choose; without multapses no more than the row may choose among.
    n : int
        Number of columns.
    streams : callable
        Of the draw; see :func:`streams`.
    left_out : ndarray of int, shape (n_rows,), optional
        The one column that a row may not choose, or -1.
    multapses : bool
        Choose with replacement: a column may come several times.

    Returns
    -------
    row, column : ndarray of int, shape (degree.sum(),)
        The rows in ascending order; without multapses, the columns of each as well.
    """
    row = np.repeat(np.arange(len(degree), dtype=np.int32), degree)
    columns = [
        columns_of_slab(
            degree[part],
            n,
            streams(slab),
            None if left_out is None else left_out[part],
            multapses=multapses,
        )
        for slab, part in randomness.slabs(len(degree))
    ]
    return row, columns[0] if len(columns) == 1 else np.concatenate([*columns, _NONE])


def columns_of_slab(
    degree: Index,
    n: int,
    rng: np.random.Generator,
    left_out: Index | None = None,
    *,
    multapses: bool = False,
) -> Index:
    """Return the columns that the rows of a slab choose, row after row; see :func:`partners`.

    Parameters
    ----------
    degree, left_out : ndarray of int, shape (n_rows,)
        Of the rows of the slab.
    n : int
        Number of columns.
    rng : Generator
        The stream with the number of the slab, at its beginning.
    multapses : bool
        Choose with replacement.

    Returns
    -------
    ndarray of int, shape (degree.sum(),)

    Notes
    -----
    A table of columns is drawn, a row for each row, and sorted; what a row holds already is
    drawn again, until it holds each column once. What is drawn again depends on which draws are
    equal, never on the columns themselves, so the law does not change when columns are
    relabelled, and the only such law over the subsets of one size is the uniform one. The column
    left out counts as held from the start. Rows that choose more than half choose those that
    they do not connect with.
    """
    if not degree.any():
        return _NONE
    if multapses:
        row = np.repeat(np.arange(len(degree), dtype=np.int32), degree)
        return _with_replacement(row, n, rng, left_out)
    available = np.full(len(degree), n)
    if left_out is not None:
        available -= left_out >= 0
    unconnected = available - degree
    size = np.minimum(degree, unconnected)
    # Of those listed, one cell more for the column left out; the complement takes a whole row.
    width = np.where(degree > unconnected, n + 1, size + 1)
    order = np.argsort(width, kind="stable")
    columns = []
    for part in _tables(width[order], n):
        which = order[part]
        held = None if left_out is None else left_out[which]
        table = _distinct(size[which], n, held, rng)
        is_listed = width[which[0]] <= n
        columns.append(_listed(table, n, held) if is_listed else _complement(table, n))
    found = np.concatenate(columns)
    if (order[1:] > order[:-1]).all():
        return found
    ordered = np.empty_like(found)
    ordered[ranges((np.cumsum(degree) - degree)[order], degree[order])] = found
    return ordered


def _tables(width: Index, n: int) -> Iterator[slice]:
    """Cut rows, sorted by width, into runs of like width that fit a table."""
    start, n_listed = 0, int(np.searchsorted(width, n + 1))
    while start < len(width):
        most = min(2 * int(width[start]), int(width[-1]))
        stop = int(np.searchsorted(width, most, side="right"))
        stop = min(stop, start + max(1, CHUNK // most))
        if start < n_listed:  # whole rows come in runs of their own
            stop = min(stop, n_listed)
        yield slice(start, stop)
        start = stop


def _distinct(size: Index, n: int, held: Index | None, rng: np.random.Generator) -> Index:
    """Return for each row `size` different columns, and the one it holds, sorted; n fills up."""
    dtype = np.int32 if n < 1 << 31 else np.int64
    most = int(size.max())
    table = rng.integers(0, n, (len(size), most), dtype=dtype)
    if most > size.min():
        table[np.arange(most) >= size[:, None]] = n
    if held is not None:
        table = np.column_stack([np.where(held < 0, n, held).astype(dtype), table])
    table.sort(axis=1)
    rows, part = np.arange(len(size)), table
    while len(rows):
        again = np.zeros(part.shape, dtype=bool)
        again[:, 1:] = (part[:, 1:] == part[:, :-1]) & (part[:, 1:] < n)
        some = again.any(axis=1)
        rows, part, again = rows[some], part[some], again[some]
        part[again] = rng.integers(0, n, int(again.sum()), dtype=dtype)
        part.sort(axis=1)
        table[rows] = part
    return table


def _listed(table: Index, n: int, held: Index | None) -> Index:
    """Return the columns of a table, row after row, without those held from the start."""
    keep = table < n
    if held is not None:
        keep &= table != held[:, None]
    return table[keep]


def _complement(table: Index, n: int) -> Index:
    """Return the columns that are not in a table, row after row."""
    free = np.ones((len(table), n + 1), dtype=bool)
    free[np.arange(len(table))[:, None], table] = False
    free[:, n] = False
    return np.nonzero(free)[1].astype(table.dtype)


def _with_replacement(
    row: Index, n: int, rng: np.random.Generator, left_out: Index | None
) -> Index:
    """Return a column for each entry of `row`, any but the one that the row leaves out."""
    dtype = np.int32 if n < 1 << 31 else np.int64
    column = rng.integers(0, n, len(row), dtype=dtype)
    if left_out is not None:
        again = np.flatnonzero(column == left_out[row])
        while len(again):
            column[again] = rng.integers(0, n, len(again), dtype=dtype)
            again = again[column[again] == left_out[row[again]]]
    return column
