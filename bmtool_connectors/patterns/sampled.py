"""Connectors whose edges one of the samplers draws from the laws of pairs."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bmtool_connectors import messages, vectorization
from bmtool_connectors.connectivity import Connectivity, chosen_counts
from bmtool_connectors.distances import SPHERICAL, Metric
from bmtool_connectors.generators import unchanged
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.patterns.parameters import parameter
from bmtool_connectors.patterns.projection import Projection, projection_being_drawn
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling import pairwise, sparse
from bmtool_connectors.sampling.assemble import forward_edges
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.choice import choose
from bmtool_connectors.sampling.collect import PairDraw
from bmtool_connectors.sampling.degree import count_sources
from bmtool_connectors.sampling.expect import Expected, expect
from bmtool_connectors.sampling.laws import BlockValues
from bmtool_connectors.sampling.pair_law import pair_law
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.possible import possible_pairs
from bmtool_connectors.sampling.reference_laws import ReferenceLaw

#: What was evaluated for an estimate, if it is kept for the draw.
Kept: TypeAlias = "list[BlockValues] | None"

#: Pairs above which calling a Python function for each is worth a warning, and what one costs.
MANY_CALLS = 200_000_000
SECONDS_PER_CALL = 1.1e-6
#: How many times fewer pairs are looked at where each is a call, if few were to be looked at.
CALLED = 16


class SampledConnector(BaseConnector):
    """A connector that says with ``_plan`` what is to be drawn in a pair space."""

    #: Of the sources that take part; a parameter of some connectors with one direction.
    source_fraction: float = parameter(default=1.0, kw_only=True, init=False)
    #: What an estimate evaluates is kept for the draw; a parameter of some connectors.
    cache_data: bool = parameter(default=False, kw_only=True, init=False)

    @abstractmethod
    def _plan(self, space: PairSpace, projection: Projection | None) -> Plan:
        """Return the laws to draw from, for a use of which `space` holds the pairs."""

    def draw(self, source: NodeArrays, target: NodeArrays, rng: SharedGenerator) -> Connectivity:
        """Draw the edges between `source` and `target`, in all directions."""
        projection = projection_being_drawn(source, target) or self._use
        return self._drawn(self._space(source, target), projection, rng)

    def _drawn(
        self, space: PairSpace, projection: Projection | None, rng: SharedGenerator
    ) -> Connectivity:
        private = projection is not None and projection.draws_privately
        plan = replace(self._plan(space, projection), private=private)
        chosen = self._chosen_sampler(plan)
        plan, kept = self._with_rho(plan, chosen)
        if chosen == "sparse":
            drawn = sparse.draw(plan, rng, show_progress=self.verbose)
        else:
            drawn = pairwise.draw(plan, rng, kept=kept, show_progress=self.verbose)
        return self._assembled(plan, drawn, kept)

    def _chosen_sampler(self, plan: Plan) -> str:
        """Return how to draw, telling the user what follows from it."""
        own, n_pairs = type(self).__name__, plan.space.n_pairs
        ends = plan.space.source, plan.space.target
        chosen, warning = self._choice(plan)
        if warning:
            self.warn_once("sampler", warning, ends)
        if chosen == "pairwise" and n_pairs > MANY_CALLS and plan.needs_python_calls:
            self.warn_once(
                "calls",
                f"{own} calls a Python function for each of {n_pairs} pairs, which takes about "
                f"{n_pairs * SECONDS_PER_CALL / 60:.0f} minutes; declare the functions @vectorized "
                "(arrays in, array out), or use the distances and profiles of this package.",
                ends,
            )
        if chosen == "sparse" and self.verbose:
            messages.say(
                f"Drawing {n_pairs} pairs sparsely."
                + " What is drawn after it from the same generator differs from a pairwise build; "
                "sampler='pairwise' is the remedy." * (not plan.private)
            )
        return chosen

    def _choice(self, plan: Plan) -> tuple[str, str | None]:
        """Return how to draw, and what to tell the user of it."""
        return choose(self.sampler, plan, type(self).__name__)

    @staticmethod
    def _follows(plan: Plan, chosen: str) -> bool:
        """Whether sums over pairs are those of bmtool, to the last bit."""
        return chosen == "pairwise" and not plan.private

    def _with_rho(self, plan: Plan, chosen: str) -> tuple[Plan, Kept]:
        """Return the plan with its correlation found, and what was evaluated meanwhile."""
        return plan, None

    def _assembled(self, plan: Plan, drawn: PairDraw, kept: Kept) -> Connectivity:
        """Return edges and counts."""
        possible = chosen_counts(possible_pairs(drawn, plan.space, plan.laws), 0)
        return Connectivity.from_edges(
            forward_edges(drawn, plan.space),
            plan.space.n_pairs,
            possible,
            dropped=drawn.dropped,
        )

    def expected_of(self, projection: Projection, most: int | None = None) -> Expected:
        """Return what the draw of a use will give.

        With `most`, so many pairs stand for all if they are many, and no costs are told.
        """
        with unchanged(*projection.shared_generators()):
            plan = self._plan_ahead(projection)
            if most is not None and plan.needs_python_calls:
                most //= CALLED  # functions of the user may be slow
            chosen, _ = self._choice(plan)
            n = len(projection.source)
            share = count_sources(n, self.source_fraction) / n
            labels = (nodes.stream_label for nodes in projection.ends)
            key = (*labels, type(self).__name__, self.name)
            return expect(
                plan,
                chosen,
                most,
                share,
                key,
                costs=most is None,
                follow=self._follows(plan, chosen),
                keep=self.cache_data,
                counts=self.verbose or self.save_report,
            )

    # ------------------------------------------------------------------ looking at laws
    def _plan_ahead(self, projection: Projection) -> Plan:
        """Return the plan of a use without drawing, with rho if that has been found."""
        for reference in self._references():
            reference.require_drawn(projection)
        plan = self._plan(self._space(*projection.ends), projection)
        plan = replace(plan, private=projection.root is not None)
        drawn = projection.connectivity
        if drawn is not None and plan.rho_goal and drawn.rho is not None:
            # It has been found for the draw, and need not be once more.
            return plan.with_rho(drawn.rho)
        return plan

    def _explained(self, projection: Projection, i: int, j: int) -> dict[str, Any]:
        with unchanged(*projection.shared_generators()):
            found = pair_law(self._plan_ahead(projection), i, j)
        if self.source_fraction < 1:
            found["note"] = f"p0 is that of the {self.source_fraction:g} of sources that take part"
        return found

    def _law_of_distance(self, projection: Projection) -> tuple[Any, Metric] | None:
        law = self._plan_ahead(projection).laws.forward
        depends = isinstance(law, ReferenceLaw) or self.source_fraction < 1
        if depends or (law.metric is None and not law.is_constant):
            return None  # no function of the distance alone

        def probability(distance: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            p = vectorization.of_values(law.p, (distance,), len(distance), law.name)
            return np.broadcast_to(p, distance.shape)

        return probability, law.metric or SPHERICAL
