"""What a draw takes: seconds and memory, roughly."""

from __future__ import annotations

from bmtool_connectors.sampling.estimate import MOST_KEPT
from bmtool_connectors.sampling.plan import Plan

__all__ = ["cost"]

#: Seconds that a core of 2024 takes, about: per pair, for each direction, to be drawn; to compare a
#: distance with the reach; to evaluate a law of distance; to find a joint probability.
PAIR, NEAR, LAW, JOINT = 4e-9, 6e-9, 15e-9, 20e-9
#: Per pair that a sparse draw visits, with one law for all pairs or not; to gather a pair of all
#: that a sparse draw may visit.
VISIT, VISIT_NEAR, GATHER = 10e-9, 50e-9, 20e-9
#: Per pair of a sample that rho, or the number of possible pairs, is estimated from; and how many
#: there are, per reciprocal pair and at least, and for possible pairs.
LOOK, LOOKS, FIRST_LOOKS, COUNT_LOOKS = 90e-9, 12.0, 3e5, 1e7
#: Per pair and step of the search for rho, with one p for both directions or two; per edge; per
#: call of a Python function.
STEP, STEP_OF_TWO, EDGE, CALL = 8e-9, 25e-9, 40e-9, 1.1e-6


def cost(
    plan: Plan,
    sampler: str,
    *,
    keep: bool,
    share: float,
    within: float,
    visits: float,
    edges: float,
    passes: int,
    searched: float,
    reachable: float,
    looks: float = 0.0,
) -> tuple[float, int]:
    """Return what the search for rho, the draw, and the counts of possible pairs take.

    Parameters
    ----------
    plan : Plan
    sampler : {'pairwise', 'sparse'}
    keep : bool
        What the search for rho evaluates is kept for the draw.
    share : float
        Of the sources that take part.
    within : float
        Pairs that the laws are evaluated on by a pairwise draw.
    visits : float
        Pairs that a sparse draw visits.
    edges : float
    passes : int
        How often the search for rho looks at all pairs.
    searched : float
        How many pairs it looks at.
    reachable : float
        Pairs that are counted for the report after a sparse draw.
    looks : float
        Pairs that are looked at to estimate rho and the number of possible pairs.

    Returns
    -------
    seconds : float
    kept_bytes : int
        Memory that the search keeps until the draw: arguments, p, and which pairs.
    """
    laws, joint, n_pairs = plan.laws, plan.joint, plan.space.n_pairs
    pairwise, two = sampler == "pairwise", joint is not None
    keeps = keep and passes > 0 and pairwise
    varying = sum(not law.is_constant for law in laws.both())
    limited = all(law.reach() is not None for law in laws.both())
    calls = CALL * plan.needs_python_calls
    evaluation = calls + LAW * varying  # of a pair
    comparison = NEAR * limited * n_pairs  # of all pairs, to find those within reach
    once = evaluation * searched + (comparison if pairwise else GATHER * searched)
    step = STEP if laws.same_p else STEP_OF_TWO
    looks_once = keeps or n_pairs <= MOST_KEPT
    seconds = (min(passes, 1) if looks_once else passes) * once + passes * step * searched
    if pairwise:
        look = 0.0 if keeps else evaluation * within + comparison
        each = PAIR * (1 + two) + JOINT * (joint is not None and joint.rho != 0)
        seconds += share * (look + each * within) + EDGE * edges
    elif laws.constant:
        seconds += (VISIT + JOINT * two) * visits + EDGE * edges * two
    else:
        seconds += (VISIT_NEAR + calls) * visits + EDGE * edges
        seconds += (GATHER + evaluation) * reachable
    seconds += (LOOK + calls) * looks
    if not keeps:
        return seconds, 0
    arrays = varying + callable(laws.forward.arg)
    if laws.backward is not None and not laws.shares_arg:
        arrays += callable(laws.backward.arg)
    return seconds, round(searched * (8 * arrays + 4 * (limited and searched < n_pairs)))
