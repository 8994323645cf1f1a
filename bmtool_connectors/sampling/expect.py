"""What a draw will give and cost, before anything is drawn."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from bmtool_connectors import randomness
from bmtool_connectors.arrays import index_dtype
from bmtool_connectors.distances import metric_of
from bmtool_connectors.sampling.blocks import PairBlock, PairSpace
from bmtool_connectors.sampling.candidates import ListedPairs
from bmtool_connectors.sampling.cost import COUNT_LOOKS, FIRST_LOOKS, LOOKS, cost
from bmtool_connectors.sampling.estimate import estimate_rho
from bmtool_connectors.sampling.expected import NUMBERS, PARTS, Expected, Unmet
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.possible import MOST_COUNTED
from bmtool_connectors.sampling.reference_laws import (
    ReferenceJoint,
    background,
    background_joint,
    listed,
)
from bmtool_connectors.sampling.rho import MOST_WITHIN, is_in_order
from bmtool_connectors.sampling.sample import Sample
from bmtool_connectors.sampling.sums import BACKWARD, EDGES, FORWARD, RECIPROCAL, CountSums

__all__ = ["MOST_PAIRS", "Expected", "expect"]

#: Pairs up to which all are looked at; if there are more within reach, as many stand for all.
MOST_PAIRS = 1 << 18


def expect(
    plan: Plan,
    chosen: str,
    looks: int | None = None,
    share: float = 1.0,
    key: tuple[str | None, ...] = (),
    *,
    costs: bool = True,
    follow: bool = False,
    keep: bool = False,
    counts: bool = False,
) -> Expected:
    """Return what the plan gives, drawn with the chosen sampler.

    Parameters
    ----------
    plan : Plan
    chosen : {'pairwise', 'sparse'}
    looks : int, default MOST_PAIRS
        Pairs that stand for all, if there are more than MOST_PAIRS; but then no more than that are
        looked at in any case if a Python function is called for each.
    share : float, default 1.0
        Share of the sources that take part, chosen at random, of one direction.
    key : tuple of str or None
        Labels by which edge types are told apart: each has a sample of its own.
    costs : bool
        Whether memory and time are told.
    follow : bool
        The estimate of rho looks at all pairs; see ``rho_of``.
    keep : bool
        What the estimate of rho evaluates is kept for a pairwise draw.
    counts : bool
        Possible pairs are counted after a sparse draw.
    """
    looks = MOST_PAIRS if looks is None else looks
    most = (looks if plan.needs_python_calls else MOST_PAIRS), looks
    space, laws = plan.space, background(plan.laws)
    stream = functools.partial(randomness.looking, *key)
    sample = Sample(space, laws, *most, stream)
    goal, unmet, passes, searched, looked_at = plan.rho_goal, None, 0, 0.0, 0.0
    ordered = goal is not None and is_in_order(plan, follow)
    if goal is not None:
        valid = sample
        if goal.by_range:
            valid = Sample(space, laws, *most, stream, goal.reach(laws))
            searched = space.n_pairs if chosen == "pairwise" else valid.pairs
        found, _ = estimate_rho(space, laws, goal, valid.evaluate, keep=False, in_order=False)
        if found.reachable is not None:
            unmet = Unmet(goal.pr, found.reachable, found.n)
        plan, passes = plan.with_rho(found.rho), found.passes
    sums = _sums(plan, sample, share)
    if goal is not None and not goal.by_range:
        searched = sums.within
    counted = counts and chosen == "sparse" and not laws.constant
    reachable = sample.pairs if counted else 0
    if reachable > MOST_COUNTED:
        reachable, looked_at = 0, min(reachable, COUNT_LOOKS)
    if goal is not None and not ordered and searched > MOST_WITHIN:
        passes = 0
        looked_at += min(searched, FIRST_LOOKS + LOOKS * float(sums.mean[RECIPROCAL]))
    mean, error, sd = share * sums.mean, share * sums.error, sums.deviation(share)
    visits = 0.0
    if chosen == "sparse":
        visits = float(mean[EDGES]) if laws.constant else share * sample.visits
    seconds, kept_bytes, n_bytes = 0.0, 0, 0
    if costs:
        seconds, kept_bytes = cost(
            plan,
            chosen,
            keep=keep and ordered,
            share=share,
            within=sums.within,
            visits=visits,
            edges=float(mean[EDGES]),
            passes=passes,
            searched=searched,
            reachable=reachable,
            looks=looked_at,
        )
        n_bytes = round(mean[EDGES] * _bytes_per_edge(plan))
    # Which of the sums: within one population all edges are forward.
    kinds: tuple[Any, ...] = (FORWARD, BACKWARD, RECIPROCAL)
    if space.source is space.target:
        kinds = (EDGES, [], RECIPROCAL)
    numbers: dict[str, Any] = {
        name + part: float(np.sum(values[which]))
        for part, values in zip(PARTS, (mean, sd, error), strict=True)
        for name, which in zip(NUMBERS, kinds, strict=True)
    }
    return Expected(
        sampler=chosen,
        pairs=space.n_pairs,
        infeasible=0.0 if plan.none_reciprocal else sums.clipped / max(sums.both, 1.0),
        standard_error=float(error[EDGES]),
        n_bytes=n_bytes,
        seconds=seconds,
        kept_bytes=kept_bytes,
        max_step=sums.max_step(share),
        independent=sums.independent,
        reciprocal_per_rho=sums.reciprocal_per_rho,
        degrees=sums.degrees(_kind(plan), share),
        unmet=None if plan.none_reciprocal else unmet or _unmet(plan, sums),
        worst=None if plan.none_reciprocal else sums.worst,
        **numbers,
    )


def _unmet(plan: Plan, sums: CountSums) -> Unmet | None:
    """Return what becomes of one joint probability for all pairs, where it is not feasible."""
    joint = plan.joint
    if not sums.clipped or joint is None or isinstance(joint, ReferenceJoint):
        return None
    if joint.rho is not None or callable(joint.pr) or not all(sums.counted):
        return None
    return Unmet(float(joint.pr), float(sums.mean[RECIPROCAL] / sums.both), float(sums.both))


def _sums(plan: Plan, sample: Sample, share: float) -> CountSums:
    """Return the sums over all pairs, or over a sample that stands for them."""
    space, laws, joint = plan.space, background(plan.laws), background_joint(plan.joint)
    # A count of 0 is no edge.
    counted = tuple(callable(each.value) or each.value > 0 for each in plan.n_syn)
    symmetric = _is_symmetric(plan, share)
    sums = CountSums(counted, len(space.source), len(space.target), symmetric)
    if laws.constant and (joint is None or joint.rho is not None or not callable(joint.pr)):
        for pairs, n in _alike(space):
            sums.add(laws.evaluate_on(pairs), joint, n)
        sums.equal_pairs(space)
    else:
        for values, total in sample.parts():
            sums.add(values, joint, total)
    found = listed(plan.laws, space)
    if found is not None:  # these have a law of their own
        sums.add(laws.evaluate_on(found), joint, sign=-1)
        sums.add(plan.laws.evaluate_on(found), plan.joint)
    sums.settle()
    return sums


def _alike(space: PairSpace) -> Iterator[tuple[ListedPairs, int]]:
    """Yield a pair of two nodes and one of a node with itself, and how many each stands for."""
    columns = space.self_pairs
    rows = np.flatnonzero(columns >= 0) if columns is not None else np.empty(0, dtype=np.int64)
    n_other = space.n_pairs - len(rows)
    if len(rows):
        assert columns is not None
        yield ListedPairs(space, rows[:1], columns[rows[:1]]), len(rows)
    if n_other:
        i, j = PairBlock.whole(space).of_rank(np.arange(min(2, space.n_pairs)))
        other = np.flatnonzero(~space.is_self(i, j))[:1]
        yield ListedPairs(space, i[other], j[other]), n_other


def _is_symmetric(plan: Plan, share: float) -> bool:
    """Whether (i, j) and (j, i) are drawn independently, with the same probability."""
    space, law = plan.space, plan.laws.forward
    same = law.is_constant or metric_of(law.arg) is not None
    ordered = space.kind == "all" and space.source is space.target
    return plan.joint is None and ordered and same and share == 1


def _kind(plan: Plan) -> str:
    """Return in which directions the edges of a plan are; see :meth:`CountSums.degrees`."""
    if plan.joint is None:
        return "undirected" if plan.space.kind == "upper" else "one way"
    return "together" if plan.space.source is plan.space.target else "both ways"


def _bytes_per_edge(plan: Plan) -> int:
    """Return how much an edge takes: two indices, a count and an argument if they differ."""
    space = plan.space
    size = sum(index_dtype(len(nodes)).itemsize for nodes in (space.source, space.target))
    size += 2 * any(callable(each.value) for each in plan.n_syn)
    return size + 8 * any(callable(law.arg) or not law.is_constant for law in plan.laws.both())
