"""The rows of several edge types in the order in which they are written, block by block.

All rows are never held at once, nor is their order: the range of node ids is cut
into ranges of some million rows each, and the pairs of a range are looked for
in the tables and sorted by counting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import Flags, IntArray, order_by, ranges
from bmtool_connectors.sonata import layout

#: Rows that are sorted at a time, about 100 bytes each.
MOST_ROWS = 1 << 20
#: Pairs of a table that are looked at at a time.
BLOCK_PAIRS = 1 << 18

Array = npt.NDArray[Any]
Range = tuple[int, int]

#: Attribute of `EdgeArrays` and `EdgeRows` that goes with a column of node ids.
ENDS = {layout.SOURCE_NODE_ID: "source", layout.TARGET_NODE_ID: "target"}


# ---------------------------------------------------------------------- tables
class EdgeEnd:
    """The sources, or the targets, of the pairs of an edge type.

    Parameters
    ----------
    index : ndarray of int, shape (n_pairs,)
        Of the node among those of the pool.
    ids : ndarray of int, shape (n_nodes,)
        Node ids of the pool.
    """

    def __init__(self, index: Array, ids: Array) -> None:
        self.index, self.ids = index, ids
        low, high = (int(ids.min()), int(ids.max())) if len(ids) else (0, 0)
        # Half the memory is half the time wherever ids are moved.
        self._dtype = np.dtype(np.int32 if high <= np.iinfo(np.int32).max else np.int64)
        ascends = len(ids) and high - low == len(ids) - 1 and bool((np.diff(ids) == 1).all())
        self._low = low if ascends else None
        self._ids = ids if ascends else ids.astype(self._dtype)

    def node_ids(self, pairs: Array) -> Array:
        """Return the node ids of some pairs."""
        index = self.index.take(pairs)
        if self._low is None:
            return self._ids.take(index)
        return np.add(index, self._low, dtype=self._dtype)


@dataclass(frozen=True)
class TableRows:
    """Rows of one table.

    Attributes
    ----------
    table : int
        Index of the table.
    pairs, rows : ndarray of int, shape (n,)
        Index of each row among the pairs, and among the rows, of the table.
    """

    table: int
    pairs: IntArray
    rows: IntArray


@dataclass(frozen=True, eq=False)
class EdgeArrays:
    """The edges of one edge type.

    Attributes
    ----------
    edge_type_id : int
    source, target : EdgeEnd
        Of each pair.
    n_syn : ndarray of int, shape (n_pairs,)
        Synapses of each pair.
    n_rows : int
        Synapses if they have properties, else pairs.
    dtypes : mapping of str to dtype
        Of the properties of rows; only ``nsyns`` where rows are pairs.
    columns : mapping of str to ndarray, shape (n_rows,)
        Properties of synapses.
    constant : callable
        For name and dtype of a property that only other edge types have, the value of all rows.
    """

    edge_type_id: int
    source: EdgeEnd
    target: EdgeEnd
    n_syn: Array
    n_rows: int
    dtypes: Mapping[str, np.dtype[Any]]
    columns: Mapping[str, Array]
    constant: Callable[[str, np.dtype[Any]], Any]

    def values(self, name: str, dtype: np.dtype[Any], rows: TableRows) -> Array:
        """Return a property of some rows; `dtype` is that of the column in the file."""
        if name in self.columns:
            return self.columns[name].take(rows.rows)
        if name == layout.NSYNS and not self.columns:
            return self.n_syn[rows.pairs]
        return np.full(len(rows.rows), self.constant(name, dtype))


@dataclass(frozen=True)
class EdgeRows:
    """Rows that follow each other in the file.

    Attributes
    ----------
    pieces : list of TableRows
        What they consist of, table by table.
    order : ndarray of int, or None
        Which of the rows of the pieces, one piece after the other, comes when.
    source, target, table : ndarray of int, shape (n,)
        Node ids and index of the table, in order.
    """

    pieces: list[TableRows]
    order: IntArray | None
    source: Array
    target: Array
    table: Array

    def ordered(self, values: Iterable[Array], member: Flags) -> Array:
        """Return values of the rows whose tables are members in order; given piece by piece."""
        found: Array = np.concatenate(list(values))
        if self.order is None or len(found) == len(self.order):
            return found if self.order is None else found.take(self.order)
        # Where the rows of members stand, counted among members alone.
        n_rows = [len(piece.rows) for piece in self.pieces]
        is_member = np.repeat(member[[piece.table for piece in self.pieces]], n_rows)
        index = np.cumsum(is_member) - 1
        return found.take(index[self.order[is_member[self.order]]])


# ---------------------------------------------------------------------- ranges
def n_rows_by(tables: Sequence[EdgeArrays], column: str) -> IntArray:
    """Return how many rows have each source, target or edge type id, up to the last that has any.

    Parameters
    ----------
    tables : sequence of EdgeArrays
    column : {'source_node_id', 'target_node_id', 'edge_type_id'}
    """
    tables = [table for table in tables if table.n_rows]
    if column == layout.EDGE_TYPE_ID:
        weights = [table.n_rows for table in tables]
        return np.bincount([table.edge_type_id for table in tables], weights).astype(np.int64)
    ends: list[EdgeEnd] = [getattr(table, ENDS[column]) for table in tables]
    total = np.zeros(1 + max((int(end.ids.max()) for end in ends), default=-1), dtype=np.int64)
    for table, end in zip(tables, ends, strict=True):
        counts = np.zeros(len(end.ids), dtype=np.int64)
        per_synapse = table.n_rows != len(end.index)
        n_block = max(BLOCK_PAIRS, len(counts))  # each block takes a count per node
        for start in range(0, len(end.index), n_block):
            part = slice(start, start + n_block)
            weights_of_pairs = table.n_syn[part] if per_synapse else None
            found = np.bincount(end.index[part], weights_of_pairs, minlength=len(counts))
            counts += found.astype(np.int64, copy=False)
        total[end.ids] += counts
    return total[: int(np.flatnonzero(total).max(initial=-1)) + 1]


def id_ranges(rows: IntArray) -> list[Range]:
    """Cut node ids into ranges of at most ``MOST_ROWS``, or of a single id that has more.

    Ids without rows may be in no range.
    """
    ends = np.cumsum(rows)
    ranges: list[Range] = []
    done = 0
    while done < (ends[-1] if len(ends) else 0):
        low = int(np.searchsorted(ends, done, side="right"))  # the next one with rows
        high = max(int(np.searchsorted(ends, done + MOST_ROWS, side="right")), low + 1)
        ranges.append((low, high))
        done = int(ends[high - 1])
    return ranges


def sorting(values: Array, low: int, high: int) -> tuple[Array, Array]:
    """Return the stable order that sorts whole numbers in ``[low, high)``, and them sorted."""
    keys = values - low
    # To repeat them is several times as fast as to look them up.
    counts = np.bincount(keys, minlength=high - low)
    found = np.repeat(np.arange(low, high, dtype=values.dtype), counts)
    return order_by(keys, high - low), found


# ---------------------------------------------------------------------- rows
def edge_rows(
    tables: Sequence[EdgeArrays], sort_by: str | None, group: Sequence[int]
) -> Iterator[EdgeRows]:
    """Yield all rows in order: by the column, then by table, source and target.

    Parameters
    ----------
    tables : sequence of EdgeArrays
    sort_by : {'target_node_id', 'source_node_id', 'edge_type_id', 'edge_group_id', None}
    group : sequence of int
        Edge group of each table.
    """
    if sort_by not in ENDS:
        types = [table.edge_type_id for table in tables]
        keys = {layout.EDGE_TYPE_ID: types, layout.EDGE_GROUP_ID: group, None: [0] * len(tables)}
        chosen = sorted(range(len(tables)), key=keys[sort_by].__getitem__)
        yield from _unsorted(tables, _pieces(tables, chosen))
        return
    for ids in id_ranges(n_rows_by(tables, sort_by)):
        pieces = _pieces(tables, range(len(tables)), ENDS[sort_by], ids)
        if ids[1] - ids[0] == 1:
            yield from _unsorted(tables, pieces)
        else:
            yield _together(tables, list(pieces), ENDS[sort_by], ids)


def _unsorted(tables: Sequence[EdgeArrays], pieces: Iterator[TableRows]) -> Iterator[EdgeRows]:
    """Yield rows as they come, many at a time."""
    waiting: list[TableRows] = []
    n_rows = 0
    for piece in pieces:
        waiting.append(piece)
        n_rows += len(piece.rows)
        if n_rows >= MOST_ROWS:
            yield _together(tables, waiting)
            waiting, n_rows = [], 0
    if waiting:
        yield _together(tables, waiting)


def _together(
    tables: Sequence[EdgeArrays], pieces: list[TableRows], end: str = "", ids: Range = (0, 0)
) -> EdgeRows:
    """Put pieces together, and sort them if an end is given."""
    source, target = (
        np.concatenate([getattr(tables[each.table], name).node_ids(each.pairs) for each in pieces])
        for name in ENDS.values()
    )
    numbers = np.array([each.table for each in pieces], dtype=np.min_scalar_type(len(tables)))
    table = np.repeat(numbers, [len(each.rows) for each in pieces])
    if not end:
        return EdgeRows(pieces, None, source, target, table)
    if end == "source":
        order, source = sorting(source, *ids)
        target = target.take(order)
    else:
        order, target = sorting(target, *ids)
        source = source.take(order)
    ordered = table if numbers[0] == numbers[-1] else table.take(order)
    return EdgeRows(pieces, order, source, target, ordered)


def _pieces(
    tables: Sequence[EdgeArrays],
    chosen: Sequence[int],
    end: str = "target",
    ids: Range | None = None,
) -> Iterator[TableRows]:
    """Yield the rows of chosen tables, or those with a source, or target, in a range of ids."""
    for number in chosen:
        table, nodes = tables[number], getattr(tables[number], end)
        is_inside = np.ones(len(nodes.ids), dtype=bool)
        if ids is not None:
            is_inside = (nodes.ids >= ids[0]) & (nodes.ids < ids[1])
        inside = np.flatnonzero(is_inside)
        if not len(inside):
            continue
        low, high = int(inside[0]), int(inside[-1])
        # In most pools these are nodes next to each other, which are compared faster than looked
        # up.
        is_run = high - low + 1 == len(inside)
        first = 0
        for start in range(0, len(nodes.index), BLOCK_PAIRS):
            index = nodes.index[start : start + BLOCK_PAIRS]
            if len(inside) == len(nodes.ids):
                rows = np.arange(start, start + len(index))
            else:
                is_in = (index >= low) & (index <= high) if is_run else is_inside.take(index)
                rows = np.flatnonzero(is_in)
                rows += start
            pairs = rows
            if table.n_rows != len(nodes.index):  # several rows per pair
                counts = table.n_syn[start : start + BLOCK_PAIRS].astype(np.int64)
                begin = first + np.cumsum(counts) - counts
                first += int(counts.sum())
                counts, begin = counts[pairs - start], begin[pairs - start]
                rows = ranges(begin, counts)
                pairs = np.repeat(pairs, counts)
            if len(rows):
                yield TableRows(number, pairs, rows)
