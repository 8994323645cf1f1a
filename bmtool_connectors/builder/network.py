"""BMTK's NetworkBuilder with sparse edges: the same scripts, the same files."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from bmtool_connectors import randomness
from bmtool_connectors.builder import _bmtk
from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.builder.network_save import PathLike
from bmtool_connectors.builder.pools import IndexedPool, NodeGroup
from bmtool_connectors.builder.properties import add_properties
from bmtool_connectors.builder.rule_edges import edges_of
from bmtool_connectors.builder.saving import SavingNetwork
from bmtool_connectors.checks import flag
from bmtool_connectors.errors import NodeError, ParameterError, warn
from bmtool_connectors.generators import generators_in, restored_on_error
from bmtool_connectors.locks import Lock
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.progress import progress
from bmtool_connectors.sonata.interrupts import held_signals

if TYPE_CHECKING:
    from bmtool_connectors.reports.connections import Connections
    from bmtool_connectors.reports.preview import Preview
    from bmtool_connectors.reports.summary import Summary

Method = TypeVar("Method", bound=Callable[..., Any])


class _SparseNetwork(SavingNetwork):
    """What ``SparseNetwork`` does where BMTK is as it is relied on."""

    def __init__(self, name: str, verbose: bool = True, **network_props: Any) -> None:
        super().__init__(name, **network_props)
        self.verbose = flag(verbose, "verbose of SparseNetwork")
        #: What ``add_nodes`` and ``import_nodes`` made, in order.
        self.node_groups: list[NodeGroup] = []
        self._n_made = 0
        self._tables: dict[Any, EdgeTable] = {}
        self.first_gap_id = network_props.get("gj_id_start", 0)
        #: Held while nodes or edges are made.
        self._lock = Lock()

    # ------------------------------------------------------------------ nodes
    def add_nodes(self, N: int = 1, **properties: Any) -> None:  # noqa: N803  # BMTK's name
        """Declare nodes; as BMTK's, but those added after ``nodes()`` are made as well.

        Raises
        ------
        NodeError
            If edges have been made already.
        """
        if self.edges_table():
            raise NodeError(
                f"add_nodes() of network {self.name!r} was called after build(): its edges were "
                "made without these nodes; call every add_nodes() before the first build()."
            )
        super().add_nodes(N=N, **properties)
        if self.nodes_built:
            self.make_nodes()

    def make_nodes(self) -> None:
        """Make the nodes that have been declared and are not made yet."""
        with self._lock:
            for declared in self.declared[self._n_made :]:
                with held_signals():  # ids are taken once, from a generator with a lock
                    nodes = self.make(declared)
                    columns = tuple(declared.params_keys)
                    known = frozenset(columns) | {"node_id"}
                    self.node_groups.append(NodeGroup(nodes, known, columns))
                    self._n_made += 1
            self.set_built(nodes=True)

    def import_nodes(self, *args: Any, **kwargs: Any) -> None:
        """Read nodes from a file; as BMTK's."""
        before = len(self.node_list)
        super().import_nodes(*args, **kwargs)
        # Those of one group of the file have the same properties.
        for columns, nodes in itertools.groupby(self.node_list[before:], key=_columns_of):
            self.node_groups.append(NodeGroup(list(nodes), None, columns))
        if self.nodes_built:
            self.set_built(nodes=True)

    def nodes(self, **properties: Any) -> IndexedPool:
        """Return the nodes that a filter selects, as a NodePool."""
        if not self.nodes_built:
            self.make_nodes()
        return IndexedPool(self, **properties)

    # ------------------------------------------------------------------ looking
    def preview(self) -> Preview:
        """Return what the declared edges will be and cost, with hints; builds and draws nothing.

        Returns
        -------
        Preview
            One entry per connector; edges of other connection rules are not known.
        """
        from bmtool_connectors.reports.of_network import preview_of_network

        return preview_of_network(self)

    def connections(self) -> list[Connections]:
        """Return the edges that have been built, those of one connector together.

        Raises
        ------
        ParameterError
            If the network is not built, or its edges are spread over MPI processes.
        """
        from bmtool_connectors.reports.of_network import connections_of_network

        return connections_of_network(self)

    def summary(self) -> Summary:
        """Return what was expected of each connector and what was built.

        Returns
        -------
        Summary

        Raises
        ------
        ParameterError
            If the network is not built, or its edges are spread over MPI processes.
        """
        from bmtool_connectors.reports.of_network import summary_of_network

        return summary_of_network(self)

    # ------------------------------------------------------------------ edges
    def add_edges(
        self, source: Any = None, target: Any = None, *args: Any, **properties: Any
    ) -> Any:
        """Declare edges; as BMTK's."""
        pools = self._pool("source", source), self._pool("target", target)
        edge_type = super().add_edges(*pools, *args, **properties)
        self.set_built(edges=False)
        return edge_type

    def _pool(self, which: str, pool: Any) -> Any:
        """Return an end of edges as a node pool."""
        if isinstance(pool, _bmtk.NodePool):
            return pool
        if isinstance(pool, Mapping) and "connection_rule" in pool:
            raise ParameterError(
                f"{which} of add_edges() of network {self.name!r} is what edge_params() returns, "
                "which is all arguments; write add_edges(**connector.edge_params())."
            )
        if pool and not isinstance(pool, Mapping):
            raise ParameterError(
                f"{which} of add_edges() of network {self.name!r} must be a node pool as "
                f"net.nodes(...) returns, or a dict of node properties, got {pool!r}."
            )
        return IndexedPool(self, **pool or {})

    def build(self, force: bool = False) -> None:
        """Make the nodes and edges that have been declared and are not made yet.

        Parameters
        ----------
        force : bool, default False
            Make all edges again. Nodes stay: they are what ``add_nodes`` was given.
        """
        if _bmtk.n_ranks() > 1:
            super().build(force=force)
            return
        with self._lock:
            if not self.nodes_built:
                self.make_nodes()
            if force:
                self._forget_edges()
            keys, made = _stream_keys(self.get_connections()), self._tables
            waiting = [
                each for each in keys if each not in made or made[each].n_params != len(each.params)
            ]
            with progress(len(waiting), self.verbose, "edge type", self.name) as advance:
                for edge_type in waiting:
                    made[edge_type] = self._table(edge_type, keys[edge_type])
                    self.edges_table()[:] = [made[each] for each in keys if each in made]
                    advance(1)
            self.set_built(edges=True)

    def _table(self, edge_type: Any, key: tuple[Hashable, ...]) -> EdgeTable:
        """Make the edges of one call of ``add_edges``."""
        pools = edge_type.source_nodes, edge_type.target_nodes
        source, target = (NodeArrays.from_pool(pool) for pool in pools)
        edges = edges_of(edge_type, source, target, self.verbose)
        self.remember_target(edge_type.target_nodes)
        table = EdgeTable(edge_type, edges, source, target)
        rules = [_bmtk.property_rule(param)[:2] for param in edge_type.params]
        sources = randomness.default.source, edge_type.connector
        # All of them or none: a retry draws the first one again.
        with restored_on_error(*(generators_in(*sources, *rules) if rules else ())):
            for param in edge_type.params:
                add_properties(table, param, key, self.verbose)
        return table.complete()

    def _forget_edges(self) -> None:
        self._tables.clear()
        self.edges_table().clear()
        self.set_built(edges=False)

    def edges(self, *args: Any, **properties: Any) -> Any:
        """Return the edges that a filter selects, built if that has not been done; as BMTK's."""
        if not self.edges_built:
            self.build()
        return super().edges(*args, **properties)

    def clear(self) -> None:
        """Forget the edges; the nodes are the same ones when they are asked for again."""
        super().clear()
        self._forget_edges()

    @property
    def nedges(self) -> int:
        """Number of synapses that have been made: the sum of ``nsyns`` over all pairs."""
        return sum(table.n_syns for table in self.edges_table())


