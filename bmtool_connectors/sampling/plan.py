"""All that a sampler needs to know of a connector."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.collect import SynapseCounts
from bmtool_connectors.sampling.laws import Joint, PairLaws


@dataclass(frozen=True)
class RhoGoal:
    """One correlation for all pairs is to be found, with a mean joint probability.

    Attributes
    ----------
    pr : float
        Mean joint probability of the valid pairs.
    ranges : tuple of two (low, high) or None
        Arguments, forward and backward, at which a pair is valid. Without, pairs with p0 > 0
        and p1 > 0 are.
    clip : bool
        Infeasible pairs count with the nearest feasible pr. Otherwise nothing is clipped but the
        correlation itself, as bmtool does it.
    """

    pr: float
    ranges: tuple[Any, Any] = (None, None)
    clip: bool = True

    @property
    def by_range(self) -> bool:
        """Whether the argument decides which pairs are valid."""
        return any(limits is not None for limits in self.ranges)

    def reach(self, laws: PairLaws) -> float | None:
        """Return the greatest distance of a valid pair, if the argument decides which are valid."""
        if not self.by_range:
            return None
        # A pair that is in all ranges is within the least of their ends.
        both = zip(self.ranges, (laws.forward, laws.backward or laws.forward), strict=True)
        ends = [float(limits[1]) for limits, law in both if limits is not None and law.metric]
        return min(ends, default=math.inf)


@dataclass(frozen=True)
class Plan:
    """The pairs, and the law of the edges between them.

    Attributes
    ----------
    space : PairSpace
    laws : PairLaws
    n_syn : tuple of SynapseCounts
        Forward and backward.
    joint : Joint or None
        None for one direction.
    rho_goal : RhoGoal or None
        The rho of `joint` is still to be found.
    none_reciprocal : bool
        No pair shall be reciprocal: that pairs are clipped to that is not worth a warning.
    unreachable : bool
        No rho reaches its goal, as has been said: pairs are clipped because of that.
    private : bool
        The stream is that of a seed, and nobody else draws from it.
    """

    space: PairSpace
    laws: PairLaws
    n_syn: tuple[SynapseCounts, SynapseCounts]
    joint: Joint | None = None
    rho_goal: RhoGoal | None = None
    none_reciprocal: bool = False
    unreachable: bool = False
    private: bool = False

    def with_rho(self, rho: float) -> Plan:
        """Return the plan with the rho that was found."""
        assert self.joint is not None
        return replace(self, joint=replace(self.joint, rho=rho), rho_goal=None)

    @property
    def needs_python_calls(self) -> bool:
        """Whether a Python function must be called once per pair that is looked at."""
        joint = self.joint is not None and self.joint.needs_python_calls
        return joint or any(law.needs_python_calls for law in self.laws.both())
