"""Laws that depend on whether, and how, a pair is connected by another connector."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.edges import EdgeList
from bmtool_connectors.sampling.blocks import Index
from bmtool_connectors.sampling.laws import BlockValues, Candidates, Joint, Law, Values


@dataclass(frozen=True)
class PairStates:
    """In how many directions each pair is connected in a reference network: 0, 1 or 2.

    Attributes
    ----------
    edges : EdgeList
        Of the reference, whose source and target pool are one; both directions listed.
    source, target : ndarray of int
        Position in the reference's pool of each node of the source and the target pool.
    """

    edges: EdgeList
    source: Index
    target: Index

    def of(self, candidates: Candidates) -> tuple[npt.NDArray[np.int8], Values]:
        """Return state and stored ``p_arg`` value (NaN if none, forward first) of each candidate.

        Notes
        -----
        O(edges of the block's rows), not a search per pair.
        """
        if id(self) in candidates.memo:
            return candidates.memo[id(self)]  # type: ignore[no-any-return]
        block = candidates.block
        count = np.zeros(block.size, dtype=np.int8)
        arg = np.full(block.size, np.nan, dtype=self._dtype)
        # The forward value is written last, and stays.
        for edges in (self._transposed, self.edges):
            place, number = self._places(edges, block)
            count[place] += 1
            if edges.pair_arg is not None:
                arg[place] = edges.pair_arg[number]
        chosen = candidates.place
        if chosen is None:
            chosen = block.places()
        candidates.memo[id(self)] = found = count[chosen], arg[chosen]
        return found

    @property
    def _dtype(self) -> Any:
        return float if self.edges.pair_arg is None else self.edges.pair_arg.dtype

    @functools.cached_property
    def _transposed(self) -> EdgeList:
        return self.edges.transpose()

    def _places(self, edges: EdgeList, block: Any) -> tuple[Index, Index]:
        """Return the places in the block of the edges within it, and the edges' numbers."""
        rows = self.source[block.i0 : block.i1]
        starts, stops = edges.indptr[rows], edges.indptr[rows + 1]
        lengths = stops - starts
        row = np.repeat(np.arange(len(rows)), lengths)
        offset = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        number = starts[row] + offset
        column = self._column[edges.target[number]]
        inside = (column >= block.j0) & (column < block.j1)
        return row[inside] * block.width + column[inside] - block.j0, number[inside]

    @functools.cached_property
    def _column(self) -> Index:
        """Return the position in the target pool of each node of the reference, or -1."""
        column = np.full(self.edges.shape[1], -1)
        column[self.target] = np.arange(len(self.target))
        return column


@dataclass(frozen=True)
class StateLaw(Law):
    """A law chosen by the state of the pair.

    Attributes
    ----------
    states : PairStates
    laws : tuple of Law
        For the states 0, 1, ...; the last one serves all further states.
    stored_arg : bool
        Connected pairs have the argument that the reference stored.
    """

    states: PairStates | None = None
    laws: tuple[Law, ...] = ()
    stored_arg: bool = False

    def reach(self) -> None:
        """Return None: a pair may be connected at any distance."""
        return None  # noqa: RET501  # a value: not known

    @property
    def is_constant(self) -> bool:
        """False: the probability changes with the state."""
        return False

    @property
    def needs_python_calls(self) -> bool:
        """Whether a Python function must be called once per pair."""
        return any(law.needs_python_calls for law in self.laws)

    def _groups(self, candidates: Candidates) -> list[tuple[Law, Index]]:
        """Return each law with the candidates it is for."""
        assert self.states is not None
        state, _ = self.states.of(candidates)
        state = np.minimum(state, len(self.laws) - 1)
        return [(law, np.flatnonzero(state == k)) for k, law in enumerate(self.laws)]

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
            assert self.states is not None
            state, stored = self.states.of(candidates)
            arg = np.where(state > 0, stored, arg)
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
class StateJoint(Joint):
    """A joint probability chosen by the state of the pair."""

    states: PairStates | None = None
    joints: tuple[Joint, ...] = ()

    @property
    def needs_python_calls(self) -> bool:
        """Whether a Python function must be called once per pair."""
        return any(joint.needs_python_calls for joint in self.joints)

    def _given(self, values: BlockValues, chosen: Index, p0: Values, p1: Values) -> Values:
        assert self.states is not None
        state = np.minimum(self.states.of(values.candidates)[0][chosen], len(self.joints) - 1)
        parts = []
        for k, joint in enumerate(self.joints):
            of_state = np.flatnonzero(state == k)
            laws = (law[of_state] if isinstance(law, np.ndarray) else law for law in (p0, p1))
            parts.append((of_state, joint._given(values, chosen[of_state], *laws)))
        return by_group(len(chosen), parts)
