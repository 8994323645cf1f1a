"""The rows of several edge tables in the order in which they are written, part by part.

All rows are never held at once, nor is their order: the range of node ids is cut
into ranges of some million rows each, and the pairs of a range are looked for
in the tables and sorted by counting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import order_by
from bmtool_connectors.builder.edge_table import EdgeTable

__all__ = ["Part", "Piece", "edge_rows", "id_ranges", "rows_per_id"]

#: Rows that are sorted at a time, about 100 bytes each.
MOST_ROWS = 1 << 20
#: Pairs of a table that are looked at at a time.
BLOCK = 1 << 18

Array = npt.NDArray[Any]
Range = tuple[int, int]


@dataclass(frozen=True)
class Piece:
    """Rows of one table.

    Attributes
    ----------
    number : int
        Of the table.
    pairs, rows : ndarray of int, shape (n,)
        Position of each row among the pairs, and among the rows, of the table.
    """

    number: int
    pairs: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """Rows that follow each other in the file.

    Attributes
    ----------
    pieces : list of Piece
        What they consist of, table by table.
    order : ndarray of int, or None
        Which of the rows of the pieces, one piece after the other, comes when.
    source, target, number : ndarray of int, shape (n,)
        Node ids and number of the table, in order.
    """

    pieces: list[Piece]
    order: npt.NDArray[np.int64] | None
    source: Array
    target: Array
    number: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.source)

    def values_of(
        self, member: npt.NDArray[np.bool_], values: Callable[[Piece], npt.NDArray[Any]]
    ) -> npt.NDArray[Any]:
        """Return values of the rows whose tables are members, in order."""
        chosen = [piece for piece in self.pieces if member[piece.number]]
        if not chosen:
            return np.empty(0)
        found: npt.NDArray[Any] = np.concatenate([values(piece) for piece in chosen])
        if self.order is None:
            return found
        if len(chosen) == len(self.pieces):
            return found.take(self.order)
        # Where the rows of members stand, counted among members alone.
        is_member = np.concatenate(
            [np.full(len(piece.rows), member[piece.number]) for piece in self.pieces]
        )
        place = np.cumsum(is_member) - 1
        chosen_order: npt.NDArray[Any] = place[self.order[is_member[self.order]]]
        return found.take(chosen_order)


#: Of each table, what gives the source ids and the target ids of its rows.
Ids = Sequence[tuple[Callable[[Piece], Array], Callable[[Piece], Array]]]


# ---------------------------------------------------------------------- ranges
def rows_per_id(tables: Sequence[EdgeTable], end: str) -> npt.NDArray[np.int64]:
    """Return how many rows have each node id as their source, or target."""
    tables = [table for table in tables if table.n_pairs]
    size = 1 + max((int(getattr(table, end).ids.max()) for table in tables), default=-1)
    total = np.zeros(size, dtype=np.int64)
    for table in tables:
        positions, nodes = getattr(table.edges, end), getattr(table, end)
        counts = np.zeros(len(nodes), dtype=np.int64)
        per_synapse = table.n_edges != table.n_pairs
        for start in range(0, len(positions), BLOCK):
            part = slice(start, start + BLOCK)
            weights = table.edges.n_syn[part] if per_synapse else None
            found = np.bincount(positions[part], weights, minlength=len(nodes))
            counts += found.astype(np.int64, copy=False)
        total[nodes.ids] += counts
    return total


def id_ranges(rows: npt.NDArray[np.int64], most: int = 0) -> list[Range]:
    """Cut node ids into ranges of at most `most` rows, or of a single id that has more.

    Ids without rows may be in no range.
    """
    most = most or MOST_ROWS
    ends = np.cumsum(rows)
    ranges: list[Range] = []
    done = 0
    while done < (ends[-1] if len(ends) else 0):
        low = int(np.searchsorted(ends, done, side="right"))  # the next one with rows
        high = max(int(np.searchsorted(ends, done + most, side="right")), low + 1)
        ranges.append((low, high))
        done = int(ends[high - 1])
    return ranges


# ---------------------------------------------------------------------- rows
def edge_rows(
    tables: Sequence[EdgeTable], sort_by: str | None, group: Sequence[int]
) -> Iterator[Part]:
    """Yield all rows in order: by the column, then by table, source and target.

    Parameters
    ----------
    tables : sequence of EdgeTable
    sort_by : {'target_node_id', 'source_node_id', 'edge_type_id', 'edge_group_id', None}
    group : sequence of int
        Edge group of each table.
    """
    numbers = range(len(tables))
    ids = [
        (_ids_of(t.edges.source, t.source.ids), _ids_of(t.edges.target, t.target.ids))
        for t in tables
    ]
    if sort_by not in ("source_node_id", "target_node_id"):
        keys = {"edge_type_id": [each.edge_type_id for each in tables], "edge_group_id": group}
        if sort_by is not None:
            numbers = sorted(numbers, key=keys[sort_by].__getitem__)  # type: ignore[assignment]
        pieces = (piece for n in numbers for piece in _pieces(n, tables[n], "target", None))
        yield from _in_parts(ids, pieces)
        return
    end = sort_by.removesuffix("_node_id")
    for low, high in id_ranges(rows_per_id(tables, end)):
        pieces = (piece for n in numbers for piece in _pieces(n, tables[n], end, (low, high)))
        if high - low == 1:
            yield from _in_parts(ids, pieces)
        else:
            yield _part(ids, list(pieces), end, (low, high))


def _in_parts(ids: Ids, pieces: Iterator[Piece]) -> Iterator[Part]:
    """Yield rows as they come, many at a time."""
    waiting: list[Piece] = []
    n_rows = 0
    for piece in pieces:
        waiting.append(piece)
        n_rows += len(piece.rows)
        if n_rows >= MOST_ROWS:
            yield _part(ids, waiting)
            waiting, n_rows = [], 0
    if waiting:
        yield _part(ids, waiting)


def _part(ids: Ids, pieces: list[Piece], end: str = "", within: Range = (0, 0)) -> Part:
    """Put pieces together, and sort them if an end is given."""
    source, target = (
        np.concatenate([ids[piece.number][which](piece) for piece in pieces]) for which in (0, 1)
    )
    numbers = np.array([piece.number for piece in pieces], dtype=np.min_scalar_type(len(ids)))
    number = np.repeat(numbers, [len(piece.rows) for piece in pieces])
    if not end:
        return Part(pieces, None, source, target, number)
    order = order_by((source if end == "source" else target) - within[0], within[1] - within[0])
    ordered = number if numbers[0] == numbers[-1] else number.take(order)
    return Part(pieces, order, source.take(order), target.take(order), ordered)


def _ids_of(positions: npt.NDArray[Any], ids: Array) -> Callable[[Piece], Array]:
    """Return what gives the node ids of rows."""
    n = len(ids)
    low, high = (int(ids.min()), int(ids.max())) if n else (0, 0)
    # Half the memory is half the time wherever ids are moved.
    dtype = np.dtype(np.int32 if high <= np.iinfo(np.int32).max else np.int64)
    if n and high - low == n - 1 and ids[0] == low and (np.diff(ids) == 1).all():
        return lambda piece: np.add(positions.take(piece.pairs), low, dtype=dtype)
    small = ids.astype(dtype)
    return lambda piece: small.take(positions.take(piece.pairs))


def _pieces(number: int, table: EdgeTable, end: str, ids: Range | None) -> Iterator[Piece]:
    """Yield the rows of a table, or those with a source, or target, in a range of ids."""
    positions = getattr(table.edges, end)
    is_inside = None if ids is None else _Membership(getattr(table, end).ids, ids)
    if is_inside is not None and not is_inside.any:
        return
    per_synapse, first = table.n_edges != table.n_pairs, 0
    for start in range(0, len(positions), BLOCK):
        part = slice(start, start + BLOCK)
        length = len(positions[part])
        if is_inside is None or is_inside.all:
            chosen = np.arange(length)
        else:
            chosen = np.flatnonzero(is_inside(positions[part]))
        if not per_synapse:
            if len(chosen):
                chosen += start
                yield Piece(number, chosen, chosen)
            continue
        counts = table.edges.n_syn[part].astype(np.int64)
        begin = first + np.cumsum(counts) - counts
        first += int(counts.sum())
        if len(chosen):
            counts = counts[chosen]
            offset = begin[chosen] - (np.cumsum(counts) - counts)
            rows = np.repeat(offset, counts) + np.arange(counts.sum())
            yield Piece(number, np.repeat(chosen + start, counts), rows)


class _Membership:
    """Which positions of a pool have an id in a range."""

    def __init__(self, ids: Array, wanted: Range) -> None:
        self._inside = (ids >= wanted[0]) & (ids < wanted[1])
        self.any, self.all = bool(self._inside.any()), bool(self._inside.all())
        # In most pools these are positions next to each other, which are compared faster than
        # looked up.
        found = np.flatnonzero(self._inside)
        self._ends = (int(found[0]), int(found[-1])) if self.any else (0, -1)
        self._is_run = self._ends[1] - self._ends[0] + 1 == len(found)

    def __call__(self, positions: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if self._is_run:
            return (positions >= self._ends[0]) & (positions <= self._ends[1])
        return self._inside.take(positions)
