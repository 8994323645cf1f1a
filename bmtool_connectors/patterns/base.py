"""What all connectors share: uses, the lazy draw, rules, what is expected, and the report.

A connector is a set of parameters. ``setup_nodes`` begins a *use* of it on two
node pools; the edges of a use are drawn once, when they are first needed, and
never change. Everything handed out (rules, views) is bound to its use.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from bmtool_connectors import messages
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.distances import Metric
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.generators import deep_copy
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.patterns.references import Reference
from bmtool_connectors.patterns.views import AbstractConnector, ConnectorViews
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling.expected import Expected
from bmtool_connectors.sampling.plan import Plan

if TYPE_CHECKING:
    from bmtool_connectors.reports.explain import Explanation
    from bmtool_connectors.reports.preview import Preview
    from bmtool_connectors.reports.summary import Summary

__all__ = ["AbstractConnector", "BaseConnector"]

#: Methods that tell of the edges that the ``draw`` of their class makes.
TELLING = ("expected_of", "_plan_ahead", "_explained", "_law_of_distance")


class BaseConnector(ConnectorViews, AbstractConnector):
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
        How edges are drawn. Pairwise looks at every pair; sparse has a cost proportional to the
        edges. Auto, with a seed of the connector's own (an int or SeedSequence), takes the one that
        takes less time, told from laws, numbers and box. With a shared generator it is pairwise up
        to 200,000,000 pairs, with the random stream of the predecessor, and sparse above where the
        law allows it.

    Raises
    ------
    ParameterError
        If a parameter is not allowed.
    """

    #: BMTK's iterator for each direction.
    iterators: ClassVar[Mapping[str, str]] = MappingProxyType({"forward": "one_to_one"})
    #: Whether edges are stored once per unordered pair.
    _is_undirected: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # The laws of another class, from which this one derives, are not those of its own draw.
        for name in TELLING:
            if _depth(cls, "draw") < _depth(cls, name):
                setattr(cls, name, getattr(BaseConnector, name))

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
        projection.connector = self  # a shallow copy goes on with that of the original
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

    # ------------------------------------------------------------------ what classes override
    def expected_of(self, projection: Projection, most: int | None = None) -> Expected | None:
        """Return what the draw of a projection gives on average; None where that is not known.

        Parameters
        ----------
        projection : Projection
        most : int, optional
            Pairs that stand for all, where there are many; memory and time are not asked for then.
        """
        if self.is_random:
            return None
        timer = messages.Timer()
        drawn = projection.draw()
        return Expected.certain(drawn, timer.end())

    def _plan_ahead(self, projection: Projection) -> Plan | None:
        """Return the laws that say which pairs may connect, where there are any."""
        return None

    def _explained(self, projection: Projection, i: int, j: int) -> dict[str, Any]:
        """Return what the laws say of the pair at two indices."""
        return {"note": f"{type(self).__name__} has no probability of a single pair"}

    def _law_of_distance(self, projection: Projection) -> tuple[Any, Metric] | None:
        """Return the forward probability as a function of distances, and their metric."""
        return None

    def _report_labels(self, projection: Projection) -> tuple[str, str]:
        return projection.labels

    def _report_rows(self, projection: Projection) -> Iterable[tuple[str, str, Connectivity]]:
        """Return the rows of a drawn projection in the CSV report: labels, and what was drawn."""
        return [(*self._report_labels(projection), projection.drawn())]

    def _save_report(self, projection: Projection) -> None:
        """Append to the CSV connection report."""
        from bmtool_connectors.reports.connection_report import save_rows

        return save_rows(self.report_name, self._report_rows(projection))

    # ------------------------------------------------------------------ what users ask
    def save_connection_report(self) -> None:
        """Append the row of the current use to the CSV connection report."""
        self.use.looked_at()
        self._save_report(self.use)

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
        found: Expected | None = self.expected_of(self.use)
        if found is None:
            raise NotImplementedError(
                f"expected() of {type(self).__name__} is not known: only its draw() tells what it "
                "connects; look at connectivity, or define expected_of() in the class."
            )
        return found

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
        from bmtool_connectors.reports.of_connector import preview

        return preview(self)

    def summary(self) -> Summary:
        """Return what was expected and what was drawn, with standard deviations and z.

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
        from bmtool_connectors.reports.of_connector import summary

        return summary(self)

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
        from bmtool_connectors.reports.of_connector import explain_pair

        return explain_pair(self, source_id, target_id)


def _depth(cls: type, name: str) -> int:
    """Return how far up the classes that `cls` derives from a name is defined."""
    return next((k for k, each in enumerate(cls.__mro__) if name in vars(each)), len(cls.__mro__))
