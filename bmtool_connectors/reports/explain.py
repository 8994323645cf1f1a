"""Why one pair of nodes is connected, or not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bmtool_connectors.bernoulli import deviation
from bmtool_connectors.reports.tables import Report, aligned, number_text
from bmtool_connectors.sampling.blocks import PairBlock
from bmtool_connectors.sampling.laws import BlockValues, Clipping
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.reference_laws import ReferenceLaw

__all__ = ["Explanation", "pair_law"]

NOT_DRAWN = "not drawn yet"


@dataclass(frozen=True)
class Explanation(Report):
    """What is known of one pair of nodes.

    Attributes
    ----------
    source_id, target_id : int
        Node ids.
    outcome : {'forward', 'backward', 'both', 'none', 'not drawn yet'}
        How the pair is connected; from source to target is forward.
    n_syn, n_syn_backward : int or None
        Synapses in each direction; None before the draw.
    distance : float or None
        Value of the argument of `p0`, usually a distance (um); None without one.
    distance_backward : float or None
        The same of `p1`.
    p0, p1 : float or None
        Probabilities forward and backward, as they are drawn; None where pairs have none.
    pr_wanted, pr : float or None
        Probability of both, as the parameters ask for it and as it is drawn, after clipping to what
        is feasible; None with one direction, or while a correlation is still to be estimated.
    rho : float or None
        Correlation of the two directions with `pr`; None where one of them is certain.
    state : int or None
        In how many directions the connector that the law depends on connects the pair.
    law : str or None
        Parameter of the law that applied, where it depends on that.
    note : str
        What else is known.
    """

    source_id: int
    target_id: int
    outcome: str = NOT_DRAWN
    n_syn: int | None = None
    n_syn_backward: int | None = None
    distance: float | None = None
    distance_backward: float | None = None
    p0: float | None = None
    p1: float | None = None
    pr_wanted: float | None = None
    pr: float | None = None
    rho: float | None = None
    state: int | None = None
    law: str | None = None
    note: str = ""

    def records(self) -> list[dict[str, Any]]:
        """Return the one row, by column."""
        return [asdict(self)]

    def as_dict(self) -> dict[str, Any]:
        """Return all that is known, as plain values."""
        return asdict(self)

    def __str__(self) -> str:
        known = [
            [name, value if isinstance(value, str) else number_text(value)]
            for name, value in list(asdict(self).items())[2:-1]
            if value not in (None, "")
        ]
        lines = [f"from node {self.source_id} to node {self.target_id}", *aligned(known)]
        return "\n".join(lines + [f"  {self.note}"] * bool(self.note))


def pair_law(plan: Plan, i: int, j: int) -> dict[str, Any]:
    """Return what the laws say of one pair, by attribute of an :class:`Explanation`.

    Parameters
    ----------
    plan : Plan
        With its rho, if that is known.
    i, j : int
        Positions of the nodes; in any order within one population.
    """
    space = plan.space
    swapped = space.kind != "all" and i > j
    if swapped:
        i, j = j, i
    left_out = space.left_out is not None and space.left_out[i] == j
    if left_out or (i == j and space.kind == "upper"):
        return {"note": "a node and itself are no pair here"}
    values = plan.laws.evaluate(PairBlock(space, i, i + 1, j, j + 1), everything=True)
    found: dict[str, Any] = {"distance": _number(values.arg0), "p0": _first(values.p0)}
    found |= _state(plan, values)
    if plan.joint is None:
        return found
    if space.is_self(np.array([i]), np.array([j]))[0]:
        return {**found, "note": "a node and itself have one direction"}
    found |= {"distance_backward": _number(values.arg1), "p1": _first(values.p1)}
    if plan.rho_wanted is not None:
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
    wanted = _first(plan.joint.requested(values, first, *laws))
    p1, pr = map(_first, plan.joint.drawn(values, first, *laws, Clipping()))
    spread = float(deviation(p0, p1))
    rho = (pr - p0 * p1) / spread if spread > 0 else None
    return {"p1": p1, "pr_wanted": wanted, "pr": pr, "rho": rho}


def _first(values: Any) -> float:
    return float(np.ravel(values)[0])


def _number(values: Any) -> float | None:
    """Return the argument of the pair, where it is a number."""
    first = None if values is None else np.ravel(values)[0]
    return float(first) if isinstance(first, int | float | np.number) else None
