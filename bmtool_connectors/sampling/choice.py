"""The choice between the two samplers."""

from __future__ import annotations

from typing import Any

from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sampling import sparse
from bmtool_connectors.sampling.frame import choose_edge
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.reference_laws import background
from bmtool_connectors.sampling.tiles import Bound, common_metric

#: Pairs up to which ``'auto'`` is pairwise. It decides which network a user gets, so it is a
#: promise and not a matter of tuning.
AUTO_LIMIT = 200_000_000

#: Probabilities of any connection from which on looking at every pair takes less, with one law for
#: all pairs; in one direction, and in two. Measured, as what follows.
DENSE, DENSE_OF_TWO = 0.28, 0.45
#: What the samplers take, ns: to compare a distance of a pair; to evaluate the law of one within
#: reach; its joint probability; to visit a pair; to look at a pair of cells; in any case.
NEAR, LAW, JOINT, VISIT, CELLS, FIXED = 7.0, 12.0, 10.0, 70.0, 35.0, 500_000.0

SAMPLERS = ("auto", "pairwise", "sparse")


def checked_sampler(sampler: Any, owner: str) -> str:
    """Return the name of a sampler, or refuse what is none."""
    if not isinstance(sampler, str) or sampler not in SAMPLERS:
        raise ParameterError(f"{owner} must be 'auto', 'pairwise' or 'sparse', got {sampler!r}.")
    return sampler


def choose(sampler: str, plan: Plan, owner: str) -> tuple[str, str | None]:
    """Choose by sizes and laws only, never by load.

    Parameters
    ----------
    sampler : {'auto', 'pairwise', 'sparse'}
    plan : Plan
    owner : str
        Class of the connector, for messages.

    Returns
    -------
    chosen : {'pairwise', 'sparse'}
    warning : str or None
        What to tell the user of a large draw that has to be pairwise.

    Raises
    ------
    ParameterError
        If the sparse sampler is asked for and cannot draw these laws.
    """
    large, by_cost = plan.space.n_pairs > AUTO_LIMIT, sampler == "auto" and plan.private
    if sampler == "pairwise" or (sampler == "auto" and not large and not plan.private):
        return "pairwise", None  # the stream of a shared generator is bmtool's
    reason = sparse.why_not(plan.laws)
    if reason is None:
        return "pairwise" if by_cost and is_dense(plan) else "sparse", None
    if sampler == "sparse":
        raise ParameterError(
            f"sampler of {owner} is 'sparse', but {reason}; use sampler='pairwise', or a distance "
            "and a profile of this package, or declare a bound with @vectorized(bound=...)."
        )
    return "pairwise", None if not large else (
        f"{owner} looks at each of {plan.space.n_pairs} pairs, because {reason}; a distance and a "
        "profile of this package, or a function declared @vectorized(bound=...), would be drawn "
        "sparsely."
    )


def is_dense(plan: Plan) -> bool:
    """Whether it takes less to look at every pair than to visit those that may connect.

    The laws, the numbers of nodes and their box decide it. Wrong by a fifth, it costs a fifth.
    """
    laws, two = background(plan.laws), plan.joint is not None
    if laws.constant:
        q = min(1.0, sum(laws.constants()))
        # Of all pairs in both directions, those that are connected take longer than drawing them.
        return DENSE_OF_TWO < q < 1 if two else q > DENSE
    cells = Bound(laws, common_metric(laws)).cells(plan.space, choose_edge)
    every = NEAR * plan.space.n_pairs + (LAW + JOINT * two) * cells.within
    return every < FIXED + VISIT * cells.visits + CELLS * cells.cell_pairs
