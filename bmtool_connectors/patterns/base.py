"""What all connectors share: uses, the lazy draw, rules, views and the report.

A connector is a set of parameters. ``setup_nodes`` begins a *use* of it on two
node pools; the edges of a use are drawn once, when they are first needed, and
never change. Everything handed out (rules, views) is bound to its use.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.generators import deep_copy
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.inspected import ConnectorInspection
from bmtool_connectors.patterns.parameters import parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.references import Reference
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling.blocks import PairSpace

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


class BaseConnector(ConnectorInspection, AbstractConnector):
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
    allow_autapses: bool = parameter(default=True, kw_only=True, init=False)
    #: Compare populations by network and filter only; a parameter of one connector.
    quick_pop_check: bool = parameter(default=False, kw_only=True, init=False)

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
        self._begin(Projection(self, source, target, self.quick_pop_check))

    def _begin(self, projection: Projection) -> None:
        self._check_pools(projection)
        projection.take_streams()
        self._use = projection

    def _check_pools(self, projection: Projection) -> None:
        """Refuse pools that do not fit the connector, and get ready for them."""

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
        return self.use.edge_params("forward")

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
            edges = net.add_edges(**options, **self.use.edge_params(direction))
            for each in [columns] if isinstance(columns, Mapping) else columns:
                edges.add_properties(**each)
            maps.append(edges)
        return tuple(maps)

    # ------------------------------------------------------------------ what a projection asks
    def _space(self, source: NodeArrays, target: NodeArrays) -> PairSpace:
        """Return the pairs that are looked at."""
        return PairSpace(source, target, autapses=self.allow_autapses)

    def _references(self) -> Iterable[Reference]:
        """Return the other connectors whose edges the law depends on."""
        return ()

    def _draw_references(self, projection: Projection) -> None:
        for reference in self._references():
            reference.states(projection)

    def serve(self, projection: Projection, direction: str) -> None:
        """Remember whose edges BMTK is being given."""
        self.serving = projection, direction

    def _opening(self, projection: Projection) -> str:
        return "\nStart building connection\n  from {}\n  to {}".format(*projection.labels)

    # ------------------------------------------------------------------ rules
    def make_connection(self, source: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        """Return synapse counts: for a pair of nodes, or for a node and a list of nodes."""
        return self.use.rule("forward")(source, target)

    def initial_all_to_all(self) -> None:
        """Draw the edges of the current use if that has not been done."""
        self.use.drawn()

    def free_memory(self) -> None:
        """Drop node objects and kept arrays of a drawn use; the edges stay."""
        if self._use is not None and self._use.connectivity is not None:
            self._use.free_memory()
