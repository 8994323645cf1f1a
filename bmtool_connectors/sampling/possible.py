"""Numbers of pairs that can be connected, counted or estimated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bmtool_connectors import randomness
from bmtool_connectors.arrays import FloatArray, IntArray
from bmtool_connectors.connectivity import EstimatedCounts, LazyCounts
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.collect import PairDraw
from bmtool_connectors.sampling.laws import PairLaws
from bmtool_connectors.sampling.reference_laws import background, listed
from bmtool_connectors.sampling.strata import Strata, StratumSums

__all__ = ["MOST_COUNTED", "possible_pairs"]

#: Pairs within reach up to which all are counted.
MOST_COUNTED = 1 << 22
#: Relative standard error of estimated numbers.
ACCURACY = 1e-4
#: Pairs that are looked at first, and of these possible ones at least.
FIRST, FEWEST = 1 << 17, 1 << 10


def possible_pairs(drawn: PairDraw, space: PairSpace, laws: PairLaws) -> Sequence[int]:
    """Return the numbers of pairs with p0 > 0, with p1 > 0, and with both.

    After a sparse draw they are counted when somebody asks. Where more than MOST_COUNTED pairs are
    within reach they are estimated then, with a standard error of at most ACCURACY.
    """
    if not drawn.visited_only:
        return tuple(drawn.possible.tolist())
    least = np.array([len(drawn.forward), len(drawn.backward), drawn.reciprocal])
    if space.source is space.target and laws.backward is not None:  # a pair has no order
        least[:2] = least[0] + least[1] - least[2]
    return LazyCounts(lambda: _counted(space, laws, least))


def _counted(space: PairSpace, laws: PairLaws, least: IntArray) -> tuple[int, ...]:
    """Return the numbers; `least` are connected and possible without doubt."""
    common = background(laws)
    estimated: FloatArray | None = None
    if common.constant:
        counts = np.array([p > 0 for p in common.constants()] + [0]) * space.n_pairs
        counts[2] = counts[:2].min()
    else:
        counts = np.zeros(3, dtype=np.int64)
        strata = Strata(space, common) if space.n_pairs else None
        if strata is not None and strata.total > MOST_COUNTED:
            estimated = _estimated(strata, common)
        if estimated is not None:
            counts += np.round(estimated).astype(np.int64)
        elif strata is not None:
            for pairs in strata.every():
                counts += common.evaluate_on(pairs).possible()
    found = listed(laws, space)
    if found is not None:  # these have a law of their own
        counts += laws.evaluate_on(found).possible() - common.evaluate_on(found).possible()
    if estimated is None:
        return tuple(counts.tolist())
    return EstimatedCounts(np.clip(counts, least, space.n_pairs).tolist())


def _estimated(strata: Strata, laws: PairLaws) -> FloatArray | None:
    """Return estimates from some of the pairs; None where it takes nearly all of them."""
    rng = randomness.looking("possible pairs")
    kinds = _kinds(laws)
    first, seen = _sums(strata, laws, kinds, strata.shares(FIRST), rng)
    if (seen < FEWEST).any():
        return None
    spread = (first.spreads() / first.totals()[:, None]).max(axis=0)
    shares = strata.best_shares(spread, ACCURACY**2)
    if 2 * float((shares * strata.size).sum()) > strata.total:
        return None
    totals = _sums(strata, laws, kinds, shares, rng)[0].totals()
    if laws.backward is not None and laws.same_p:  # a pair is possible in both directions or none
        return np.repeat(totals, 3)
    found = np.zeros(3)
    found[kinds] = totals
    return found


def _kinds(laws: PairLaws) -> list[int]:
    """Return which of the three numbers are neither 0 nor equal to the first."""
    if laws.backward is None or laws.same_p or laws.backward.is_never:
        return [0]
    return [1] if laws.forward.is_never else [0, 1, 2]


def _sums(
    strata: Strata,
    laws: PairLaws,
    kinds: list[int],
    shares: FloatArray,
    rng: np.random.Generator,
) -> tuple[StratumSums, IntArray]:
    """Return the sums of looks at shares of the strata, and how many pairs were possible."""
    sums, seen = StratumSums(strata, len(kinds)), np.zeros(len(kinds), dtype=np.int64)
    for looks in strata.look(shares, rng):
        sums.add_looks(looks)
        every = laws.evaluate_on(looks.pairs).possible_flags()
        flags = [every[k] for k in kinds]
        seen += [np.count_nonzero(each) for each in flags]
        stratum, x = looks.stratum[looks.kept], looks.x[looks.kept]
        sums.add_values(stratum, x, *(each.astype(float) for each in flags))
    return sums, seen
