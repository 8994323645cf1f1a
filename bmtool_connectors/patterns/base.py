"""What all connectors share: uses, the lazy draw, rules, views and the report.

A connector is a set of parameters. ``setup_nodes`` begins a *use* of it on two
node pools; the edges of a use are drawn once, when they are first needed, and
never change. Everything handed out (rules, views) is bound to its use.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bmtool_connectors import messages
from bmtool_connectors.connection_rule import ConnectionRule
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.generators import deep_copy, in_turn, restored_on_error
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.configured import Self
from bmtool_connectors.patterns.inspected import ConnectorInspection
from bmtool_connectors.patterns.parameters import parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.views import ConnectorViews
from bmtool_connectors.randomness import Seed, SharedGenerator
from bmtool_connectors.sampling.blocks import PairSpace

if TYPE_CHECKING:
    from bmtool_connectors.patterns.references import Reference

__all__ = ["AbstractConnector", "BaseConnector"]


class AbstractConnector(ABC):
    """What BMTK scripts expect of a connector: ``setup_nodes``, then ``edge_params``."""

    @abstractmethod
    def setup_nodes(self, source: Any = None, target: Any = None) -> None:
        """Take the node pools to connect."""

    @abstractmethod
    def edge_params(self, **kwargs: Any) -> dict[str, Any]:
        """Return the arguments for ``net.add_edges(**...)``."""

    @staticmethod
    def constant_function(val: Any) -> Callable[..., Any]:
        """Return a function that ignores its arguments and returns `val`."""

        def constant(*arg: Any) -> Any:
            return val

        return constant


class BaseConnector(ConnectorInspection, ConnectorViews, AbstractConnector):
    """A connector, but for its law: subclass it and write ``draw``.

    Parameters
    ----------
    verbose : bool, default True
        Print what is drawn.
    save_report : bool, default True
        Append a row to the CSV connection report when the edges are drawn.
    report_name : str or path, optional
        The report; default ``bmtool_connectors.report_name``, read now.
    rng : Generator, RandomState, int, SeedSequence or None
        Where the numbers come from. A generator is shared: it is consumed when the edges are
        drawn, in the order in which networks are built. An int or SeedSequence gives the
        connector streams of its own, by population labels, class and `name`; ``rng=1`` is not
        ``default_rng(1)``. None is ``bmtool_connectors.rng``, read now.
    name : str, optional
        Tells apart connectors of one class with the same seed and populations.
    sampler : {'auto', 'pairwise', 'sparse'}, default 'auto'
        How edges are drawn. Pairwise looks at every pair and has the random stream of the
        predecessor; sparse has a cost proportional to the edges and a stream of its own. Auto is
        pairwise up to 200,000,000 pairs, and sparse above where the law allows it.

    Raises
    ------
    ParameterError
        If a parameter is not allowed.
    """

    #: BMTK's iterator for each direction.
    iterators: ClassVar[Mapping[str, str]] = MappingProxyType({"forward": "one_to_one"})
    #: Whether a node may connect to itself; a parameter of some connectors.
    allow_autapses: bool = parameter(default=True, init=False)
    #: What the printed counts are called, in order.
    count_names: ClassVar[tuple[str, ...]] = ("forward",)

    def _start(self) -> None:
        super()._start()
        #: The use that ``setup_nodes`` began last.
        self._use: Projection | None = None
        #: Use and direction whose edges BMTK is being given, or was given last.
        self.serving: tuple[Projection, str] | None = None

    # ------------------------------------------------------------------ the hook
    @abstractmethod
    def draw(
        self, source: NodeArrays, target: NodeArrays, rng: SharedGenerator
    ) -> EdgeList | Connectivity:
        """Draw the edges from `source` to `target`; the only method a connector must have.

        Parameters
        ----------
        source, target : NodeArrays
            The pools; one and the same object when the population is recurrent.
        rng : Generator or RandomState
            The only source of random numbers to be used.

        Returns
        -------
        EdgeList or Connectivity
        """

    def __deepcopy__(self, memo: dict[int, Any]) -> BaseConnector:
        return deep_copy(self, memo, self._randomness)

    def _unused(self: Self, **attributes: Any) -> Self:
        return super()._unused(_use=None, serving=None, **attributes)

    # ------------------------------------------------------------------ uses
    def setup_nodes(self, source: Any = None, target: Any = None) -> None:
        """Begin a use of the connector on two node pools.

        Parameters
        ----------
        source, target : NodePool
            What ``net.nodes(...)`` returns.

        Raises
        ------
        NodeError
            If a pool is missing or empty, or does not fit the connector.
        """
        self._begin(self._make_use(source, target))

    def _make_use(self, source: Any, target: Any, quick: bool = False) -> Projection:
        for which, pool in (("source", source), ("target", target)):
            self._check_pool(which, pool)
        use = Projection(source, target, quick)
        for which, nodes in (("source", use.source), ("target", use.target)):
            if not len(nodes):
                raise NodeError(
                    f"{nodes.label} nodes do not exist: {which} of {type(self).__name__} is empty; "
                    "check the filter, and that add_nodes() came before nodes()."
                )
        return use

    def _check_pool(self, which: str, pool: Any) -> None:
        if pool is None or not hasattr(pool, "network_name"):
            raise NodeError(
                f"{which} of {type(self).__name__}.setup_nodes() is {pool!r}; allowed is a node "
                "pool as net.nodes(...) returns."
            )

    def _begin(self, use: Projection) -> None:
        self._use = use
        use.root = use.generator = use.number = None
        if isinstance(self._randomness, Seed):
            key = (use.source.stream_label, use.target.stream_label, type(self).__name__, self.name)
            use.number = self._randomness.count_use(*key) if self._default_seed else None
            use.root = self._randomness.root(*key, use.number)
        else:
            use.generator = self._randomness

    def _rng_assigned(self) -> None:
        if self._use is not None:
            self._begin(self._use)

    def _check_rng_counts(self) -> None:
        super()._check_rng_counts()
        if self._use is not None and self._use.connectivity is not None:
            raise ParameterError(
                f"rng of {type(self).__name__} was assigned after its edges were drawn; assign it "
                "before the network is built, or set up the nodes of connector.replace(rng=...)."
            )

    @property
    def use(self) -> Projection:
        """The current use; a NodeError before ``setup_nodes``."""
        if self._use is None:
            raise NodeError(
                f"{type(self).__name__} has no nodes yet: call setup_nodes(source=..., target=...)."
            )
        return self._use

    def edge_params(self, **kwargs: Any) -> dict[str, Any]:
        """Return ``source``, ``target``, ``iterator`` and ``connection_rule`` for ``add_edges``.

        Raises
        ------
        NodeError
            Before ``setup_nodes``.
        """
        if kwargs:
            raise TypeError(
                f"edge_params of {type(self).__name__} got {', '.join(kwargs)}; it takes nothing."
            )
        return self._params("forward")

    def _params(self, direction: str, use: Projection | None = None) -> dict[str, Any]:
        use = self.use if use is None else use
        rule = self._rule(direction, use)
        pools = (use.source_pool, use.target_pool)
        source, target = pools if direction == "forward" else pools[::-1]
        use.taken.add(direction)
        return {
            "source": source,
            "target": target,
            "iterator": self.iterators[direction],
            "connection_rule": rule if rule.is_registered() else rule.__call__,
        }

    def connect(
        self,
        net: Any,
        source: Any,
        target: Any,
        forward: Mapping[str, Any] | None = None,
        backward: Mapping[str, Any] | None = None,
    ) -> tuple[Any, ...]:
        """Set up the nodes and add the edges of all directions, in one call.

        Parameters
        ----------
        net : NetworkBuilder
            The network that gets the edges.
        source, target : NodePool or dict
            Node pools, or filters for ``net.nodes(**filter)``.
        forward, backward : dict, optional
            Edge type properties for ``add_edges``. An item ``'properties'``, a dict or a list of
            dicts, holds arguments for ``add_properties``.

        Returns
        -------
        tuple of ConnectionMap
            One per direction.

        Raises
        ------
        ParameterError
            If `backward` is given and there is only one direction.
        NodeError
            As for ``setup_nodes``.
        """
        pools = [net.nodes(**pool) if isinstance(pool, dict) else pool for pool in (source, target)]
        self.setup_nodes(source=pools[0], target=pools[1])
        given = {"forward": forward, "backward": backward}
        directions = [name for name in self.iterators if name == "forward" or not self.recurrent]
        if backward is not None and "backward" not in directions:
            raise ParameterError(
                f"backward of {type(self).__name__}.connect() is {backward!r}, but there is only a "
                "forward direction; leave it out."
            )
        maps = []
        for direction in directions:
            options = dict(given[direction] or {})
            columns = options.pop("properties", ())
            edges = net.add_edges(**options, **self._params(direction))
            for each in [columns] if isinstance(columns, Mapping) else columns:
                edges.add_properties(**each)
            maps.append(edges)
        return tuple(maps)

    # ------------------------------------------------------------------ the draw
    def edges_of(self, use: Projection) -> Connectivity:
        """Return the edges of a use, drawing them if that has not been done."""
        if use.connectivity is None:
            self._check_nodes(use)
            # What we depend on is drawn for good, also when our own draw fails.
            self._draw_references(use)
            # The shared generators first, then the use: in one order, two threads never wait
            # for each other.
            with in_turn(self._shared(use)), use.lock:
                if use.connectivity is None:  # another thread may have drawn it meanwhile
                    self._draw_once(use)
        assert use.connectivity is not None
        return use.connectivity

    def _draw_once(self, use: Projection) -> None:
        if self.verbose:
            messages.say(self._opening(use))
        timer = messages.Timer()
        shared = self._shared(use)
        with restored_on_error(*shared, kept=lambda: use.connectivity is not None):
            use.connectivity = self._checked(self._draw_use(use, self._generator(use)), use)
        use.seconds = timer.end()
        if self.verbose:
            messages.say(messages.counts_text(use.connectivity, self._count_names(use)))
            timer.report("Time for drawing connections")
        if self.save_report:
            self._save_report(use)

    def _space(self, source: NodeArrays, target: NodeArrays) -> PairSpace:
        """Return the pairs that are looked at."""
        return PairSpace(source, target, autapses=self.allow_autapses)

    def _references(self) -> Iterable[Reference]:
        """Return the other connectors whose edges the law depends on."""
        return ()

    def _draw_references(self, use: Projection) -> None:
        for reference in self._references():
            reference.states(use)

    def _draw_use(self, use: Projection, rng: SharedGenerator) -> EdgeList | Connectivity:
        with use.being_drawn():
            return self.draw(use.source, use.target, rng)

    def _check_nodes(self, use: Projection) -> None:
        """Refuse, or warn, when BMTK's nodes changed between ``setup_nodes`` and the draw."""
        for which, message in use.changes_of_nodes(type(self).__name__):
            self.warn_once(which, message, (use.source, use.target))

    def serve(self, use: Projection, direction: str) -> EdgeList:
        """Return the edges that a rule looks up, and remember whose they are."""
        self.serving = use, direction
        return self.edges_of(use).edges(direction)

    def pair_edges(self, use: Projection) -> EdgeList:
        """Return the edges of a use for a connector that depends on this one.

        Every connected pair is listed in each direction in which it is connected.
        """
        return self.edges_of(use).forward

    def _generator(self, use: Projection) -> SharedGenerator:
        if use.root is not None:
            return np.random.default_rng(use.root)
        assert use.generator is not None
        return use.generator

    def _shared(self, use: Projection) -> list[SharedGenerator]:
        """Return the shared generators that the draw of a use takes numbers from."""
        return [] if use.generator is None else [use.generator]

    def _checked(self, drawn: EdgeList | Connectivity, use: Projection) -> Connectivity:
        """Refuse what a ``draw`` method of a user's class must not return."""
        connectivity = Connectivity.from_edges(drawn) if isinstance(drawn, EdgeList) else drawn
        if not isinstance(connectivity, Connectivity):
            raise TypeError(
                f"{type(self).__name__}.draw() returned {type(drawn).__name__}; allowed are an "
                "EdgeList or a Connectivity."
            )
        shape = (len(use.source), len(use.target))
        if connectivity.forward.shape != shape:
            raise ParameterError(
                f"{type(self).__name__}.draw() returned edges of shape "
                f"{connectivity.forward.shape} for pools of shape {shape}; pass "
                "shape=(len(source), len(target)) to EdgeList.from_arrays()."
            )
        back = connectivity.backward
        if "backward" in self.iterators and not use.recurrent and back is None:
            raise ParameterError(
                f"{type(self).__name__}.draw() returned no backward edges, and there are two "
                "populations; return a Connectivity with forward= and backward=."
            )
        if back is not None and back.shape != shape[::-1]:
            raise ParameterError(
                f"{type(self).__name__}.draw() returned backward edges of shape {back.shape} for "
                f"pools of shape {shape}; their source is the second pool: pass "
                "shape=(len(target), len(source)) to EdgeList.from_arrays()."
            )
        return connectivity

    def _count_names(self, use: Projection) -> tuple[str, ...]:
        return self.count_names

    def _opening(self, use: Projection) -> str:
        return "\nStart building connection\n  from {}\n  to {}".format(*use.labels)

    # ------------------------------------------------------------------ rules
    def make_connection(self, source: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        """Return synapse counts: for a pair of nodes, or for a node and a list of nodes."""
        return self._rule("forward")(source, target)

    def _rule(self, direction: str, use: Projection | None = None) -> ConnectionRule:
        use = self.use if use is None else use
        return use.rules.setdefault(direction, ConnectionRule(self, use, direction))

    def initial_all_to_all(self) -> None:
        """Draw the edges of the current use if that has not been done."""
        self.edges_of(self.use)

    def free_memory(self) -> None:
        """Drop node objects and kept arrays of a drawn use; the edges stay."""
        if self._use is not None and self._use.connectivity is not None:
            self._use.free_memory()
