"""Compare two tables of nodes, edges or gap junctions whose rows are in any order.

Rows are gathered by (type, source, target), here called a pair; the pairs of the
two tables are matched; of the matched ones the synapse counts are compared, and
where these agree the property values, as a multiset of rows (``values``).

Cost: one sort of 8-byte keys per table, O(n log n), and about ten arrays of n
numbers; property columns are read one at a time. Tables that hold the same rows
in the same order are not sorted at all.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmtool_connectors.arrays import IntArray, distinct, is_first, places_among, ranges, runs
from bmtool_connectors.comparison.values import (
    N_EXAMPLES,
    AlignedRows,
    Difference,
    Recorder,
    row_ids,
    value_differences,
)
from bmtool_connectors.sonata.populations import Table


def diff_tables(
    item: str, population: str, a: Table, b: Table, rtol: float = 0.0, atol: float = 0.0
) -> list[Difference]:
    """Return what differs between two tables of one population.

    Parameters
    ----------
    item, population : str
        For the result.
    a, b : Table
        The tables.
    rtol, atol : float
        Float values x and y agree when ``|x - y| <= atol + rtol max(|x|, |y|)``;
        integers and text must be equal, NaN equals NaN.

    Returns
    -------
    list of Difference
        Empty when the tables hold the same rows.

    Notes
    -----
    With a tolerance, rows of one pair that differ within it in several
    properties at once may in rare cases be matched up wrongly and reported; the
    reverse does not happen.
    """
    tolerance = rtol, atol
    key_a, key_b = _keys(a, b)
    if a.names == b.names and np.array_equal(key_a, key_b):
        nothing = np.empty(0, dtype=np.int64)
        in_order = AlignedRows((a, b), [slice(None)] * 2, nothing, nothing, nothing)
        if not any(in_order.column(name).unequal(tolerance).any() for name in a.names):
            return []

    def record(kind: str, type_id: int, **rest: Any) -> Difference:
        return Difference(item, population, kind, type_id if item == "edges" else None, **rest)

    pairs = [GatheredPairs.of(table, key) for table, key in ((a, key_a), (b, key_b))]
    matched = _common(pairs[0].keys, pairs[1].keys)
    sides = list(zip(pairs, matched, strict=True))
    lone = [np.delete(np.arange(len(each.keys)), common) for each, common in sides]
    found = [
        *_counted(record, "missing", pairs[0], lone[0], pairs[0].synapses[lone[0]], None),
        *_counted(record, "added", pairs[1], lone[1], None, pairs[1].synapses[lone[1]]),
    ]
    same = np.ones(len(matched[0]), dtype=bool)
    for kind in ("synapses", "rows"):
        one, other = (getattr(each, kind)[common] for each, common in sides)
        here = same & (one != other)
        same &= one == other
        found += _counted(record, kind, pairs[0], matched[0][here], one[here], other[here])
    absent = set()
    for kind, name, type_id, count in _one_sided_columns(*pairs):
        found.append(record(kind, type_id, property=name, count=count))
        absent.add((name, type_id))
    aligned = _aligned(pairs, [each[same] for each in matched], absent)
    found += value_differences(record, aligned, sorted(a.names & b.names), tolerance)
    # By type first, and as found (missing, added, counts, properties) within a type.
    return sorted(found, key=lambda each: each.type_id or 0)


def _keys(a: Table, b: Table) -> tuple[IntArray, IntArray]:
    # One integer per row, equal where type and ids are, and sorted by type first.
    key = a.types, b.types
    for ids in zip(a.ids, b.ids, strict=True):
        (high, n_high), (low, n_low) = _narrow(key), _narrow(ids)
        if n_high * n_low >= 2**63:
            (high, n_high), (low, n_low) = _rank(high), _rank(low)
        key = high[0] * n_low + low[0], high[1] * n_low + low[1]
    return key


def _narrow(columns: tuple[IntArray, IntArray]) -> tuple[tuple[IntArray, IntArray], int]:
    filled = [column for column in columns if len(column)]
    if not filled:
        return columns, 1
    least = min(int(column.min()) for column in filled)
    span = max(int(column.max()) for column in filled) - least + 1
    return (columns[0] - least, columns[1] - least), span


def _rank(columns: tuple[IntArray, IntArray]) -> tuple[tuple[IntArray, IntArray], int]:
    # Not np.unique, which takes ten times as long at 1e7 values in NumPy 2.4.
    values = distinct(np.sort(np.concatenate(columns)))
    return (np.searchsorted(values, columns[0]), np.searchsorted(values, columns[1])), len(values)


def _common(a: IntArray, b: IntArray) -> tuple[IntArray, IntArray]:
    if np.array_equal(a, b):
        return np.arange(len(a)), np.arange(len(b))
    place, is_there = places_among(b, a)
    return np.flatnonzero(is_there), place[is_there]


@dataclass(frozen=True)
class GatheredPairs:
    """The rows of a table, gathered by pair: `first` and `rows` are places in `order`."""

    table: Table
    order: IntArray
    first: IntArray
    rows: IntArray
    synapses: IntArray
    types: IntArray
    keys: IntArray

    @classmethod
    def of(cls, table: Table, key: IntArray) -> GatheredPairs:
        # Stable, so that rows of a pair that were written in one order stay comparable as they are.
        order = np.argsort(key, kind="stable")
        key = key[order]
        first = np.flatnonzero(is_first(key))
        rows = np.diff(np.append(first, len(key)))
        each = table.synapses()
        # reduceat refuses an empty array.
        synapses = rows if each is None or not len(each) else np.add.reduceat(each[order], first)
        types = table.types[order[first]]
        return cls(table, order, first, rows, synapses, types, key[first])

    def ids(self, pair: int) -> tuple[int, ...]:
        return row_ids(self.table, self.order[self.first[pair]])

    @functools.cached_property
    def by_type(self) -> dict[int, slice]:
        return dict(runs(self.types))


def _counted(
    record: Recorder,
    kind: str,
    pairs: GatheredPairs,
    index: IntArray,
    n_a: IntArray | None,
    n_b: IntArray | None,
) -> Iterator[Difference]:
    """Report some pairs, by type, with a number of each in A and in B; None where they are not."""
    for type_id, part in runs(pairs.types[index]):
        here = index[part]
        sides = [None if each is None else each[part] for each in (n_a, n_b)]
        numbers = [
            [None] * N_EXAMPLES if each is None else each[:N_EXAMPLES].tolist() for each in sides
        ]
        examples = tuple(
            (pairs.ids(pair), old, new) for pair, old, new in zip(here, *numbers, strict=False)
        )
        known = [each for each in sides if each is not None]
        more = (
            {"synapses": int(known[0].sum())}
            if len(known) == 1
            else {"largest": float(np.abs(known[0] - known[1]).max())}
        )
        yield record(kind, type_id, count=len(here), examples=examples, **more)


def _one_sided_columns(a: GatheredPairs, b: GatheredPairs) -> Iterator[tuple[str, str, int, int]]:
    types = [type_id for type_id in a.by_type if type_id in b.by_type]
    for name in sorted(a.table.names | b.table.names):
        rows_a, rows_b = _rows_with(a, name), _rows_with(b, name)
        for type_id in types:
            n_a, n_b = rows_a.get(type_id, 0), rows_b.get(type_id, 0)
            if (n_a > 0) != (n_b > 0):
                yield "column missing" if n_a else "column added", name, type_id, n_a or n_b


def _aligned(
    pairs: Sequence[GatheredPairs], matched: Sequence[IntArray], absent: Collection[tuple[str, int]]
) -> AlignedRows:
    count = pairs[0].rows[matched[0]]
    rows = [
        each.order[ranges(each.first[common], count)]
        for each, common in zip(pairs, matched, strict=True)
    ]
    start = np.cumsum(count) - count
    types = pairs[0].types[matched[0]]
    return AlignedRows([each.table for each in pairs], rows, start, count, types, absent)


def _rows_with(pairs: GatheredPairs, name: str) -> dict[int, int]:
    if name not in pairs.table.names:
        return {}
    present = pairs.table.present(name)
    if present is None:
        return {type_id: int(pairs.rows[part].sum()) for type_id, part in pairs.by_type.items()}
    number = np.add.reduceat(present[pairs.order].astype(np.int64), pairs.first)
    return {type_id: int(number[part].sum()) for type_id, part in pairs.by_type.items()}
