"""HDF5 files that are written whole or say why not."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

__all__ = ["h5_file"]


@contextmanager
def h5_file(path: Path) -> Iterator[tuple[Any, Callable[[], None]]]:
    """Open an HDF5 file for writing; one that is there gets more in it.

    Yields
    ------
    h5 : h5py.File
    check : callable
        Raises what the system has refused so far, so that long work can stop.

    Raises
    ------
    OSError
        At the end, if the system refused a write, for example because the disk is full.

    Notes
    -----
    HDF5 cannot close a file that it cannot write, and crashes when the process ends. It is
    therefore told that all is well, and the file is given up here.
    """
    is_there = path.exists()
    with _Disk(path) as disk:
        try:
            with h5py.File(disk, "r+" if is_there else "w") as h5:
                # SONATA's mark of its files.
                h5.attrs["magic"] = np.uint32(0x0A7A)
                h5.attrs["version"] = [np.uint32(0), np.uint32(1)]
                yield h5, disk.check
        except Exception as error:
            if disk.refused is not None and error is not disk.refused:
                raise disk.refused from error
            raise
        disk.check()


class _Disk(io.RawIOBase):
    """A file that remembers the first refusal, and pretends to write from then on."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self.refused: OSError | None = None

    def check(self) -> None:
        """Raise what was refused."""
        if self.refused is not None:
            raise self.refused

    def write(self, data: Any) -> int:
        """Write all of it."""
        rest = memoryview(data).cast("B")
        n = len(rest)
        try:
            while len(rest) and self.refused is None:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.refused = error
        return n

    def readinto(self, buffer: Any) -> int:
        """Read, zeros where nothing was written."""
        view = memoryview(buffer).cast("B")
        n = 0
        while n < len(view):
            found = self._file.readinto(view[n:])
            if not found:
                view[n:] = bytes(len(view) - n)
                break
            n += found
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Change the size."""
        try:
            if self.refused is None:
                return self._file.truncate(size)
        except OSError as error:
            self.refused = error
        return size or 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """Return the position."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
