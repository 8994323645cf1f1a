"""What is printed and timed while connectors draw."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from bmtool_connectors.connectivity import Connectivity, is_estimated

__all__ = ["Timer"]


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


def number_of(pairs: float, about: bool) -> str:
    """Return a number of pairs with its article: as counted, or as estimated; NaN is not known."""
    if math.isnan(pairs):
        return "the"
    return f"about {pairs:.4g}" if about else f"the {pairs:.0f}"


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
    about, form = ("about ", "{:.5g}") if is_estimated(connectivity.possible) else ("", "{}")
    lines = [f"Numbers of ({', '.join(names)}) connections:"] if len(names) > 1 else []
    lines += [
        f"Number of connected pairs: {joined(connectivity.connected, '{}')}",
        f"Number of possible connections: {about}{joined(connectivity.possible, form)}",
        f"Fraction of connected pairs in possible ones: {about}{joined(of_possible, '{:.2%}')}",
        f"Number of total pairs: {connectivity.pairs}",
        f"Fraction of connected pairs in all pairs: {joined(of_all, '{:.2%}')}",
    ]
    if connectivity.dropped:
        lines.append(f"Connections without a synapse (n_syn = 0), dropped: {connectivity.dropped}")
    return "\n".join(lines) + "\n"
