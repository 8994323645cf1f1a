"""Fixed totals, and Poisson numbers per pair: which pairs, when the whole is given.

The pairs of 4,096 sources are a slab, with a stream of its own; ``degree.streams`` gives them. A
total is split between the two halves of the slabs, each half again, and so on: every split has a
stream of its own as well, so that a slab is drawn without any pair of the others. Part of the
definition of the streams are ``degree.STREAM_VERSION``, ``randomness.SLAB`` and ``DENSE_MEAN``.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bmtool_connectors import randomness
from bmtool_connectors.arrays import Index, distinct
from bmtool_connectors.randomness import SharedGenerator, Streams
from bmtool_connectors.sampling.blocks import PairBlock, PairSpace
from bmtool_connectors.sampling.degree import streams

#: Mean synapses per pair above which counts are drawn pair by pair.
DENSE_MEAN = 0.5

_NO_PAIRS = np.zeros(0, dtype=np.int64)


def total_pairs(
    n: int, space: PairSpace, rng: SharedGenerator, *, multapses: bool = False
) -> tuple[Index, Index]:
    """Return n pairs of a space, chosen uniformly, in row-major order.

    Notes
    -----
    Without multapses every set of n pairs is equally likely: the numbers of pairs in the slabs
    have the law of such a set (:func:`split`), and every set of that many pairs of a slab is
    equally likely, for the reason given in :func:`degree.columns_of_slab`. Of more than half of
    the pairs of a slab, those left unconnected are chosen.
    """
    if n == 0:
        return _NO_PAIRS, _NO_PAIRS
    parts = list(pairs_of_slabs(n, space, streams(rng), multapses=multapses))
    return _joined([i for i, _ in parts]), _joined([j for _, j in parts])


def pairs_of_slabs(
    n: int,
    space: PairSpace,
    streams: Streams,
    chosen: range | None = None,
    *,
    multapses: bool = False,
) -> Iterator[tuple[Index, Index]]:
    """Yield the pairs of those slabs that have some; see :func:`total_pairs`.

    Parameters
    ----------
    n : int
        Pairs of the whole space.
    space : PairSpace
    streams : callable
        Of the draw.
    chosen : range, optional
        Slabs to draw, one after the other; all of them when omitted.
    multapses : bool
        Choose with replacement.
    """
    starts = [rows.start for _, rows in randomness.slabs(len(space.source))]
    sizes = np.add.reduceat(space.row_pairs(), starts).tolist()
    chosen = range(len(sizes)) if chosen is None else chosen
    for slab, count in _numbers(n, sizes, streams, chosen, multapses):
        block = block_of_slab(space, slab)
        yield block.of_rank(_ranks(count, block.n, streams(slab), multapses))


def _numbers(
    n: int, sizes: Sequence[int], streams: Streams, chosen: range, multapses: bool
) -> Iterator[tuple[int, int]]:
    """Yield the slabs that are chosen and have any of n pairs, and how many, by their sizes."""
    before = [0, *itertools.accumulate(sizes)]
    waiting = [(0, len(sizes), n)]
    while waiting:
        first, last, count = waiting.pop()
        if not count or last <= chosen.start or first >= chosen.stop:
            continue
        if last - first == 1:
            yield first, count
            continue
        middle = (first + last) // 2
        halves = before[middle] - before[first], before[last] - before[middle]
        left = split(count, *halves, streams(first, last), multapses=multapses)
        waiting += [(middle, last, count - left), (first, middle, left)]


def split(
    n: int, left: int, right: int, rng: np.random.Generator, *, multapses: bool = False
) -> int:
    """Return how many of n pairs, chosen among ``left + right``, are among the first `left`.

    Notes
    -----
    Binomial with multapses, else hypergeometric, for numbers of any size: NumPy's own ends at
    1e9. A binomial number x is kept with probability r(x) / max r, where r is the ratio of the
    hypergeometric law to the binomial one. It follows from
    r(y + 1) / r(y) = (1 - y / left) / (1 - (n - 1 - y) / right), which is 1 or more up to
    y = left (n - 1) / (left + right): there r is greatest. Of n up to half of all pairs (of more
    than half, those left unconnected are split), max r is about 1 / sqrt(1 - n / (left + right)),
    so that more than two of three numbers are kept.
    """
    total = left + right
    if multapses:
        return int(rng.binomial(n, left / total))
    if 2 * n > total:
        return left - split(total - n, left, right, rng)
    if not (n and left and right):
        return min(n, left)
    mode = left * (n - 1) // total + 1
    while True:
        x = int(rng.binomial(n, left / total))
        if x > left or n - x > right:
            continue
        y = np.arange(min(x, mode), max(x, mode))
        step = float(np.sum(np.log1p(-y / left) - np.log1p((y + 1 - n) / right)))
        if rng.random() < math.exp(step if x > mode else -step):
            return x


def block_of_slab(space: PairSpace, slab: int) -> PairBlock:
    """Return the pairs of a slab."""
    start = slab * randomness.SLAB
    stop = min(start + randomness.SLAB, len(space.source))
    return PairBlock(space, start, stop, 0, len(space.target))


def _joined(parts: list[Index]) -> Index:
    return parts[0] if len(parts) == 1 else np.concatenate([*parts, _NO_PAIRS])


def _ranks(n: int, n_pairs: int, rng: np.random.Generator, multapses: bool) -> Index:
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    if multapses:
        return np.sort(rng.integers(0, n_pairs, n))
    if 2 * n > n_pairs:
        free = np.ones(n_pairs, dtype=bool)
        free[_ranks(n_pairs - n, n_pairs, rng, False)] = False
        return np.flatnonzero(free)
    held = distinct(np.sort(rng.integers(0, n_pairs, n)))
    while len(held) < n:  # merged, and not sorted again: few are missing
        more = distinct(np.sort(rng.integers(0, n_pairs, n - len(held))))
        index = np.searchsorted(held, more)
        new = held[np.minimum(index, len(held) - 1)] != more
        held = np.insert(held, index[new], more[new])
    return held


def poisson_pairs(mean: float, space: PairSpace, rng: SharedGenerator) -> tuple[Index, Index, Any]:
    """Draw a Poisson number of synapses for each pair; return the pairs with some, in order.

    Returns
    -------
    i, j : ndarray of int, shape (m,)
        A pair may come several times.
    count : int or ndarray of int, shape (m,)
        Synapses of each entry.
    """
    if space.n_pairs == 0:
        return _NO_PAIRS, _NO_PAIRS, 1
    root = streams(rng)
    slabs = randomness.slabs(len(space.source))
    parts = [poisson_of_slab(mean, space, slab, root(slab)) for slab, _ in slabs]
    i, j = _joined([part[0] for part in parts]), _joined([part[1] for part in parts])
    return i, j, _joined([part[2] for part in parts]) if mean > DENSE_MEAN else 1


def poisson_of_slab(
    mean: float, space: PairSpace, slab: int, rng: np.random.Generator
) -> tuple[Index, Index, Any]:
    """Draw the Poisson numbers of the pairs of a slab, from its stream; see `poisson_pairs`.

    Notes
    -----
    A Poisson number of synapses, each with a pair chosen uniformly, gives every pair a Poisson
    number, independent of the others. With many per pair, that is drawn directly.
    """
    block = block_of_slab(space, slab)
    if mean > DENSE_MEAN:
        count = rng.poisson(mean, block.n)
        rank = np.flatnonzero(count)
        return *block.of_rank(rank), count[rank]
    n = int(rng.poisson(mean * block.n))
    return *block.of_rank(_ranks(n, block.n, rng, True)), 1
