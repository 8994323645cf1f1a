"""The rho of a plan: from all pairs where these are few, else from pairs that stand for them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from bmtool_connectors import randomness
from bmtool_connectors.arrays import FloatArray
from bmtool_connectors.bernoulli import RhoSums, joint_from_rho, weighed
from bmtool_connectors.sampling import sparse
from bmtool_connectors.sampling.estimate import (
    RhoEstimate,
    Weighed,
    estimate_rho,
    find_rho,
    valid_pairs,
)
from bmtool_connectors.sampling.laws import BlockValues, PairLaws
from bmtool_connectors.sampling.plan import Plan, RhoGoal
from bmtool_connectors.sampling.strata import Strata, StratumSums

__all__ = ["rho_of"]

#: Pairs of the space, and pairs within reach, up to which all are looked at.
MOST_PAIRS, MOST_WITHIN = 1 << 22, 1 << 19
#: Standard error of the expected number of reciprocal pairs, in standard deviations of the
#: realised number.
ACCURACY = 0.16
#: Pairs that are looked at first, to know how many are needed, and of these valid ones at least.
FIRST, FEWEST_VALID = 1 << 18, 1 << 10
#: A goal that is missed by so many standard errors is beyond reach.
BEYOND = 6.0


def rho_of(
    plan: Plan, *, follow: bool, keep: bool, show_progress: bool = False
) -> tuple[RhoEstimate, list[BlockValues] | None]:
    """Find the one rho of a plan.

    Parameters
    ----------
    plan : Plan
        With a goal.
    follow : bool
        All pairs are looked at and added in row-major order, as bmtool does it.
    keep : bool
        Keep what was evaluated in that order for the draw.
    show_progress : bool

    Returns
    -------
    estimate : RhoEstimate
    kept : list of BlockValues or None

    Notes
    -----
    Without `follow`, the estimate depends on laws and nodes only: not on the sampler, and on no
    generator of the user. It is exact up to MOST_PAIRS pairs, or MOST_WITHIN within reach. Beyond,
    a stratified sample is looked at that is large enough for ACCURACY: O(edges).
    """
    space, laws, goal = plan.space, plan.laws, plan.rho_goal
    assert goal is not None

    def in_order() -> Iterable[tuple[BlockValues, None]]:
        found = laws.over(space, everything=goal.by_range)
        return ((values, None) for values in found)

    if is_in_order(plan, follow):
        return estimate_rho(
            space, laws, goal, in_order, keep=keep, in_order=True, show_progress=show_progress
        )
    if not goal.by_range and any(law.is_never for law in laws.both()):
        return RhoEstimate(0.0, 0), None
    if laws.constant:
        return _of_equal(in_order(), goal), None
    strata = Strata(space, laws, goal.reach(laws))
    found = _sampled(strata, laws, goal) if strata.total > MOST_WITHIN else None
    if found is not None:
        return found, None
    return estimate_rho(
        space,
        laws,
        goal,
        lambda: ((laws.evaluate_on(pairs), None) for pairs in strata.every()),
        keep=False,
        in_order=False,
        show_progress=show_progress,
    )


def is_in_order(plan: Plan, follow: bool) -> bool:
    """Whether all pairs are looked at in row-major order, and can be kept for the draw."""
    laws, goal = plan.laws, plan.rho_goal
    assert goal is not None
    few = plan.space.n_pairs <= MOST_PAIRS or (laws.constant and not goal.by_range)
    return follow or few or sparse.why_not(laws) is not None


def _of_equal(blocks: Iterable[tuple[BlockValues, None]], goal: RhoGoal) -> RhoEstimate:
    """Return the rho of pairs with one law: any of them tells it."""
    for values, _ in blocks:
        p0, p1 = (each[:1] for each in valid_pairs(values, goal)[1:3])
        if len(p0):
            sums, one = RhoSums(in_order=False), [(p0, p1, None)]
            sums.add(p0, p1)
            found = find_rho(sums, lambda: one, goal)  # noqa: B023
            return replace(found, n=math.nan)
    return RhoEstimate(0.0, 0)


class _First:
    """The valid ones of the pairs that are looked at first, and what they tell.

    Parameters
    ----------
    strata : Strata
    laws : PairLaws
    goal : RhoGoal
    rng : Generator
    """

    def __init__(
        self, strata: Strata, laws: PairLaws, goal: RhoGoal, rng: np.random.Generator
    ) -> None:
        self._strata, self._looks = strata, StratumSums(strata)
        columns = []
        for looks in strata.look(strata.shares(FIRST), rng):
            self._looks.add_looks(looks)
            which, p0, p1, _ = valid_pairs(laws.evaluate_on(looks.pairs), goal)
            kept = looks.kept[which]
            columns.append((looks.stratum[kept], looks.x[kept], p0, p1))
        self._stratum, self._x, p0, p1 = map(np.concatenate, zip(*columns, strict=True))
        self.n = len(p0)
        p1 = p0 if laws.same_p else p1
        weight = self._looks.weights(self._stratum, self._x)
        self.pairs: Weighed = p0, p1, weight
        self.sums = RhoSums(in_order=False)
        self.sums.add(p0, p1, weight)

    def find(self, goal: RhoGoal, more: float = 0.0) -> RhoEstimate:
        """Return the estimate, where some reciprocal pairs are known to be missing."""
        found = replace(find_rho(self.sums, lambda: [self.pairs], goal, more=more), about=True)
        rho, sums = found.rho, self.sums
        if sums.clips(rho) and not sums.lowest < rho < sums.highest:
            # Where all that were looked at are clipped, all are to be.
            return replace(found, rho=-1.0 if rho <= sums.lowest else 1.0)
        return found

    def variance(self, rho: float) -> float:
        """Return the variance of the realised number of reciprocal pairs."""
        p0, p1, weight = self.pairs
        joint = joint_from_rho(rho, p0, p1)
        return max(weighed(joint * (1 - joint), weight), 0.0)

    def missing(self, rho: float, goal: RhoGoal) -> StratumSums:
        """Return the sums of the reciprocal pairs that are too many."""
        p0, p1, _ = self.pairs
        sums = self._looks.copy()
        sums.add_values(self._stratum, self._x, joint_from_rho(rho, p0, p1) - goal.pr)
        return sums


def _sampled(strata: Strata, laws: PairLaws, goal: RhoGoal) -> RhoEstimate | None:
    """Return an estimate from some of the pairs; None where it takes nearly all of them."""
    rng = randomness.looking("rho")
    first = _First(strata, laws, goal, rng)
    if first.n < FEWEST_VALID:
        return None
    found = first.find(goal)
    sums = first.missing(found.rho, goal)
    error, allowed = float(sums.errors()[0]), ACCURACY**2 * first.variance(found.rho)
    beyond = found.reachable is not None and abs(float(sums.totals()[0])) > BEYOND * error
    if beyond or error**2 <= allowed:
        return found
    shares = strata.best_shares(sums.spreads()[0], allowed)
    if 2 * float((shares * strata.size).sum()) > strata.total:
        return None
    again = StratumSums(strata)
    for looks in strata.look(shares, rng):
        again.add_looks(looks)
        which, p0, p1, _ = valid_pairs(laws.evaluate_on(looks.pairs), goal)
        kept = looks.kept[which]
        too_many: FloatArray = joint_from_rho(found.rho, p0, p1) - goal.pr
        again.add_values(looks.stratum[kept], looks.x[kept], too_many)
    # What the first pairs tell is right but for a small number, that changes little with rho.
    return first.find(goal, float(again.totals()[0] - sums.totals()[0]))
