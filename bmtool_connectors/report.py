"""Counts as text and as rows of the CSV connection report.

The format of the report is that of bmtool, header spelling included, since its
``connector_percent_matrix`` reads it. A report never costs an edge: whatever
goes wrong becomes a warning.
"""

from __future__ import annotations

import csv
import io
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.errors import ParameterError, warn

__all__ = ["Timer"]

#: The misspelling is part of the format.
HEADER = (
    "Source",
    "Target",
    "Percent connectionivity within possible connections",
    "Percent connectionivity within all connections",
)

DEFAULT_FILE = "conn.csv"


class _Default:
    """The module-wide default of ``report_name``."""

    def __init__(self) -> None:
        self.name: str | os.PathLike[str] = DEFAULT_FILE


default = _Default()


class Timer:
    """Measure run time.

    Parameters
    ----------
    unit : {'sec', 'ms', 'us', 'min'}
        Unit of the result; anything else means seconds.

    Examples
    --------
    >>> timer = Timer('ms')
    >>> timer.end() < 1000
    True
    """

    _SCALES = {"sec": 1.0, "ms": 1e3, "us": 1e6, "min": 1 / 60}

    def __init__(self, unit: str = "sec") -> None:
        self.unit = unit if unit in self._SCALES else "sec"
        self.scale = self._SCALES[self.unit]
        self.start()

    def start(self) -> None:
        """Start anew."""
        self._start = time.perf_counter()

    def end(self) -> float:
        """Return the time since the start, in the unit of the timer."""
        return (time.perf_counter() - self._start) * self.scale

    def report(self, msg: str = "Run time") -> None:
        """Print `msg` and the time since the start."""
        print(f"{msg}: {self.end():.3f} {self.unit}", flush=True)


def say(text: str) -> None:
    """Print one message of a verbose connector."""
    print(text, flush=True)


def fractions(connectivity: Connectivity) -> tuple[list[float], list[float]]:
    """Return connected pairs as fractions of the possible ones, and of all; 0 where none are."""
    pairs, possible = connectivity.pairs, connectivity.possible
    connected = connectivity.connected
    return (
        [c / p if p else 0.0 for c, p in zip(connected, possible, strict=True)],
        [c / pairs if pairs else 0.0 for c in connected],
    )


def counts_text(connectivity: Connectivity, names: Sequence[str]) -> str:
    """Return the numbers of connections as the lines that verbose connectors print."""

    def joined(values: Sequence[float], form: str) -> str:
        text = ", ".join(form.format(value) for value in values)
        return text if len(values) == 1 else f"({text})"

    of_possible, of_all = fractions(connectivity)
    lines = [f"Numbers of ({', '.join(names)}) connections:"] if len(names) > 1 else []
    lines += [
        f"Number of connected pairs: {joined(connectivity.connected, '{}')}",
        f"Number of possible connections: {joined(connectivity.possible, '{}')}",
        f"Fraction of connected pairs in possible ones: {joined(of_possible, '{:.2%}')}",
        f"Number of total pairs: {connectivity.pairs}",
        f"Fraction of connected pairs in all pairs: {joined(of_all, '{:.2%}')}",
    ]
    if connectivity.dropped:
        lines.append(f"Connections without a synapse (n_syn = 0), dropped: {connectivity.dropped}")
    return "\n".join(lines) + "\n"


def save(
    file: str | os.PathLike[str], source: str, target: str, connectivity: Connectivity
) -> None:
    """Append one row to the CSV report, or warn why that was not possible.

    Parameters
    ----------
    file : str or path
        Relative names are resolved now; the folder is made.
    source, target : str
        Labels of the populations.
    connectivity : Connectivity
    """
    cells = [_percent([100 * value for value in values]) for values in fractions(connectivity)]
    try:
        append_row(Path(file), [source, target, *cells])
    except (OSError, ValueError) as error:  # ValueError: a name that cannot be a file's
        reason = getattr(error, "strerror", None) or error
        warn(
            f"The connection report {os.fspath(file)!r} could not be written ({reason}); the "
            "edges are complete. Pass report_name= with a writable CSV file, or "
            "save_report=False."
        )


def _percent(values: Sequence[float]) -> str:
    text = [f"{value:.8g}" for value in values]
    if len(text) > 1:
        return f"[{' '.join(text)}]"
    # With a point, also when every row is a whole number: readers expect floats.
    return text[0] if set(text[0]) & set(".en") else f"{text[0]}.0"


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode(errors="backslashreplace")


def append_row(path: Path, row: Sequence[str]) -> None:
    """Append a row under a lock, with one write; header, folder and final newline as needed.

    Raises
    ------
    OSError
        If the file cannot be written whole (it is then left as it was) or is not a report.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with _locked(handle):
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
def _locked(handle: int) -> Iterator[None]:
    """Hold the file for this process, where the system and the file system can."""
    try:
        import fcntl
    except ImportError:  # Windows: appends of one write are the best there is
        yield
        return
    with suppress(OSError):  # some network file systems have no locks
        fcntl.flock(handle, fcntl.LOCK_EX)
    yield  # closing the file releases the lock


def checked_file(name: object, owner: str) -> str | os.PathLike[str]:
    """Return the report's file name; None is the module-wide default, read now."""
    if name is None:
        return default.name
    if isinstance(name, str | os.PathLike):
        return name
    raise ParameterError(f"{owner} is {name!r}; allowed is a file name or None.")
