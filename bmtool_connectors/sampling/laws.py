"""Probabilities on blocks of pairs.

Pairs beyond the reach of a distance law are left out *before* anything is
evaluated on them: they draw nothing, so the random stream does not notice, and
an exponential costs ten times a comparison.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors import lifting
from bmtool_connectors.checks import ROUNDING
from bmtool_connectors.distances import axes_of, squared_distances
from bmtool_connectors.reciprocity import bounds, deviation
from bmtool_connectors.sampling.blocks import Block, Index, PairSpace

Values = Any  #: one value for all pairs, or an ndarray of shape (n,)


class Candidates:
    """The pairs of a block that may connect; all valid ones when `place` is None."""

    def __init__(self, block: Block, place: Index | None = None) -> None:
        self.block, self.place = block, place
        self.n = block.n if place is None else len(place)
        self._squared: dict[tuple[int, ...], npt.NDArray[np.float64]] = {}
        #: What laws want to remember about these candidates.
        self.memo: dict[int, Any] = {}

    @property
    def space(self) -> PairSpace:
        """The space that the pairs belong to."""
        return self.block.space

    def pairs(self, chosen: Index | None = None) -> tuple[Index, Index]:
        """Return source and target positions of the chosen candidates (all when None)."""
        if self.place is not None:
            return self.block.of_place(self.place if chosen is None else self.place[chosen])
        return self.block.of_rank(np.arange(self.n) if chosen is None else chosen)

    def rectangle(self, axes: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Return squared distances of the whole rectangle of the block, flat, um^2."""
        if axes not in self._squared:
            block = self.block
            source, target = self.space.source.positions, self.space.target.positions
            assert source is not None  # checked in setup_nodes
            assert target is not None
            self._squared[axes] = squared_distances(
                source[block.i0 : block.i1], target[block.j0 : block.j1], axes
            ).ravel()
        return self._squared[axes]

    def distance(self, axes: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Return the distance of each candidate, shape (n,), um."""
        squared = self.rectangle(axes)
        if self.place is not None:
            squared = squared[self.place]
        elif not self.block.is_full:
            squared = squared[self.block.places()]
        return np.sqrt(squared)

    def within(self, reach: dict[tuple[int, ...], float]) -> Candidates:
        """Return the candidates within any of the distances, by axes."""
        # A little more than the reach: the law itself decides at the edge.
        near = [self.rectangle(axes) <= limit * limit * (1 + 1e-9) for axes, limit in reach.items()]
        inside = Candidates(self.block, self.block.places(functools.reduce(np.logical_or, near)))
        inside._squared = self._squared
        return inside

    def subset(self, chosen: Index) -> Candidates:
        """Return the chosen candidates (by their numbers, ascending)."""
        place = self.block.places() if self.place is None else self.place
        some = Candidates(self.block, place[chosen])
        some._squared = self._squared
        return some

    def describe(self, k: int) -> str:
        """Name candidate `k` by node ids and distance, for messages."""
        i, j = (int(index[0]) for index in self.pairs(np.array([k])))
        source, target = self.space.source, self.space.target
        text = f"the pair of nodes {source.ids[i]} and {target.ids[j]}"
        if source.positions is None or target.positions is None:
            return text
        dist = float(np.linalg.norm(source.positions[i] - target.positions[j]))
        return f"{text} ({dist:.4g} um apart)"


class ListedPairs(Candidates):
    """Pairs given one by one, with distances that are known already."""

    def __init__(
        self,
        space: PairSpace,
        i: Index,
        j: Index,
        distances: dict[tuple[int, ...], npt.NDArray[np.float64]] | None = None,
    ) -> None:
        self._space, self.i, self.j, self.n = space, i, j, len(i)
        self._distances = {} if distances is None else distances
        self.memo = {}

    @property
    def space(self) -> PairSpace:
        """The space that the pairs belong to."""
        return self._space

    def pairs(self, chosen: Index | None = None) -> tuple[Index, Index]:
        """Return source and target positions of the chosen candidates (all when None)."""
        return (self.i, self.j) if chosen is None else (self.i[chosen], self.j[chosen])

    def distance(self, axes: tuple[int, ...]) -> npt.NDArray[np.float64]:
        """Return the distance of each candidate, shape (n,), um."""
        if axes not in self._distances:
            source, target = self._space.source.positions, self._space.target.positions
            assert source is not None  # checked in setup_nodes
            assert target is not None
            chosen = list(axes)
            difference = source[self.i][:, chosen] - target[self.j][:, chosen]
            self._distances[axes] = np.sqrt((difference * difference).sum(axis=1))
        return self._distances[axes]

    def subset(self, chosen: Index) -> ListedPairs:
        """Return the chosen candidates."""
        distances = {axes: dist[chosen] for axes, dist in self._distances.items()}
        return ListedPairs(self._space, self.i[chosen], self.j[chosen], distances)


@dataclass(frozen=True)
class Law:
    """Probability of one direction, p(p_arg(first node, second node)).

    Attributes
    ----------
    p, arg : number, None or callable
        The parameters.
    name : str
        Of `p`, with the class, for messages.
    backward : bool
        Functions of two nodes get (target, source): the backward connection starts there.
    """

    p: Any
    arg: Any
    name: str
    backward: bool = False

    def reach(self) -> tuple[tuple[int, ...], float] | None:
        """Return axes and greatest distance with p > 0; None when that is not known."""
        axes = axes_of(self.arg)
        if axes is None or not lifting.is_profile(self.p) or math.isinf(self.p.max_dist):
            return None
        return axes, float(self.p.max_dist)

    @property
    def arg_name(self) -> str:
        """The parameter with the argument, and its class, for messages."""
        p, _, owner = self.name.partition(" of ")
        shared = p in ("p_non", "p_uni", "p_rec")  # have one argument
        return f"{'p' if shared else p}_arg of {owner}"

    @property
    def is_constant(self) -> bool:
        """Whether all pairs share one probability."""
        return not callable(self.p)

    @property
    def needs_python_calls(self) -> bool:
        """Whether a Python function must be called once per pair."""
        return lifting.needs_python_calls(self.p) or lifting.needs_python_calls(self.arg)

    def args(self, candidates: Candidates) -> Values:
        """Return the argument of each candidate."""
        return pair_values(candidates, self.arg, self.arg_name, self.backward)

    def probabilities(self, candidates: Candidates, args: Values) -> Values:
        """Return the probability of each candidate, checked."""
        profile = lifting.is_profile(self.p)
        if profile and axes_of(self.arg) is None:
            describe = candidates.describe
            args = lifting.checked_numbers(args, describe, self.arg_name, "a distance (um)")
        p = lifting.of_values(self.p, (args,), candidates.n, self.name)
        if profile:
            return p  # in [0, 1] by construction
        return lifting.checked_probability(p, candidates.describe, self.name)


def pair_values(
    candidates: Candidates,
    value: Any,
    name: str,
    backward: bool = False,
    chosen: Index | None = None,
) -> Values:
    """Evaluate a function of two nodes on (chosen) candidates; distances by their axes."""
    if not callable(value):
        return None if value is None else float(value)
    axes = axes_of(value)
    if axes is not None:
        dist = candidates.distance(axes)
        return dist if chosen is None else dist[chosen]
    i, j = candidates.pairs(chosen)
    first, second = candidates.space.source, candidates.space.target
    if backward:
        return lifting.of_pairs(value, second, first, j, i, name)
    return lifting.of_pairs(value, first, second, i, j, name)


@dataclass(frozen=True)
class PairLaws:
    """The laws of both directions; `backward` is None for a one-directional connector.

    Attributes
    ----------
    same_arg, same_p : bool
        The backward argument, or probability, is the forward one and not evaluated again.
    """

    forward: Law
    backward: Law | None = None
    same_arg: bool = False
    same_p: bool = False

    def both(self) -> list[Law]:
        """Return the laws that are evaluated."""
        if self.backward is None or self.same_p:
            return [self.forward]
        return [self.forward, self.backward]

    @property
    def constant(self) -> bool:
        """Whether all pairs share one law."""
        return all(law.is_constant for law in self.both())

    def evaluate(self, block: Block, everything: bool = False) -> BlockValues:
        """Evaluate the laws on the pairs of a block that are within reach (or on all)."""
        candidates = Candidates(block)
        reach = [law.reach() for law in self.both()]
        if not everything and None not in reach:
            limits: dict[tuple[int, ...], float] = {}
            for axes, limit in (each for each in reach if each is not None):
                limits[axes] = max(limit, limits.get(axes, 0.0))
            candidates = candidates.within(limits)
        return self.evaluate_on(candidates)

    def evaluate_on(self, candidates: Candidates) -> BlockValues:
        """Evaluate the laws on these pairs."""
        arg0 = self.forward.args(candidates)
        p0 = self.forward.probabilities(candidates, arg0)
        if self.backward is None:
            return BlockValues(candidates, arg0, p0, None, 0.0)
        distance = axes_of(self.forward.arg)
        same_arg = self.same_arg or (
            distance is not None and distance == axes_of(self.backward.arg)
        )
        arg1 = arg0 if same_arg else self.backward.args(candidates)
        p1 = p0 if self.same_p else self.backward.probabilities(candidates, arg1)
        return BlockValues(candidates, arg0, p0, arg1, p1)

    def over(
        self, space: PairSpace, block_size: int | None = None, everything: bool = False
    ) -> Iterator[BlockValues]:
        """Evaluate the laws block by block, in order."""
        for block in space.blocks(block_size):
            yield self.evaluate(block, everything)


@dataclass(frozen=True)
class BlockValues:
    """Arguments and probabilities of the candidates of one block."""

    candidates: Candidates
    arg0: Values
    p0: Values
    arg1: Values
    p1: Values

    def without_rectangle(self) -> BlockValues:
        """Forget the distances of the whole rectangle, for keeping the rest."""
        self.candidates._squared.clear()
        self.candidates.memo.clear()
        return self


@dataclass
class Clipping:
    """How many joint probabilities were not feasible, and the worst of them."""

    count: int = 0
    worst: str | None = None
    excess: float = 0.0

    def add(
        self,
        wanted: Values,
        pr: Values,
        laws: tuple[Values, Values],
        candidates: Candidates,
        chosen: Index,
    ) -> None:
        """Compare what was wanted of the chosen candidates with what is feasible."""
        # With p0 = 0 or p1 = 0 there is no pair to correlate, whatever pr says.
        excess = np.abs(pr - wanted) * ((laws[0] > 0) & (laws[1] > 0))
        if not len(chosen) or not np.any(excess > ROUNDING):
            return
        excess, *columns = np.broadcast_arrays(excess, wanted, pr, *laws, chosen)[:-1]
        self.count += int(np.count_nonzero(excess > ROUNDING))
        k = int(np.argmax(excess))
        if excess[k] > self.excess:
            self.excess = float(excess[k])
            was, became, p0, p1 = (float(column[k]) for column in columns)
            self.worst = (
                f"{was:.4g} became {became:.4g} for {candidates.describe(int(chosen[k]))} "
                f"with p0={p0:.4g} and p1={p1:.4g}"
            )


@dataclass(frozen=True)
class Joint:
    """The joint probability of each pair: from one rho, or from pr of the pair.

    Attributes
    ----------
    rho : float or None
        One correlation for all pairs; when None, `pr` counts.
    feasible_rho : bool
        `rho` is known to be feasible for every pair, so nothing needs clipping.
    pr, arg : number or callable
        ``pr(pr_arg, p0, p1)`` and its argument; the string '0' or '1' stands for the argument
        of that direction.
    name : str
        Of `pr`, with the class, for messages.
    """

    rho: float | None = None
    feasible_rho: bool = False
    pr: Any = None
    arg: Any = None
    name: str = "pr"

    @property
    def needs_python_calls(self) -> bool:
        """Whether a Python function must be called once per pair."""
        return self.rho is None and (
            lifting.needs_python_calls(self.pr) or lifting.needs_python_calls(self.arg)
        )

    def feasible(
        self, values: BlockValues, chosen: Index, p0: Values, p1: Values, clipping: Clipping
    ) -> Values:
        """Return the feasible pr of the chosen candidates, counting those that were moved.

        Parameters
        ----------
        values : BlockValues
            What was evaluated on the block.
        chosen : ndarray of int, shape (m,)
            Candidates.
        p0, p1 : float or ndarray of float, shape (m,)
            Their probabilities.
        clipping : Clipping
            Is added to.
        """
        if self.rho is not None:
            wanted = p0 * p1 + self.rho * deviation(p0, p1)
            if self.feasible_rho:
                return wanted
        else:
            wanted = self._given(values, chosen, p0, p1)
        pr = np.clip(wanted, *bounds(p0, p1))
        clipping.add(wanted, pr, (p0, p1), values.candidates, chosen)
        return pr

    def _given(self, values: BlockValues, chosen: Index, p0: Values, p1: Values) -> Values:
        """Return pr as the user gave it: any number may stand, it is clipped later."""
        arg = self.arg
        if isinstance(arg, str):
            arg = values.arg1 if arg == "1" else values.arg0
            arg = arg[chosen] if isinstance(arg, np.ndarray) else arg
        else:
            arg = pair_values(values.candidates, arg, f"{self.name} (its argument)", chosen=chosen)
        wanted = lifting.of_values(self.pr, (arg, p0, p1), len(chosen), self.name)
        return lifting.checked_numbers(
            wanted, lambda k: values.candidates.describe(int(chosen[k])), self.name
        )