def _columns_of(node: Any) -> tuple[str, ...]:
    # BMTK's reader has objects for names.
    names = (getattr(name, "name", name) for name in node.params)
    return tuple(name for name in names if name != "node_id")


def _stream_keys(edge_types: Sequence[Any]) -> dict[Any, tuple[Hashable, ...]]:
    """Return what tells the streams of edge types apart: labels, and a number among equals."""
    seen: Counter[tuple[str, ...]] = Counter()
    keys: dict[Any, tuple[Hashable, ...]] = {}
    for each in edge_types:
        pools = each.source_nodes, each.target_nodes
        labels = tuple(NodeArrays.from_pool(pool).stream_label for pool in pools)
        keys[each] = (*labels, seen[labels])
        seen[labels] += 1
    return keys


if _bmtk.CHANGES:
    warn(
        "this version of BMTK differs from what NetworkBuilder relies on "
        f"({', '.join(_bmtk.CHANGES)}); networks are built by BMTK alone, as fast as it does."
    )


class SparseNetwork(_bmtk.DenseNetwork if _bmtk.CHANGES else _SparseNetwork):  # type: ignore[misc]
    """The sparse network adaptor: ``NetworkBuilder(name, adaptor_cls=SparseNetwork)``.

    Parameters
    ----------
    name : str
        Name of the network.
    verbose : bool, default True
        Show the progress of a build on a terminal.
    **network_props
        As for BMTK's adaptor: ``gj_id_start``.

    Notes
    -----
    It makes, and saves, what BMTK's own adaptor does. Edges of the connectors of this package
    are taken over as arrays; any other connection rule runs as BMTK runs it. Memory and time
    are proportional to the edges.

    Different from BMTK's:

    - ``build()`` makes each edge type once; ``build(force=True)`` makes all edges again.
    - ``edges()`` and ``save()`` work after a ``save()``.
    - Nodes that are added after ``nodes()`` are made; those after ``build()`` are refused.
    - Gap junctions may have properties.
    - Files are written aside and appear at the end, all of them, and those that the network no
      longer has go; ``force_overwrite=False`` is honoured; a recipe says how the edges were made;
      ``compact`` and ``portable``.
    - The functions ``syn_*`` and the rules for weights, delays and places of this package are
      evaluated for all synapses at once, and with a private seed each property of each edge type
      has streams of its own. The former may be given ``rule_params={'connector': connector}``.
    - A property ``nsyns`` is stored as it was given.

    With several MPI processes edges are made by BMTK's own code, with its dense tables.
    """


