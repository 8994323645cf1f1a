"""Sums over pairs: how many connections are expected, and how far their numbers spread."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bmtool_connectors.sampling.laws import BlockValues, Clipping, Joint, Values

__all__ = ["BACKWARD", "EDGES", "FORWARD", "RECIPROCAL", "CountSums", "of_some"]

#: What the numbers of an array stand for: connections of each kind, EDGES those in any direction.
FORWARD, BACKWARD, EDGES, RECIPROCAL = range(4)


class CountSums:
    """Sums over pairs, and over a sample of pairs that stands for all.

    Parameters
    ----------
    counted : tuple of two bool
        Whether connections of each direction have synapses, and so are edges.
    n_rows : int
        Number of sources, for sums of each source; 0 for none.

    Attributes
    ----------
    mean, variance, error : ndarray of float, shape (4,)
        Expected connections, their variance over draws, and the standard error of what is
        expected.
    both, clipped : float
        Pairs with p0 > 0 and p1 > 0, and those of them that are clipped.
    rows : ndarray of float, shape (n_rows,)
        Expected forward connections of each source.
    noise : float
        Variance of these that comes from the sample.
    """

    def __init__(self, counted: tuple[bool, ...], n_rows: int = 0) -> None:
        self.counted = counted
        self.mean, self.variance, self.error, self._squares = np.zeros((4, 4))
        self.both = self.clipped = self.noise = 0.0
        self.rows = np.zeros(n_rows)
        self._looked_at = 0

    def add(self, values: BlockValues, joint: Joint | None, sign: int = 1) -> None:
        """Add pairs, or take them away."""
        candidates, n, clipping = values.candidates, values.candidates.n, Clipping()
        p0, p1 = (np.broadcast_to(p, (n,)) for p in (values.p0, values.p1))
        if candidates.space.self_pairs is not None:  # a self connection has one direction
            p1 = np.where(candidates.space.is_self(*candidates.pairs()), 0.0, p1)
        pr: Values = 0.0
        if joint is not None:
            pr = joint.feasible(values, np.arange(n), p0, p1, clipping)
        self.both += sign * np.count_nonzero((p0 > 0) & (p1 > 0))
        self.clipped += sign * clipping.count
        first, second = self.counted
        p0, p1, pr = p0 * first, p1 * second, np.broadcast_to(pr, (n,)) * (first and second)
        variances = [p * (1 - p) for p in (p0, p1, pr)]
        variances.insert(EDGES, variances[0] + variances[1] + 2 * (pr - p0 * p1))
        means = (p0, p1, p0 + p1, pr)
        self.mean += sign * np.array([each.sum() for each in means])
        self.variance += sign * np.array([each.sum() for each in variances])
        self._squares += sign * np.array([(each**2).sum() for each in means])
        if len(self.rows):
            self.rows += sign * np.bincount(candidates.pairs()[0], p0, len(self.rows))
        self._looked_at += candidates.looked_at

    def stand_for(self, n: float) -> None:
        """Multiply the sums of a sample to `n` pairs, and tell how far off they may be."""
        if not self._looked_at:
            return
        times, left = n / self._looked_at, max(1 - self._looked_at / n, 0.0)
        spread = np.maximum(self._squares / self._looked_at - (self.mean / self._looked_at) ** 2, 0)
        self.error = n * np.sqrt(left * spread / self._looked_at)
        if len(self.rows):
            self.rows *= times
            self.noise = left * times**2 * float(self._squares[FORWARD]) / len(self.rows)
        self.mean, self.variance = self.mean * times, self.variance * times
        self.both, self.clipped = self.both * times, self.clipped * times

    def deviation(self, share: float = 1.0) -> npt.NDArray[np.float64]:
        """Return standard deviations over draws, shape (4,).

        With a `share` of the sources that is drawn as well, there is one direction only.
        """
        variance = self.variance
        if share < 1:
            spread = max(float(np.var(self.rows, ddof=1)) - self.noise, 0.0)
            variance = share * variance
            variance[[FORWARD, EDGES]] += of_some(len(self.rows), share, spread)
        return np.sqrt(np.maximum(variance, 0.0))


def of_some(n: int, share: float, spread: float) -> float:
    """Return the variance of the sum of some of n numbers that are chosen without replacement.

    Parameters
    ----------
    n : int
    share : float
        How many are chosen, of all.
    spread : float
        Variance of the numbers, with n - 1 in the denominator.
    """
    return n * share * (1 - share) * spread
