"""What a reader does about a fault in a file: it stops there, or notes it and goes on."""

from __future__ import annotations

import contextlib
import csv
import textwrap
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from bmtool_connectors.errors import ParameterError

#: How errors of HDF5, of CSV and of JSON come; MemoryError, for one, is none of the file.
BROKEN = (OSError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError, csv.Error)


class Faults(Protocol):
    """Where readers put what is wrong with a file."""

    def fault(self, code: str, message: str, file: Path, **where: Any) -> None:
        """Take what leaves nothing to read: a column that is not there, or holds no integers."""

    def remark(self, code: str, message: str, file: Path, **where: Any) -> None:
        """Take what is wrong, while the rest can be read all the same."""

    def reading(self, file: Path, **where: Any) -> AbstractContextManager[None]:
        """Take a failure to read in the block that follows."""


class FirstFault:
    """Stops at the first fault, with a ParameterError that names the file.

    Parameters
    ----------
    kind : str
        What the file should be.
    """

    def __init__(self, kind: str = "a SONATA file") -> None:
        self._kind = kind

    def fault(self, code: str, message: str, file: Path, **where: Any) -> None:
        """Stop."""
        raise self._error(message, file)

    def remark(self, code: str, message: str, file: Path, **where: Any) -> None:
        """Go on: the file can be read."""

    @contextlib.contextmanager
    def reading(self, file: Path, **where: Any) -> Iterator[None]:
        """Stop if the block that follows fails."""
        # A file may be broken in many ways, and h5py does not always tell which file it was.
        try:
            yield
        except ParameterError:
            raise
        except BROKEN as error:
            raise self._error(reason_of(error), file) from error

    def _error(self, reason: str, file: Path) -> ParameterError:
        text = f"cannot read {str(file)!r} as {self._kind} ({reason}); save it again."
        return ParameterError(text)


def reason_of(error: BaseException) -> str:
    """Return what an error says, in one line."""
    reason = " ".join(str(error).split()).strip("'\"") or type(error).__name__
    return textwrap.shorten(reason, 200, placeholder=" ...")
