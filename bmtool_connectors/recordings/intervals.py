"""Exact intervals of proportions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from bmtool_connectors.arrays import FloatArray


def clopper_pearson(k: npt.ArrayLike, n: npt.ArrayLike, level: float) -> FloatArray:
    """Return the exact interval of a binomial proportion, shape (m, 2).

    Parameters
    ----------
    k, n : array_like of float, shape (m,)
        Successes and trials; not whole where trials stand for fewer independent ones.
    level : float
        Probability, at least, that the interval holds the true value.

    References
    ----------
    Clopper and Pearson 1934, Biometrika 26:404, doi 10.1093/biomet/26.4.404.
    """
    k, n = np.asarray(k, dtype=float), np.asarray(n, dtype=float)
    tail, none, every = (1 - level) / 2, k <= 0, k >= n
    low = betaincinv(np.where(none, 1.0, k), n - k + 1, tail)
    high = betaincinv(k + 1, np.where(every, 1.0, n - k), 1 - tail)
    return np.stack([np.where(none, 0.0, low), np.where(every, 1.0, high)], axis=-1)


def design_effect(connections: FloatArray, both: FloatArray, pairs: FloatArray) -> FloatArray:
    """Return by how much two directions of a pair count for less than two independent ones.

    Parameters
    ----------
    connections, both, pairs : ndarray of float, shape (m,)
        Connections in either direction, pairs connected both ways, pairs.

    Returns
    -------
    ndarray of float, shape (m,)
        1 + rho with the correlation rho that was found, from 1 to 2; 2 where nothing tells it.

    References
    ----------
    Korn and Graubard 1998, Survey Methodology 24:193: intervals of proportions with effective
    numbers of trials.
    """
    p = connections / (2 * pairs)
    variance = p * (1 - p)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = (both / pairs - p * p) / variance
    # No pair connected, or all of them, both ways: one trial per pair is surely not too many.
    return 1 + np.where(variance > 0, np.clip(rho, 0.0, 1.0), 1.0)