def _chosen(compression: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options, with the compression if one was chosen: adaptors have defaults."""
    is_chosen = not isinstance(compression, str) or compression != "auto"
    return {"compression": compression, **options} if is_chosen else options


class NetworkBuilder(_bmtk.NetworkBuilder):  # type: ignore[misc]
    """BMTK's NetworkBuilder, with :class:`SparseNetwork` as its default adaptor.

    Parameters
    ----------
    name : str
        Name of the network.
    adaptor_cls : type, default SparseNetwork
        Network adaptor.
    **network_props
        For the adaptor: ``verbose=False`` shows no progress, ``gj_id_start`` is the first id of
        gap junctions.

    Notes
    -----
    See ``bmtk.builder.NetworkBuilder`` for what it does and :class:`SparseNetwork` for what is
    different. ``nedges`` is the number of synapses, and ``len(net.edges())`` that of rows:
    connected pairs, or synapses where ``add_properties`` was called. ``BioNetBuilder`` and the
    other builders of BMTK take ``adaptor_cls=SparseNetwork``.

    Examples
    --------
    >>> net = NetworkBuilder("cells")
    >>> net.add_nodes(N=3)
    >>> edges = net.add_edges(connection_rule=2)
    >>> net.build()
    >>> net.nedges, len(net.edges())
    (18, 9)
    """

    def __init__(self, name: str, adaptor_cls: type = SparseNetwork, **network_props: Any) -> None:
        super().__init__(name, adaptor_cls=adaptor_cls, **network_props)

    def save(
        self,
        output_dir: PathLike = ".",
        force_overwrite: bool = True,
        compression: Any = "auto",
        **options: Any,
    ) -> None:
        """Write the files of the network; see :meth:`SparseNetwork.save` for the options."""
        options = _chosen(compression, options)
        self.adaptor.save(output_dir, force_overwrite=force_overwrite, **options)

    def save_nodes(
        self,
        nodes_file_name: PathLike | None = None,
        node_types_file_name: PathLike | None = None,
        output_dir: PathLike = ".",
        force_overwrite: bool = True,
        compression: Any = "auto",
        **options: Any,
    ) -> None:
        """Write the files of nodes; see :meth:`SparseNetwork.save_nodes` for the options."""
        self.adaptor.save_nodes(
            nodes_file_name,
            node_types_file_name,
            output_dir,
            force_overwrite=force_overwrite,
            **_chosen(compression, options),
        )

    def save_edges(
        self,
        edges_file_name: PathLike | None = None,
        edge_types_file_name: PathLike | None = None,
        output_dir: PathLike = ".",
        src_network: str | None = None,
        trg_network: str | None = None,
        name: str | None = None,
        force_build: bool = True,
        force_overwrite: bool = True,
        compression: Any = "auto",
        **options: Any,
    ) -> None:
        """Write the files of edges; see :meth:`SparseNetwork.save_edges` for the options."""
        self.adaptor.save_edges(
            edges_file_name,
            edge_types_file_name,
            output_dir,
            src_network,
            trg_network,
            name,
            force_build,
            force_overwrite=force_overwrite,
            **_chosen(compression, options),
        )

    def preview(self) -> Preview:
        """Return what the declared edges will be; see :meth:`SparseNetwork.preview`."""
        return self.adaptor.preview()  # type: ignore[no-any-return]

    def summary(self) -> Summary:
        """Return what was expected and built; see :meth:`SparseNetwork.summary`."""
        return self.adaptor.summary()  # type: ignore[no-any-return]
