"""From what a draw gives, pair by pair, to the canonical edges of each direction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import Index, IntArray, bunches, index_dtype, is_first
from bmtool_connectors.edges import EdgeList, sort_pairs
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.collect import Drawn, PairDraw, joined, taken

#: Edges per row, on average, from which on it is faster to write row by row than edge by edge.
LONG_ROW = 64
#: Edges from which on they are sorted by ranges of sources; in a range, about; put into ranges at a
#: time.
MANY, RANGE, BATCH = 1 << 20, 1 << 18, 1 << 17


def forward_edges(drawn: PairDraw, space: PairSpace) -> EdgeList:
    """Return the edges i -> j."""
    shape = (len(space.source), len(space.target))
    columns = (*drawn.forward.n_syn, *drawn.forward.arg)
    alike = not any(isinstance(each, np.ndarray) for each in columns)
    if drawn.order is None or (drawn.order == "target" and not alike):
        return _sorted((drawn.forward, Drawn()), shape, drawn.order == "target")
    i, j, n_syn, arg = drawn.forward.arrays()
    if drawn.order == "target":
        drawn.forward = Drawn()
        i, j = turned(i, j, shape)
    return EdgeList.from_sorted(i, j, shape, n_syn, arg)


def backward_edges(drawn: PairDraw, space: PairSpace) -> EdgeList:
    """Return the edges j -> i."""
    shape = (len(space.target), len(space.source))
    return _sorted((Drawn(), drawn.backward), shape, drawn.order == "source")


def symmetric_edges(drawn: PairDraw, space: PairSpace) -> EdgeList:
    """Return the edges of one population: i -> j of the forward and j -> i of the backward part."""
    n = len(space.source)
    # Sorted by target within each source already, if the backward part (j > i) comes first.
    return _sorted((drawn.forward, drawn.backward), (n, n), drawn.order is not None)


def _sorted(parts: tuple[Drawn, Drawn], shape: tuple[int, int], by_target: bool) -> EdgeList:
    """Return forward edges as they are and backward ones turned round, in canonical order."""
    forth, back = parts
    if len(forth) + len(back) >= MANY:
        return _sorted_by_ranges(parts, shape, by_target)
    lengths = [len(part) for part in (*back.i, *forth.i)]

    def whole(*columns: list[Any]) -> Any:
        """Join the parts of a column and give them up: both at once would double the memory."""
        array = joined([part for column in columns for part in column], lengths)
        for column in columns:
            column.clear()
        return array

    source, target = whole(back.j, forth.i), whole(back.i, forth.j)
    columns = [whole(back.n_syn, forth.n_syn), whole(back.arg, forth.arg)]
    source, target, columns = sort_pairs(source, target, shape, columns, by_target=by_target)
    return EdgeList.from_sorted(source, target, shape, *columns)


def _sorted_by_ranges(
    parts: tuple[Drawn, Drawn], shape: tuple[int, int], by_target: bool
) -> EdgeList:
    """Return the same, through ranges of sources that fit the cache.

    Edges that are scattered over all memory one by one take several times as long.
    """
    forth, back = parts
    m = len(forth) + len(back)
    # Ranges are powers of two: that of a source is found by a shift.
    per_range = max(shape[0] * max(RANGE, shape[1]) // m, 1)
    shift = max(per_range.bit_length() - 1, 0)
    n_ranges = ((shape[0] - 1) >> shift) + 1
    if n_ranges > 1 << 16:  # numbers of ranges are sorted as 16 bits
        shift += (n_ranges >> 16).bit_length()
        n_ranges = ((shape[0] - 1) >> shift) + 1
    kept: list[tuple[Index, list[Any]]] = []
    for columns in _batches((back.j, back.i, back.n_syn, back.arg), forth):
        number = (columns[0] >> shift).astype(np.uint16)
        order = np.argsort(number, kind="stable")
        ends = np.cumsum(np.bincount(number, minlength=n_ranges))
        kept.append((np.append(0, ends), [taken(each, order) for each in columns]))
    for drawn in parts:
        for each in (drawn.i, drawn.j, drawn.n_syn, drawn.arg):
            each.clear()
    whole: list[Any] = [np.empty(m, dtype=index_dtype(n)) for n in shape]
    for k in (2, 3):
        values = [columns[k] for _, columns in kept]
        arrays = [each for each in values if isinstance(each, np.ndarray)]
        mixed = np.empty(m, dtype=np.result_type(*values)) if arrays else None
        whole.append(values[0] if mixed is None else mixed)
    done = 0
    for k in range(n_ranges):
        first = k << shift
        here = [
            [each[ends[k] : ends[k + 1]] if isinstance(each, np.ndarray) else each for each in some]
            for ends, some in kept
        ]
        lengths = [int(ends[k + 1] - ends[k]) for ends, _ in kept]
        source, target, *rest = (joined(list(each), lengths) for each in zip(*here, strict=True))
        n_rows = min(1 << shift, shape[0] - first)
        source, target, rest = sort_pairs(
            source - source.dtype.type(first), target, (n_rows, shape[1]), rest, by_target=by_target
        )
        stop = done + len(source)
        for column, values in zip(
            whole, (source + source.dtype.type(first), target, *rest), strict=True
        ):
            if isinstance(column, np.ndarray):
                column[done:stop] = values
        done = stop
    return EdgeList.from_sorted(whole[0], whole[1], shape, *whole[2:])


def _batches(first: tuple[list[Any], ...], then: Drawn) -> Iterator[list[Any]]:
    """Yield the columns of two lists of parts, some parts together."""
    for columns in (first, (then.i, then.j, then.n_syn, then.arg)):
        lengths = [len(part) for part in columns[0]]
        for start, stop in bunches(np.array(lengths, dtype=np.int64), BATCH):
            yield [joined(each[start:stop], lengths[start:stop]) for each in columns]


def among_all_sources(edges: EdgeList, chosen: npt.NDArray[Any], n_source: int) -> EdgeList:
    """Return edges of the `chosen` sources (indices, ascending) as edges of all of them."""
    shape = (n_source, edges.shape[1])
    sources = chosen[edges.source]
    return EdgeList.from_sorted(sources, edges.target, shape, edges.n_syn, edges.pair_arg)


def joined_edges(
    parts: Sequence[tuple[EdgeList, Index, Index]], shape: tuple[int, int]
) -> EdgeList:
    """Join edges between parts of two pools, no pair in more than one of them.

    Parameters
    ----------
    parts : sequence of (EdgeList, ndarray of int, ndarray of int)
        Edges, and the indices into the whole pools, ascending, of their sources and targets.
    shape : tuple of int
        Sizes of the whole pools.

    Notes
    -----
    Each part is sorted already, so its edges are written to where the rows of the whole have
    room for them. Where the targets of one part stand before those of the next in the pool, that
    is all; else the rows are sorted.
    """
    # Targets in order, and rows that are written to one after another, for the cache.
    parts = sorted(parts, key=lambda part: (int(part[1][0]), int(part[2][0])))
    counts = np.zeros(shape[0], dtype=np.int64)
    for edges, source, _ in parts:
        counts[source] += edges.out_degree()
    starts = np.concatenate([[0], np.cumsum(counts)])
    free, m = starts[:-1].copy(), int(starts[-1])
    targets = np.empty(m, dtype=index_dtype(shape[1]))
    columns = [_empty_column([edges.n_syn for edges, _, _ in parts], m)]
    args = [edges.pair_arg for edges, _, _ in parts if len(edges)]
    kept = [arg for arg in args if arg is not None]
    # All or none: a value that is missing for some edges could not be used for any calculation.
    columns.append(_empty_column(kept, m) if kept and len(kept) == len(args) else None)
    for edges, source, target in parts:
        rows = _Rows(free[source], edges)
        free[source] += edges.out_degree()
        first, last = int(target[0]), int(target[-1])
        if last - first + 1 == len(target):  # one range of indices, as is usual
            rows.write(targets, np.add(edges.target, first, dtype=targets.dtype))
        else:
            rows.write(targets, target.astype(targets.dtype)[edges.target])
        for column, values in zip(columns, (edges.n_syn, edges.pair_arg), strict=True):
            if isinstance(column, np.ndarray) and values is not None:
                rows.write(column, values)
    if not _one_after_another([target for _, _, target in parts]):
        _sort_rows(targets, starts, shape[1], [c for c in columns if isinstance(c, np.ndarray)])
    sources = _sources(starts, shape[0])
    n_syn, arg = columns
    return EdgeList.from_sorted(sources, targets, shape, 1 if n_syn is None else n_syn, arg)


def _sources(starts: Index, n: int) -> npt.NDArray[Any]:
    """Return the source of each edge."""
    dtype = index_dtype(n)
    if starts[-1] < LONG_ROW * n:
        return np.repeat(np.arange(n, dtype=dtype), np.diff(starts))
    sources = np.empty(int(starts[-1]), dtype=dtype)
    ends = starts.tolist()
    for row in range(n):
        sources[ends[row] : ends[row + 1]] = row
    return sources


class _Rows:
    """Where the rows of a part belong in the whole: each from an index of its own on."""

    def __init__(self, starts: Index, edges: EdgeList) -> None:
        self._starts, self._ends = starts, edges.indptr
        self._index: Index | None = None
        if len(edges) < LONG_ROW * len(starts):
            self._index = np.repeat(starts - edges.indptr[:-1], edges.out_degree())
            self._index += np.arange(len(edges))

    def write(self, column: npt.NDArray[Any], values: npt.NDArray[Any]) -> None:
        """Write values of the edges of the part into a column of the whole."""
        if self._index is not None:
            column[self._index] = values
            return
        ends, first = self._ends.tolist(), 0
        for start, end in zip(self._starts.tolist(), ends[1:], strict=True):
            column[start : start + end - first] = values[first:end]
            first = end


def _empty_column(values: list[npt.NDArray[Any]], m: int) -> npt.NDArray[Any] | int | None:
    """Return where a column is to be written; a number that is the same for all edges as such."""
    values = [each for each in values if len(each)]
    if not values:
        return None
    whole = all(each.dtype.kind == "i" and each.strides == (0,) for each in values)
    if whole and all(each[0] == values[0][0] for each in values):
        return int(values[0][0])
    return np.empty(m, dtype=np.result_type(*(each.dtype for each in values)))


def _sort_rows(
    targets: npt.NDArray[Any], starts: Index, n_targets: int, columns: list[npt.NDArray[Any]]
) -> None:
    """Sort the targets of each row in place, and columns with them.

    Notes
    -----
    Two counting sorts, by target and by row, of as many rows at once as fit the cache.
    """
    from scipy.sparse import csr_matrix

    size, row = max(1 << 17, 4 * n_targets), 0
    while row + 1 < len(starts):
        stop = max(int(np.searchsorted(starts, starts[row] + size, side="right")) - 1, row + 1)
        here = slice(starts[row], starts[stop])
        m = int(starts[stop] - starts[row])
        number = np.arange(m) if columns else np.zeros(m, dtype=np.int8)
        bounds = starts[row : stop + 1] - starts[row]
        rows = csr_matrix((number, targets[here], bounds), shape=(stop - row, n_targets))
        rows = rows.tocsc().tocsr()
        targets[here] = rows.indices
        for column in columns:
            column[here] = column[here][rows.data]
        row = stop


def _one_after_another(positions: list[Index]) -> bool:
    """Whether sets of positions, equal or without a common one, do not interlace."""
    ends = {int(each[0]): int(each[-1]) for each in positions}
    return all(ends[one] < other for one, other in pairwise(sorted(ends)))


def turned(
    source: npt.NDArray[Any], target: npt.NDArray[Any], shape: tuple[int, int]
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Sort pairs that are sorted by target by source; the targets of each stay in their order.

    Notes
    -----
    One counting sort, SciPy's transposition of a matrix. The targets come out as its indices, so
    nothing has to be gathered: three times faster than :func:`edges.sort_pairs`.
    """
    from scipy.sparse import csr_matrix

    starts = np.concatenate([[0], np.cumsum(np.bincount(target, minlength=shape[1]))])
    unused = np.zeros(len(source), dtype=np.int8)
    matrix = csr_matrix((unused, source, starts), shape=shape[::-1]).tocsc()
    sources = np.repeat(np.arange(shape[0], dtype=source.dtype), np.diff(matrix.indptr))
    return sources, matrix.indices


def summed_edges(
    source: npt.NDArray[Any],
    target: npt.NDArray[Any],
    shape: tuple[int, int],
    n_syn: int | IntArray,
) -> tuple[EdgeList, int]:
    """Make edges of pairs that may come several times, adding up their synapses.

    Parameters
    ----------
    source, target : ndarray of int, shape (m,)
        Sorted by source, then target.
    shape : tuple of int
    n_syn : int or ndarray of int, shape (m,)
        Synapses of each entry.

    Returns
    -------
    edges : EdgeList
    dropped : int
        Pairs without a synapse, which are no edges.
    """
    every = first = np.flatnonzero(is_first(source, target))
    if isinstance(n_syn, np.ndarray):
        counts = np.add.reduceat(n_syn, first) if len(first) else n_syn
    else:
        counts = n_syn * np.diff(first, append=len(source))
    first, counts = first[counts > 0], counts[counts > 0]
    edges = EdgeList.from_sorted(source[first], target[first], shape, counts)
    return edges, len(every) - len(first)
