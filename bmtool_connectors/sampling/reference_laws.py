"""Laws that depend on reference connections: those that another connector makes of a pair."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import Index, Values, is_first, ranges
from bmtool_connectors.edges import EdgeList, sort_pairs
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.candidates import BlockPairs, Candidates, ListedPairs
from bmtool_connectors.sampling.laws import BlockValues, Joint, Law, PairLaws


@dataclass(frozen=True)
class ReferencePairs:
    """In how many directions each pair is connected in a reference network: 0, 1 or 2.

    Attributes
    ----------
    edges : EdgeList
        Of the reference, whose source and target pool are one; both directions listed.
    source, target : ndarray of int
        Index in the reference's pool of each node of the source and the target pool.
    """

    edges: EdgeList
    source: Index
    target: Index

    def of(self, candidates: Candidates) -> tuple[npt.NDArray[np.int8], Values]:
        """Return the number of reference connections of each candidate, and its ``p_arg`` value.

        Notes
        -----
        The value is that of the forward connection, if it exists, and NaN where there is none.
        O(edges of the block's rows), not a search per pair.
        """
        if id(self) in candidates.memo:
            return candidates.memo[id(self)]  # type: ignore[no-any-return]
        assert isinstance(candidates, BlockPairs)  # listed ones remember theirs
        block = candidates.block
        count = np.zeros(block.size, dtype=np.int8)
        arg = np.full(block.size, np.nan, dtype=self._dtype)
        # The forward value is written last, and stays.
        for edges in (self._transposed, self.edges):
            flat, number = self._inside(edges, block)
            count[flat] += 1
            if edges.pair_arg is not None:
                arg[flat] = edges.pair_arg[number]
        chosen = candidates.flat
        if chosen is None:
            chosen = block.flat()
        candidates.memo[id(self)] = found = count[chosen], arg[chosen]
        return found

    def listed(self, space: PairSpace) -> ListedPairs:
        """Return the pairs of a space that are connected in the reference, in order.

        Notes
        -----
        O(edges of the reference), whatever the space.
        """
        both = (self._transposed, self.edges)
        i = np.concatenate([self._row[edges.source] for edges in both])
        j = np.concatenate([self._column[edges.target] for edges in both])
        n = len(self.edges)
        number = np.concatenate([np.arange(n), np.arange(n)])
        forward = np.repeat([False, True], n)
        inside = (i >= 0) & (j >= 0)
        if space.kind != "all":
            inside &= i <= j if space.kind == "upper and diagonal" else i < j
        elif space.left_out is not None:
            inside &= space.left_out[i] != j
        shape = (len(space.source), len(space.target))
        i, j, columns = sort_pairs(i[inside], j[inside], shape, (number[inside], forward[inside]))
        number, forward = columns
        # A pair that is there twice is connected in both directions; the forward one comes last.
        first = is_first(i, j)
        last = np.flatnonzero(np.roll(first, -1))
        arg = np.full(len(last), np.nan, dtype=self._dtype)
        for edges, chosen in ((self._transposed, ~forward[last]), (self.edges, forward[last])):
            if edges.pair_arg is not None:
                arg[chosen] = edges.pair_arg[number[last[chosen]]]
        pairs = ListedPairs(space, i[last], j[last])
        pairs.memo[id(self)] = 1 + (~first[last]).astype(np.int8), arg
        return pairs

    @property
    def _dtype(self) -> Any:
        return float if self.edges.pair_arg is None else self.edges.pair_arg.dtype

    @functools.cached_property
    def _transposed(self) -> EdgeList:
        return self.edges.transpose()

    def _inside(self, edges: EdgeList, block: Any) -> tuple[Index, Index]:
        """Return flat indices in the block of the edges within it, and the edges' numbers."""
        rows = self.source[block.i0 : block.i1]
        starts, stops = edges.indptr[rows], edges.indptr[rows + 1]
        lengths = stops - starts
        row, number = np.repeat(np.arange(len(rows)), lengths), ranges(starts, lengths)
        column = self._column[edges.target[number]]
        inside = (column >= block.j0) & (column < block.j1)
        return row[inside] * block.width + column[inside] - block.j0, number[inside]

    @functools.cached_property
    def _column(self) -> Index:
        """Return the index in the target pool of each node of the reference, or -1."""
        return _inverse(self.target, self.edges.shape[1])

    @functools.cached_property
    def _row(self) -> Index:
        """Return the index in the source pool of each node of the reference, or -1."""
        return _inverse(self.source, self.edges.shape[0])


def _inverse(numbers: Index, n: int) -> Index:
    """Return the index in `numbers` of each whole number below n, or -1."""
    inverse = np.full(n, -1)
    inverse[numbers] = np.arange(len(numbers))
    return inverse


@dataclass(frozen=True)
class ReferenceLaw(Law):
    """A law chosen by the number of reference connections of the pair.

    Attributes
    ----------
    reference : ReferencePairs
    laws : tuple of Law
        For 0, 1, ... reference connections; the last one serves all further numbers.
    stored_arg : bool
        Connected pairs have the argument that the reference stored.
    """

    reference: ReferencePairs | None = None
    laws: tuple[Law, ...] = ()
    stored_arg: bool = False

    def reach(self) -> None:
        """Return None: a pair may be connected at any distance."""
        return None  # noqa: RET501  # a value: not known

    @property
    def is_constant(self) -> bool:
        """False: the probability changes with the reference."""
        return False

    @property
    def needs_python_calls(self) -> bool:
        """Whether a Python function must be called once per pair."""
        return any(law.needs_python_calls for law in self.laws)

    def _groups(self, candidates: Candidates) -> list[tuple[Law, Index]]:
        """Return each law with the candidates it is for."""
        assert self.reference is not None
        count, _ = self.reference.of(candidates)
        count = np.minimum(count, len(self.laws) - 1)
        return [(law, np.flatnonzero(count == k)) for k, law in enumerate(self.laws)]

    def args(self, candidates: Candidates) -> Values:
        """Return the argument of each candidate."""
        arg = by_group(
            candidates.n,
            [
                (chosen, law.args(candidates.subset(chosen)))
                for law, chosen in self._groups(candidates)
            ],
        )
        if self.stored_arg and isinstance(arg, np.ndarray):
            assert self.reference is not None
            count, stored = self.reference.of(candidates)
            arg = np.where(count > 0, stored, arg)
        return arg

    def probabilities(self, candidates: Candidates, args: Values) -> Values:
        """Return the probability of each candidate, checked."""
        parts = []
        for law, chosen in self._groups(candidates):
            some = args[chosen] if isinstance(args, np.ndarray) else args
            parts.append((chosen, law.probabilities(candidates.subset(chosen), some)))
        return by_group(candidates.n, parts)


def by_group(n: int, parts: list[tuple[Index, Values]]) -> Values:
    """Put the values of groups of pairs together; None for all stays None."""
    values = [value for chosen, value in parts if len(chosen)]
    if not values:
        return np.zeros(0)
    if all(value is None for value in values):
        return None
    kinds = {np.asarray(value).dtype.kind for value in values}
    whole = np.empty(n, dtype=float if kinds <= set("fiub") else object)
    for chosen, value in parts:
        if len(chosen):
            whole[chosen] = value
    return whole


@dataclass(frozen=True)
class ReferenceJoint(Joint):
    """A joint probability chosen by the number of reference connections of the pair."""

    reference: ReferencePairs | None = None
    joints: tuple[Joint, ...] = ()

    @property
    def needs_python_calls(self) -> bool:
        """Whether a Python function must be called once per pair."""
        return any(joint.needs_python_calls for joint in self.joints)

    def _given(self, values: BlockValues, chosen: Index, p0: Values, p1: Values) -> Values:
        assert self.reference is not None
        count = np.minimum(self.reference.of(values.candidates)[0][chosen], len(self.joints) - 1)
        parts = []
        for k, joint in enumerate(self.joints):
            of_count = np.flatnonzero(count == k)
            laws = (law[of_count] if isinstance(law, np.ndarray) else law for law in (p0, p1))
            parts.append((of_count, joint._given(values, chosen[of_count], *laws)))
        return by_group(len(chosen), parts)


def background(laws: PairLaws) -> PairLaws:
    """Return the laws of pairs that the other connector does not connect."""
    forward = _first(laws.forward)
    backward = None if laws.backward is None else _first(laws.backward)
    return replace(laws, forward=forward, backward=backward)


def _first(law: Law) -> Law:
    return law.laws[0] if isinstance(law, ReferenceLaw) else law


def background_joint(joint: Joint | None) -> Joint | None:
    """Return the joint probability of pairs that the other connector does not connect."""
    return joint.joints[0] if isinstance(joint, ReferenceJoint) else joint


def listed(laws: PairLaws, space: PairSpace) -> ListedPairs | None:
    """Return the pairs that the other connector connects; None if there is no other connector."""
    law = laws.forward
    if not isinstance(law, ReferenceLaw):
        return None
    assert law.reference is not None
    return law.reference.listed(space)
