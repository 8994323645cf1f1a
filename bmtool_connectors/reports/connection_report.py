"""The CSV connection report: for each draw a row with the shares of pairs that are connected.

The format is that of bmtool, header spelling included, since its ``connector_percent_matrix``
reads it. A report never costs an edge: whatever goes wrong becomes a warning.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bmtool_connectors.connectivity import Connectivity, is_estimated
from bmtool_connectors.defaults import checked_report_name
from bmtool_connectors.errors import warn
from bmtool_connectors.messages import fractions

#: The misspelling is part of the format.
HEADER = (
    "Source",
    "Target",
    "Percent connectionivity within possible connections",
    "Percent connectionivity within all connections",
)


def save_rows(
    file: str | os.PathLike[str] | None, rows: Iterable[tuple[str, str, Connectivity]]
) -> None:
    """Append rows to the CSV report, or warn why that was not possible.

    Parameters
    ----------
    file : str or path or None
        Relative names are resolved now; the folder is made. None is the default of the module.
    rows : iterable of (str, str, Connectivity)
        Labels of the source and target pool, and what was drawn between them.
    """
    name = checked_report_name(file, "report_name")
    for source, target, drawn in rows:
        # No more digits of an estimate than are known.
        digits = 4 if is_estimated(drawn.possible) else 8
        of_possible, of_all = fractions(drawn)
        shares = [_percent(of_possible, digits), _percent(of_all, 8)]
        try:
            _append_row(Path(name), [source, target, *shares])
        except (OSError, ValueError) as error:  # ValueError: a name that cannot be a file's
            reason = getattr(error, "strerror", None) or error
            warn(
                f"The connection report {os.fspath(name)!r} could not be written ({reason}); the "
                "edges are complete. Pass report_name= with a writable CSV file, or "
                "save_report=False."
            )


def _percent(values: Sequence[float], digits: int) -> str:
    text = [f"{100 * value:.{digits}g}" for value in values]
    if len(text) > 1:
        return f"[{' '.join(text)}]"
    # With a point, also when every row is a whole number: readers expect floats.
    return text[0] if set(text[0]) & set(".en") else f"{text[0]}.0"


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode(errors="backslashreplace")


def _append_row(path: Path, row: Sequence[str]) -> None:
    """Append a row under a lock, with one write; header, folder and final newline as needed.

    Raises
    ------
    OSError
        If the file cannot be written whole (it is then left as it was) or is not a report.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with _locked_file(handle):
            size = os.fstat(handle).st_size
            data = _missing_start(handle, size, path) + _line(row)
            try:
                if os.write(handle, data) != len(data):
                    raise OSError(f"{path} took only a part of the row: is the disk full?")
            except OSError:
                with suppress(OSError):  # not a plain file
                    os.ftruncate(handle, size)
                raise
    finally:
        os.close(handle)


def _missing_start(handle: int, size: int, path: Path) -> bytes:
    """Return what has to stand before a new row: the header, a newline, or nothing."""
    header = _line(HEADER)
    if size == 0:
        return header
    os.lseek(handle, 0, os.SEEK_SET)
    start = os.read(handle, len(header))
    if start.rstrip(b"\r\n") != header.rstrip(b"\n"):
        raise OSError(f"{path} exists and is not a connection report")
    os.lseek(handle, size - 1, os.SEEK_SET)
    return b"" if os.read(handle, 1) == b"\n" else b"\n"


@contextmanager
def _locked_file(handle: int) -> Iterator[None]:
    """Hold the file for this process, where the system and the file system can."""
    try:
        import fcntl
    except ImportError:  # Windows: appends of one write are the best there is
        yield
        return
    with suppress(OSError):  # some network file systems have no locks
        fcntl.flock(handle, fcntl.LOCK_EX)
    yield  # closing the file releases the lock
