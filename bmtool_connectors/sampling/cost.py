"""What a draw takes: seconds and memory, roughly."""

from __future__ import annotations

from dataclasses import dataclass

from bmtool_connectors.sampling.plan import Plan

__all__ = ["Work"]

#: Seconds that a core of 2024 takes, about: per pair, for each direction, to be drawn; to compare a
#: distance with the reach; to evaluate a law of distance; to find a joint probability.
PAIR, NEAR, LAW, JOINT = 4e-9, 6e-9, 15e-9, 20e-9
#: Per pair that a sparse draw visits, with one law for all pairs or not; to gather a pair of all
#: that a sparse draw may visit.
VISIT, VISIT_NEAR, GATHER = 10e-9, 50e-9, 20e-9
#: Per pair and step of the search for rho, with one p for both directions or two; per edge; per
#: call of a Python function.
STEP, STEP_OF_TWO, EDGE, CALL = 8e-9, 25e-9, 40e-9, 1.1e-6


@dataclass(frozen=True)
class Work:
    """What has to be done for a draw.

    Attributes
    ----------
    plan : Plan
    sampler : {'pairwise', 'sparse'}
    keep : bool
        What the search for rho evaluates is kept for the draw.
    share : float
        Of the sources that take part.
    within : float
        Pairs that the laws are evaluated on by a pairwise draw.
    visits : float
        Pairs that a sparse draw visits.
    edges : float
    passes : int
        How often the search for rho looks at all pairs.
    searched : float
        How many pairs it looks at.
    reachable : float or None
        Pairs that are counted for the report after a sparse draw; None if they are not.
    """

    plan: Plan
    sampler: str
    keep: bool
    share: float
    within: float
    visits: float
    edges: float
    passes: int = 0
    searched: float = 0.0
    reachable: float | None = None

    @property
    def seconds(self) -> float:
        """Time of the search for rho, of the draw, and of the counts."""
        return self._search() + self._draw() + self._counts()

    @property
    def kept_bytes(self) -> int:
        """Memory that the search for rho keeps until the draw: arguments, p, and which pairs."""
        if not self._keeps:
            return 0
        laws = self.plan.laws
        arrays = sum(not law.is_constant for law in laws.both()) + callable(laws.forward.arg)
        if laws.backward is not None and not laws.shares_arg:
            arrays += callable(laws.backward.arg)
        listed = 4 * (self._limited and self.searched < self.plan.space.n_pairs)
        return round(self.searched * (8 * arrays + listed))

    @property
    def _keeps(self) -> bool:
        return self.keep and self.passes > 0 and self.sampler == "pairwise"

    @property
    def _limited(self) -> bool:
        """Whether laws are evaluated within their reach only."""
        return all(law.reach() is not None for law in self.plan.laws.both())

    @property
    def _evaluation(self) -> float:
        """Seconds per pair that the laws are evaluated on."""
        calls = CALL * self.plan.needs_python_calls
        return calls + LAW * sum(not law.is_constant for law in self.plan.laws.both())

    @property
    def _comparison(self) -> float:
        """Seconds that a pairwise look at the pairs takes to find those within reach."""
        return NEAR * self._limited * self.plan.space.n_pairs

    def _search(self) -> float:
        """Return the time of the search for rho."""
        step = STEP if self.plan.laws.same_p else STEP_OF_TWO
        once = self._evaluation * self.searched
        once += self._comparison if self.sampler == "pairwise" else GATHER * self.searched
        looks = min(self.passes, 1) if self._keeps else self.passes
        return looks * once + self.passes * step * self.searched

    def _draw(self) -> float:
        plan = self.plan
        joint = plan.joint is not None and plan.joint.rho != 0
        two = plan.joint is not None
        if self.sampler == "sparse":
            if plan.laws.constant:
                return (VISIT + JOINT * two) * self.visits + EDGE * self.edges * two
            return (VISIT_NEAR + CALL * plan.needs_python_calls) * self.visits + EDGE * self.edges
        each = PAIR * (1 + two) + JOINT * joint
        looks = 0.0 if self._keeps else self._evaluation * self.within + self._comparison
        return self.share * looks + each * self.share * self.within + EDGE * self.edges

    def _counts(self) -> float:
        if self.reachable is None or self.sampler == "pairwise" or self.plan.laws.constant:
            return 0.0
        return (GATHER + self._evaluation) * self.reachable
