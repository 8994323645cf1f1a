"""Proportions: splitting a number of cells, and in-degrees as probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.checks import float_or_array, floats, number
from bmtool_connectors.errors import ParameterError

__all__ = ["in_degree_from_p", "num_prop", "p_from_in_degree"]


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
            f"ratio of num_prop must be numbers >= 0, at least one above 0, got {ratio!r}."
        )
    counts: npt.NDArray[np.int_] = np.diff(np.round(N / total[-1] * total).astype(int))
    return counts.reshape(shares.shape)


def p_from_in_degree(in_degree: npt.ArrayLike, n_source: npt.ArrayLike) -> Any:
    """Return the connection probability that gives a mean in-degree: ``in_degree / n_source``.

    Parameters
    ----------
    in_degree : float or array_like of float
        Mean number of sources that connect to a target, at most `n_source`.
    n_source : float or array_like of float
        Sources that may; within one population without autapses one less than it has cells.

    Returns
    -------
    float, or ndarray of float

    Raises
    ------
    ParameterError
        If `n_source` is not above 0, or `in_degree` not in [0, n_source].

    Examples
    --------
    >>> p_from_in_degree(80, 400)
    0.2
    """
    degree, n = floats(in_degree), _positive(n_source, "p_from_in_degree")
    if not ((degree >= 0) & (degree <= n)).all():
        raise ParameterError(
            f"in_degree of p_from_in_degree must be numbers from 0 to n_source ({n_source!r}), got "
            f"{in_degree!r}."
        )
    return float_or_array(degree / n)


def in_degree_from_p(p: npt.ArrayLike, n_source: npt.ArrayLike) -> Any:
    """Return the mean in-degree that a connection probability gives: ``p * n_source``.

    Parameters
    ----------
    p : float or array_like of float
        Probability, in [0, 1].
    n_source : float or array_like of float
        Sources that may connect; within one population without autapses one less than it has.

    Returns
    -------
    float, or ndarray of float

    Raises
    ------
    ParameterError
        If `n_source` is not above 0, or `p` not in [0, 1].

    Examples
    --------
    >>> in_degree_from_p(0.2, 400)
    80.0
    """
    values, n = floats(p), _positive(n_source, "in_degree_from_p")
    if not ((values >= 0) & (values <= 1)).all():
        raise ParameterError(f"p of in_degree_from_p must be probabilities in [0, 1], got {p!r}.")
    return float_or_array(values * n)


def _positive(n_source: npt.ArrayLike, owner: str) -> npt.NDArray[np.float64]:
    n = floats(n_source)
    if not ((n > 0) & (n < np.inf)).all():
        raise ParameterError(
            f"n_source of {owner} must be finite numbers above 0, got {n_source!r}."
        )
    return n
