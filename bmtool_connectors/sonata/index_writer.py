"""The indices of an edge file: which rows have a node as their source, or target."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import IntArray, order_by
from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.chunks import DatasetWriter
from bmtool_connectors.sonata.options import SaveOptions
from bmtool_connectors.sonata.rows import id_ranges, sorting


class IndexWriter:
    """Collects the runs of equal values of a column, and writes them value by value.

    Parameters
    ----------
    rows : ndarray of int, shape (greatest value + 1,)
        How many rows have each value.
    file : Path
        Where runs are kept meanwhile: there may be as many of them as rows.

    Notes
    -----
    A run is written as the range of its rows, ``[begin, end)``, into ``range_to_edge_id``; the
    runs of one value stand together, and ``node_id_to_range`` says for each value which these
    are. Of each part of the rows, the runs are sorted by value and put away; at the end they are
    collected, one range of values after the other.
    """

    def __init__(self, rows: IntArray, file: Path) -> None:
        self._rows, self._ranges = rows, id_ranges(rows)
        self._path = file
        self._file: BinaryIO = file.open("w+b")
        self._n_rows = self._n_runs = 0
        small = max(int(rows.sum()), len(rows)) < 1 << 32
        self._dtype: npt.DTypeLike = np.uint32 if small else np.int64
        self._open = np.empty((3, 0), dtype=self._dtype)
        self._limits = np.array([low for low, _ in self._ranges[1:]], dtype=self._dtype)
        #: Of each part: where it starts in the file, where the runs of each range start in it, and
        #: whether their ends are stored.
        self._parts: list[tuple[int, IntArray, bool]] = []

    def add(self, values: IntArray) -> None:
        """Add the values of the next rows."""
        if not len(values):
            return
        starts = np.flatnonzero(values[1:] != values[:-1]) + 1
        runs = np.empty((3, len(starts) + 1), dtype=self._dtype)
        runs[0, 0], runs[0, 1:] = values[0], values[starts]
        runs[1, 0], runs[1, 1:] = self._n_rows, starts + self._n_rows
        self._n_rows += len(values)
        runs[2, :-1], runs[2, -1] = runs[1, 1:], self._n_rows
        if self._open.size and self._open[0, 0] == runs[0, 0]:
            runs[1, 0] = self._open[1, 0]
        else:
            self._put(self._open)
        self._put(runs[:, :-1])
        self._open = runs[:, -1:]  # the next rows may go on with it

    def _put(self, runs: npt.NDArray[Any]) -> None:
        """Put runs away, sorted by value."""
        n = runs.shape[1]
        if not n:
            return
        order, values = sorting(runs[0], int(runs[0].min()), int(runs[0].max()) + 1)
        start = self._file.seek(0, 2)
        limits = [0, *np.searchsorted(values, self._limits), n]
        begins = runs[1].take(order)
        # In the index of a column that is in no order, most runs are of one row.
        is_long = bool((runs[2] - runs[1] != 1).any())
        for row in (values, begins, runs[2].take(order)) if is_long else (values, begins):
            row.tofile(self._file)
        self._parts.append((start, np.array(limits, dtype=np.int64), is_long))
        self._n_runs += n

    def _stored(self, number: int) -> Iterator[npt.NDArray[Any]]:
        """Yield the runs of one range of values, part by part; no ends if all are of one row."""
        n_stored = 3 if any(is_long for _, _, is_long in self._parts) else 2
        for start, limits, is_long in self._parts:
            first, last, n = (int(limits[k]) for k in (number, number + 1, -1))
            if last == first:
                continue
            runs = np.empty((n_stored, last - first), dtype=self._dtype)
            for k in range(3 if is_long else 2):
                self._file.seek(start + runs.itemsize * (k * n + first))
                runs[k] = np.fromfile(self._file, self._dtype, last - first)
            if n_stored == 3 and not is_long:
                np.add(runs[1], 1, out=runs[2])
            yield runs

    def write(self, group: Any, options: SaveOptions, check: Callable[[], None]) -> None:
        """Write the index into an HDF5 group; `check` is called now and then, and may raise."""
        self._put(self._open)
        shapes = (len(self._rows), 2), (self._n_runs, 2)
        names = layout.NODE_RANGES, layout.EDGE_RANGES
        runs_of, rows_of = (
            DatasetWriter(group, name, shape, np.uint64, options)
            for name, shape in zip(names, shapes, strict=True)
        )
        # What the SONATA guide calls it, and libsonata looks for.
        group[layout.NODE_RANGES_SONATA] = runs_of.dataset
        done = previous = 0
        for number, (low, high) in enumerate(self._ranges):
            # Values between two ranges have no rows.
            counts = np.zeros(high - previous, dtype=np.int64)
            first = done
            stored = self._stored(number)
            if high - low > 1:
                stored = iter([np.concatenate(list(stored), axis=1)])
            for runs in stored:
                keys = runs[0] - low
                order = order_by(keys, high - low) if high - low > 1 else slice(None)
                ranges = np.empty((len(keys), 2), dtype=np.uint64)
                ranges[:, 0] = runs[1][order]
                ranges[:, 1] = runs[2][order] if len(runs) == 3 else ranges[:, 0] + np.uint64(1)
                rows_of.append(ranges)
                done += len(ranges)
                counts[low - previous :] += np.bincount(keys, minlength=high - low)
                check()
            ends = first + np.cumsum(counts)
            # BMTK's form for values without rows.
            runs_of.append(np.where(counts, [ends - counts, ends], 0).T)
            previous = high

    def close(self) -> None:
        """Remove what was kept."""
        self._file.close()
        self._path.unlink()
