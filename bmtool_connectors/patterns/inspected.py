"""What a connector tells of its edges before and after they are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bmtool_connectors import messages
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.distances import Metric
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.patterns.configured import Configured
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.randomness import Seed, SharedGenerator
from bmtool_connectors.reports.connections import Connections
from bmtool_connectors.reports.explain import Explanation
from bmtool_connectors.reports.hints import hints
from bmtool_connectors.reports.preview import Preview, PreviewEntry
from bmtool_connectors.reports.summary import Summary, entry
from bmtool_connectors.sampling.expect import Expected
from bmtool_connectors.sampling.plan import Plan

__all__ = ["ConnectorInspection", "counted"]

#: Methods that tell of the edges that the ``draw`` of their class makes.
TELLING = ("expected_of", "_plan_ahead", "_explained", "_law_of_distance")


class ConnectorInspection(Configured):
    """What can be asked of a connector; the edges are drawn for ``summary()`` only."""

    #: Whether edges are stored once per unordered pair.
    _is_undirected: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # The laws of another class, from which this one derives, are not those of its own draw.
        for name in TELLING:
            if _depth(cls, "draw") < _depth(cls, name):
                setattr(cls, name, getattr(ConnectorInspection, name))

    if TYPE_CHECKING:  # given by BaseConnector

        @property
        def use(self) -> Projection: ...
        def edges_of(self, use: Projection) -> Connectivity: ...
        def pair_edges(self, use: Projection) -> EdgeList: ...
        def _checked(self, drawn: EdgeList | Connectivity, use: Projection) -> Connectivity: ...
        def _draw_use(self, use: Projection, rng: SharedGenerator) -> EdgeList | Connectivity: ...
        def _generator(self, use: Projection) -> SharedGenerator: ...
        def _count_names(self, use: Projection) -> tuple[str, ...]: ...

    def _look(self) -> Connectivity:
        """Return the edges of the current use for somebody who looks before the build."""
        use = self.use
        if self.is_random and use.connectivity is None and use.root is None:
            self.warn_once(
                "early",
                f"{type(self).__name__} draws its edges now, because they are looked at before "
                "the network is built; this moves the shared random stream of whatever is built "
                "later. Build first, or pass an int as rng.",
                (use.source, use.target),
            )
        return self.edges_of(use)

    def expected(self) -> Expected:
        """Return what the draw will give and cost, computed from the laws; draws nothing.

        Returns
        -------
        Expected
            Numbers of edges and reciprocal pairs, the share of infeasible pairs, memory, time
            and sampler.

        Raises
        ------
        NodeError
            Before ``setup_nodes``; of a connector that depends on another one's edges, when
            those have not been drawn.
        ParameterError
            As the draw would, if a function gives what is no probability, or no degree.
        NotImplementedError
            If only ``draw`` itself can tell: of a connector that says nothing else.

        Notes
        -----
        Of probabilities: exact up to 262,144 pairs within reach; above, from a sample of them
        that is the same every time and another one for each edge type, with ``standard_error``
        telling how far off the edges may be; ``estimated`` is then True. Of degrees: with
        multapses, pairs that are drawn repeatedly count once. Functions of the user are called
        (but not those for `n_syn`), and a shared generator stands afterwards where it stood
        before.
        """
        found = self.expected_of(self.use)
        if found is None:
            raise NotImplementedError(
                f"expected() of {type(self).__name__} is not known: only its draw() tells what it "
                "connects; look at connectivity, or define expected_of() in the class."
            )
        return found

    def expected_of(self, use: Projection, most: int | None = None) -> Expected | None:
        """Return what the draw of a use gives on average; None where that is not known.

        Parameters
        ----------
        use : Projection
        most : int, optional
            Pairs that stand for all, where there are many.
        """
        if self.is_random:
            return None
        timer = messages.Timer()
        drawn = self._checked(self._draw_use(use, self._generator(use)), use)
        return Expected.certain(drawn, timer.end())

    # ------------------------------------------------------------------ preview
    def preview(self) -> Preview:
        """Return what the draw will give and cost, with hints where that looks unintended.

        Returns
        -------
        Preview
            ``print`` it, or take ``to_frame()``, ``to_json()``, ``to_csv()``.

        Raises
        ------
        NodeError
            Before ``setup_nodes``.

        Notes
        -----
        The numbers of :meth:`expected`; nothing is drawn. Errors that the draw would raise are
        hints here.
        """
        return Preview((self.preview_of(self.use),))

    def preview_of(self, use: Projection) -> PreviewEntry:
        """Return what the draw of a use will give."""
        found: Expected | None = None
        said: tuple[str, ...]
        try:
            found = self.expected_of(use)
            if found is not None:
                said = hints(found, self._plan_ahead(use), use.source, use.target)
            else:
                said = (f"only draw() of {type(self).__name__} tells what it connects.",)
        except (NodeError, ParameterError) as error:
            said = (str(error),)
        sizes = len(use.source), len(use.target)
        name = type(self).__name__
        return PreviewEntry(*use.labels, name, *sizes, found, said, self._is_undirected)

    def _plan_ahead(self, use: Projection) -> Plan | None:
        """Return the laws that say which pairs may connect, where there are any."""
        return None

    # ------------------------------------------------------------------ summary
    def summary(self) -> Summary:
        """Return what was wanted and what was drawn, with standard deviations and z.

        Returns
        -------
        Summary
            ``print`` it, or take ``to_frame()``, ``to_json()``, ``to_csv()``.

        Raises
        ------
        NodeError
            Before ``setup_nodes``.

        Notes
        -----
        Draws the edges if they have not been. The laws are looked at again, as in
        :meth:`expected`; what comes from a sample is marked.
        """
        self._look()
        return Summary((entry(self.connections_of(self.use)),))

    def connections_of(self, use: Projection) -> Connections:
        """Return the edges of a use, with what was wanted of them."""
        drawn = self.edges_of(use)
        seed = self._randomness.sequence.entropy if isinstance(self._randomness, Seed) else None
        wanted, law = self._wanted(use, drawn), self._law_of_distance(use)
        return Connections(
            *use.labels,
            drawn.forward,
            drawn.backward,
            recurrent=use.recurrent,
            undirected=self._is_undirected,
            connector=type(self).__name__,
            wanted=wanted,
            drawn=counted(drawn, self._count_names(use)),
            about={
                "sampler": wanted.get("sampler"),
                "seed": seed,
                "name": self.name,
                "seconds": use.seconds,
            },
            positions=(use.source.known_positions, use.target.known_positions),
            **({} if law is None else {"law": law[0], "metric": law[1]}),
        )

    def _wanted(self, use: Projection, drawn: Connectivity) -> dict[str, Any]:
        """Return what the laws give, where that can be compared with what was drawn."""
        random = any(callable(value) for name, value in self.vars.items() if "n_syn" in name)
        if drawn.dropped and random:  # the laws do not know how often that happens
            return {}
        if not self.is_random:
            return asdict(Expected.certain(drawn, 0.0))
        try:
            found = self.expected_of(use)
        except (LookupError, ValueError):
            if use.source.nodes:
                raise
            return {}  # functions of two nodes find none after free_memory()
        return {} if found is None else asdict(found)

    def _law_of_distance(self, use: Projection) -> tuple[Any, Metric] | None:
        """Return the forward probability as a function of distances, and their metric."""
        return None

    # ------------------------------------------------------------------ one pair
    def explain(self, source_id: int, target_id: int) -> Explanation:
        """Return why a pair of nodes is connected or not: its laws and what was drawn.

        Parameters
        ----------
        source_id, target_id : int
            Node ids.

        Returns
        -------
        Explanation
            ``print`` it.

        Raises
        ------
        NodeError
            Before ``setup_nodes``, or if a pool has no such node.

        Notes
        -----
        Nothing is drawn: before the draw the outcome is ``'not drawn yet'``.
        """
        use = self.use
        i = self._place("source", source_id)
        j = self._place("target", target_id)
        found: dict[str, Any] = {}
        try:
            found |= self._explained(use, i, j)
        except NodeError as error:  # of another connector, that has not been drawn
            found["note"] = str(error)
        except LookupError:
            if use.source.nodes:
                raise
            found["note"] = "nodes were dropped, and with them what functions of nodes give"
        if use.connectivity is not None:
            found |= self._outcome(use, i, j)
        return Explanation(int(source_id), int(target_id), **found)

    def _place(self, which: str, node_id: Any) -> int:
        """Return the position of a node in a pool."""
        nodes = getattr(self.use, which)
        known = isinstance(node_id, int | np.integer)
        place = nodes.index(int(node_id)) if known else None
        if place is None:
            raise NodeError(
                f"{which}_id of {type(self).__name__}.explain() is {node_id!r}; allowed is the id "
                f"of one of the {len(nodes)} nodes of {nodes.label}."
            )
        return int(place)

    def _explained(self, use: Projection, i: int, j: int) -> dict[str, Any]:
        """Return what the laws say of the pair at two positions."""
        return {"note": f"{type(self).__name__} has no probability of a single pair"}

    def _outcome(self, use: Projection, i: int, j: int) -> dict[str, Any]:
        """Return how the pair at two positions has been connected."""
        drawn = self.edges_of(use)
        forward = _synapses(self.pair_edges(use), i, j)
        if use.recurrent:
            backward = _synapses(self.pair_edges(use), j, i)
        else:
            backward = 0 if drawn.backward is None else _synapses(drawn.backward, j, i)
        kind = {(False, False): "none", (True, False): "forward", (False, True): "backward"}
        outcome = kind.get((forward > 0, backward > 0), "both")
        known = use.recurrent or drawn.backward is not None
        return {
            "outcome": outcome,
            "n_syn": forward,
            "n_syn_backward": backward if known else None,
        }


def _depth(cls: type, name: str) -> int:
    """Return how far up the classes that `cls` derives from a name is defined."""
    return next((k for k, each in enumerate(cls.__mro__) if name in vars(each)), len(cls.__mro__))


def counted(drawn: Connectivity, names: Iterable[str]) -> dict[str, Any]:
    """Return what was counted in a draw, as plain values; `names` are those of the counts."""
    return {
        "pairs": drawn.pairs,
        "connected": dict(zip(names, drawn.connected, strict=False)),
        "clipped": drawn.clipped,
        "dropped": drawn.dropped,
    }


def _synapses(edges: EdgeList, i: int, j: int) -> int:
    edge = int(edges.find(i, j))
    return int(edges.n_syn[edge]) if edge >= 0 else 0
