"""What looks unintended of what connectors will give, and what to do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.distances import Metric
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.sampling.expected import Expected
from bmtool_connectors.sampling.laws import Joint, Law
from bmtool_connectors.sampling.plan import Plan

#: How much smaller than the reach of a law pools are whose positions may be in mm, and the reach
#: of a law than pools when it may be.
TINY = 1e-2


def hints(
    found: Expected, plan: Plan | None, source: NodeArrays, target: NodeArrays
) -> tuple[str, ...]:
    """Return what looks unintended of what a connector will give.

    Parameters
    ----------
    found : Expected
    plan : Plan or None
        With the laws of the pairs; None where they have none.
    source, target : NodeArrays
        One object within one population.
    """
    said: list[str] = []
    for law in () if plan is None else plan.laws.both():
        reach = law.reach()
        if reach is None:
            continue
        metric, most = reach
        first, second = source.positions, target.positions
        if first is None or second is None:
            continue
        backward = law.backward and source is not target
        if (found.backward if backward else found.forward) == 0:
            said += _too_far(first, second, metric, law, source is target)
        else:
            said += _too_near([first, second], metric, most, law)
    if found.edges:
        said += _infeasible(found, plan)
    if found.edges == 0 and not said:
        said.append(
            f"no pair of {source.label} and {target.label} can connect: every probability (or "
            "number of synapses) is 0."
            if found.pairs
            else f"there is no pair of {source.label} and {target.label} to connect: a node and "
            "itself are none here."
        )
    return tuple(dict.fromkeys(said))


def _infeasible(found: Expected, plan: Plan | None) -> Iterator[str]:
    """Say which share of reciprocal pairs was asked for, and what can be reached."""
    about = "~" * found.estimated
    joint = None if plan is None else plan.joint
    clipped = joint is None or joint.clip
    moved = f"{about}{found.infeasible:.2%} of the pairs with p0 > 0 and p1 > 0 are " + (
        "moved to the nearest feasible value"
        if clipped
        else "drawn as bmtool does (infeasible='bmtool'), where p1 may not hold"
    )
    if plan is None or joint is None:
        if found.infeasible:
            yield f"the joint probabilities of {moved}."
        return
    unmet, estimated = found.unmet, plan.rho_goal is not None
    if unmet is not None and not unmet.pairs:
        yield (
            f"{joint.name} is {unmet.wanted:.4g}, but no pair is valid for the estimate of rho "
            "(p0 > 0 and p1 > 0, or within dist_range_forward and dist_range_backward), so rho = 0 "
            "is used; check the ranges and the unit of the positions (um)."
        )
        return
    said = [moved] * bool(found.infeasible)
    if unmet is not None:
        name = f"{joint.name} is {unmet.wanted:.4g}, which is not feasible"
        if estimated:
            limit = "at most" if unmet.reached < unmet.wanted else "at least"
            share = f"{about}{unmet.reached:.4g} of {about}{unmet.pairs:,.0f} valid pairs"
            name = f"{joint.name} is {unmet.wanted:.4g}, which no correlation reaches"
            said.insert(0, f"{limit} {share} can be reciprocal")
        else:
            said.append(f"on average it is {about}{unmet.reached:.4g} then")
    elif estimated:
        holds = "holds on average, but" if clipped else "may not hold, because"
        name = f"{joint.name} {holds} no one correlation is feasible for all pairs"
    else:
        owner = joint.name.partition(" of ")[2]
        name = f"{joint.name if joint.rho is None else f'rho of {owner}'} is not feasible"
        said += [f"the largest change is that {found.worst}"] * bool(found.worst and clipped)
    if said:
        yield f"{name}: {' and '.join(said)}; {_advice(plan, joint)}."


def _advice(plan: Plan, joint: Joint) -> str:
    """Return what makes a joint probability feasible."""
    estimated = plan.rho_goal is not None
    if plan.laws.constant or callable(joint.pr) or (joint.rho is not None and not estimated):
        return "choose max(0, p0 + p1 - 1) <= pr <= min(p0, p1)"
    if plan.rho_goal is not None and plan.rho_goal.by_range:
        return "choose another pr, or a narrower dist_range_forward or dist_range_backward"
    more = "" if estimated else "estimate_rho=True and "
    return (
        f"if pr was measured at some distances, pass {more}dist_range_forward=(low, high) of "
        "p0_arg (or dist_range_backward, of p1_arg), so that it is the mean of pairs within them"
    )


def _too_far(
    source: npt.NDArray[Any], target: npt.NDArray[Any], metric: Metric, law: Law, recurrent: bool
) -> Iterator[str]:
    """Say how far the nearest nodes are apart, when that is beyond the reach of a law."""
    from scipy.spatial import KDTree

    own = 2 if recurrent else 1  # the nearest one of a node is itself
    if len(source) < own or law.p.bound(0.0, math.inf) == 0:  # 0 at all distances
        return
    box = [period if period < math.inf else 0.0 for period in metric.periods]
    tree = KDTree(metric.folded(source), boxsize=box if any(box) else None)
    dist = tree.query(metric.folded(target), k=[own])[0]
    nearest, most = float(np.min(dist)), float(law.p.max_dist)
    if nearest > most:
        mm = ": are positions and max_dist both in um, and not one of them in mm?"
        looks_so = most < TINY * _extent([source, target], metric)
        yield (
            f"the nearest nodes are {nearest:.4g} apart and {law.name} is 0 beyond max_dist="
            f"{most:.4g}{mm if looks_so else '.'}"
        )


def _extent(positions: list[npt.NDArray[Any]], metric: Metric) -> float:
    """Return the diagonal of the box around all nodes."""
    both = np.concatenate(positions)[:, list(metric.axes)]
    return float(np.linalg.norm(both.max(axis=0) - both.min(axis=0)))


def _too_near(
    positions: list[npt.NDArray[Any]], metric: Metric, most: float, law: Law
) -> Iterator[str]:
    """Say how near all nodes are, when that is much less than the reach of a law."""
    extent = _extent(positions, metric)
    if 0 < extent < TINY * most:
        yield (
            f"all nodes are within {extent:.4g} of each other, and {law.name} reaches to max_dist="
            f"{most:.4g}, so distance hardly matters: are the positions in mm? They are taken as "
            "um."
        )
