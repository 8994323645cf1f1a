"""Probabilities on blocks of pairs.

Pairs beyond the reach of a distance law are left out *before* anything is
evaluated on them: they draw nothing, so the random stream does not notice, and
an exponential costs ten times a comparison.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bmtool_connectors import vectorization
from bmtool_connectors.arrays import Flags, Index, IntArray, Values
from bmtool_connectors.bernoulli import bounds, deviation, unclipped
from bmtool_connectors.checks import ROUNDING
from bmtool_connectors.distances import Metric, metric_of
from bmtool_connectors.sampling.blocks import PairBlock, PairSpace
from bmtool_connectors.sampling.candidates import BlockPairs, Candidates


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

    @property
    def metric(self) -> Metric | None:
        """What the argument is made of, if it is a distance of this package."""
        return metric_of(self.arg)

    def reach(self) -> tuple[Metric, float] | None:
        """Return metric and greatest distance with p > 0; None when that is not known."""
        metric = self.metric
        if metric is None or not vectorization.is_profile(self.p) or math.isinf(self.p.max_dist):
            return None
        return metric, float(self.p.max_dist)

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
    def is_never(self) -> bool:
        """Whether no pair can have a probability above 0, as far as a bound tells."""
        if self.is_constant:
            return bool(self.p == 0)
        ends = np.zeros(1), np.full(1, np.inf)
        known = vectorization.has_bound(self.p)
        return known and not np.any(vectorization.bound_of(self.p, *ends, self.name) > 0)

    @property
    def needs_python_calls(self) -> bool:
        """Whether a Python function must be called once per pair."""
        return any(map(vectorization.needs_python_calls, (self.p, self.arg)))

    def args(self, candidates: Candidates) -> Values:
        """Return the argument of each candidate."""
        return pair_values(candidates, self.arg, self.arg_name, self.backward)

    def probabilities(self, candidates: Candidates, args: Values) -> Values:
        """Return the probability of each candidate, checked."""
        profile = vectorization.is_profile(self.p)
        if profile and self.metric is None:
            describe = candidates.describe
            args = vectorization.checked_numbers(args, describe, self.arg_name, "a distance (um)")
        p = vectorization.of_values(self.p, (args,), candidates.n, self.name)
        if profile:
            return p  # in [0, 1] by construction
        return vectorization.checked_probability(p, candidates.describe, self.name)


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
    metric = metric_of(value)
    if metric is not None:
        dist = candidates.distance(metric)
        return dist if chosen is None else dist[chosen]
    i, j = candidates.pairs(chosen)
    first, second = candidates.space.source, candidates.space.target
    if backward:
        return vectorization.of_pairs(value, second, first, j, i, name)
    return vectorization.of_pairs(value, first, second, i, j, name)


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
    def shares_arg(self) -> bool:
        """Whether the backward argument is the forward one: also one distance is both ways."""
        metrics = {each.metric for each in (self.forward, self.backward) if each is not None}
        return self.same_arg or (len(metrics) == 1 and None not in metrics)

    @property
    def constant(self) -> bool:
        """Whether all pairs share one law."""
        return all(law.is_constant for law in self.both())

    def constants(self) -> tuple[float, float]:
        """Return p0 and p1 of all pairs, if those share one law; 0 for no backward direction."""
        p0 = float(self.forward.p)
        if self.backward is None:
            return p0, 0.0
        return p0, p0 if self.same_p else float(self.backward.p)

    def evaluate(self, block: PairBlock, everything: bool = False) -> BlockValues:
        """Evaluate the laws on the pairs of a block that are within reach (or on all)."""
        candidates = BlockPairs(block)
        reach = [law.reach() for law in self.both()]
        if not everything and None not in reach:
            limits: dict[Metric, float] = {}
            for metric, limit in (each for each in reach if each is not None):
                limits[metric] = max(limit, limits.get(metric, 0.0))
            candidates = candidates.within(limits)
        return self.evaluate_on(candidates)

    def evaluate_on(self, candidates: Candidates) -> BlockValues:
        """Evaluate the laws on these pairs."""
        arg0 = self.forward.args(candidates)
        p0 = self.forward.probabilities(candidates, arg0)
        if self.backward is None:
            return BlockValues(candidates, arg0, p0, None, 0.0)
        arg1 = arg0 if self.shares_arg else self.backward.args(candidates)
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

    def possible(self) -> IntArray:
        """Return the numbers of pairs with p0 > 0, with p1 > 0, and with both."""
        return np.array([np.count_nonzero(flags) for flags in self.possible_flags()])

    def possible_flags(self) -> list[Flags]:
        """Return which pairs have p0 > 0, which p1 > 0, and which both."""
        has0, has1 = self.p0 > 0, self.p1 > 0
        flags = (has0, has1, has0 & has1)
        return [np.broadcast_to(each, (self.candidates.n,)) for each in flags]


@dataclass
class Moved:
    """By how much backward probabilities are other than they should be, and the worst of them.

    Attributes
    ----------
    pairs : int
        Pairs with p1 > 0.
    requested, drawn, reciprocal : float
        Sums of p1 as it should be, of p1 and of pr as they are drawn.
    worst : str or None
    excess : float
    """

    pairs: int = 0
    requested: float = 0.0
    drawn: float = 0.0
    reciprocal: float = 0.0
    worst: str | None = None
    excess: float = 0.0

    def __str__(self) -> str:
        p1, drawn = self.requested / self.pairs, self.drawn / self.pairs
        return (
            f"{self.drawn:.5g} backward connections are expected for {self.requested:.5g} (p1 is "
            f"{drawn:.4g} for {p1:.4g} on average), {self.reciprocal:.5g} of them reciprocal; "
            f"the largest change: {self.worst}"
        )

    def add(
        self, p0: Values, p1: Values, drawn: tuple[Values, Values], at: Candidates, chosen: Index
    ) -> None:
        """Add the chosen candidates, with p1 and pr as they are drawn."""
        columns = np.broadcast_arrays(p0, p1, *drawn, chosen)
        if at.space.self_pairs is not None:  # a self connection has one direction
            other = ~at.space.is_self(*at.pairs(chosen))
            columns = tuple(column[other] for column in columns)
        p0, p1, backward, joint, chosen = columns
        self.pairs += int(np.count_nonzero(p1 > 0))
        self.requested += float(p1.sum())
        self.drawn += float(backward.sum())
        self.reciprocal += float(joint.sum())
        excess = np.abs(backward - p1)
        k = int(np.argmax(excess)) if len(excess) else -1
        if k >= 0 and excess[k] > max(self.excess, ROUNDING):
            self.excess = float(excess[k])
            self.worst = (
                f"p1={float(p1[k]):.4g} became {float(backward[k]):.4g} for "
                f"{at.describe(int(chosen[k]))} with p0={float(p0[k]):.4g}"
            )


@dataclass
class Clipping:
    """How many joint probabilities were not feasible, and the worst of them.

    Attributes
    ----------
    count : int
    worst : str or None
    excess : float
    moved : Moved
        What became of p1, which holds only where pr is clipped.
    """

    count: int = 0
    worst: str | None = None
    excess: float = 0.0
    moved: Moved = field(default_factory=Moved)

    def add(
        self,
        requested: Values,
        pr: Values,
        laws: tuple[Values, Values],
        candidates: Candidates,
        chosen: Index,
    ) -> None:
        """Compare pr as it is requested for the chosen candidates with what is feasible."""
        # With p0 = 0 or p1 = 0 there is no pair to correlate, whatever pr says.
        excess = np.abs(pr - requested) * ((laws[0] > 0) & (laws[1] > 0))
        if not len(chosen) or not np.any(excess > ROUNDING):
            return
        excess, *columns = np.broadcast_arrays(excess, requested, pr, *laws, chosen)[:-1]
        # Nor has a node and itself, which is connected in one direction.
        excess = excess * ~candidates.space.is_self(*candidates.pairs(chosen))
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
    pr, arg : number or callable
        ``pr(pr_arg, p0, p1)`` and its argument; the string '0' or '1' stands for the argument
        of that direction.
    name : str
        Of `pr`, with the class, for messages.
    clip : bool
        An infeasible pr is moved to the nearest feasible one. Otherwise conditional
        probabilities are taken as they come, as bmtool takes them, and p1 does not hold.
    """

    rho: float | None = None
    pr: Any = None
    arg: Any = None
    name: str = "pr"
    clip: bool = True

    @property
    def needs_python_calls(self) -> bool:
        """Whether a Python function must be called once per pair."""
        given = map(vectorization.needs_python_calls, (self.pr, self.arg))
        return self.rho is None and any(given)

    def to_draw(
        self, values: BlockValues, chosen: Index, p0: Values, p1: Values, clipping: Clipping
    ) -> tuple[Values, Values]:
        """Return p1 and pr with which the chosen candidates are drawn, counting infeasible ones.

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
        requested = self.requested(values, chosen, p0, p1)
        if self.rho == 0:
            return p1, requested
        pr = np.clip(requested, *bounds(p0, p1))
        clipping.add(requested, pr, (p0, p1), values.candidates, chosen)
        if self.clip:
            return p1, pr
        law = unclipped(p0, p1, requested, self.rho is not None)
        clipping.moved.add(p0, p1, law, values.candidates, chosen)
        return law

    def requested(self, values: BlockValues, chosen: Index, p0: Values, p1: Values) -> Values:
        """Return pr of the chosen candidates as the parameters ask for it, feasible or not."""
        if self.rho is None:
            return self._given(values, chosen, p0, p1)
        return p0 * p1 + self.rho * deviation(p0, p1) if self.rho else p0 * p1

    def _given(self, values: BlockValues, chosen: Index, p0: Values, p1: Values) -> Values:
        """Return pr as the user gave it: any number may stand, it is clipped later."""
        arg = self.arg
        if isinstance(arg, str):
            arg = values.arg1 if arg == "1" else values.arg0
            arg = arg[chosen] if isinstance(arg, np.ndarray) else arg
        else:
            arg = pair_values(values.candidates, arg, f"{self.name} (its argument)", chosen=chosen)
        requested = vectorization.of_values(self.pr, (arg, p0, p1), len(chosen), self.name)
        return vectorization.checked_numbers(
            requested, lambda k: values.candidates.describe(int(chosen[k])), self.name
        )
