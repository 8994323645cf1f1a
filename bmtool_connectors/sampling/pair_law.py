"""What the laws of a plan say of one pair of nodes."""

from __future__ import annotations

from typing import Any

import numpy as np

from bmtool_connectors.bernoulli import deviation
from bmtool_connectors.sampling.blocks import PairBlock
from bmtool_connectors.sampling.laws import BlockValues, Clipping
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.reference_laws import ReferenceLaw

__all__ = ["pair_law"]


def pair_law(plan: Plan, i: int, j: int) -> dict[str, Any]:
    """Return what the laws say of one pair, by attribute of an ``Explanation``.

    Parameters
    ----------
    plan : Plan
        With its rho, if that is known.
    i, j : int
        Indices of the nodes; in any order within one population.
    """
    space = plan.space
    swapped = space.kind != "all" and i > j
    if swapped:
        i, j = j, i
    left_out = space.left_out is not None and space.left_out[i] == j
    if left_out or (i == j and space.kind == "upper"):
        return {"note": "a node and itself are no pair here"}
    values = plan.laws.evaluate(PairBlock(space, i, i + 1, j, j + 1), everything=True)
    found: dict[str, Any] = {"distance": _number(values.arg0), "p0": _first_value(values.p0)}
    found |= _state(plan, values)
    if plan.joint is None:
        return found
    if space.is_self(np.array([i]), np.array([j]))[0]:
        return {**found, "note": "a node and itself have one direction"}
    found |= {"distance_backward": _number(values.arg1), "p1": _first_value(values.p1)}
    if plan.rho_goal is not None:
        found["note"] = "rho is estimated when the edges are drawn"
    else:
        found |= _joint(plan, values, found["p0"], found["p1"])
    if swapped:
        for one, other in (("p0", "p1"), ("distance", "distance_backward")):
            found[one], found[other] = found[other], found[one]
    return found


def _state(plan: Plan, values: BlockValues) -> dict[str, Any]:
    """Return how the pair is connected by another connector, and which laws that chose."""
    law = plan.laws.forward
    if not isinstance(law, ReferenceLaw):
        return {}
    assert law.reference is not None
    state = int(law.reference.of(values.candidates)[0][0])
    names = [law.laws[min(state, len(law.laws) - 1)].name]
    if isinstance(plan.laws.backward, ReferenceLaw):
        laws = plan.laws.backward.laws
        names.append(laws[min(state, len(laws) - 1)].name)
    parameters = dict.fromkeys(name.partition(" of ")[0] for name in names)
    return {"state": state, "law": ", ".join(parameters)}


def _joint(plan: Plan, values: BlockValues, p0: float, p1: float) -> dict[str, Any]:
    """Return p1 and the joint probability as they are drawn, pr before, and the correlation."""
    assert plan.joint is not None
    first, laws = np.arange(1), (np.array([p0]), np.array([p1]))
    wanted = _first_value(plan.joint.requested(values, first, *laws))
    p1, pr = map(_first_value, plan.joint.to_draw(values, first, *laws, Clipping()))
    spread = float(deviation(p0, p1))
    rho = (pr - p0 * p1) / spread if spread > 0 else None
    return {"p1": p1, "pr_wanted": wanted, "pr": pr, "rho": rho}


def _first_value(values: Any) -> float:
    return float(np.ravel(values)[0])


def _number(values: Any) -> float | None:
    """Return the argument of the pair, where it is a number."""
    first = None if values is None else np.ravel(values)[0]
    return float(first) if isinstance(first, int | float | np.number) else None
