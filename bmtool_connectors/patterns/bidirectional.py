"""What connectors with two directions per pair share: uses, rules, the draw and its result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bmtool_connectors.bernoulli import INFEASIBLE, checked_infeasible
from bmtool_connectors.connectivity import Connectivity, chosen_counts
from bmtool_connectors.distances import Metric
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.generators import unchanged
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.parameters import Count, parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.sampled import Kept, SampledConnector
from bmtool_connectors.randomness import Seed, SharedGenerator
from bmtool_connectors.sampling.assemble import backward_edges, forward_edges, symmetric_edges
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.collect import PairDraw, SynapseCounts
from bmtool_connectors.sampling.laws import BlockValues
from bmtool_connectors.sampling.plan import Plan
from bmtool_connectors.sampling.possible import possible_pairs


class BidirectionalConnector(SampledConnector):
    """A connector that draws forward and backward connections together."""

    iterators = MappingProxyType({"forward": "one_to_all", "backward": "all_to_one"})
    allow_autapses: bool = parameter(default=False, kw_only=True, init=False)
    #: What is drawn of pairs whose joint probability is not feasible: 'clip' or 'bmtool'.
    infeasible: str | None = parameter(
        default=None, check=checked_infeasible, kw_only=True, usual=INFEASIBLE[0]
    )

    def _check_stream(self) -> None:
        """Refuse samplers and seeds with which no network of bmtool is reproduced."""
        own, seed = type(self).__name__, self._randomness
        if self.infeasible != "bmtool":
            return
        if self.sampler == "sparse":
            wrong, remedy = "sampler is 'sparse'", "leave sampler out"
        elif isinstance(seed, Seed):
            wrong = f"rng is a private seed ({seed.sequence.entropy})"
            remedy = "give rng (or bmtool_connectors.rng) a Generator"
        else:
            return
        raise ParameterError(
            f"infeasible of {own} is 'bmtool' (its own, or bmtool_connectors.infeasible), which "
            f"draws pair by pair from a shared generator as bmtool does, but {wrong}; {remedy}, or "
            "pass infeasible='clip' to this connector."
        )

    def _choice(self, plan: Plan) -> tuple[str, str | None]:
        return ("pairwise", None) if self.infeasible == "bmtool" else super()._choice(plan)

    def _space(self, source: NodeArrays, target: NodeArrays) -> PairSpace:
        if source is target:
            return PairSpace(
                source, target, "upper and diagonal" if self.allow_autapses else "upper"
            )
        return PairSpace(source, target, autapses=self.allow_autapses)

    # ------------------------------------------------------------------ uses
    def setup_nodes(self, source: Any = None, target: Any = None) -> None:
        """Begin a use, or go on to the backward direction of the current one.

        Parameters
        ----------
        source, target : NodePool
            What ``net.nodes(...)`` returns. Between two populations, once the forward edges
            were taken, the same pools swapped: the next ``edge_params()`` is backward.

        Raises
        ------
        NodeError
            If a pool is missing or empty, has no positions for a distance law, or other pools
            are given while the backward edges have not been taken.
        """
        if self._use is not None and not self._use.recurrent and self._use.taken == {"forward"}:
            if self._use.is_reversed(source, target, self.quick_pop_check):
                return
            raise NodeError(
                f"setup_nodes of {type(self).__name__} got other pools while the backward edges "
                f"from {self._use.labels[1]} to {self._use.labels[0]} have not been taken; "
                "call edge_params() (or edge_params(direction='backward')) first, or make another "
                "connector."
            )
        super().setup_nodes(source, target)

    def edge_params(self, direction: str | None = None) -> dict[str, Any]:  # type: ignore[override]
        """Return ``source``, ``target``, ``iterator`` and ``connection_rule`` for ``add_edges``.

        Parameters
        ----------
        direction : {'forward', 'backward'}, optional
            May be asked any number of times. Without it, a recurrent connector answers
            forward; one between two populations forward, then backward.

        Raises
        ------
        NodeError
            Before ``setup_nodes``; without `direction` when both directions were taken.
        ParameterError
            If `direction` is not one of the two, or backward is asked of one population.
        """
        projection = self.use
        allowed = ("forward",) if projection.recurrent else ("forward", "backward")
        if direction is None:
            taken = () if projection.recurrent else projection.taken
            left = [each for each in allowed if each not in taken]
            if not left:
                raise NodeError(
                    f"edge_params of {type(self).__name__} was called for both directions already; "
                    "pass direction='forward' or 'backward', or call setup_nodes() for a new use."
                )
            direction = left[0]
        elif direction not in allowed:
            raise ParameterError(
                f"direction of {type(self).__name__}.edge_params() must be "
                f"{' or '.join(map(repr, allowed))}, got {direction!r}."
            )
        return self.use.edge_params(direction)

    def make_forward_connection(self, source: Any, targets: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the synapse counts from a source to a list of targets (or one target)."""
        return self.use.rule("forward")(source, targets)

    def make_backward_connection(self, targets: Any, source: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the synapse counts from a list of targets to a source, against the direction.

        Parameters
        ----------
        targets : node or list of nodes
            Of the second pool, where the backward edges start.
        source : node
            Of the first pool, where they end.
        """
        if self.use.recurrent:
            return self.use.rule("forward")(targets, source)
        return self.use.rule("backward")(targets, source)

    def make_connection(
        self, source: Any = None, target: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Return forward synapse counts: for a pair of nodes, or a node and a list of nodes."""
        if source is None or target is None:
            raise TypeError(
                f"{type(self).__name__}.make_connection() needs (source, target): edges are looked "
                "up by node and no longer counted off; use make_forward_connection(source, "
                "targets) for a row."
            )
        return super().make_connection(source, target)

    # ------------------------------------------------------------------ the draw
    def _warn_of_pairs(self, plan: Plan, drawn: PairDraw) -> None:
        """Warn of pairs of shared nodes, and of those whose joint probability is not feasible."""
        ends = plan.space.source, plan.space.target
        if ends[0] is not ends[1] and plan.space.self_columns is not None:
            self.warn_once(
                "overlap",
                f"source and target of {type(self).__name__} share nodes: a pair of shared nodes "
                "is drawn in both orders, once per direction. Use one population or two disjoint "
                "ones.",
                ends,
            )
        if not drawn.clipping.count or plan.none_reciprocal or plan.unreachable:
            return
        assert plan.joint is not None
        looked_at = "the visited" if drawn.visited_only else f"{int(drawn.possible[2])}"
        moved, worst = drawn.clipping.moved, drawn.clipping.worst
        became = (
            f"moved to the nearest feasible value, so p0 and p1 hold; the largest change: {worst}. "
            "Choose pr (or rho) with max(0, p0 + p1 - 1) <= pr <= min(p0, p1)."
        )
        if moved.worst is not None:
            became = (
                "drawn as bmtool does (infeasible='bmtool'), so p0 holds and p1 does not: "
                f"{moved}. Pass infeasible='clip' for p1 as it was asked for."
            )
        self.warn_once(
            "clipped",
            f"pr of {type(self).__name__} was not feasible for {drawn.clipping.count} of "
            f"{looked_at} pairs{' with one rho for all' * (plan.joint.rho is not None)} and was "
            f"{became}",
            ends,
        )

    def _assembled(self, plan: Plan, drawn: PairDraw, kept: Kept) -> Connectivity:
        """Return edges and counts of both directions."""
        self._warn_of_pairs(plan, drawn)
        assert plan.joint is not None
        space, backward = plan.space, None
        n_forward, n_backward = len(drawn.forward), len(drawn.backward)
        possible = possible_pairs(drawn, space, plan.laws)
        if space.source is space.target:
            forward = symmetric_edges(drawn, space)
            connected: tuple[int, ...] = (n_forward + n_backward - drawn.reciprocal,)
            possible = chosen_counts(possible, 0, 0)
        else:
            forward, backward = forward_edges(drawn, space), backward_edges(drawn, space)
            connected = (n_forward, n_backward)
        return Connectivity(
            forward,
            backward,
            pairs=space.n_pairs,
            possible=possible,
            connected=(*connected, drawn.reciprocal),
            clipped=drawn.clipping.count,
            dropped=drawn.dropped,
            rho=plan.joint.rho,
            cache=_Kept(plan, kept, self._randomness) if kept else MappingProxyType({}),
        )

    def serve(self, projection: Projection, direction: str) -> None:
        """Remember whose edges BMTK is given; say when the other direction was forgotten."""
        super().serve(projection, direction)
        if not projection.recurrent and projection.taken == {"forward"}:
            source, target = projection.labels
            self.warn_once(
                "forward only",
                f"{type(self).__name__} drew {len(projection.drawn().edges('backward'))} backward "
                f"edges from {target} to {source} that were never handed to add_edges so far; call "
                "edge_params() a second time for them.",
                projection.ends,
            )

    def _law_of_distance(self, projection: Projection) -> tuple[Any, Metric] | None:
        drawn = projection.connectivity
        was_clipped = drawn is not None and drawn.clipped
        if self.infeasible == "bmtool" and projection.recurrent and was_clipped:
            return None  # the edges of both directions have no one law
        return super()._law_of_distance(projection)

    def _count_names(self, projection: Projection) -> tuple[str, ...]:
        directions = ("all",) if projection.recurrent else ("forward", "backward")
        return (*directions, "reciprocal")

    def _opening(self, projection: Projection) -> str:
        return "\nStart building connection between:\n  {}\n  {}".format(*projection.labels)

    @property
    def conn_prop(self) -> list[Mapping[int, Any]]:
        """Values of p_arg by node ids, ``[forward, backward]``; backward ones start at the target.

        The second is empty for a recurrent population.
        """
        self.use.looked_at()
        tables: list[Mapping[int, Any]] = list(self.use.tables())
        return tables if len(tables) == 2 else [*tables, {}]

    def add_conn_prop(self, src: int, trg: int, prop: Any, stage: int = 0) -> None:
        """Set what ``get_conn_prop`` returns for a pair; the edges stay as they are.

        Parameters
        ----------
        src, trg : int
            Positions in the source and the target pool.
        prop : object
            The value.
        stage : {0, 1}, default 0
            Direction: forward, or backward (from `trg` to `src`).
        """
        ids = int(self.use.source.ids[src]), int(self.use.target.ids[trg])
        sid, tid = ids[::-1] if stage else ids
        self.use.overlay[stage, sid, tid] = prop


class _Kept(Mapping[str, "npt.NDArray[Any]"]):
    """What the estimate of rho kept for the draw, by parameter.

    It is evaluated again when somebody looks: it takes more memory than the edges, and nothing
    reads it once they are drawn.
    """

    _ATTRIBUTES: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"p0_arg": "arg0", "p0": "p0", "p1_arg": "arg1", "p1": "p1"}
    )

    def __init__(self, plan: Plan, kept: list[BlockValues], source: Seed | SharedGenerator) -> None:
        self._plan = plan
        #: A function of the user may draw from it.
        self._shared = () if isinstance(source, Seed) else (source,)
        # Without places all pairs were evaluated, and not those within reach.
        self._everything = getattr(kept[0].candidates, "flat", None) is None
        self._names = tuple(
            name
            for name, attribute in self._ATTRIBUTES.items()
            if all(isinstance(getattr(values, attribute), np.ndarray) for values in kept)
        )

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._names:
            raise KeyError(name)
        with unchanged(*self._shared):
            blocks = self._plan.laws.over(self._plan.space, everything=self._everything)
            array = np.concatenate([getattr(each, self._ATTRIBUTES[name]) for each in blocks])
        array.flags.writeable = False
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def two_counts(owner: str, n_syn0: Count, n_syn1: Count) -> tuple[SynapseCounts, SynapseCounts]:
    """Return the synapse counts of both directions."""
    return (
        SynapseCounts(n_syn0, f"n_syn0 of {owner}"),
        SynapseCounts(n_syn1, f"n_syn1 of {owner}", backward=True),
    )
