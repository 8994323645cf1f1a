"""The estimate of one correlation for all pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmtool_connectors.arrays import FloatArray, Values
from bmtool_connectors.bernoulli import RhoSums, carried, joint_from_rho, solve_rho
from bmtool_connectors.progress import progress
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.laws import BlockValues, PairLaws
from bmtool_connectors.sampling.plan import RhoGoal


@dataclass(frozen=True)
class RhoEstimate:
    """One correlation for all pairs, and what it is based on.

    Attributes
    ----------
    rho : float
    n : int
        Number of valid pairs.
    reachable : float or None
        The mean joint probability that results, where the goal cannot be reached.
    """

    rho: float
    n: int
    reachable: float | None = None


def estimate_rho(
    space: PairSpace,
    laws: PairLaws,
    goal: RhoGoal,
    evaluate: Callable[[], Iterable[BlockValues]],
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
        Returns the laws evaluated on all pairs that may be valid, block by block.
    keep : bool
        Keep what was evaluated for the draw.
    in_order : bool, default True
        The pairs come in row-major order, and are added in it.

    Returns
    -------
    estimate : RhoEstimate
    kept : list of BlockValues or None
    """
    pr, ranges, by_range = goal.pr, goal.ranges, goal.by_range
    n_self = 0 if space.self_pairs is None else int((space.self_pairs >= 0).sum())
    sums = RhoSums(in_order)
    kept: list[BlockValues] | None = None
    equal = laws.constant and not by_range
    if equal:
        p0, p1 = laws.constants()
        if p0 > 0 and p1 > 0:
            sums.add_equal(space.n_pairs - n_self, p0, p1)
    else:
        kept = [] if keep else None
        with progress(space.n_pairs, show_progress) as advance:
            for values in evaluate():
                sums.add(*_valid(values, ranges, n_self > 0))
                if kept is not None:
                    values.candidates.forget()  # the distances of the whole rectangle
                    kept.append(values)
                advance(values.candidates.looked_at)

    def valid_pairs() -> Iterable[tuple[Values, Values]]:
        if equal:
            return [(np.array([p0]), np.array([p1]))]
        blocks = evaluate() if kept is None else kept
        return (_valid(values, ranges, n_self > 0) for values in blocks)

    rho = sums.closed_form(pr)
    if sums.spread == 0:  # every law is certain, and so is the joint probability
        fixed = sums.independent / max(sums.n, 1)
        return RhoEstimate(rho, sums.n, fixed if abs(fixed - pr) > 1e-9 else None), kept
    if not goal.clip:
        forced, reached = min(max(rho, -1.0), 1.0), None
        if forced != rho and not sums.clips(forced):
            # Of infeasible pairs the draw tells what becomes of them.
            reached = (sums.independent + forced * sums.spread) / sums.n
        return RhoEstimate(forced, sums.n, reached), kept
    if not sums.clips(rho):
        return RhoEstimate(rho, sums.n), kept

    def expected(trial: float) -> float:
        total = 0.0
        for p0, p1 in valid_pairs():
            total = carried(total, joint_from_rho(trial, p0, p1))
        return total * (sums.n if equal else 1)

    target = pr * sums.n
    rho = solve_rho(expected, target, sums.lowest, sums.highest)
    reached = expected(rho) / sums.n
    missed = abs(reached - pr) > 1e-9
    return RhoEstimate(rho, sums.n, reached if missed else None), kept


def _valid(
    values: BlockValues, ranges: tuple[Any, Any], leave_self: bool
) -> tuple[FloatArray, FloatArray]:
    """Return p0 and p1 of the pairs of a block that count for the estimate."""
    n = values.candidates.n
    p0 = np.broadcast_to(values.p0, (n,))
    p1 = p0 if values.p1 is values.p0 else np.broadcast_to(values.p1, (n,))
    if all(each is None for each in ranges):
        valid = (p0 > 0) & (p1 > 0)
    else:
        valid = np.ones(n, dtype=bool)
        for limits, arg in zip(ranges, (values.arg0, values.arg1), strict=True):
            if limits is not None:
                inside = (arg >= limits[0]) & (arg <= limits[1])
                valid &= inside
    if leave_self:
        valid &= ~values.candidates.space.is_self(*values.candidates.pairs())
    if valid.all():
        return p0, p1
    chosen = p0[valid]
    return chosen, chosen if p1 is p0 else p1[valid]
