"""Numbers that were expected and observed, and how far they are apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

#: Differences that are rounding: of what one connection adds to the number, and of the number.
ROUNDING, RELATIVE = 1e-6, 1e-10


def difference(observed: float, expected: float, unit: float = 1.0) -> float:
    """Return observed - expected, or 0 where that is rounding.

    Parameters
    ----------
    observed, expected : float
    unit : float
        What one connection adds to the number: 1 for a count, and less for a probability.

    Examples
    --------
    >>> difference(100, 100.0000000004), difference(0, -4e-15), difference(99, 100)
    (0.0, 0.0, -1)
    """
    found = observed - expected
    return found if abs(found) > max(ROUNDING * unit, RELATIVE * abs(expected)) else 0.0


@dataclass(frozen=True)
class Measure:
    """One number of the connections between two populations.

    Attributes
    ----------
    quantity : str
        What it is.
    direction : {'forward', 'backward', ''}
        Of the edges it counts; '' where both directions count.
    expected, wanted : float or None
        What the laws give on average; None where that is not known. Tables call it ``wanted``.
    sd : float or None
        Standard deviation of the observed number over draws; 0 if it is sure.
    error : float or None
        Standard error of what is expected, when it comes from a sample of the pairs.
    observed, realised : float or None
        What came out. Tables call it ``realised``.
    estimated : bool
        Whether what is expected comes from a sample of the pairs.
    unit : float
        What one connection adds to the number: 1, but less for a probability.

    Examples
    --------
    >>> from bmtool_connectors.reports.measures import Measure
    >>> Measure("edges", expected=100.0, sd=10.0, observed=80).z
    -2.0
    >>> [Measure("edges", expected=100.0, sd=0.0, observed=n).z for n in (100, 99)]
    [0.0, -inf]
    """

    quantity: str
    direction: str = ""
    expected: float | None = None
    sd: float | None = None
    error: float | None = None
    observed: float | None = None
    estimated: bool = False
    unit: float = 1.0

    @property
    def wanted(self) -> float | None:
        """What is expected."""
        return self.expected

    @property
    def realised(self) -> float | None:
        """What was observed."""
        return self.observed

    @property
    def spread(self) -> float | None:
        """sqrt(sd^2 + error^2); None where sd is not known."""
        return None if self.sd is None else math.hypot(self.sd, self.error or 0.0)

    @property
    def z(self) -> float | None:
        """(observed - expected) / sqrt(sd^2 + error^2); None where one of them is not known.

        Infinite where a number is sure and another one came out.
        """
        if self.expected is None or self.observed is None or self.spread is None:
            return None
        found = difference(self.observed, self.expected, self.unit)
        if not found:
            return 0.0
        return found / self.spread if self.spread else math.copysign(math.inf, found)

    def columns(self) -> dict[str, Any]:
        """Return what is known, by the name of its column in a table."""
        names = ("quantity", "direction", "wanted", "sd", "error", "realised", "estimated", "z")
        return {name: getattr(self, name) for name in names}
