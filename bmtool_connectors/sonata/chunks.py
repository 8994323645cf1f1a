"""Datasets that are filled piece by piece, in chunks that are compressed here."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.sonata.options import GZIP_LEVEL, SaveOptions

#: NumPy types whose bytes in memory are those in the file. Long doubles have some that are unused.
NUMBERS = f"?{np.typecodes['AllInteger']}efdFD"
#: Level of ISA-L for the default: 0 makes larger files, 2 and 3 take longer and save nothing.
ISAL_LEVEL = 1


class DatasetWriter:
    """A dataset that is made empty, and that rows are appended to until it is full.

    Parameters
    ----------
    h5 : h5py.Group
        Where it is made.
    name : str
    shape : tuple of int
        The first one is the number of rows.
    dtype : dtype
    options : SaveOptions

    Attributes
    ----------
    dataset : h5py.Dataset

    Raises
    ------
    TypeError
        If HDF5 has no such type.

    Notes
    -----
    HDF5's own gzip takes ten times as long as ISA-L, whose streams every reader of gzip takes. So
    numbers are shuffled and compressed here, and HDF5 gets whole chunks. Rows wait until their
    chunk is full; the last chunk is written with the last row, filled up with zeros, as HDF5 does
    it. Other values, and other compression, are left to HDF5.
    """

    def __init__(
        self, h5: Any, name: str, shape: tuple[int, ...], dtype: Any, options: SaveOptions
    ) -> None:
        self.dataset = h5.create_dataset(name, shape, dtype, **options.storage(shape))
        self._dtype, self._n_rows, self._n_done = self.dataset.dtype, shape[0], 0
        self._chunk: npt.NDArray[Any] | None = None
        if self.dataset.compression == "gzip" and self.dataset.size and self._dtype.char in NUMBERS:
            self._chunk = np.zeros(self.dataset.chunks, self._dtype)
            self._deflate = _deflate_of(options)

    def append(self, values: npt.NDArray[Any]) -> None:
        """Write the next rows.

        Parameters
        ----------
        values : ndarray, shape (n, ...)
            Of any type that NumPy turns into that of the dataset.

        Raises
        ------
        ValueError
            If there are more rows than the dataset has.
        """
        start, stop = self._n_done, self._n_done + len(values)
        if stop > self._n_rows:
            raise ValueError(f"{self.dataset.name} has {self._n_rows} rows, got {stop}")
        self._n_done = stop
        if self._chunk is None:
            # NumPy converts types several times as fast as HDF5 does.
            self.dataset[start:stop] = values.astype(self._dtype, copy=False)
            return
        n_chunk = len(self._chunk)
        for first in range(start - start % n_chunk, stop, n_chunk):
            begin, end = max(start, first), min(stop, first + n_chunk)
            self._chunk[begin - first : end - first] = values[begin - start : end - start]
            if end in (first + n_chunk, self._n_rows):
                self._chunk[end - first :] = 0
                data = self._deflate(_shuffled(self._chunk))
                offset = (first, *[0] * (self._chunk.ndim - 1))
                self.dataset.id.write_direct_chunk(offset, data)


def _shuffled(chunk: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return the first bytes of all numbers, then the second ones, and so on."""
    return np.ascontiguousarray(chunk.view(np.uint8).reshape(-1, chunk.itemsize).T)


def _deflate_of(options: SaveOptions) -> Callable[[Any], bytes]:
    """Return what compresses bytes: zlib for the level that was asked for, ISA-L if none was."""
    level = options.compression
    if level == "gzip":
        try:
            from isal import isal_zlib
        except ImportError:  # no wheel for this system; the content is the same
            level = GZIP_LEVEL
        else:
            return functools.partial(isal_zlib.compress, level=ISAL_LEVEL)
    return functools.partial(zlib.compress, level=level)
