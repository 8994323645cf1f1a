"""Groups of properties: every row of a table has its own place in one of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from bmtool_connectors.verification.columns import (
    IntArray,
    Mask,
    Tally,
    datasets,
    integers,
    lengths_agree,
    missing,
    parts,
)
from bmtool_connectors.verification.findings import Findings

__all__ = ["Group", "Groups"]


class Group:
    """One group: its columns, and which of its rows are taken."""

    def __init__(self, h5: h5py.Group) -> None:
        self.columns = dict(datasets(h5))
        lengths = [int(each.shape[0]) for each in self.columns.values() if each.ndim]
        #: Rows; None of a group without columns, which has as many as are asked for.
        self.size = min(lengths) if lengths else None
        self.n_taken = 0
        self._taken: Mask | None = None  # None: the first n_taken rows

    def values(self, name: str, places: IntArray) -> npt.NDArray[Any]:
        """Return the values of a column in some places, all of which are there."""
        column = self.columns[name]
        if not len(places):
            found: npt.NDArray[Any] = column[:0]
            return found
        low, high = int(places.min()), int(places.max())
        found = column[low : high + 1]
        is_run = high - low == len(places) - 1 and bool((np.diff(places) == 1).all())
        return found if is_run else found[places - low]

    def take(self, places: IntArray) -> tuple[Mask | None, Mask | None]:
        """Take rows; return which places are outside, and which are taken a second time."""
        n, done = len(places), self.n_taken
        end = done + n
        if self.size is None:
            return None, None
        if self._taken is None:
            if end <= self.size and np.array_equal(places, np.arange(done, end)):
                self.n_taken = end
                return None, None
            self._taken = np.zeros(self.size, dtype=bool)
            self._taken[:done] = True
        outside = (places < 0) | (places >= self.size)
        inside = np.flatnonzero(~outside)
        valid = places[inside]
        again = np.zeros(n, dtype=bool)
        again[inside] = self._taken[valid]
        order = np.argsort(valid, kind="stable")
        repeated = np.flatnonzero(np.diff(valid[order]) == 0) + 1
        again[inside[order[repeated]]] = True
        self._taken[valid] = True
        self.n_taken = int(np.count_nonzero(self._taken))
        return outside, again


class Groups:
    """The groups of a population, and the columns that point into them.

    Parameters
    ----------
    h5 : h5py.Group
        The population.
    kind : {'node', 'edge'}
    file : Path
    found : Findings
    """

    def __init__(self, h5: h5py.Group, kind: str, file: Path, found: Findings) -> None:
        self.file, self.population = file, h5.name.rsplit("/", 1)[-1]
        self.groups = {
            int(name): Group(member)
            for name, member in h5.items()
            if name.isdigit() and isinstance(member, h5py.Group)
        }
        self.agree = True
        for number, group in self.groups.items():
            named = {f"{number}/{name}": each for name, each in group.columns.items()}
            self.agree &= lengths_agree(named, file, self.population, found)
        names = f"{kind}_group_id", f"{kind}_group_index"
        self.columns: tuple[h5py.Dataset, h5py.Dataset] | None = None
        # With neither of them and one group, its rows are in order.
        if any(name in h5 for name in names) or self.groups.keys() - {0}:
            if missing(h5, names, file, found):
                self.agree = False
            else:
                self.columns = h5[names[0]], h5[names[1]]
        self._bad = {code: Tally() for code in ("group", "group-index", "group-index-twice")}

    def named(self) -> dict[str, h5py.Dataset]:
        """Return the columns that point into the groups, by name."""
        if self.columns is None:
            return {}
        return {each.name.rsplit("/", 1)[-1]: each for each in self.columns}

    def read(self, part: slice) -> tuple[IntArray, IntArray]:
        """Return group and place of some rows."""
        if self.columns is None:
            n = part.stop - part.start
            return np.zeros(n, dtype=np.int64), np.arange(part.start, part.stop)
        return integers(self.columns[0], part), integers(self.columns[1], part)

    def rows(self, number: IntArray, place: IntArray) -> Iterator[tuple[Group, Any, IntArray]]:
        """Yield each group, which of the rows belong to it, and their places in it."""
        for key, group in self.groups.items():
            here = number == key
            if here.all():
                yield group, slice(None), place
            elif here.any():
                yield group, np.flatnonzero(here), place[here]

    def check(self, number: IntArray, place: IntArray, start: int) -> None:
        """Check some rows, the first of which is number `start`."""
        n = len(number)
        none = np.ones(n, dtype=bool)
        outside, again = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        for group, rows, places in self.rows(number, place):
            none[rows] = False
            bad = group.take(places)
            for mask, found in zip((outside, again), bad, strict=True):
                if found is not None:
                    mask[rows] = found
        if not self.groups and self.columns is None:
            return  # a population without properties
        for code, mask in zip(self._bad, (none, outside, again), strict=True):
            self._bad[code].add(mask, start)

    def tell(self, found: Findings, where: Any) -> None:
        """Report what was found in all rows; ``where(row)`` tells more of a row."""
        for code, tally in self._bad.items():
            if not tally:
                continue
            number, place = (
                int(values[0]) for values in self.read(slice(tally.first, tally.first + 1))
            )
            text = {
                "group": f"it belongs to group {number}, which is not there",
                "group-index": f"it is row {place} of group {number}, which has "
                f"{self.groups[number].size if number in self.groups else 0}",
                "group-index-twice": f"it is row {place} of group {number}, as another row is",
            }[code]
            found.add(code, text, self.file, count=tally.count, **where(tally.first))
        if any(self._bad.values()):
            return
        for number, group in self.groups.items():
            if group.size is not None and group.n_taken < group.size:
                unused = group.size - group.n_taken
                text = f"group {number} has {group.size} rows, and {unused} of them nobody uses"
                found.add("group-rows", text, self.file, population=self.population)

    def row_of(self, number: int, place: int, n: int) -> int | None:
        """Return which row has a place in a group; None if no row has."""
        for part in parts(n):
            numbers, places = self.read(part)
            hit = (numbers == number) & (places == place)
            if hit.any():
                return int(part.start + hit.argmax())
        return None
