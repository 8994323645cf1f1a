"""Connections in both directions of a pair, correlated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bmtool_connectors import messages
from bmtool_connectors.bernoulli import after_forward, bounds, deviation, unclipped, without_forward
from bmtool_connectors.distances import spherical_dist
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.patterns import parameters
from bmtool_connectors.patterns.bidirectional import BidirectionalConnector, two_counts
from bmtool_connectors.patterns.configured import OPTIONS
from bmtool_connectors.patterns.example_laws import PROFILE
from bmtool_connectors.patterns.parameters import Argument, Count, Probability, Range, parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.sampled import Kept
from bmtool_connectors.sampling.blocks import PairBlock, PairSpace
from bmtool_connectors.sampling.laws import Joint, Law, PairLaws
from bmtool_connectors.sampling.plan import Plan, RhoGoal
from bmtool_connectors.sampling.rho import rho_of

__all__ = ["ReciprocalConnector"]


class _NotPassed(float):
    """The default of a parameter, told apart from the same value passed by the user."""


_NO_PR = _NotPassed(0.0)


class ReciprocalConnector(BidirectionalConnector):
    """Connect pairs forward with p0, backward with p1, and both ways with pr.

    Each pair is a bivariate Bernoulli variable with marginals p0 and p1 and joint probability
    pr, so its correlation is rho = (pr - p0 p1) / sqrt(p0 (1 - p0) p1 (1 - p1)).

    Parameters
    ----------
    p0, p1 : float or callable, default 1.0
        Forward and backward probability, or functions of the values of `p0_arg`, `p1_arg`.
    symmetric_p1 : bool, default False
        p1 is p0. Without `symmetric_p1_arg` the arguments must be both None or the same.
    p0_arg, p1_arg : float or callable, optional
        Arguments of p0 and p1: functions of two nodes, usually a distance (um). `p0_arg` is
        called with (source, target), `p1_arg` with (target, source).
    symmetric_p1_arg : bool, default False
        p1_arg is p0_arg.
    pr : float, callable or None, default 0.0
        Joint probability: a number, a function ``pr(pr_arg, p0, p1)``, or None for
        independence. The default means *no reciprocal pairs* (and warns when not passed).
    pr_arg : float, callable or str, optional
        First argument of `pr`: a number, a function of (source, target), or a string: with a
        '1' in it the value of p1_arg, else of p0_arg.
    estimate_rho : bool, default True
        For a constant `pr` and no `rho`: find the one rho for which the expected number of
        reciprocal pairs among the valid ones is `pr` times their number. Where pairs are many,
        a sample of them tells it; see Notes.
    rho : float, optional
        Correlation of all pairs, in [-1, 1]; `pr` then does not count.
    dist_range_forward, dist_range_backward : tuple of float, optional
        ``(low, high)``: the pairs whose p0_arg (p1_arg) lies within are the valid ones of the
        estimate; its rho applies to all pairs. Default: pairs with p0 > 0 and p1 > 0.
    n_syn0, n_syn1 : int or callable, default 1
        Synapses of a forward and of a backward connection; functions of (source, target) and
        of (target, source). 0 means no edge.
    autapses : bool, default False
        Whether a node may connect to itself (with probability p0).
    quick_pop_check : bool, default False
        Compare populations by network and filter only, and read no ids for it.
    cache_data : bool, default True
        Keep p and its argument from the estimate of rho for a pairwise draw, if it looks at all
        pairs in order (``cache`` evaluates them again when it is looked at).
        False: computed twice, less memory.
    verbose : bool, default True
        Print what is drawn.
    save_report : bool, default True
        Append a row to the CSV connection report.
    report_name : str or path, optional
        The report; default ``bmtool_connectors.report_name``.
    rng : Generator, RandomState, int, SeedSequence or None
        See :class:`BaseConnector`.
    sampler : {'auto', 'pairwise', 'sparse'}, default 'auto'
        See :class:`BaseConnector`.
    name : str, optional
        Tells apart connectors with the same seed and populations.
    infeasible : {'clip', 'bmtool'}, optional
        What is drawn of pairs whose pr is not feasible. Clip: the nearest feasible pr, so that p0
        and p1 hold. Bmtool: what bmtool draws from the same generator, so that networks published
        with it are reproduced; p1 does not hold then. Default ``bmtool_connectors.infeasible``,
        read now.

    Raises
    ------
    ParameterError
        If a parameter is not allowed, or `infeasible` is 'bmtool' with a private seed or
        ``sampler='sparse'``.

    Notes
    -----
    Within one population each unordered pair is looked at once, p1 is p0, p1_arg is p0_arg and
    n_syn1 is n_syn0.

    Per pair, in row-major order: one uniform number if p0 > 0, one if p1 > 0 (the backward
    probability is pr / p0 after a forward connection and (p1 - pr) / (1 - p0) without one),
    then whatever `n_syn0` and `n_syn1` draw. pr is first clipped to its feasible range
    max(0, p0 + p1 - 1) <= pr <= min(p0, p1), so p0 and p1 always hold exactly; the number of
    clipped pairs is reported. With ``infeasible='bmtool'`` it is not clipped, nor in the estimate
    of rho (which is then moved into [-1, 1]), and a conditional probability above 1 acts as 1, one
    below 0 as 0; all pairs are looked at, from a shared generator.

    Rho is estimated from all pairs where a shared generator is drawn pairwise, and where there are
    up to 4,194,304 pairs, or 524,288 within reach. Else from a sample, which depends on laws and
    nodes only: not on the sampler or its generator. It is so large that the error of the expected
    number of reciprocal pairs is 0.16 standard deviations of the number that is drawn.

    Time O(pairs), or O(edges) of a sparse draw; memory O(edges),
    and with `cache_data` 20 to 36 bytes per pair within reach from the estimate of rho until the
    edges are drawn.

    References
    ----------
    Song et al. 2005, PLoS Biol 3:e68, doi 10.1371/journal.pbio.0030068: reciprocal pairs are
    over-represented in cortex.

    Examples
    --------
    >>> c = ReciprocalConnector(p0=0.15, pr=0.06, estimate_rho=False, verbose=False)
    >>> c.vars['p0'], c.vars['pr']
    (0.15, 0.06)
    """

    examples = (
        {"p0": 0.3, "p1": 0.3, "pr": 0.2, "n_syn0": 2, "n_syn1": 2},
        {"p0": PROFILE, "p1": 0.4, "p0_arg": spherical_dist, "pr": None},
    )

    p0: Probability = parameter(default=1.0, in_vars=True)
    p1: Probability = parameter(default=1.0, in_vars=True)
    symmetric_p1: bool = parameter(default=False)
    p0_arg: Argument = parameter(default=None, in_vars=True)
    p1_arg: Argument = parameter(default=None, in_vars=True)
    symmetric_p1_arg: bool = parameter(default=False)
    pr: Probability | None = parameter(default=_NO_PR, in_vars=True)
    pr_arg: Argument | str = parameter(default=None, in_vars=True)
    estimate_rho: bool = parameter(default=True)
    given_rho: float | None = parameter(default=None, check=parameters.correlation, alias="rho")
    dist_range_forward: Range = parameter(default=None)
    dist_range_backward: Range = parameter(default=None)
    n_syn0: Count = parameter(default=1, in_vars=True)
    n_syn1: Count = parameter(default=1, in_vars=True)
    allow_autapses: bool = parameter(default=False, kw_only=True, alias="autapses")
    quick_pop_check: bool = parameter(default=False, kw_only=True, shown=False)
    cache_data: bool = parameter(default=True, kw_only=True, shown=False)
    _positional = ("autapses", "quick_pop_check", "cache_data", *OPTIONS)

    def _check(self) -> None:
        own = type(self).__name__
        # In a recurrent population p1_arg becomes p0_arg, so it is only missing between two.
        arg1 = self._backward(recurrent=False)[1]
        stand_in = self.p0_arg if arg1 is None else arg1
        if self.symmetric_p1 and arg1 is not self.p0_arg:
            raise ParameterError(
                f"symmetric_p1 of {own} is True with different p0_arg and p1_arg; pass "
                "symmetric_p1_arg=True as well, or the same function twice."
            )
        parameters.require_argument(self.p0, self.p0_arg, f"p0 of {own}")
        if not self.symmetric_p1:
            parameters.require_argument(self.p1, stand_in, f"p1 of {own}")
        if self.given_rho is None:  # else pr does not count
            self.__dict__["pr"] = parameters.joint(self.pr, f"pr of {own}")
            self.__dict__["pr_arg"] = parameters.joint_argument(self.pr_arg, f"pr_arg of {own}")
            parameters.require_argument(self.pr, self.pr_arg, f"pr of {own}")
        #: The mean joint probability for which one rho is to be found; None: none is.
        self._mean_pr: float | None = None
        if self.estimate_rho and self.given_rho is None and not callable(self.pr):
            self._mean_pr = self.pr
        self._check_ranges(stand_in)
        if self._given["pr"] is _NO_PR and self.given_rho is None:
            means = "no reciprocal pairs at all"
            if self.infeasible == "bmtool" and self._mean_pr is not None:
                means = "the rho of no reciprocal pairs, with which bmtool draws some nevertheless"
            self.warn_once(
                "pr",
                f"pr of ReciprocalConnector was not passed: the default 0.0 means {means}. Pass "
                "pr=0.0 if that is meant, or pr=None for independent directions.",
            )

    def _check_ranges(self, arg1: Argument) -> None:
        """Refuse ranges of arguments that are not there; `arg1` is that of p1."""
        for name, limits, which, arg in (
            ("dist_range_forward", self.dist_range_forward, "p0_arg", self.p0_arg),
            ("dist_range_backward", self.dist_range_backward, "p1_arg", arg1),
        ):
            if limits is not None and arg is None and self._mean_pr is not None:
                raise ParameterError(
                    f"{name} of {type(self).__name__} is {self._given[name]!r}, but {which} is "
                    "None, so no pair has a value to compare; pass for example "
                    f"{which}=spherical_dist."
                )

    # ------------------------------------------------------------------ uses
    def _backward(self, recurrent: bool) -> tuple[Probability, Argument, Count]:
        """Return p1, its argument and n_syn1, as one population or symmetry makes them."""
        p1 = self.p0 if recurrent or self.symmetric_p1 else self.p1
        arg1 = self.p0_arg if recurrent or self.symmetric_p1_arg else self.p1_arg
        return p1, arg1, self.n_syn0 if recurrent else self.n_syn1

    def _used(self) -> dict[str, Any]:
        if self._use is None:
            return {}
        used = zip(("p1", "p1_arg", "n_syn1"), self._backward(self._use.recurrent), strict=True)
        return dict(used)

    def _check_pools(self, projection: Projection) -> None:
        own = type(self).__name__
        if projection.recurrent:
            self._warn_overwritten(projection)
        p1, p1_arg, _ = self._backward(projection.recurrent)
        parameters.require_argument(p1, p1_arg, f"p1 of {own}")
        self._check_ranges(p1_arg)
        parameters.require_positions(
            projection, p0_arg=self.p0_arg, p1_arg=p1_arg, pr_arg=self.pr_arg
        )

    def _warn_overwritten(self, projection: Projection) -> None:
        for name, default, other in (
            ("p1", 1.0, "p0"),
            ("p1_arg", None, "p0_arg"),
            ("n_syn1", 1, "n_syn0"),
        ):
            value, used = getattr(self, name), getattr(self, other)
            if value is not used and value != used and value is not default and value != default:
                self.warn_once(
                    name,
                    f"{name} of {type(self).__name__} is {value!r}, but source and target are one "
                    f"population: {other} ({used!r}) is used for both directions.",
                    projection.ends,
                )

    # ------------------------------------------------------------------ the draw
    def _laws(self, recurrent: bool) -> PairLaws:
        own = type(self).__name__
        p1, p1_arg, _ = self._backward(recurrent)
        return PairLaws(
            Law(self.p0, self.p0_arg, f"p0 of {own}"),
            Law(p1, p1_arg, f"p1 of {own}", backward=True),
            same_arg=recurrent or self.symmetric_p1_arg,
            same_p=recurrent or self.symmetric_p1,
        )

    def _plan(self, space: PairSpace, projection: Projection | None) -> Plan:
        own, recurrent = type(self).__name__, space.source is space.target
        clip, rho = self.infeasible == "clip", self.given_rho
        goal: RhoGoal | None = None
        if rho is None and self.pr is None:
            rho = 0.0
        if self._mean_pr is not None:
            ranges = (self.dist_range_forward, self.dist_range_backward)
            goal = RhoGoal(self._mean_pr, ranges, clip)
        return Plan(
            space,
            self._laws(recurrent),
            two_counts(own, self.n_syn0, self._backward(recurrent)[2]),
            Joint(rho, self.pr, self.pr_arg, f"pr of {own}", clip),
            goal,
            none_reciprocal=clip and goal is not None and self.pr == 0 and not goal.by_range,
        )

    def _with_rho(self, plan: Plan, chosen: str) -> tuple[Plan, Kept]:
        """Return the plan with the rho that gives the mean pr asked for, and what was evaluated."""
        if plan.rho_goal is None:
            return plan, None
        assert plan.joint is not None
        own, goal = type(self).__name__, plan.rho_goal
        ends = plan.space.source, plan.space.target
        timer = messages.Timer()
        estimate, kept = rho_of(
            plan,
            follow=self._follows(plan, chosen),
            keep=self.cache_data and chosen == "pairwise",
            show_progress=self.verbose,
        )
        if not estimate.n and not plan.none_reciprocal:
            self.warn_once(
                "no valid pair",
                f"pr of {own} is {goal.pr:.4g}, but no pair is valid for the estimate of rho "
                "(p0 > 0 and p1 > 0, or within dist_range_forward and dist_range_backward), so "
                "rho = 0 is used; check the ranges and the unit of the positions (um).",
                ends,
            )
        elif estimate.reachable is not None:
            self.warn_once(
                "unreachable",
                f"pr of {own} is {goal.pr:.4g}, which no correlation reaches with "
                f"{_values(plan.laws)}; rho = {estimate.rho:.4g} gives {estimate.reachable:.4g} "
                f"among {messages.number_of(estimate.n, estimate.about)} valid pairs, and p0 and "
                f"p1 hold. {_remedy(plan.laws)}",
                ends,
            )
        if self.verbose:
            messages.say(f"Estimated value of rho={estimate.rho:.3f}")
            timer.report("Time for estimating rho")
        plan = replace(plan, unreachable=estimate.reachable is not None)
        return plan.with_rho(estimate.rho), kept

    # ------------------------------------------------------------------ views
    @property
    def autapses(self) -> bool:
        """Whether a node may connect to itself: what other connectors call `allow_autapses`."""
        return self.allow_autapses

    @property
    def rho(self) -> float | None:
        """The correlation: as given, or, once drawn, as estimated (0 for independence)."""
        drawn = None if self._use is None else self._use.connectivity
        return self.given_rho if drawn is None else drawn.rho

    def calc_pair(self, i: int, j: int) -> tuple[Any, Any, float, float]:
        """Return ``(p0_arg, p1_arg, p0, p1)`` of the pair at positions (i, j); draws nothing."""
        space = PairSpace(self.use.source, self.use.target)
        values = self._laws(self.use.recurrent).evaluate(
            PairBlock(space, i, i + 1, j, j + 1), everything=True
        )
        columns = (values.arg0, values.arg1, values.p0, values.p1)
        arg0, arg1, p0, p1 = (np.asarray(x, dtype=object).item() for x in columns)
        return arg0, arg1, p0, p1

    def cond_backward(self, forward: bool, p0: float, p1: float, pr: float) -> float:
        """Return the backward probability given the forward outcome; draws nothing.

        Parameters
        ----------
        forward : bool
            Whether the forward connection exists.
        p0, p1, pr : float
            Probabilities of the pair; `pr` does not count when there is one rho for all.
        """
        rho = self.rho
        requested = pr if rho is None else p0 * p1 + rho * deviation(p0, p1)
        if self.infeasible == "bmtool":
            p1, joint = unclipped(p0, p1, requested, rho is not None)
        else:
            joint = np.clip(requested, *bounds(p0, p1))
        return float(after_forward(p0, joint) if forward else without_forward(p0, p1, joint))

    def setup_conditional_backward_probability(self) -> None:
        """Do nothing: ``cond_backward`` is always there (kept for old scripts)."""


def _values(laws: PairLaws) -> str:
    """Return p0 and p1, as far as they are numbers: a p1 that was not passed is 1."""
    if not laws.constant:
        return "these p0 and p1"
    return "p0={:.4g} and p1={:.4g}".format(*laws.constants())


def _remedy(laws: PairLaws) -> str:
    """Return what helps where no correlation reaches the requested share of reciprocal pairs."""
    if laws.constant:
        return "Choose a pr with max(0, p0 + p1 - 1) <= pr <= min(p0, p1)."
    return (
        "It is a share of the valid pairs: pass as dist_range_forward and dist_range_backward the "
        "values of p0_arg and p1_arg (distances) between which it was measured, or choose another "
        "pr."
    )
