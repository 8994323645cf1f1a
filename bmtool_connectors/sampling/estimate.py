"""The estimate of one correlation for all pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from bmtool_connectors.arrays import FloatArray, Index, Values
from bmtool_connectors.bernoulli import RhoSums, carried, joint_from_rho, solve_rho, weighed
from bmtool_connectors.progress import progress
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.laws import BlockValues, PairLaws
from bmtool_connectors.sampling.plan import RhoGoal

#: Pairs of a space up to which p0 and p1 are kept for the search.
MOST_KEPT = 1 << 22

#: p0 and p1 of pairs, and for how many pairs each stands (None: for itself).
Weighed: TypeAlias = "tuple[FloatArray, FloatArray, Values]"


@dataclass(frozen=True)
class RhoEstimate:
    """One correlation for all pairs, and what it is based on.

    Attributes
    ----------
    rho : float
    n : float
        Number of valid pairs; NaN where they were not counted.
    reachable : float or None
        The mean joint probability that results, where the goal cannot be reached.
    about : bool
        The numbers were estimated.
    passes : int
        How often all pairs have been gone through; not at all where they are alike.
    """

    rho: float
    n: float
    reachable: float | None = None
    about: bool = False
    passes: int = 1


def estimate_rho(
    space: PairSpace,
    laws: PairLaws,
    goal: RhoGoal,
    evaluate: Callable[[], Iterable[tuple[BlockValues, float | None]]],
    *,
    keep: bool,
    in_order: bool = True,
    show_progress: bool = False,
) -> tuple[RhoEstimate, list[BlockValues] | None]:
    """Find the one rho for which valid pairs are reciprocal with the mean probability asked for.

    Parameters
    ----------
    space : PairSpace
    laws : PairLaws
    goal : RhoGoal
    evaluate : callable
        Returns the laws evaluated on all pairs that may be valid, block by block, and for how many
        pairs each stands (None: for itself).
    keep : bool
        Keep what was evaluated for the draw.
    in_order : bool, default True
        The pairs come in row-major order, and are added in it.

    Returns
    -------
    estimate : RhoEstimate
    kept : list of BlockValues or None
    """
    sums = RhoSums(in_order)
    if laws.constant and not goal.by_range:
        p0, p1 = laws.constants()
        n_self = 0 if space.self_pairs is None else int((space.self_pairs >= 0).sum())
        if p0 > 0 and p1 > 0:
            sums.add_equal(space.n_pairs - n_self, p0, p1)
        one = [(np.array([p0]), np.array([p1]), None)]
        return replace(find_rho(sums, lambda: one, goal, times=sums.n), passes=0), None
    kept: list[BlockValues] | None = [] if keep else None
    # Where pairs are few their probabilities are kept for the search: they take little memory.
    valid: list[Weighed] | None = [] if not keep and space.n_pairs <= MOST_KEPT else None
    with progress(space.n_pairs, show_progress) as advance:
        for values, weight in evaluate():
            found = valid_pairs(values, goal, weight)[1:]
            sums.add(*found)
            if kept is not None:
                values.candidates.forget()  # the distances of the whole rectangle
                kept.append(values)
            elif valid is not None:
                valid.append(found)
            advance(values.candidates.looked_at)

    def pairs() -> Iterable[Weighed]:
        if valid is not None:
            return valid
        blocks = evaluate() if kept is None else ((values, None) for values in kept)
        return (valid_pairs(values, goal, weight)[1:] for values, weight in blocks)

    return find_rho(sums, pairs, goal), kept


def find_rho(
    sums: RhoSums,
    pairs: Callable[[], Iterable[Weighed]],
    goal: RhoGoal,
    *,
    times: float = 1,
    more: float = 0.0,
) -> RhoEstimate:
    """Find rho from sums over valid pairs, and from the pairs where some are clipped.

    Parameters
    ----------
    sums : RhoSums
    pairs : callable
        Returns the valid pairs that were added, again.
    goal : RhoGoal
    times : float
        All of them are alike, and so many.
    more : float
        Reciprocal pairs that are known to be missing from the sums.
    """
    pr, rho = goal.pr, sums.closed_form(goal.pr, more)
    if sums.spread == 0:  # every law is certain, and so is the joint probability
        fixed = sums.independent / max(sums.n, 1)
        return RhoEstimate(rho, sums.n, fixed if abs(fixed - pr) > 1e-9 else None)
    if not goal.clip:
        forced, reached = min(max(rho, -1.0), 1.0), None
        if forced != rho and not sums.clips(forced):
            # Of infeasible pairs the draw tells what becomes of them.
            reached = sums.unclipped(forced) / sums.n
        return RhoEstimate(forced, sums.n, reached)
    if not sums.clips(rho):
        return RhoEstimate(rho, sums.n)

    passes = 1

    def expected(trial: float) -> float:
        nonlocal passes
        passes += 1
        total = 0.0
        for p0, p1, weight in pairs():
            joint = joint_from_rho(trial, p0, p1)
            total = carried(total, joint) if weight is None else total + weighed(joint, weight)
        return total * times

    rho = solve_rho(expected, pr * sums.n - more, sums.lowest, sums.highest)
    reached = (expected(rho) + more) / sums.n
    missed = abs(reached - pr) > 1e-9
    return RhoEstimate(rho, sums.n, reached if missed else None, passes=passes)


def valid_pairs(
    values: BlockValues, goal: RhoGoal, weight: float | None = None
) -> tuple[Index | slice, FloatArray, FloatArray, float | None]:
    """Return which pairs of a block count for the estimate, their p0 and p1, and their weight."""
    n = values.candidates.n
    p0 = np.broadcast_to(values.p0, (n,))
    p1 = p0 if values.p1 is values.p0 else np.broadcast_to(values.p1, (n,))
    if not goal.by_range:
        valid = (p0 > 0) & (p1 > 0)
    else:
        valid = np.ones(n, dtype=bool)
        for limits, arg in zip(goal.ranges, (values.arg0, values.arg1), strict=True):
            if limits is not None:
                inside = (arg >= limits[0]) & (arg <= limits[1])
                valid &= inside
    space = values.candidates.space
    if space.self_pairs is not None:
        valid &= ~space.is_self(*values.candidates.pairs())
    if valid.all():
        return slice(None), p0, p1, weight
    which = np.flatnonzero(valid)
    chosen = p0[which]
    return which, chosen, chosen if p1 is p0 else p1[which], weight
