"""The choice between the two samplers."""

from __future__ import annotations

from typing import Any

from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sampling import sparse
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.laws import PairLaws

#: Pairs up to which ``'auto'`` is pairwise. It decides which network a user gets, so it is a
#: promise and not a matter of tuning.
AUTO_LIMIT = 200_000_000

SAMPLERS = ("auto", "pairwise", "sparse")


def checked_sampler(sampler: Any, owner: str) -> str:
    """Return the name of a sampler, or refuse what is none."""
    if not isinstance(sampler, str) or sampler not in SAMPLERS:
        raise ParameterError(f"{owner} must be 'auto', 'pairwise' or 'sparse', got {sampler!r}.")
    return sampler


def choose(sampler: str, space: PairSpace, laws: PairLaws, owner: str) -> tuple[str, str | None]:
    """Choose by sizes and laws only, never by load.

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
    if sampler == "pairwise" or (sampler == "auto" and space.n_pairs <= AUTO_LIMIT):
        return "pairwise", None
    reason = sparse.why_not(laws)
    if reason is None:
        return "sparse", None
    if sampler == "sparse":
        raise ParameterError(
            f"sampler of {owner} is 'sparse', but {reason}; use sampler='pairwise', or a distance "
            "and a profile of this package, or declare a bound with @vectorized(bound=...)."
        )
    return "pairwise", (
        f"{owner} looks at each of {space.n_pairs} pairs, because {reason}; a distance and a "
        "profile of this package, or a function declared @vectorized(bound=...), would be drawn "
        "sparsely."
    )
