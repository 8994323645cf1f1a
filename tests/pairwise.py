"""Few cases out of many in which any two values of two parameters still meet."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence


def pairwise(cases: Sequence[Mapping[str, Hashable]]) -> list[int]:
    """Return the indices of cases that cover every pair of values that occurs.

    Most faults need one value of one parameter, or of two (Kuhn, Wallace and Gallo 2004, IEEE
    Trans Softw Eng 30:418). The cases are chosen greedily, the first of the best, so that the
    choice is always the same; of one or two parameters all cases are needed.

    Parameters
    ----------
    cases : sequence of mapping
        Value of each parameter, all with the same parameters.

    Returns
    -------
    list of int
        In increasing order.
    """
    covers = []
    for case in cases:
        items = sorted(case.items(), key=lambda item: item[0])
        covers.append(set(itertools.combinations(items, 2)) or {tuple(items)})
    missing = set().union(*covers)
    chosen: list[int] = []
    while missing:
        best = max(range(len(cases)), key=lambda k: len(covers[k] & missing))
        chosen.append(best)
        missing -= covers[best]
    return sorted(chosen)
