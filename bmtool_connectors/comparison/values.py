"""Compare the property values of rows of the same pairs, in any order within a pair."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import IntArray, is_first, ranges, runs
from bmtool_connectors.sonata.populations import Table

__all__ = ["Difference"]

AnyArray: TypeAlias = npt.NDArray[Any]
Mask: TypeAlias = npt.NDArray[np.bool_]

N_EXAMPLES = 3
"""How many nodes or pairs a difference names."""


@dataclass(frozen=True)
class Difference:
    """One way in which B differs from A.

    Attributes
    ----------
    item : {'nodes', 'edges', 'gap junctions'}
        What differs.
    population : str
        Name of the population (of A, where it has two names).
    kind : str
        ``'population missing'``, ``'population added'``, ``'name'``,
        ``'endpoints'``; of type tables ``'type table missing'``,
        ``'type table added'``, ``'type missing'``, ``'type added'``,
        ``'type property'``; of nodes and pairs ``'missing'``, ``'added'``,
        ``'synapses'`` (changed count), ``'rows'`` (the same synapses in another
        number of rows); of properties ``'column missing'``, ``'column added'``,
        ``'values'``, ``'combination'`` (the same values in other rows of a
        pair). Missing: only in A. Added: only in B.
    type_id : int or None
        Edge type (or node type, for type tables).
    property : str or None
        Name of the property.
    count : int
        How many: nodes or pairs; rows for ``'column ...'`` and ``'values'``.
    synapses : int or None
        Synapses of the missing or added pairs.
    largest : float or None
        Largest absolute difference of the values or counts; None for text.
    examples : tuple of tuple
        The first few: (ids, value in A, value in B), ids being (node,) or
        (source, target).
    source, target : str or None
        Of an edge type: what its nodes are called, by its queries.
    """

    item: str
    population: str
    kind: str
    type_id: int | None = None
    property: str | None = None
    count: int = 0
    synapses: int | None = None
    largest: float | None = None
    examples: tuple[tuple[tuple[int, ...], Any, Any], ...] = ()
    source: str | None = None
    target: str | None = None


Recorder: TypeAlias = Callable[..., Difference]


@dataclass(frozen=True)
class AlignedColumn:
    """Values of one property on aligned rows of A and of B; text is given by codes into `labels`.

    `here` says which rows have the property; None: all of them.
    """

    values: Sequence[AnyArray]
    here: Sequence[Mask] | None = None
    labels: AnyArray | None = None

    def unequal(self, tolerance: tuple[float, float]) -> Mask:
        a, b = self.values
        differ: Mask = a != b
        if a.dtype.kind == "f" or b.dtype.kind == "f":
            rows = np.flatnonzero(differ)
            x, y = a[rows].astype(float), b[rows].astype(float)
            rtol, atol = tolerance
            with np.errstate(invalid="ignore", over="ignore"):
                close = np.abs(x - y) <= atol + rtol * np.maximum(np.abs(x), np.abs(y))
            # An infinite value is within any relative distance of any other.
            close &= np.isfinite(x) & np.isfinite(y)
            differ[rows] = ~(close | (np.isnan(x) & np.isnan(y)))
        if self.here is not None:
            differ |= self.here[0] != self.here[1]
        return differ

    def reordered(self, orders: Sequence[IntArray]) -> AlignedColumn:
        def moved(arrays: Sequence[AnyArray]) -> list[AnyArray]:
            return [array[order] for array, order in zip(arrays, orders, strict=True)]

        here = None if self.here is None else moved(self.here)
        return AlignedColumn(moved(self.values), here, self.labels)

    def largest(self, rows: IntArray) -> float | None:
        if self.labels is not None:
            return None
        if self.here is not None:
            rows = rows[self.here[0][rows] & self.here[1][rows]]
        a, b = (each[rows].astype(float) for each in self.values)
        with np.errstate(invalid="ignore", over="ignore"):
            distance = np.abs(a - b)
        distance = distance[~np.isnan(distance)]
        return float(distance.max()) if len(distance) else None

    def example(self, row: int) -> list[Any]:
        shown = [values[row].item() for values in self.values]
        if self.labels is not None:
            shown = [str(self.labels[code]) for code in shown]
        if self.here is not None:
            shown = [
                value if here[row] else None for value, here in zip(shown, self.here, strict=True)
            ]
        return shown


@dataclass(frozen=True)
class AlignedRows:
    """Rows of A and of B, side by side, pair after pair (`start`, `count`, `types` per pair)."""

    tables: Sequence[Table]
    rows: Sequence[Any]  # ndarray of int, or slice(None) where the rows are in one order already
    start: IntArray
    count: IntArray
    types: IntArray
    absent: Collection[tuple[str, int]] = ()

    def take(self, pairs: IntArray) -> AlignedRows:
        count = self.count[pairs]
        index = ranges(self.start[pairs], count)
        rows = [each[index] for each in self.rows]
        start = np.cumsum(count) - count
        return AlignedRows(self.tables, rows, start, count, self.types[pairs], self.absent)

    def ids(self, row: int) -> tuple[int, ...]:
        # Any row of the pair will do: they have the ids in common.
        return row_ids(self.tables[0], self.rows[0][row])

    def pair_of(self, rows: IntArray) -> IntArray:
        return np.searchsorted(self.start, rows, side="right") - 1

    def column(self, name: str) -> AlignedColumn:
        sides = list(zip(self.tables, self.rows, strict=True))
        values = [table.column(name)[rows] for table, rows in sides]
        labels = None
        if any(each.dtype == object for each in values):
            import pandas as pd

            texts = np.concatenate([each.astype(str) for each in values]).astype(object)
            codes, labels = pd.factorize(texts)
            values = np.split(codes, 2)
        present = [table.present(name) for table in self.tables]
        if all(each is None for each in present):
            return AlignedColumn(values, None, labels)
        here = [
            np.ones(len(values[0]), bool) if each is None else each[rows]
            for each, rows in zip(present, self.rows, strict=True)
        ]
        # A type that has the column on one side only is reported as such, not value by value.
        skipped = [type_id for absent, type_id in self.absent if absent == name]
        if skipped:
            keep = np.repeat(~np.isin(self.types, skipped), self.count)
            values = [np.where(keep, each, 0) for each in values]
            here = [each & keep for each in here]
        return AlignedColumn(values, here, labels)


def _orders(rows: AlignedRows, columns: Sequence[AlignedColumn]) -> list[IntArray]:
    """Return what sorts the rows of each pair by columns, the first counting most: in A and B."""
    keys = [key for column in columns for key in (column.here, column.values) if key is not None]
    return [_order_within(rows, [key[side] for key in keys]) for side in range(2)]


def _order_within(rows: AlignedRows, keys: Sequence[AnyArray]) -> IntArray:
    # Sorts the rows of each pair by the keys, the first one counting most. Pairs with as many rows
    # are sorted together as lines of a matrix, thirty times as fast as np.lexsort at 1e7 rows.
    order = np.arange(int(rows.count.sum()))
    for size in np.flatnonzero(np.bincount(rows.count, minlength=2)):
        if size < 2:
            continue
        places = rows.start[rows.count == size][:, None] + np.arange(size)
        lines = places
        for key in reversed(keys):
            by = np.argsort(key[lines], axis=1, kind="stable")
            lines = np.take_along_axis(lines, by, axis=1)
        order[places] = lines
    return order


def _differing_pairs(
    rows: AlignedRows, names: Sequence[str], tolerance: tuple[float, float]
) -> IntArray:
    # First as the rows stand: mostly they were written in one order, and nothing has to be sorted.
    differ = np.zeros(len(rows.count), dtype=bool)
    for name in names:
        differ[rows.pair_of(np.flatnonzero(rows.column(name).unequal(tolerance)))] = True
    single = np.flatnonzero(differ & (rows.count == 1))
    several = np.flatnonzero(differ & (rows.count > 1))
    # Within a tolerance, sorting by one property may mix up rows that another one tells apart.
    for turn in range(len(names) if any(tolerance) else 1):
        part = rows.take(several)
        columns = [part.column(name) for name in (*names[turn:], *names[:turn])]
        orders = _orders(part, columns)
        differ = np.zeros(len(several), dtype=bool)
        for column in columns:
            unequal = column.reordered(orders).unequal(tolerance)
            differ[part.pair_of(np.flatnonzero(unequal))] = True
        several = several[differ]
    return np.sort(np.concatenate([single, several]))


def value_differences(
    record: Recorder, rows: AlignedRows, names: Sequence[str], tolerance: tuple[float, float]
) -> Iterator[Difference]:
    """Report the properties that differ between aligned rows, by type and property.

    Parameters
    ----------
    record : callable
        Makes a `Difference` of kind and type id.
    rows : AlignedRows
        Pairs with as many rows and synapses in both tables.
    names : sequence of str
        Properties that both tables have.
    tolerance : tuple of float
        rtol and atol.

    Yields
    ------
    Difference
    """
    pairs = _differing_pairs(rows, names, tolerance)
    part = rows.take(pairs)
    explained = np.zeros(len(pairs), dtype=bool)
    for name in names if len(pairs) else ():
        # Each property by itself, so that one changed delay does not show up in the sections too.
        column = part.column(name)
        column = column.reordered(_orders(part, [column]))
        unequal = np.flatnonzero(column.unequal(tolerance))
        owner = part.pair_of(unequal)
        explained[owner] = True
        for type_id, run in runs(part.types[owner]):
            here = unequal[run]
            shown = here[np.flatnonzero(is_first(owner[run]))[:N_EXAMPLES]]
            yield record(
                "values",
                type_id,
                property=name,
                count=len(here),
                largest=column.largest(here),
                examples=tuple((part.ids(row), *column.example(row)) for row in shown),
            )
    unexplained = np.flatnonzero(~explained)
    for type_id, run in runs(part.types[unexplained]):
        shown = part.start[unexplained[run][:N_EXAMPLES]]
        examples = tuple((part.ids(row), None, None) for row in shown)
        count = len(unexplained[run])
        yield record("combination", type_id, count=count, examples=examples)


def row_ids(table: Table, row: int) -> tuple[int, ...]:
    return tuple(int(ids[row]) for ids in table.ids)
