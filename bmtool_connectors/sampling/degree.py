"""Fixed degrees and fixed totals: who connects with whom, when the numbers are given.

Nodes of one pool (*rows*) choose partners in the other (*columns*). The stream of a draw is its
own: 128 bits are taken from the generator, as the root of a stream for every run of rows. Part of
its definition are ``STREAM_VERSION`` and ``CHUNK``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bmtool_connectors import randomness, vectorization
from bmtool_connectors.arrays import Index, distinct
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling.blocks import PairBlock, PairSpace
from bmtool_connectors.sampling.sums import max_step, of_some

STREAM_VERSION = 1
#: Cells of the table that is drawn at a time: it stays in the cache.
CHUNK = 1 << 17
#: Mean synapses per pair above which counts are drawn pair by pair.
DENSE_MEAN = 0.5

_NONE = np.zeros(0, dtype=np.int32)


def count_sources(n: int, fraction: float) -> int:
    """Return how many of n sources take part: the nearest whole number, at least one if any."""
    return max(round(fraction * n), 1 if fraction > 0 else 0)


def choose_sources(n: int, fraction: float, rng: SharedGenerator) -> Index | None:
    """Return the indices of the sources that take part, ascending; None, undrawn, when all do.

    Every set of ``count_sources`` of them is equally likely.
    """
    if fraction == 1:
        return None
    chosen: Index = np.sort(rng.permutation(n)[: count_sources(n, fraction)])
    return chosen


def degrees(value: Any, nodes: NodeArrays, rng: SharedGenerator, name: str) -> Index:
    """Return the degree of each node, shape (n,).

    Parameters
    ----------
    value : int, ndarray of int, callable or distribution
        A function is called once per node, in pool order (once for all if it is declared
        ``@vectorized``); a distribution of ``scipy.stats`` draws one value per node.
    nodes : NodeArrays
    rng : Generator or RandomState
    name : str
        Parameter and class, for messages.
    """
    n = len(nodes)
    if hasattr(value, "rvs"):
        found = value.rvs(size=n, random_state=rng)
    elif vectorization.is_vectorized(value):
        found = vectorization.one_per_item(value(nodes.take(np.arange(n))), n, name, "nodes")
    elif callable(value):
        found = vectorization.as_array([value(node) for node in nodes.nodes])
    else:
        return np.broadcast_to(np.asarray(value, dtype=np.int64), (n,))

    def describe(k: int) -> str:
        return f"node {nodes.ids[k]} of {nodes.label}"

    allowed = "a whole number >= 0: round the result of the function"
    return vectorization.checked_counts(found, n, describe, name, allowed)


def degree_moments(
    value: Any, nodes: NodeArrays, rng: SharedGenerator, name: str, available: Any = None
) -> tuple[Any, Any]:
    """Return mean and variance of the connected partners of each node, shape (n,); see `degrees`.

    Parameters
    ----------
    available : ndarray of float, shape (n,), optional
        Partners that a node chooses among, with replacement; without, all chosen are different.
    """
    n = len(nodes)
    if not hasattr(value, "rvs"):
        number = degrees(value, nodes, rng, name)
        return (number, np.zeros(n)) if available is None else different(number, available)
    if available is None:
        return np.full(n, float(value.mean())), np.full(n, float(value.var()))
    mean, variance = np.zeros((2, n))
    for each in np.unique(available):
        some = available == each
        mean[some], variance[some] = _different_of(value, float(each))
    return mean, variance


def different(draws: Any, available: Any) -> tuple[Any, Any]:
    """Return mean and variance of the different partners in a number of draws among `available`.

    Notes
    -----
    With d draws among a partners, one is never drawn with probability q = (1 - 1/a)^d, and two are
    never drawn with probability (1 - 2/a)^d = q^2 (1 - 1/(a - 1)^2)^d. So the mean is a (1 - q),
    and the variance a q (1 - q) + a (a - 1) q^2 ((1 - 1/(a - 1)^2)^d - 1).
    """
    a = np.maximum(available, 1.0)
    least = 1e-12  # for logarithms
    never = np.exp(draws * np.log1p(-np.minimum(1 / a, 1 - least)))
    apart = np.expm1(draws * np.log1p(-np.minimum(1 / np.maximum(a - 1, least) ** 2, 1 - least)))
    variance = a * never * (1 - never) + a * (a - 1) * never**2 * apart
    return a * (1 - never), np.maximum(variance, 0.0)  # below 0 by rounding, of one draw


def _different_of(value: Any, available: float) -> tuple[float, float]:
    """Return the same where the number of draws has a distribution."""

    def average(of: Callable[[Any], Any]) -> float:
        return float(value.expect(of))

    mean = average(lambda k: different(k, available)[0])
    spread = average(lambda k: (different(k, available)[0] - mean) ** 2)
    return mean, spread + average(lambda k: different(k, available)[1])


@dataclass(frozen=True)
class Degrees:
    """What to expect when the nodes of one pool choose among those of the other.

    Attributes
    ----------
    mean, variance : ndarray of float, shape (n_rows,)
        Partners of each node that chooses, independently of the others.
    n_others : int
        Nodes of the other pool.
    available : ndarray of float, shape (n_rows,)
        Those that each node chooses among.
    by_target : bool
        The targets choose.
    share : float
        Share of the sources that take part, chosen at random.
    given : tuple of float, optional
        Mean and variance of all connected pairs, where the nodes are not independent.
    together : float
        Covariance of the connections of two pairs, where the nodes are not independent.
    """

    mean: Any
    variance: Any
    n_others: int
    available: Any
    by_target: bool
    share: float = 1.0
    given: tuple[float, float] | None = None
    together: float = 0.0

    def total(self) -> tuple[float, float]:
        """Return mean and variance of the number of connected pairs."""
        if self.given is not None:
            return self.given
        total, variance = float(np.sum(self.mean)), float(np.sum(self.variance))
        if self.by_target or self.share == 1:
            return total, variance
        spread = float(np.var(self.mean, ddof=1)) if len(self.mean) > 1 else 0.0
        return self.share * total, self.share * variance + of_some(
            len(self.mean), self.share, spread
        )

    def max_step(self) -> float:
        """Return by how much one independent event can change that number."""
        return 1.0 if self.by_target or self.given else max_step(self.mean, self.share)

    def both(self) -> dict[str, tuple[float, float | None]]:
        """Return mean and standard deviation of out- and in-degrees, over nodes and draws."""
        own = float(np.mean(self.mean)), float(np.mean(self.variance) + np.var(self.mean))
        # A node is as likely to be chosen as any other that takes part.
        chosen = self.mean / max(self.n_others * (self.share if self.by_target else 1.0), 1.0)
        n = len(chosen)
        spread = float(np.sum(chosen * (1 - self.mean / np.maximum(self.available, 1.0))))
        other = float(np.sum(chosen)), max(spread + n * (n - 1) * self.together, 0.0)
        if self.by_target:
            return {"out": _some(*other, self.share), "in": (own[0], math.sqrt(own[1]))}
        between = float(np.var(chosen, ddof=1)) if n > 1 else 0.0
        inside = self.share * other[1] + of_some(n, self.share, between)
        return {
            "out": _some(*own, self.share),
            "in": (self.share * other[0], math.sqrt(max(inside, 0.0))),
        }


def _some(mean: float, variance: float, share: float) -> tuple[float, float]:
    """Return mean and standard deviation of what is 0 unless the node takes part."""
    return share * mean, math.sqrt(max(share * (variance + mean**2) - (share * mean) ** 2, 0.0))


def partners(
    degree: Index,
    n: int,
    rng: SharedGenerator,
    left_out: Index | None = None,
    *,
    multapses: bool = False,
) -> tuple[Index, Index, bool]:
    """Let each row choose its columns uniformly among those it may choose.

    Parameters
    ----------
    degree : ndarray of int, shape (n_rows,)
        Columns to choose; without multapses no more than the row may choose among.
    n : int
        Number of columns.
    rng : Generator or RandomState
    left_out : ndarray of int, shape (n_rows,), optional
        The one column that a row may not choose, or -1.
    multapses : bool
        Choose with replacement: a column may come several times.

    Returns
    -------
    row, column : ndarray of int, shape (degree.sum(),)
        The columns of a row stand together; without multapses, in ascending order.
    in_order : bool
        Whether the rows stand in ascending order.

    Notes
    -----
    A table of columns is drawn, a row for each row, and sorted; what a row holds already is
    drawn again, until it holds each column once. What is drawn again depends on which draws are
    equal, never on the columns themselves, so the law does not change when columns are
    relabelled, and the only such law over the subsets of one size is the uniform one. The column
    left out counts as held from the start. Rows that choose more than half choose those that
    they do not connect with.
    """
    streams = randomness.streams(rng, STREAM_VERSION)
    if not degree.any():
        return _NONE, _NONE, True
    if multapses:
        row = np.repeat(np.arange(len(degree), dtype=np.int32), degree)
        return row, _with_replacement(row, n, streams(0), left_out), True
    available = np.full(len(degree), n)
    if left_out is not None:
        available -= left_out >= 0
    unconnected = available - degree
    size = np.minimum(degree, unconnected)
    # Of those listed, one cell more for the column left out; the complement takes a whole row.
    width = np.where(degree > unconnected, n + 1, size + 1)
    order = np.argsort(width, kind="stable")
    in_order = bool((order[1:] > order[:-1]).all())
    rows, columns = [], []
    for number, part in enumerate(_tables(width[order], n)):
        which = order[part]
        held = None if left_out is None else left_out[which]
        table = _distinct(size[which], n, held, streams(number))
        if width[which[0]] <= n:
            columns.append(_listed(table, n, held))
        else:
            columns.append(_complement(table, n))
        rows.append(np.repeat(which.astype(np.int32), degree[which]))
    return np.concatenate(rows), np.concatenate(columns), in_order


def _tables(width: Index, n: int) -> Iterator[slice]:
    """Cut rows, sorted by width, into runs of like width that fit a table."""
    start, n_listed = 0, int(np.searchsorted(width, n + 1))
    while start < len(width):
        most = min(2 * int(width[start]), int(width[-1]))
        stop = int(np.searchsorted(width, most, side="right"))
        stop = min(stop, start + max(1, CHUNK // most))
        if start < n_listed:  # whole rows come in runs of their own
            stop = min(stop, n_listed)
        yield slice(start, stop)
        start = stop


def _distinct(size: Index, n: int, held: Index | None, rng: np.random.Generator) -> Index:
    """Return for each row `size` different columns, and the one it holds, sorted; n fills up."""
    dtype = np.int32 if n < 1 << 31 else np.int64
    most = int(size.max())
    table = rng.integers(0, n, (len(size), most), dtype=dtype)
    if most > size.min():
        table[np.arange(most) >= size[:, None]] = n
    if held is not None:
        table = np.column_stack([np.where(held < 0, n, held).astype(dtype), table])
    table.sort(axis=1)
    rows, part = np.arange(len(size)), table
    while len(rows):
        again = np.zeros(part.shape, dtype=bool)
        again[:, 1:] = (part[:, 1:] == part[:, :-1]) & (part[:, 1:] < n)
        some = again.any(axis=1)
        rows, part, again = rows[some], part[some], again[some]
        part[again] = rng.integers(0, n, int(again.sum()), dtype=dtype)
        part.sort(axis=1)
        table[rows] = part
    return table


def _listed(table: Index, n: int, held: Index | None) -> Index:
    """Return the columns of a table, row after row, without those held from the start."""
    keep = table < n
    if held is not None:
        keep &= table != held[:, None]
    return table[keep]


def _complement(table: Index, n: int) -> Index:
    """Return the columns that are not in a table, row after row."""
    free = np.ones((len(table), n + 1), dtype=bool)
    free[np.arange(len(table))[:, None], table] = False
    free[:, n] = False
    return np.nonzero(free)[1].astype(table.dtype)


def _with_replacement(
    row: Index, n: int, rng: np.random.Generator, left_out: Index | None
) -> Index:
    """Return a column for each entry of `row`, any but the one that the row leaves out."""
    dtype = np.int32 if n < 1 << 31 else np.int64
    column = rng.integers(0, n, len(row), dtype=dtype)
    if left_out is not None:
        again = np.flatnonzero(column == left_out[row])
        while len(again):
            column[again] = rng.integers(0, n, len(again), dtype=dtype)
            again = again[column[again] == left_out[row[again]]]
    return column


def total_pairs(
    n: int, space: PairSpace, rng: SharedGenerator, *, multapses: bool = False
) -> tuple[Index, Index]:
    """Return n pairs of a space, chosen uniformly, in row-major order.

    Notes
    -----
    Without multapses every set of n pairs is equally likely, for the reason given in
    :func:`partners`; of more than half of the pairs, those left unconnected are chosen.
    """
    if n == 0:
        return _NONE, _NONE
    block = PairBlock.whole(space)
    generator = randomness.streams(rng, STREAM_VERSION)(0)
    return block.of_rank(_ranks(n, block.n, generator, multapses))


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

    Notes
    -----
    A Poisson number of synapses, each with a pair chosen uniformly, gives every pair a Poisson
    number, independent of the others. With many per pair, that is drawn directly.
    """
    if space.n_pairs == 0:
        return _NONE, _NONE, 1
    block = PairBlock.whole(space)
    generator = randomness.streams(rng, STREAM_VERSION)(0)
    if mean > DENSE_MEAN:
        count = generator.poisson(mean, block.n)
        rank = np.flatnonzero(count)
        return *block.of_rank(rank), count[rank]
    n = int(generator.poisson(mean * block.n))
    return *block.of_rank(_ranks(n, block.n, generator, True)), 1
