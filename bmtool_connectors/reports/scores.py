"""How far a number is from the one that was expected."""

from __future__ import annotations

import math

__all__ = ["difference", "z_score"]

#: Differences that are rounding: of what one connection adds to the number, and of the number.
ROUNDING, RELATIVE = 1e-6, 1e-10


def difference(realised: float, wanted: float, unit: float = 1.0) -> float:
    """Return realised - wanted, or 0 where that is rounding.

    Parameters
    ----------
    realised, wanted : float
    unit : float
        What one connection adds to the number: 1 for a count, and less for a probability.

    Examples
    --------
    >>> difference(100, 100.0000000004), difference(0, -4e-15), difference(99, 100)
    (0.0, 0.0, -1)
    """
    found = realised - wanted
    return found if abs(found) > max(ROUNDING * unit, RELATIVE * abs(wanted)) else 0.0


def z_score(realised: float, wanted: float, spread: float, unit: float = 1.0) -> float:
    """Return (realised - wanted) / spread: 0 for a sure number that is met, else infinite.

    Parameters
    ----------
    realised, wanted : float
    spread : float
        Standard deviation; 0 if the number is sure.
    unit : float
        See :func:`difference`.

    Examples
    --------
    >>> z_score(80, 100, 10.0), z_score(100, 100, 0.0), z_score(99, 100, 0.0)
    (-2.0, 0.0, -inf)
    """
    found = difference(realised, wanted, unit)
    if not found:
        return 0.0
    return found / spread if spread else math.copysign(math.inf, found)
