"""The sparse sampler: cost proportional to the edges, not to the pairs.

Pairs are visited with a probability that bounds the one of any connection
between them, by skipping; a visited pair is then kept with its real probability
over the bound (thinning), and the same uniform number decides which of its
connections exist. This is exact: nothing is cut off but by the law itself.

Where the law depends on how another connector connects the pair, all pairs are
drawn as if it did not, and the few pairs that it connects once more with the
law of theirs.

The stream is its own, one for each tile of pairs, and part of its definition are
``STREAM_VERSION`` and the constants in ``frame`` and ``tiles``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from bmtool_connectors import randomness, vectorization
from bmtool_connectors.arrays import Index, Values, index_dtype, is_first
from bmtool_connectors.edges import sort_pairs
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.progress import progress
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.candidates import ListedPairs
from bmtool_connectors.sampling.collect import (
    Drawn,
    PairDraw,
    SynapseCounts,
    collect,
    count_synapses,
    joined,
    taken,
)
from bmtool_connectors.sampling.laws import BlockValues, Clipping, Joint, Law, PairLaws
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.reference_laws import background, background_joint, listed
from bmtool_connectors.sampling.tiles import CellTiles, EqualTiles, common_metric

STREAM_VERSION = 2
#: Number of the stream of pairs that another connector connects; tiles have those from 0.
LISTED = (1 << 32) - 1


def why_not(laws: PairLaws) -> str | None:
    """Return why these laws cannot be drawn sparsely, or None when they can."""
    varying = [law for law in background(laws).both() if not law.is_constant]
    for law in varying:
        if law.metric is None:
            return f"the argument of {law.name} is not a distance of this package"
        if not vectorization.has_bound(law.p):
            return f"{law.name} has no upper bound on an interval of distances"
    if varying and not common_metric(background(laws)).axes:
        names = " and ".join(law.arg_name for law in varying)
        return f"{names} are distances without a common axis"
    return None


@dataclass
class Visited:
    """Connected pairs: which, and how (-1 not, 0 forward, 1 both, 2 backward)."""

    pairs: ListedPairs
    how: npt.NDArray[np.int8]
    arg0: Values
    arg1: Values
    #: How many pairs were visited to find them.
    visited: int = 0

    def values(self) -> BlockValues:
        """Return the pairs as laws evaluate them; what the probabilities were is forgotten."""
        return BlockValues(self.pairs, self.arg0, 1.0, self.arg1, 1.0)

    def directions(self) -> tuple[Index, Index]:
        """Return which pairs are connected forward, and backward."""
        return np.flatnonzero((self.how == 0) | (self.how == 1)), np.flatnonzero(self.how > 0)


def _decide(
    values: BlockValues,
    joint: Joint | None,
    q_bound: Values,
    rng: np.random.Generator,
    clipping: Clipping,
    name: str,
) -> tuple[Index, npt.NDArray[np.int8]]:
    """Return which visited pairs to keep, with their real probability over the bound, and how."""
    candidates, p0, p1 = values.candidates, values.p0, values.p1
    u = rng.random(candidates.n)
    u *= q_bound
    # The probability of any connection, p0 + p1 - pr, is never above this sum.
    chosen = np.flatnonzero(u < p0 + p1)
    u, p0, p1, q_bound = (taken(each, chosen) for each in (u, p0, p1, q_bound))
    pr: Values = 0.0
    if joint is not None:
        p1, pr = joint.to_draw(values, chosen, p0, p1, clipping)
    q = p0 + p1 - pr
    if np.any(q > q_bound * (1 + 1e-9)):
        k = int(np.argmax(q - q_bound))
        raise ParameterError(
            f"bound of {name} gives at most {float(np.ravel(q_bound)[k]):.6g}, but the probability "
            f"of {candidates.describe(int(chosen[k]))} is {float(np.ravel(q)[k]):.6g}; correct the "
            "bound given to @vectorized: it must never be below the value."
        )
    how = (u >= p0 - pr).astype(np.int8)
    how += u >= p0
    if joint is None:
        return chosen, how
    kept = u < q
    return chosen[kept], how[kept]


def tiles_of(plan: Plan) -> EqualTiles | CellTiles:
    """Return the pairs that the laws of a plan can connect, in tiles."""
    if not plan.laws.constant:
        return CellTiles(plan.space, plan.laws)
    p0, p1 = plan.laws.constants()
    return EqualTiles(plan.space, p0 if plan.joint is None else min(1.0, p0 + p1))


def draw_tile(
    plan: Plan,
    tiles: EqualTiles | CellTiles,
    tile: int,
    rng: np.random.Generator,
    clipping: Clipping,
) -> Iterator[Visited]:
    """Yield the connected pairs of one tile, a few at a time; it needs no other one."""
    for candidates, q in tiles.visited(tile, rng):
        values = plan.laws.evaluate_on(candidates)
        kept, how = _decide(values, plan.joint, q, rng, clipping, plan.laws.forward.name)
        found = ListedPairs(plan.space, *candidates.pairs(kept))
        arg0, arg1 = (taken(arg, kept) for arg in (values.arg0, values.arg1))
        yield Visited(found, how, arg0, arg1, candidates.n)


def _visit(
    plan: Plan,
    streams: Callable[[int], np.random.Generator],
    clipping: Clipping,
    show_progress: bool,
) -> Iterator[Visited]:
    """Draw all tiles, each with a generator of its own, as if no pair had a law of its own."""
    plan = replace(plan, laws=background(plan.laws), joint=background_joint(plan.joint))
    tiles = tiles_of(plan)
    with progress(tiles.visits, show_progress) as advance:
        for tile in range(len(tiles)):
            for part in draw_tile(plan, tiles, tile, streams(tile), clipping):
                yield part
                advance(part.visited)


def _all_visited(
    space: PairSpace,
    law: Law,
    streams: Callable[[int], np.random.Generator],
    n_syn: SynapseCounts,
    show_progress: bool,
) -> Drawn:
    """Connect all pairs that are visited, where one probability is all there is to know of them.

    The arrays are made in full length and filled: joining parts would take twice the memory.
    """
    tiles = EqualTiles(space, law.p)
    length = min(space.n_pairs, int(tiles.visits + 8 * math.sqrt(tiles.visits) + 16))
    i = np.empty(length, dtype=index_dtype(len(space.source)))  # enough, but for once in 1e14
    j = np.empty(length, dtype=index_dtype(len(space.target)))
    done = 0
    with progress(tiles.visits, show_progress) as advance:
        for tile in range(len(tiles)):
            for source, target in tiles.numbers(tile, streams(tile)):
                stop = done + len(source)
                if stop > len(i):
                    i, j = np.resize(i, 2 * stop), np.resize(j, 2 * stop)
                i[done:stop], j[done:stop] = source, target
                done = stop
                advance(len(source))
    return Drawn([i[:done]], [j[:done]], [n_syn.value], [law.arg])


def draw(plan: Plan, rng: SharedGenerator, *, show_progress: bool = False) -> PairDraw:
    """Draw the edges of a plan, visiting only pairs that are likely enough.

    Parameters
    ----------
    plan : Plan
        With laws for which ``why_not`` is None. Functions that count synapses are called for
        connected pairs, in pair order.
    rng : Generator or RandomState
        128 bits are taken from it, as the root of all streams of the draw.
    show_progress : bool

    Notes
    -----
    Time and memory O(edges), of the connector that the laws depend on as well.
    """
    space, laws, joint, n_syn = plan.space, plan.laws, plan.joint, plan.n_syn
    # By number, so that no tile depends on how much the ones before it drew.
    streams = randomness.streams(rng, STREAM_VERSION)
    result = PairDraw(visited_only=True)
    if not space.n_pairs:
        return result
    called = any(callable(each.value) for each in n_syn)
    equal = joint is None and laws.constant and not callable(laws.forward.arg)
    if equal and not called and n_syn[0].value:
        result.order = "target"
        result.forward = _all_visited(space, laws.forward, streams, n_syn[0], show_progress)
        return result
    special, found = None, listed(laws, space)
    if found is not None:  # their law is not the background's: all are decided on, one by one
        values, rng = laws.evaluate_on(found), streams(LISTED)
        kept, decided = _decide(values, joint, 1.0, rng, result.clipping, laws.forward.name)
        special = Visited(found, np.full(found.n, -1, dtype=np.int8), values.arg0, values.arg1)
        special.how[kept] = decided
    parts = _visit(plan, streams, result.clipping, show_progress)
    result.order = "target" if laws.constant else None
    if special is not None or called:
        result.order = "source"
        parts = iter(_in_order(space, list(parts), special))
    for part in parts:
        values, chosen = part.values(), part.directions()
        counts = count_synapses(values, chosen, n_syn)
        collect(result, values, chosen, counts)
    return result


def _in_order(space: PairSpace, parts: list[Visited], special: Visited | None) -> list[Visited]:
    """Return all connected pairs in order; where a pair has a law of its own, that counts."""
    parts = [*parts, special] if special is not None else parts
    if not parts:
        return []
    shape = (len(space.source), len(space.target))
    lengths = [part.pairs.n for part in parts]
    i, j = (np.concatenate([getattr(part.pairs, name) for part in parts]) for name in "ij")
    columns = [np.concatenate([part.how for part in parts])]
    columns += [
        joined([getattr(part, name) for part in parts], lengths) for name in ("arg0", "arg1")
    ]
    own = np.repeat([part is special for part in parts], lengths)
    parts.clear()
    i, j, columns = sort_pairs(i, j, shape, (*columns, own))
    *columns, own = columns
    # Listed pairs come last, so the sort, which is stable, leaves a drawn one right before.
    twice = np.roll(own & ~is_first(i, j), -1)
    keep = np.flatnonzero(~twice & (columns[0] >= 0))
    how, arg0, arg1 = (taken(column, keep) for column in columns)
    return [Visited(ListedPairs(space, i[keep], j[keep]), how, arg0, arg1)]
