"""HDF5 files that are written whole or say why not."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from bmtool_connectors.sonata import layout
from bmtool_connectors.sonata.interrupts import held_signals


@contextmanager
def h5_file(path: Path) -> Iterator[tuple[Any, Callable[[], None]]]:
    """Open an HDF5 file for writing; one that is there gets more in it.

    Yields
    ------
    h5 : h5py.File
    check : callable
        Raises what has been held back so far, so that long work can stop.

    Raises
    ------
    OSError
        At the end, if the system refused a write, for example because the disk is full.

    Notes
    -----
    An exception that is raised while HDF5 calls back into Python ends the process. So HDF5 is told
    that each write was done, the first error is kept, and it is raised here once HDF5 has closed
    the file, which is then not whole. Signals wait, because their handlers may raise.
    """
    is_there = path.exists()
    with held_signals() as deliver, _Disk(path) as disk:

        def check() -> None:
            if disk.refused is not None:
                raise disk.refused
            deliver()

        try:
            with h5py.File(disk, "r+" if is_there else "w") as h5:
                h5.attrs["magic"] = np.uint32(layout.MAGIC)
                h5.attrs["version"] = np.array(layout.VERSION, dtype=np.uint32)
                yield h5, check
        except BaseException as error:
            if disk.refused is not None and error is not disk.refused:
                raise disk.refused from error
            raise
        check()


class _Disk(io.RawIOBase):
    """A file that raises nothing where HDF5 calls it, and from then on pretends to write.

    Attributes
    ----------
    refused : BaseException or None
        What it should have raised first.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        self.refused: BaseException | None = None

    @contextmanager
    def _keeping(self) -> Iterator[None]:
        """Keep what the block raises: whatever it is, it must not reach HDF5."""
        try:
            yield
        except BaseException as error:
            self.refused = self.refused or error

    def write(self, data: Any) -> int:
        """Write all of it."""
        rest = memoryview(data).cast("B")
        n = len(rest)
        with self._keeping():
            while len(rest) and self.refused is None:
                rest = rest[self._file.write(rest) :]
        return n

    def readinto(self, buffer: Any) -> int:
        """Read, zeros where nothing was written."""
        view = memoryview(buffer).cast("B")
        n = 0
        with self._keeping():
            while n < len(view) and (found := self._file.readinto(view[n:])):
                n += found
            view[n:] = bytes(len(view) - n)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        """Change the size."""
        with self._keeping():
            if self.refused is None:
                self._file.truncate(size)
        return size or 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to a position."""
        with self._keeping():
            offset = self._file.seek(offset, whence)
        return offset  # noqa: RET504  # it stays where that fails

    def tell(self) -> int:
        """Return the position."""
        position = 0
        with self._keeping():
            position = self._file.tell()
        return position  # noqa: RET504

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
