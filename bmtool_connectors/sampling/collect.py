"""What every draw consists of: pairs, synapse counts, and the edges that come of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from bmtool_connectors import vectorization
from bmtool_connectors.arrays import Index, IntArray, Values, index_dtype
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.candidates import Candidates, ListedPairs
from bmtool_connectors.sampling.laws import BlockValues, Clipping


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
        return vectorization.of_pairs(self.value, first, second, i, j, self.name)

    def caller(self, candidates: Candidates) -> Callable[[int, int], Any]:
        """Return a function of one pair (i, j)."""
        if not callable(self.value) or vectorization.is_vectorized(self.value):
            return lambda i, j: np.ravel(self.call(candidates, np.array([i]), np.array([j])))[0]
        function = self.value
        sources, targets = candidates.space.source.nodes, candidates.space.target.nodes
        if self.backward:
            return lambda i, j: function(targets[j], sources[i])
        return lambda i, j: function(sources[i], targets[j])

    def of_all(self, candidates: Candidates) -> int | IntArray:
        """Return the checked counts of all candidates, or one number for all."""
        if not callable(self.value):
            return int(self.value)
        counts = self.call(candidates, *candidates.pairs())
        return self.checked(counts, candidates, np.arange(candidates.n))  # type: ignore[no-any-return]

    def checked(self, counts: Any, candidates: Candidates, chosen: Index) -> Any:
        """Return counts of the chosen candidates as whole numbers, shape (m,)."""

        def describe(k: int) -> str:
            return candidates.describe(int(chosen[k]))

        return vectorization.checked_counts(counts, len(chosen), describe, self.name)


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
        self.i.append(i.astype(index_dtype(len(candidates.space.source)), copy=False))
        self.j.append(j.astype(index_dtype(len(candidates.space.target)), copy=False))
        self.n_syn.append(counts)
        self.arg.append(taken(arg, chosen))

    def __len__(self) -> int:
        return sum(map(len, self.i))

    def arrays(self) -> tuple[Index, Index, Any, Any]:
        """Return i, j, n_syn and p_arg over all blocks; one number where all are equal."""
        lengths = [len(part) for part in self.i]
        columns = (self.i, self.j, self.n_syn, self.arg)
        i, j, n_syn, arg = (joined(parts, lengths) for parts in columns)
        return i, j, n_syn, arg


def joined(parts: list[Any], lengths: list[int]) -> Any:
    """Join what the blocks gave; one value for all blocks stays one value."""
    if not parts:
        return np.zeros(0, dtype=np.int16)
    if len(parts) == 1 or not any(isinstance(part, np.ndarray) for part in parts):
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
    #: Pairs with p0 > 0, with p1 > 0, and with both, among those that were looked at.
    possible: IntArray = field(default_factory=lambda: np.zeros(3, dtype=np.int64))
    #: Only some pairs were looked at: `possible` says nothing about the others.
    visited_only: bool = False
    #: Whether the edges come sorted by source, then target of the pairs, or by target, then source.
    order: Literal["source", "target"] | None = "source"
    reciprocal: int = 0
    dropped: int = 0
    clipping: Clipping = field(default_factory=Clipping)

    def recount(self, space: PairSpace, n_syn: tuple[SynapseCounts, SynapseCounts]) -> None:
        """Ask functions that take arrays for the synapses of all connected pairs."""
        if not any(callable(each.value) for each in n_syn):
            return
        pairs = []
        for drawn, each in zip((self.forward, self.backward), n_syn, strict=True):
            i, j, counts, arg = drawn.arrays()
            if callable(each.value):
                candidates = ListedPairs(space, i, j)
                everyone = np.arange(len(i))
                counts = each.checked(each.call(candidates, i, j), candidates, everyone)
                keep = counts > 0
                self.dropped += int((~keep).sum())
                i, j, counts, arg = i[keep], j[keep], counts[keep], taken(arg, keep)
                drawn.i, drawn.j, drawn.n_syn, drawn.arg = [i], [j], [counts], [arg]
            pairs.append(i.astype(np.int64) * len(space.target) + j)
        self.reciprocal = int(np.isin(pairs[1], pairs[0]).sum())


def taken(values: Values, chosen: Index) -> Values:
    """Return the values of the chosen pairs; one value for all stays one."""
    return values[chosen] if isinstance(values, np.ndarray) else values


def count_synapses(
    values: BlockValues,
    chosen: tuple[Index, Index],
    n_syn: tuple[SynapseCounts, SynapseCounts],
) -> list[Any]:
    """Return the counts of both directions: a number, or an array from a function."""
    candidates = values.candidates
    if all(vectorization.needs_python_calls(each.value) for each in n_syn) and len(chosen[1]):
        return _count_in_order(candidates, chosen, n_syn)
    return [
        each.checked(each.call(candidates, *candidates.pairs(one)), candidates, one)
        if callable(each.value)
        else each.value
        for each, one in zip(n_syn, chosen, strict=True)
    ]


def _count_in_order(
    candidates: Candidates,
    chosen: tuple[Index, Index],
    n_syn: tuple[SynapseCounts, SynapseCounts],
) -> list[Any]:
    """Call the functions of both directions, which may share a state, pair after pair."""
    events = np.concatenate([2 * chosen[0], 2 * chosen[1] + 1])
    order = np.argsort(events, kind="stable")
    i, j = candidates.pairs(events[order] // 2)
    call = [each.caller(candidates) for each in n_syn]
    rows = zip((events[order] % 2).tolist(), i.tolist(), j.tolist(), strict=True)
    found = np.empty(len(events), dtype=object)
    found[order] = vectorization.as_array([call[direction](a, b) for direction, a, b in rows])
    parts = (found[: len(chosen[0])], found[len(chosen[0]) :])
    return [
        each.checked(part, candidates, one)
        for each, part, one in zip(n_syn, parts, chosen, strict=True)
    ]


def collect(
    result: PairDraw, values: BlockValues, chosen: Sequence[Index], counts: Sequence[Any]
) -> None:
    """Take over the edges of one block; a count of 0 is no edge, a self pair has no backward."""
    candidates, n = values.candidates, values.candidates.n
    result.possible += values.possible()
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
