"""Checks of groups of properties: every row of a table has its own row in one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bmtool_connectors.arrays import Flags, IntArray, is_repeated
from bmtool_connectors.sonata.datasets import parts
from bmtool_connectors.sonata.open_tables import OpenTable
from bmtool_connectors.verification.findings import Findings
from bmtool_connectors.verification.tallies import Tally


class _Taken:
    """Which rows of a group are taken.

    Parameters
    ----------
    size : int or None
        Rows; None: as many as are asked for.
    """

    def __init__(self, size: int | None) -> None:
        self.size = size
        self.n_taken = 0
        self._taken: Flags | None = None  # None: the first n_taken rows

    def take(self, index: IntArray) -> tuple[Flags | bool, Flags | bool]:
        """Take rows; return which of them are outside, and which are taken a second time."""
        if self.size is None:
            return False, False
        done = self.n_taken
        end = done + len(index)
        if self._taken is None:
            if end <= self.size and np.array_equal(index, np.arange(done, end)):
                self.n_taken = end
                return False, False
            self._taken = np.zeros(self.size, dtype=bool)
            self._taken[:done] = True
        outside = (index < 0) | (index >= self.size)
        inside = np.flatnonzero(~outside)
        valid = index[inside]
        again = np.zeros(len(index), dtype=bool)
        again[inside] = self._taken[valid] | is_repeated(valid)
        self._taken[valid] = True
        self.n_taken = int(np.count_nonzero(self._taken))
        return outside, again


class GroupCheck:
    """A check of where the rows of a population have their properties.

    Parameters
    ----------
    table : OpenTable
    file : Path
    found : Findings
    """

    def __init__(self, table: OpenTable, file: Path, found: Findings) -> None:
        self._table, self._file, self._found = table, file, found
        self._taken = {number: _Taken(group.size) for number, group in table.groups.items()}
        self._bad = {code: Tally() for code in ("group", "group-index", "group-index-twice")}

    def add(self, group: IntArray, index: IntArray, start: int) -> None:
        """Check some rows, the first of which is number `start`."""
        n = len(group)
        none = np.ones(n, dtype=bool)
        outside, again = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        for number, _, rows, within in self._table.by_group(group, index):
            none[rows] = False
            outside[rows], again[rows] = self._taken[number].take(within)
        if not self._taken and not self._table.links:
            return  # a population without properties
        for code, mask in zip(self._bad, (none, outside, again), strict=True):
            self._bad[code].add(mask, start)

    def tell(self, where: Any) -> bool:
        """Report what was found in all rows; ``where(row)`` tells more of a row.

        Returns
        -------
        bool
            Whether the properties of each row can be read.
        """
        for code, tally in self._bad.items():
            if not tally:
                continue
            row = slice(tally.first, tally.first + 1)
            number, index = (int(each[0]) for each in self._table.group_and_index(row))
            size = self._taken[number].size if number in self._taken else 0
            text = {
                "group": f"it belongs to group {number}, which is not there",
                "group-index": f"it is row {index} of group {number}, which has {size}",
                "group-index-twice": f"it is row {index} of group {number}, as another row is",
            }[code]
            self._found.add(code, text, self._file, count=tally.count, **where(tally.first))
        if any(self._bad.values()):
            return not self._bad["group-index"]
        for number, group in self._taken.items():
            if group.size is not None and group.n_taken < group.size:
                unused = group.size - group.n_taken
                text = f"group {number} has {group.size} rows, and {unused} of them nobody uses"
                population = self._table.population
                self._found.add("group-rows", text, self._file, population=population)
        return True


def row_of(table: OpenTable, group: int, index: int) -> int | None:
    """Return which row of a table has its properties in this row of a group; None if no row has."""
    for part in parts(len(table)):
        groups, indices = table.group_and_index(part)
        hit = (groups == group) & (indices == index)
        if hit.any():
            return int(part.start + hit.argmax())
    return None
