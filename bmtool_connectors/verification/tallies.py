"""Sets of ids, and how many rows are bad."""

from __future__ import annotations

import numpy as np

from bmtool_connectors.arrays import Flags, IntArray, places_among


class Tally:
    """The first of the bad rows, and how many there are."""

    def __init__(self) -> None:
        self.first = -1
        self.count = 0

    def add(self, bad: Flags, start: int = 0) -> None:
        """Add rows, the first of which is number `start`."""
        n = int(np.count_nonzero(bad))
        if n and not self.count:
            self.first = start + int(bad.argmax())
        self.count += n

    def __bool__(self) -> bool:
        return self.count > 0


class Ids:
    """A set of ids, such as those of a node file.

    Parameters
    ----------
    values : ndarray of int64
    """

    def __init__(self, values: IntArray) -> None:
        self.sorted = np.sort(values)
        # Mostly 0, 1, 2, ...
        self._is_run = np.array_equal(self.sorted, np.arange(len(values)))

    def __len__(self) -> int:
        return len(self.sorted)

    def holds(self, values: IntArray) -> Flags:
        """Return which values are among the ids."""
        if self._is_run:
            return values.view(np.uint64) < len(self.sorted)
        return places_among(self.sorted, values)[1]
