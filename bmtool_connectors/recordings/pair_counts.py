"""Connections counted in pairs of cells, by distance, and the laws that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors import vectorization
from bmtool_connectors.arrays import Flags, FloatArray
from bmtool_connectors.bernoulli import bounds
from bmtool_connectors.checks import number
from bmtool_connectors.distances import spherical_dist
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.patterns.parameters import joint, probability
from bmtool_connectors.patterns.reciprocal import ReciprocalConnector
from bmtool_connectors.profiles.algebra import DistantDependentProbability
from bmtool_connectors.profiles.reciprocal_rate import NormalizedReciprocalRate
from bmtool_connectors.profiles.tabulated import Tabulated, checked_edges
from bmtool_connectors.recordings.checked import check_fit, whole_numbers
from bmtool_connectors.recordings.distance_counts import count_pairs
from bmtool_connectors.recordings.fit import Make, ProfileFit, bin_distances, fit_profile
from bmtool_connectors.recordings.intervals import clopper_pearson, design_effect

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["PairCounts"]


class PairCounts:
    """How many pairs of cells were tested and found connected, in bins of distance.

    Parameters
    ----------
    bin_edges : array_like of float, shape (n + 1,), um
        Edges of the bins, ascending; bins are ``[left, right)``, the last one with its right edge.
    n_tested : array_like of int, shape (n,)
        Pairs that were tested in both directions, at least 1 in each bin.
    n_forward, n_backward : array_like of int, shape (n,)
        Pairs with a forward (backward) connection, those with both included. `n_backward` None:
        one population, in which the two directions of a pair are exchangeable; `n_forward` is
        then the number of connections, of ``2 n_tested`` possible ones, and a pair connected
        both ways has two.
    n_both : array_like of int, shape (n,)
        Pairs connected in both directions.

    Raises
    ------
    ParameterError
        If counts are no whole numbers, do not fit each other, or a bin has no tested pair.

    Notes
    -----
    Estimates are relative frequencies: ``p0 = n_forward / n_tested``,
    ``p1 = n_backward / n_tested``, ``pr = n_both / n_tested``, and ``NRR = pr / (p0 p1)``; in one
    population ``p0 = p1 = n_forward / (2 n_tested)``. They are feasible in each bin,
    ``max(0, p0 + p1 - 1) <= pr <= min(p0, p1)``; fitted laws need not be, see `feasible`.

    Examples
    --------
    Song et al. 2005, PLoS Biol 3:e68, doi 10.1371/journal.pbio.0030068, thick-tufted cells of
    layer 5 in one bin:

    >>> song = PairCounts.one_population([0, 100], unconnected=3312, one_way=495, both_ways=218)
    >>> round(song.p0(50.0), 4), round(float(song.nrr.NRR.raw(50.0)), 2)
    (0.1157, 4.05)
    """

    def __init__(
        self,
        bin_edges: npt.ArrayLike,
        n_tested: npt.ArrayLike,
        n_forward: npt.ArrayLike,
        n_backward: npt.ArrayLike | None,
        n_both: npt.ArrayLike,
    ) -> None:
        self.bin_edges = checked_edges(bin_edges, "bin_edges of PairCounts")
        n = len(self.bin_edges) - 1
        self.n_tested = whole_numbers(n_tested, "n_tested", n)
        self.n_forward = whole_numbers(n_forward, "n_forward", n)
        self.n_backward = None if n_backward is None else whole_numbers(n_backward, "n_backward", n)
        self.n_both = whole_numbers(n_both, "n_both", n)
        for array in (self.bin_edges, self.n_tested, self.n_forward, self.n_backward, self.n_both):
            if array is not None:
                array.setflags(write=False)
        check_fit(self.bin_edges, self.n_tested, self.n_forward, self.n_backward, self.n_both)

    def __repr__(self) -> str:
        names = ("bin_edges", "n_tested", "n_forward", "n_backward", "n_both")
        given = (getattr(self, name) for name in names)
        shown = (
            f"{name}={None if value is None else value.tolist()!r}"
            for name, value in zip(names, given, strict=True)
        )
        return f"PairCounts({', '.join(shown)})"

    @classmethod
    def one_population(
        cls,
        bin_edges: npt.ArrayLike,
        unconnected: npt.ArrayLike,
        one_way: npt.ArrayLike,
        both_ways: npt.ArrayLike,
    ) -> PairCounts:
        """Return the counts of pairs within one population, as papers report them.

        Parameters
        ----------
        bin_edges : array_like of float, shape (n + 1,), um
        unconnected, one_way, both_ways : array_like of int, shape (n,)
            Pairs without a connection, with one, and with both.
        """
        n = len(checked_edges(bin_edges, "bin_edges of PairCounts")) - 1
        none = whole_numbers(unconnected, "unconnected", n)
        one, both = whole_numbers(one_way, "one_way", n), whole_numbers(both_ways, "both_ways", n)
        return cls(bin_edges, none + one + both, one + 2 * both, None, both)

    @classmethod
    def of_connector(
        cls, connector: ReciprocalConnector, bin_edges: npt.ArrayLike, p_arg: Any = None
    ) -> PairCounts:
        """Return what recordings of all pairs of a connector would count.

        Parameters
        ----------
        connector : ReciprocalConnector
            Set up; its edges are drawn if they have not been.
        bin_edges : array_like of float, shape (n + 1,), um
        p_arg : function of two nodes, optional
            A distance of this package. Default: `p0_arg` of the connector where that is one,
            else ``spherical_dist``.

        Raises
        ------
        ParameterError
            If it is no reciprocal connector, `p_arg` is another function, or a bin has no pair.

        Notes
        -----
        Time O(pairs). Self connections do not count. Pairs of cells that both of two pools share
        count in both orders, as they are drawn.
        """
        edges = checked_edges(bin_edges, "bin_edges of PairCounts")
        return cls(edges, *count_pairs(connector, edges, p_arg))

    # ------------------------------------------------------------------ estimates
    def _successes(self, of: str, owner: str) -> tuple[FloatArray, FloatArray]:
        """Return how often what was possible was found, and how often it was possible."""
        n, one = self.n_tested.astype(float), self.n_backward is None
        if of == "pr":
            return self.n_both.astype(float), n
        if of == "p0" or (of == "p1" and one):
            return self.n_forward.astype(float), n * (2 if one else 1)
        if of == "p1" and self.n_backward is not None:
            return self.n_backward.astype(float), n
        raise ParameterError(f"of of PairCounts.{owner} must be 'p0', 'p1' or 'pr', got {of!r}.")

    def _table(self, of: str) -> Tabulated:
        k, n = self._successes(of, "table")
        return Tabulated(self.bin_edges, k / n)

    @property
    def p0(self) -> Tabulated:
        """Forward probability in each bin."""
        return self._table("p0")

    @property
    def p1(self) -> Tabulated:
        """Backward probability in each bin; in one population, that of either direction."""
        return self._table("p1")

    @property
    def pr(self) -> Tabulated:
        """Probability of both directions in each bin."""
        return self._table("pr")

    @property
    def nrr(self) -> NormalizedReciprocalRate:
        """Reciprocal pairs over those expected from independence; 0 in bins without any."""
        p0, p1, pr = (np.array(getattr(self, of).p) for of in ("p0", "p1", "pr"))
        chance = p0 * p1
        rate = np.divide(pr, chance, out=np.zeros_like(pr), where=chance > 0)
        return NormalizedReciprocalRate(Tabulated(self.bin_edges, rate))

    def interval(self, of: str = "p0", level: float = 0.95) -> FloatArray:
        """Return an interval of a probability in each bin.

        Parameters
        ----------
        of : {'p0', 'p1', 'pr'}
        level : float, default 0.95
            Probability, at least, that an interval holds the true value.

        Returns
        -------
        ndarray of float, shape (n, 2)
            Low and high end.

        Notes
        -----
        Clopper and Pearson's exact interval, of independent pairs of cells: pairs that share a
        cell are taken for independent. In one population the two directions of a pair need not
        be; the interval of p is then that of ``2 n_tested / (1 + rho)`` trials, with the
        correlation rho found in the bin (at least 0, and 1 where nothing is connected, or
        everything): exact for independent directions, approximate otherwise.

        References
        ----------
        Clopper and Pearson 1934, Biometrika 26:404, doi 10.1093/biomet/26.4.404; Korn and
        Graubard 1998, Survey Methodology 24:193.
        """
        allowed = "a number in (0, 1)"
        level = number(level, "level of PairCounts.interval", allowed, 1e-9, 1 - 1e-9)
        k, n = self._successes(of, "interval")
        if self.n_backward is None and of != "pr":
            effect = design_effect(k, self.n_both.astype(float), self.n_tested.astype(float))
            k, n = k / effect, n / effect
        return clopper_pearson(k, n, level)

    def table(self, level: float = 0.95) -> pd.DataFrame:
        """Return all counts and estimates with their intervals, a row per bin."""
        import pandas as pd

        columns: dict[str, Any] = {"from": self.bin_edges[:-1], "to": self.bin_edges[1:]}
        columns["n_tested"] = self.n_tested
        for of in ("p0", "p1", "pr"):
            low, high = self.interval(of, level).T
            columns |= {of: getattr(self, of).p, f"{of}_low": low, f"{of}_high": high}
        columns["nrr"] = self.nrr.NRR.p
        return pd.DataFrame(columns)

    def fit(self, profile: Make, of: str = "p0", **start: float) -> ProfileFit:
        """Fit the parameters of a profile by maximum likelihood.

        Parameters
        ----------
        profile : type or callable
            A class of profiles, or a function that makes one: what it is called with by name is
            fitted, so ``functools.partial(GaussianDropoff, max_dist=300.0)`` fixes a range.
        of : {'p0', 'p1', 'pr'}
        **start : float
            The parameters to be fitted, each with a value to begin with.

        Returns
        -------
        ProfileFit

        Raises
        ------
        ParameterError
            If the values to begin with are not allowed or impossible, the search does not end,
            or the last bin is infinite.

        Notes
        -----
        Binomial likelihood of the counts, in which the probability of a bin is the mean of the
        profile over its distances, all alike. Standard errors come from the observed
        information. In one population both directions count, and the covariance is multiplied
        with 1 + rho, rho the correlation of directions over all bins.

        Examples
        --------
        >>> tested, forward, backward, both = [80, 90, 60], [40, 17, 4], [38, 15, 5], [20, 5, 1]
        >>> counts = PairCounts([0, 50, 100, 150], tested, forward, backward, both)
        >>> fit = counts.fit(ExponentialDropoff, scale=50.0, pmax=0.5)
        >>> {name: round(value, 2) for name, value in fit.parameters.items()}
        {'scale': 50.48, 'pmax': 0.79}
        """
        k, n = self._successes(of, "fit")
        if np.isinf(self.bin_edges[-1]):
            raise ParameterError(
                f"bin_edges of PairCounts is {self.bin_edges.tolist()!r}; a fit needs a finite "
                "last bin."
            )
        dispersion = 1.0
        if self.n_backward is None and of != "pr":
            # Within the bins: that they differ is what the law is about.
            p = k / n
            variance = (self.n_tested * p * (1 - p)).sum()
            joint = (self.n_both - self.n_tested * p * p).sum()
            dispersion = 1 + max(joint / variance, 0.0) if variance > 0 else 2.0
        return fit_profile(profile, start, self.bin_edges, k, n, dispersion)

    # ------------------------------------------------------------------ laws
    def feasible(self, p0: Any = None, p1: Any = None, pr: Any = None) -> Flags:
        """Return in which bins laws are feasible, ``max(0, p0 + p1 - 1) <= pr <= min(p0, p1)``.

        Parameters
        ----------
        p0, p1 : float or profile, optional
            Default: the estimates; in one population p1 is p0.
        pr : float or function ``pr(dist, p0, p1)``, optional
            Default: `nrr`.

        Returns
        -------
        ndarray of bool, shape (n,)
            Whether no distance of eight in a bin is infeasible by more than rounding.
        """
        laws = self._laws(p0, p1, pr)
        dist = bin_distances(self._finite_edges())
        flat, n, owner = dist.ravel(), dist.size, "of PairCounts.feasible"
        first = vectorization.of_values(laws["p0"], (flat,), n, f"p0 {owner}")
        second = vectorization.of_values(laws["p1"], (flat,), n, f"p1 {owner}")
        joint = vectorization.of_values(laws["pr"], (flat, first, second), n, f"pr {owner}")
        low, high = bounds(first, second)
        inside = (joint >= low - 1e-12) & (joint <= high + 1e-12)
        every = np.broadcast_to(inside, flat.shape).reshape(dist.shape)
        return np.array(every.all(axis=1))

    def _laws(self, p0: Any, p1: Any, pr: Any) -> dict[str, Any]:
        """Return the laws of a connector: those given, else the estimates."""
        if self.n_backward is None and p1 is not None:
            raise ParameterError(
                f"p1 of PairCounts is {p1!r}, but the counts are of one population, where p1 is "
                "p0; pass p0 only."
            )
        p0 = self.p0 if p0 is None else p0
        if self.n_backward is None:
            p1 = p0
        p1 = self.p1 if p1 is None else p1
        return {
            "p0": probability(p0, "p0 of PairCounts"),
            "p1": probability(p1, "p1 of PairCounts"),
            "pr": joint(self.nrr if pr is None else pr, "pr of PairCounts"),
        }

    def connector(
        self,
        p0: Any = None,
        p1: Any = None,
        pr: Any = None,
        p_arg: Any = spherical_dist,
        **parameters: Any,
    ) -> ReciprocalConnector:
        """Return a connector with the laws of the recordings.

        Parameters
        ----------
        p0, p1 : float or profile, optional
            Default: the estimates, 0 beyond the bins; in one population p1 is p0.
        pr : float or function ``pr(dist, p0, p1)``, optional
            Default: `nrr`, the normalized reciprocal rate of each bin.
        p_arg : function of two nodes, default ``spherical_dist``
            The distance that was measured.
        **parameters
            Of `ReciprocalConnector`.
        """
        laws = self._laws(p0, p1, pr)
        options = {"pr_arg": "0", "estimate_rho": False, **parameters}
        return ReciprocalConnector(**laws, p0_arg=p_arg, p1_arg=p_arg, **options)

    def _finite_edges(self) -> FloatArray:
        """Return the edges with an end of the last bin, for looking at it."""
        edges = np.array(self.bin_edges)
        if np.isinf(edges[-1]):
            edges[-1] = 2 * edges[-2] - edges[-3] if len(edges) > 2 else edges[-2] + 100.0
        return edges

    def plot(
        self,
        ax: Axes | None = None,
        *,
        p0: DistantDependentProbability | None = None,
        p1: DistantDependentProbability | None = None,
        pr: Any = None,
        network: PairCounts | None = None,
        level: float = 0.95,
    ) -> Axes:
        """Draw the estimates with their intervals, the laws, and what a network has.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure when omitted.
        p0, p1, pr : optional
            Laws as of `connector`; default: the estimates.
        network : PairCounts, optional
            What was counted in a network, see `of_connector`.
        level : float, default 0.95
            Of the intervals.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from bmtool_connectors.recordings.picture import draw_counts

        return draw_counts(self, self._laws(p0, p1, pr), self._finite_edges(), network, level, ax)
