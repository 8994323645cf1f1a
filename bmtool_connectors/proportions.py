"""Splitting a number of cells in proportion."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bmtool_connectors.checks import floats, number
from bmtool_connectors.errors import ParameterError

__all__ = ["num_prop"]


def num_prop(ratio: npt.ArrayLike, N: int) -> npt.NDArray[np.int_]:  # noqa: N803
    """Divide N into whole numbers in proportion to `ratio`.

    Parameters
    ----------
    ratio : array_like of float
        Proportions, at least 0 and not all 0.
    N : int
        The number to divide.

    Returns
    -------
    ndarray of int, shape of `ratio`
        Differences of the rounded cumulative proportions; they add up to N.

    Raises
    ------
    ParameterError
        If a proportion is negative or not finite, or all are 0 (or there are none).

    Examples
    --------
    >>> num_prop([8, 1, 1], 25).tolist()
    [20, 2, 3]
    """
    shares = floats(ratio)
    number(N, "N of num_prop", "a whole number >= 0", 0, 2**53)
    total = np.concatenate([[0.0], np.cumsum(shares.ravel())])
    if not (shares >= 0).all() or not 1e-300 < total[-1] < np.inf:
        raise ParameterError(
            f"ratio of num_prop is {ratio!r}; allowed are numbers >= 0, at least one above 0."
        )
    counts: npt.NDArray[np.int_] = np.diff(np.round(N / total[-1] * total).astype(int))
    return counts.reshape(shares.shape)
