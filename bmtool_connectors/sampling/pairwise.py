"""The pairwise sampler: every possible pair, in order, in small blocks.

The stream is the one of a loop over pairs: one uniform for the forward
connection if p0 > 0, then one for the backward connection if p1 > 0, then the
numbers that ``n_syn`` functions draw for the connections of that pair.
``Generator.random(n)`` equals n scalar draws, so a block takes its uniforms
with one call and hands them out in that order.

With private streams, each tile of rows has one of its own, so that it can be
drawn without the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from bmtool_connectors import randomness, vectorization
from bmtool_connectors.arrays import Flags, FloatArray, Index, Values
from bmtool_connectors.bernoulli import after_forward, without_forward
from bmtool_connectors.progress import progress
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling.candidates import BlockPairs
from bmtool_connectors.sampling.collect import (
    PairDraw,
    SynapseCounts,
    collect,
    taken,
)
from bmtool_connectors.sampling.laws import BlockValues, Clipping, Joint
from bmtool_connectors.sampling.plan import Plan

STREAM_VERSION = 2


def _uniforms(rng: SharedGenerator, has0: Any, has1: Any, n: int) -> tuple[FloatArray, FloatArray]:
    """Draw a number per possible connection, pair after pair, forward before backward.

    Returns
    -------
    u0, u1 : ndarray of float, shape (n,)
        Arbitrary where nothing was drawn.
    """
    all0, all1 = bool(np.all(has0)), bool(np.all(has1))
    if all0 and all1:
        both = rng.random((n, 2))
        return both[:, 0], both[:, 1]
    if all0 and not np.any(has1):
        u = rng.random(n)
        return u, u
    counts = np.zeros(n, dtype=np.int64)
    counts += has0
    counts += has1
    ends = np.cumsum(counts)
    u = rng.random(int(ends[-1]) if n else 0)
    if not len(u):
        return np.zeros(n), np.zeros(n)
    return u[np.minimum(ends - counts, len(u) - 1)], u[ends - 1]


def _backward_law(
    values: BlockValues, joint: Joint, has1: Any, clipping: Clipping
) -> tuple[Values, Values]:
    """Return p1 and pr of the candidates (0 where there is no backward connection)."""
    p0, p1, n = values.p0, values.p1, values.candidates.n
    arrays = isinstance(p0, np.ndarray) or isinstance(p1, np.ndarray) or callable(joint.pr)
    if not arrays or np.all(has1):
        return joint.to_draw(values, np.arange(n), p0, p1, clipping)
    # pr is asked only about pairs that may have a backward connection.
    chosen = np.flatnonzero(np.broadcast_to(has1, (n,)))
    law = np.zeros((2, n))
    some = (taken(p0, chosen), taken(p1, chosen))
    law[0, chosen], law[1, chosen] = joint.to_draw(values, chosen, *some, clipping)
    return law[0], law[1]


def _draw_block(
    values: BlockValues, joint: Joint | None, rng: SharedGenerator, clipping: Clipping
) -> tuple[Index, Index]:
    """Return the candidates with a forward and with a backward connection."""
    p0, p1, n = values.p0, values.p1, values.candidates.n
    has0, has1 = p0 > 0, p1 > 0
    pr = None
    if joint is not None and joint.rho != 0:
        p1, pr = _backward_law(values, joint, has1, clipping)
    u0, u1 = _uniforms(rng, has0, has1, n)
    forward = np.flatnonzero(_only(u0 < p0, has0))
    if joint is None:
        return forward, np.zeros(0, dtype=np.int64)
    if pr is None:  # rho = 0: independent
        backward = u1 < p1
    else:
        backward = u1 < without_forward(p0, p1, pr)
        backward[forward] = u1[forward] < after_forward(taken(p0, forward), taken(pr, forward))
    return forward, np.flatnonzero(_only(backward, has1))


def _only(drawn: Flags, possible: Any) -> Flags:
    """Return `drawn` where something was drawn for at all."""
    return drawn if np.all(possible) else drawn & possible


def _draw_in_sequence(
    values: BlockValues,
    joint: Joint | None,
    rng: SharedGenerator,
    n_syn: tuple[SynapseCounts, SynapseCounts],
    clipping: Clipping,
) -> tuple[list[Index], list[Any]]:
    """Draw pair by pair, for ``n_syn`` functions that may draw from the same generator."""
    candidates = values.candidates
    p0, p1 = values.p0, values.p1
    backward_law: tuple[Values, Values] = (p1, 0.0)
    if joint is not None:
        backward_law = _backward_law(values, joint, p1 > 0, clipping)
    pr = backward_law[1]
    laws = (p0, p1, after_forward(p0, pr), without_forward(p0, *backward_law))
    columns = [np.broadcast_to(law, (candidates.n,)) for law in laws]
    columns += candidates.pairs()
    call = [each.caller(candidates) for each in n_syn]
    found: tuple[list[int], list[int]] = ([], [])
    counts: tuple[list[Any], list[Any]] = ([], [])
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for k, (p0, p1, given_forward, given_none, i, j) in enumerate(rows):
        forward = p0 > 0 and rng.random() < p0
        backward = p1 > 0 and rng.random() < (given_forward if forward else given_none)
        for direction, connected in enumerate((forward, backward)):
            if connected:
                found[direction].append(k)
                counts[direction].append(call[direction](i, j))
    chosen: list[Index] = [np.array(each, dtype=np.int64) for each in found]
    numbers = [
        each.checked(vectorization.as_array(part), candidates, one)
        for each, part, one in zip(n_syn, counts, chosen, strict=True)
    ]
    return chosen, numbers


def _first_row(values: BlockValues) -> int:
    """Return the first source of the block that was evaluated."""
    assert isinstance(values.candidates, BlockPairs)
    return values.candidates.block.i0


def draw(
    plan: Plan,
    rng: SharedGenerator,
    *,
    kept: list[BlockValues] | None = None,
    block_size: int | None = None,
    show_progress: bool = False,
) -> PairDraw:
    """Draw the edges of a plan.

    Parameters
    ----------
    plan : Plan
    rng : Generator or RandomState
        Of a plan with private streams, 128 bits are taken from it, as the root of a stream for
        each tile of rows. Otherwise all numbers come from it, pair after pair.
    kept : list of BlockValues, optional
        What ``estimate_rho`` evaluated, to be used again.
    block_size : int, optional
        Pairs per block; has no influence on the result.
    show_progress : bool

    Notes
    -----
    Time O(pairs), memory O(block + edges). Functions declared ``@vectorized`` give `n_syn` of all
    connected pairs at once, at the end: the result does not depend on the blocks.
    """
    space, joint, n_syn, result = plan.space, plan.joint, plan.n_syn, PairDraw()
    # A function may draw from our generator, or have any other state: it is asked once per
    # connected pair, when the generator stands where a loop over pairs would have it.
    in_sequence = any(vectorization.needs_python_calls(each.value) for each in n_syn)
    blocks: Iterable[BlockValues] = plan.laws.over(space, block_size) if kept is None else kept
    streams, tile = randomness.streams(rng, STREAM_VERSION) if plan.private else None, -1
    with progress(space.n_pairs, show_progress) as advance:
        for values in blocks:
            if streams is not None and _first_row(values) // space.tile_rows != tile:
                tile = _first_row(values) // space.tile_rows
                rng = streams(tile)
            chosen: Sequence[Index]
            if in_sequence:
                chosen, counts = _draw_in_sequence(values, joint, rng, n_syn, result.clipping)
            else:
                chosen = _draw_block(values, joint, rng, result.clipping)
                # Functions that take arrays are asked later.
                counts = [1 if callable(each.value) else each.value for each in n_syn]
            collect(result, values, chosen, counts)
            advance(values.candidates.looked_at)
    if not in_sequence:
        result.recount(space, n_syn)
    return result
