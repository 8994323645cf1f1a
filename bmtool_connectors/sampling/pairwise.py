"""The pairwise sampler: every possible pair, in order, in small blocks.

The stream is the one of a loop over pairs: one uniform for the forward
connection if p0 > 0, then one for the backward connection if p1 > 0, then the
numbers that ``n_syn`` functions draw for the connections of that pair.
``Generator.random(n)`` equals n scalar draws, so a block takes its uniforms
with one call and hands them out in that order.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors import lifting
from bmtool_connectors.edges import index_dtype
from bmtool_connectors.randomness import SharedGenerator, get_state, same_state, set_state
from bmtool_connectors.reciprocity import (
    RhoSums,
    after_forward,
    carried,
    joint_from_rho,
    solve_rho,
    without_forward,
)
from bmtool_connectors.sampling.blocks import Index, PairSpace
from bmtool_connectors.sampling.laws import (
    BlockValues,
    Candidates,
    Clipping,
    Joint,
    PairLaws,
    Values,
)

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SynapseCounts:
    """``n_syn`` of one direction: a number or a function of two nodes."""

    value: Any
    name: str
    backward: bool = False

    def call(self, candidates: Candidates, i: Index, j: Index) -> Any:
        """Return what the parameter gives for pairs; not checked yet."""
        first, second = candidates.space.source, candidates.space.target
        if self.backward:
            first, second, i, j = second, first, j, i
        return lifting.of_pairs(self.value, first, second, i, j, self.name)

    def caller(self, candidates: Candidates) -> Callable[[int, int], Any]:
        """Return a function of one pair (i, j)."""
        if not callable(self.value) or lifting.is_vectorized(self.value):
            return lambda i, j: np.ravel(self.call(candidates, np.array([i]), np.array([j])))[0]
        function = self.value
        sources, targets = candidates.space.source.nodes, candidates.space.target.nodes
        if self.backward:
            return lambda i, j: function(targets[j], sources[i])
        return lambda i, j: function(sources[i], targets[j])

    def checked(self, counts: Any, candidates: Candidates, chosen: Index) -> Any:
        """Return counts of the chosen candidates as whole numbers, shape (m,)."""

        def describe(k: int) -> str:
            return candidates.describe(int(chosen[k]))

        return lifting.checked_counts(counts, len(chosen), describe, self.name)


@dataclass
class Drawn:
    """Edges of one direction as they come, block by block; i and j index source and target."""

    i: list[Index] = field(default_factory=list)
    j: list[Index] = field(default_factory=list)
    n_syn: list[Any] = field(default_factory=list)
    arg: list[Values] = field(default_factory=list)

    def add(self, candidates: Candidates, chosen: Index, arg: Values, counts: Any) -> None:
        """Add the chosen candidates."""
        if not len(chosen):
            return
        i, j = candidates.pairs(chosen)
        self.i.append(i.astype(index_dtype(len(candidates.space.source))))
        self.j.append(j.astype(index_dtype(len(candidates.space.target))))
        self.n_syn.append(counts)
        self.arg.append(arg[chosen] if isinstance(arg, np.ndarray) else arg)

    def arrays(self) -> tuple[Index, Index, Any, Any]:
        """Return i, j, n_syn and p_arg over all blocks; one number where all are equal."""
        lengths = [len(part) for part in self.i]
        i, j, n_syn, arg = (
            _joined(parts, lengths) for parts in (self.i, self.j, self.n_syn, self.arg)
        )
        return i, j, n_syn, arg


def _joined(parts: list[Any], lengths: list[int]) -> Any:
    """Join what the blocks gave; one value for all blocks stays one value."""
    if not parts:
        return np.zeros(0, dtype=np.int16)
    if not any(isinstance(part, np.ndarray) for part in parts):
        return parts[0]
    arrays = (
        np.broadcast_to(np.asarray(part), (n,)) for part, n in zip(parts, lengths, strict=True)
    )
    return np.concatenate(list(arrays))


@dataclass
class PairDraw:
    """Everything a draw gives."""

    forward: Drawn = field(default_factory=Drawn)
    backward: Drawn = field(default_factory=Drawn)
    possible: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(3, dtype=np.int64))
    reciprocal: int = 0
    dropped: int = 0
    clipping: Clipping = field(default_factory=Clipping)


@contextmanager
def progress(total: int, show: bool) -> Iterator[Any]:
    """Show a bar on a terminal, after a second of work; yields a function ``advance(n)``."""
    if not show or not sys.stderr.isatty():
        yield lambda n: None
        return
    from tqdm import tqdm

    with tqdm(total=total, unit="pair", unit_scale=True, delay=1.0, leave=False) as bar:
        yield bar.update


def _passed(p: Values) -> Any:
    return p > 0


def _uniforms(
    rng: SharedGenerator, has0: Any, has1: Any, n: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
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


def _joint_of(values: BlockValues, joint: Joint, has1: Any, clipping: Clipping) -> Values:
    """Return the feasible pr of the candidates (0 where there is no backward connection)."""
    p0, p1, n = values.p0, values.p1, values.candidates.n
    arrays = isinstance(p0, np.ndarray) or isinstance(p1, np.ndarray) or callable(joint.pr)
    if not arrays or np.all(has1):
        return joint.feasible(values, np.arange(n), p0, p1, clipping)
    # pr is asked only about pairs that may have a backward connection.
    chosen = np.flatnonzero(np.broadcast_to(has1, (n,)))
    pr = np.zeros(n)
    pr[chosen] = joint.feasible(values, chosen, taken(p0, chosen), taken(p1, chosen), clipping)
    return pr


def taken(values: Values, chosen: Index) -> Values:
    """Return the values of the chosen pairs; one value for all stays one."""
    return values[chosen] if isinstance(values, np.ndarray) else values


def _draw_block(
    values: BlockValues, joint: Joint | None, rng: SharedGenerator, clipping: Clipping
) -> tuple[Index, Index]:
    """Return the candidates with a forward and with a backward connection."""
    p0, p1, n = values.p0, values.p1, values.candidates.n
    has0, has1 = _passed(p0), _passed(p1)
    pr = None
    if joint is not None and joint.rho != 0:
        pr = _joint_of(values, joint, has1, clipping)
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


def _count(
    values: BlockValues,
    chosen: tuple[Index, Index],
    n_syn: tuple[SynapseCounts, SynapseCounts],
) -> tuple[Any, Any]:
    """Return the counts of both directions: a number, or an array from a function."""
    candidates = values.candidates
    if all(lifting.needs_python_calls(each.value) for each in n_syn) and len(chosen[1]):
        return _count_in_order(candidates, chosen, n_syn)
    counts = []
    for each, one in zip(n_syn, chosen, strict=True):
        if callable(each.value):
            found = each.call(candidates, *candidates.pairs(one))
            counts.append(each.checked(found, candidates, one))
        else:
            counts.append(each.value)
    return counts[0], counts[1]


def _count_in_order(
    candidates: Candidates,
    chosen: tuple[Index, Index],
    n_syn: tuple[SynapseCounts, SynapseCounts],
) -> tuple[Any, Any]:
    """Call the functions of both directions, which may share a state, pair after pair."""
    events = np.concatenate([2 * chosen[0], 2 * chosen[1] + 1])
    order = np.argsort(events, kind="stable")
    i, j = candidates.pairs(events[order] // 2)
    call = [each.caller(candidates) for each in n_syn]
    rows = zip((events[order] % 2).tolist(), i.tolist(), j.tolist(), strict=True)
    found = np.empty(len(events), dtype=object)
    found[order] = lifting.as_array([call[direction](a, b) for direction, a, b in rows])
    parts = (found[: len(chosen[0])], found[len(chosen[0]) :])
    checked = [
        each.checked(part, candidates, one)
        for each, part, one in zip(n_syn, parts, chosen, strict=True)
    ]
    return checked[0], checked[1]


def _draw_in_sequence(
    values: BlockValues,
    joint: Joint | None,
    rng: SharedGenerator,
    n_syn: tuple[SynapseCounts, SynapseCounts],
    clipping: Clipping,
) -> tuple[tuple[Index, Index], tuple[Any, Any]]:
    """Draw pair by pair, for ``n_syn`` functions that draw from the same generator."""
    candidates = values.candidates
    p0, p1 = values.p0, values.p1
    pr: Values = 0.0
    if joint is not None:
        pr = p0 * p1 if joint.rho == 0 else _joint_of(values, joint, _passed(p1), clipping)
    laws = (p0, p1, after_forward(p0, pr), without_forward(p0, p1, pr))
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
    chosen = [np.array(each, dtype=np.int64) for each in found]
    numbers = [
        each.checked(lifting.as_array(part), candidates, one)
        for each, part, one in zip(n_syn, counts, chosen, strict=True)
    ]
    return (chosen[0], chosen[1]), (numbers[0], numbers[1])


def draw(
    space: PairSpace,
    laws: PairLaws,
    joint: Joint | None,
    rng: SharedGenerator,
    n_syn: tuple[SynapseCounts, SynapseCounts],
    *,
    kept: list[BlockValues] | None = None,
    block_size: int | None = None,
    show_progress: bool = False,
) -> PairDraw:
    """Draw the edges of a pair space.

    Parameters
    ----------
    space : PairSpace
    laws : PairLaws
        Marginal probabilities.
    joint : Joint or None
        The joint probability; None for one direction.
    rng : Generator or RandomState
    n_syn : tuple of SynapseCounts
        Forward and backward.
    kept : list of BlockValues, optional
        What ``estimate_rho`` evaluated, to be used again.
    block_size : int, optional
        Pairs per block; has no influence on the result.
    show_progress : bool

    Notes
    -----
    Time O(pairs), memory O(block + edges).
    """
    result = PairDraw()
    in_sequence = False
    watch = any(callable(each.value) for each in n_syn)
    blocks: Iterable[BlockValues] = laws.over(space, block_size) if kept is None else kept
    with progress(space.n_pairs, show_progress) as advance:
        for values in blocks:
            state = get_state(rng) if watch and not in_sequence else None
            if not in_sequence:
                clipping = copy(result.clipping)
                chosen = _draw_block(values, joint, rng, result.clipping)
                after = get_state(rng) if watch else None
                counts = _count(values, chosen, n_syn)
                if watch and not same_state(after, get_state(rng)):
                    # n_syn draws from our generator: once more, its draws between ours.
                    in_sequence = True
                    set_state(rng, state)
                    result.clipping = clipping
            if in_sequence:
                chosen, counts = _draw_in_sequence(values, joint, rng, n_syn, result.clipping)
            _collect(result, values, chosen, counts)
            advance(values.candidates.block.n)
    return result


def _collect(
    result: PairDraw, values: BlockValues, chosen: tuple[Index, Index], counts: tuple[Any, Any]
) -> None:
    """Take over the edges of one block; a count of 0 is no edge, a self pair has no backward."""
    candidates, n = values.candidates, values.candidates.n
    has0, has1 = _passed(values.p0), _passed(values.p1)
    for k, flags in enumerate((has0, has1, has0 & has1)):
        result.possible[k] += np.count_nonzero(flags) if np.ndim(flags) else n * int(flags)
    kept = []
    directions = (result.forward, result.backward), (values.arg0, values.arg1), chosen, counts
    for drawn, arg, one, number in zip(*directions, strict=True):
        if drawn is result.backward and candidates.space.self_pairs is not None and len(one):
            other = ~candidates.space.is_self(*candidates.pairs(one))
            one, number = one[other], taken(number, other)
        if isinstance(number, np.ndarray) or number == 0:
            positive = np.broadcast_to(np.asarray(number) > 0, one.shape)
            result.dropped += int((~positive).sum())
            one, number = one[positive], taken(number, positive)
        drawn.add(candidates, one, arg, number)
        kept.append(one)
    if len(kept[1]):
        connected = np.zeros(n, dtype=bool)
        connected[kept[0]] = True
        result.reciprocal += int(np.count_nonzero(connected[kept[1]]))


@dataclass(frozen=True)
class RhoEstimate:
    """One correlation for all pairs, and what it is based on.

    Attributes
    ----------
    rho : float
    n : int
        Number of valid pairs.
    feasible : bool
        Whether no pair is clipped with it.
    reachable : float or None
        The mean joint probability that results, where the wanted one cannot be reached.
    """

    rho: float
    n: int
    feasible: bool
    reachable: float | None = None


def estimate_rho(
    space: PairSpace,
    laws: PairLaws,
    pr: float,
    ranges: tuple[Any, Any],
    *,
    keep: bool,
    block_size: int | None = None,
    show_progress: bool = False,
) -> tuple[RhoEstimate, list[BlockValues] | None]:
    """Find the one rho for which valid pairs are reciprocal with mean probability `pr`.

    Parameters
    ----------
    space : PairSpace
    laws : PairLaws
    pr : float
        Wanted mean joint probability.
    ranges : tuple of two (low, high) or None
        Arguments, forward and backward, at which a pair is valid. Without, pairs with p0 > 0
        and p1 > 0 are.
    keep : bool
        Keep what was evaluated for the draw.

    Returns
    -------
    estimate : RhoEstimate
    kept : list of BlockValues or None
    """
    by_range = any(each is not None for each in ranges)
    n_self = 0 if space.self_pairs is None else int((space.self_pairs >= 0).sum())
    sums = RhoSums()
    kept: list[BlockValues] | None = None
    if laws.constant and not by_range:
        p0 = float(laws.forward.p)
        p1 = p0 if laws.same_p or laws.backward is None else float(laws.backward.p)
        if p0 > 0 and p1 > 0:
            sums.add_equal(space.n_pairs - n_self, p0, p1)

        def valid_pairs() -> Iterator[tuple[Values, Values]]:
            yield np.array([p0]), np.array([p1])

        weight = sums.n
    else:
        kept = [] if keep else None

        def blocks() -> Iterable[BlockValues]:
            return laws.over(space, block_size, everything=by_range) if kept is None else kept

        def valid_pairs() -> Iterator[tuple[Values, Values]]:
            return (_valid(values, ranges, n_self > 0) for values in blocks())

        with progress(space.n_pairs, show_progress) as advance:
            for values in laws.over(space, block_size, everything=by_range):
                sums.add(*_valid(values, ranges, n_self > 0))
                if kept is not None:
                    kept.append(values.without_rectangle())
                advance(values.candidates.block.n)
        weight = 1

    rho = sums.closed_form(pr)
    if sums.spread == 0:  # every law is certain, and so is the joint probability
        fixed = sums.independent / max(sums.n, 1)
        return RhoEstimate(rho, sums.n, True, fixed if abs(fixed - pr) > 1e-9 else None), kept
    if not sums.clips(rho):
        return RhoEstimate(rho, sums.n, not by_range), kept

    def expected(trial: float) -> float:
        total = 0.0
        for p0, p1 in valid_pairs():
            total = carried(total, joint_from_rho(trial, p0, p1))
        return total * weight

    target = pr * sums.n
    rho = solve_rho(expected, target, sums.lowest, sums.highest)
    reached = expected(rho) / sums.n
    missed = abs(reached - pr) > 1e-9
    return RhoEstimate(rho, sums.n, False, reached if missed else None), kept


def _valid(
    values: BlockValues, ranges: tuple[Any, Any], leave_self: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return p0 and p1 of the pairs of a block that count for the estimate."""
    n = values.candidates.n
    p0 = np.broadcast_to(values.p0, (n,))
    p1 = p0 if values.p1 is values.p0 else np.broadcast_to(values.p1, (n,))
    if all(each is None for each in ranges):
        valid = (p0 > 0) & (p1 > 0)
    else:
        valid = np.ones(n, dtype=bool)
        for limits, arg in zip(ranges, (values.arg0, values.arg1), strict=True):
            if limits is not None:
                inside = (arg >= limits[0]) & (arg <= limits[1])
                valid &= inside
    if leave_self:
        valid &= ~values.candidates.space.is_self(*values.candidates.pairs())
    if valid.all():
        return p0, p1
    chosen = p0[valid]
    return chosen, chosen if p1 is p0 else p1[valid]
