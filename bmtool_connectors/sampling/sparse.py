"""The sparse sampler: cost proportional to the edges, not to the pairs.

Pairs are visited with a probability that bounds the one of any connection
between them, by skipping; a visited pair is then kept with its real probability
over the bound (thinning), and the same uniform number decides which of its
connections exist. This is exact: nothing is cut off but by the law itself.

The stream is its own, and part of its definition are ``STREAM_VERSION``, the
constants in ``grid`` and ``CHUNK``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors import lifting
from bmtool_connectors.distances import axes_of
from bmtool_connectors.edges import order_by
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling.blocks import Block, Index, PairSpace
from bmtool_connectors.sampling.collect import (
    PairDraw,
    SynapseCounts,
    collect,
    count_synapses,
    progress,
    taken,
)
from bmtool_connectors.sampling.grid import Grid, PairRange, choose_edge, distance_bounds, skip
from bmtool_connectors.sampling.laws import (
    BlockValues,
    Clipping,
    Joint,
    Law,
    ListedPairs,
    PairLaws,
)

STREAM_VERSION = 1
#: Pairs visited at a time.
CHUNK = 1 << 18


def why_not(laws: PairLaws) -> str | None:
    """Return why these laws cannot be drawn sparsely, or None when they can."""
    for law in laws.both():
        if type(law) is not Law:
            return f"{law.name} depends on the edges of another connector"
        if law.is_constant:
            continue
        if axes_of(law.arg) is None:
            return f"the argument of {law.name} is not a distance of this package"
        if not lifting.has_bound(law.p):
            return f"{law.name} has no upper bound on an interval of distances"
    return None


def _bound_of(law: Law, axes: tuple[int, ...]) -> Any:
    """Return the bound of a law as a function of least and greatest distance along `axes`."""
    same = law.is_constant or axes_of(law.arg) == axes

    def bound(least: Any, greatest: Any) -> Any:
        # A distance along more axes is at least that along fewer, without a greatest value.
        upper = greatest if same else np.full(np.shape(greatest), np.inf)
        return lifting.bound_of(law.p, least, upper, law.name)

    return bound


class DistanceRanges:
    """The ranges of pairs that a distance law can connect, each with its bound."""

    def __init__(self, space: PairSpace, laws: PairLaws, reach: float | None = None) -> None:
        self.space = space
        distances = [axes_of(law.arg) for law in laws.both() if not law.is_constant]
        self.axes = tuple(sorted(set.intersection(*(set(axes or ()) for axes in distances))))
        bounds = [_bound_of(law, self.axes) for law in laws.both()]
        twice = 2.0 if laws.backward is not None and laws.same_p else 1.0
        half = space.kind != "all"

        def bound(least: Any, greatest: Any) -> Any:
            if reach is not None:  # every pair within reach
                return (np.asarray(least) <= reach).astype(float)
            return np.minimum(twice * sum(each(least, greatest) for each in bounds), 1.0)

        edge, limit = choose_edge(space.source, space.target, self.axes, bound, half)
        self.grid = Grid(space.source, space.target, self.axes, edge, limit, half)
        self.limit = limit
        self.offsets = self.grid.offsets()
        self.q = bound(*distance_bounds(self.offsets, edge))

    def __iter__(self) -> Iterator[tuple[int, float, PairRange]]:
        for number in np.flatnonzero(self.q > 0).tolist():
            pairs = PairRange(self.grid, self.offsets[number])
            if pairs.total:
                yield number, float(self.q[number]), pairs

    def candidates(self, pairs: PairRange, number: Index) -> ListedPairs:
        """Return the pairs of the space among these numbers, ascending, within reach."""
        a, b = pairs.pairs(number)
        squared = pairs.squared(a, b)
        keep = squared <= self.limit * self.limit * (1 + 1e-9)
        if pairs.within:  # one order of each pair, and each node with itself if it may
            keep &= (a <= b) if self.space.kind == "upper and diagonal" else (a < b)
        i = self.grid.source.order[a[keep]]
        j = self.grid.target.order[b[keep]]
        dist = np.sqrt(squared[keep])
        if self.grid.half:
            i, j = np.minimum(i, j), np.maximum(i, j)
        elif self.space.left_out is not None:
            other = self.space.left_out[i] != j
            i, j, dist = i[other], j[other], dist[other]
        return ListedPairs(self.space, i, j, {self.axes: dist})


def pairs_within(
    space: PairSpace, laws: PairLaws, reach: float | None = None
) -> Iterator[BlockValues]:
    """Evaluate the laws on all pairs they can connect (or on all within `reach`), in no order."""
    ranges = DistanceRanges(space, laws, reach)
    for _, _, pairs in ranges:
        for start in range(0, pairs.total, CHUNK):
            number = np.arange(start, min(start + CHUNK, pairs.total))
            yield laws.evaluate_on(ranges.candidates(pairs, number))


@dataclass
class _Visited:
    """Connected pairs of one chunk: which, and how (0 forward, 1 both, 2 backward)."""

    i: Index
    j: Index
    how: npt.NDArray[np.int8]
    arg0: Any
    arg1: Any


def _accept(
    values: BlockValues,
    joint: Joint | None,
    q_bound: float,
    rng: np.random.Generator,
    clipping: Clipping,
    name: str,
) -> _Visited:
    """Keep visited pairs with their real probability over the bound."""
    candidates, n = values.candidates, values.candidates.n
    p0, p1 = values.p0, values.p1
    if joint is None:
        pr: Any = 0.0
    elif joint.rho == 0:
        pr = p0 * p1
    else:
        pr = joint.feasible(values, np.arange(n), p0, p1, clipping)
    q = p0 + p1 - pr
    if np.any(q > q_bound * (1 + 1e-9)):
        k = int(np.argmax(np.broadcast_to(q, (n,))))
        raise ParameterError(
            f"bound of {name} gives at most {q_bound:.6g}, but the probability of "
            f"{candidates.describe(k)} is {float(np.broadcast_to(q, (n,))[k]):.6g}; correct the "
            "bound given to @vectorized: it must never be below the value."
        )
    u = rng.random(n) * q_bound
    kept = np.flatnonzero(u < q)
    u, p0, pr = u[kept], taken(p0, kept), taken(pr, kept)
    how = (u >= p0 - pr).astype(np.int8)
    how += u >= p0
    i, j = candidates.pairs(kept)
    return _Visited(i, j, how, taken(values.arg0, kept), taken(values.arg1, kept))


def _visit(
    space: PairSpace,
    laws: PairLaws,
    joint: Joint | None,
    root: np.random.SeedSequence,
    clipping: Clipping,
    advance: Any,
) -> Iterator[_Visited]:
    """Visit the pairs range by range, each range with a generator of its own."""

    def generator(number: int) -> np.random.Generator:
        # By number, so that no range depends on how much the ones before it drew.
        key = (*root.spawn_key, STREAM_VERSION, number)
        return np.random.default_rng(np.random.SeedSequence(root.entropy, spawn_key=key))

    name = laws.forward.name
    if laws.constant:
        block = Block(space, 0, len(space.source), 0, len(space.target))
        q, rng = _constant_bound(laws, joint), generator(0)
        if q > 0:
            for number in skip(rng, q, block.n, CHUNK):
                values = laws.evaluate_on(ListedPairs(space, *block.of_rank(number)))
                yield _accept(values, joint, q, rng, clipping, name)
                advance(int(number[-1]) - int(number[0]) if len(number) else 0)
        return
    ranges = DistanceRanges(space, laws)
    for offset, q, pairs in ranges:
        rng = generator(offset)
        for number in skip(rng, q, pairs.total, CHUNK):
            values = laws.evaluate_on(ranges.candidates(pairs, number))
            yield _accept(values, joint, q, rng, clipping, name)
        advance(pairs.total)


def _constant_bound(laws: PairLaws, joint: Joint | None) -> float:
    """Return the probability of any connection of a pair, or a bound where pr differs by pair."""
    p0 = float(laws.forward.p)
    if laws.backward is None or joint is None:
        return p0
    p1 = p0 if laws.same_p else float(laws.backward.p)
    return min(1.0, p0 + p1)


def draw(
    space: PairSpace,
    laws: PairLaws,
    joint: Joint | None,
    rng: SharedGenerator,
    n_syn: tuple[SynapseCounts, SynapseCounts],
    *,
    show_progress: bool = False,
) -> PairDraw:
    """Draw the edges of a pair space, visiting only pairs that are likely enough.

    Parameters
    ----------
    space : PairSpace
    laws : PairLaws
        For which ``why_not`` is None.
    joint : Joint or None
    rng : Generator or RandomState
        128 bits are taken from it, as the root of all streams of the draw.
    n_syn : tuple of SynapseCounts
        Functions are called for connected pairs, in pair order.
    show_progress : bool

    Notes
    -----
    Time and memory O(edges).
    """
    root = np.random.SeedSequence(int.from_bytes(rng.bytes(16), "little"))
    result = PairDraw(visited_only=True)
    parts: list[_Visited] = []
    with progress(space.n_pairs, show_progress) as advance:
        parts.extend(_visit(space, laws, joint, root, result.clipping, advance))
    if not parts:
        return result
    i = np.concatenate([part.i for part in parts])
    j = np.concatenate([part.j for part in parts])
    how = np.concatenate([part.how for part in parts])
    args = []
    for name in ("arg0", "arg1"):
        columns = [getattr(part, name) for part in parts]
        arrays = isinstance(columns[0], np.ndarray)
        args.append(np.concatenate(columns) if arrays else columns[0])
    parts.clear()
    if not laws.constant:  # else the pairs came in order
        order = order_by(j, len(space.target))
        order = order[order_by(i[order], len(space.source))]
        i, j, how = i[order], j[order], how[order]
        args = [taken(arg, order) for arg in args]
    values = BlockValues(ListedPairs(space, i, j), args[0], 1.0, args[1], 1.0)
    forward = np.flatnonzero(how < 2)
    backward = np.flatnonzero(how > 0) if laws.backward is not None else how[:0].astype(np.int64)
    counts = count_synapses(values, (forward, backward), n_syn)
    collect(result, values, (forward, backward), counts)
    return result
