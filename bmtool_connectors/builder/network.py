"""BMTK's NetworkBuilder with sparse edges: the same scripts, the same files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from bmtool_connectors.builder import _bmtk
from bmtool_connectors.builder.connections import edges_of
from bmtool_connectors.builder.edge_table import EdgeTable
from bmtool_connectors.builder.pools import IndexedPool, NodeGroup
from bmtool_connectors.builder.properties import add_properties
from bmtool_connectors.checks import flag
from bmtool_connectors.errors import NodeError, warn
from bmtool_connectors.nodes import NodeArrays, stream_label
from bmtool_connectors.sampling.collect import progress

__all__ = ["NetworkBuilder", "SparseNetwork"]


class _SparseNetwork(_bmtk.HookedNetwork):
    """What ``SparseNetwork`` does where BMTK is as it is relied on."""

    def __init__(self, name: str, verbose: bool = True, **network_props: Any) -> None:
        super().__init__(name, **network_props)
        self.verbose = flag(verbose, "verbose of SparseNetwork")
        #: What ``add_nodes`` and ``import_nodes`` made, in order.
        self.node_groups: list[NodeGroup] = []
        self._n_made = 0
        self._tables: dict[Any, EdgeTable] = {}
        self._first_gap_id = network_props.get("gj_id_start", 0)

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
        for declared in self.declared[self._n_made :]:
            nodes = self.make(declared)
            self.node_groups.append(NodeGroup(nodes, frozenset(declared.params_keys) | {"node_id"}))
            self._n_made += 1
        self.set_built(nodes=True)

    def import_nodes(self, *args: Any, **kwargs: Any) -> None:
        """Read nodes from a file; as BMTK's."""
        before = len(self.node_list)
        super().import_nodes(*args, **kwargs)
        self.node_groups.append(NodeGroup(self.node_list[before:], None))
        if self.nodes_built:
            self.set_built(nodes=True)

    def nodes(self, **properties: Any) -> IndexedPool:
        """Return the nodes that a filter selects, as a NodePool."""
        if not self.nodes_built:
            self.make_nodes()
        return IndexedPool(self, **properties)

    # ------------------------------------------------------------------ edges
    def add_edges(
        self, source: Any = None, target: Any = None, *args: Any, **properties: Any
    ) -> Any:
        """Declare edges; as BMTK's."""
        source, target = (
            pool if isinstance(pool, _bmtk.NodePool) else IndexedPool(self, **pool or {})
            for pool in (source, target)
        )
        edge_type = super().add_edges(source, target, *args, **properties)
        self.set_built(edges=False)
        return edge_type

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
        if not self.nodes_built:
            self.make_nodes()
        if force:
            self._forget_edges()
        keys = _stream_keys(self.get_connections())
        waiting = [each for each in keys if not self._is_made(each)]
        with progress(len(waiting), self.verbose, "edge type", self.name) as advance:
            for edge_type in waiting:
                self._tables[edge_type] = self._table(edge_type, keys[edge_type])
                self.edges_table()[:] = [
                    self._tables[each] for each in keys if each in self._tables
                ]
                advance(1)
        self.set_built(edges=True)

    def _is_made(self, edge_type: Any) -> bool:
        table = self._tables.get(edge_type)
        return table is not None and table.n_params == len(edge_type.params)

    def _table(self, edge_type: Any, key: tuple[Hashable, ...]) -> EdgeTable:
        """Make the edges of one call of ``add_edges``."""
        pools = edge_type.source_nodes, edge_type.target_nodes
        source, target = (NodeArrays.from_pool(pool) for pool in pools)
        edges = edges_of(edge_type, source, target, self.verbose)
        self.remember_target(edge_type.target_nodes)
        table = EdgeTable(edge_type, edges, source, target)
        for param in edge_type.params:
            add_properties(table, param, key, self.verbose)
        return table

    def _forget_edges(self) -> None:
        self._tables.clear()
        self.edges_table().clear()
        self.set_built(edges=False)

    def clear(self) -> None:
        """Forget the edges; the nodes are the same ones when they are asked for again."""
        super().clear()
        self._forget_edges()

    @property
    def nedges(self) -> int:
        """Number of synapses that have been made: the sum of ``nsyns`` over all pairs."""
        return sum(table.n_syns for table in self.edges_table())

    # ------------------------------------------------------------------ files
    def save_edges(self, *args: Any, force_build: bool = True, **options: Any) -> None:
        """Write the files of edges and gap junctions; as BMTK's, and as often as wanted."""
        if force_build and not self.edges_built and self.get_connections():
            self.build()
        super().save_edges(*args, force_build=force_build, **options)

    def write_gap_junctions(self, file: str, compression: Any) -> None:
        """Write the file of gap junctions, one row each, if there are any."""
        tables = [each for each in self.edges_table() if _is_gap_junction(each) and each.n_syns]
        if not tables:
            return
        import h5py

        ends = np.concatenate([table.node_ids(np.uint64, synapses=True) for table in tables])
        numbers = self._first_gap_id + np.arange(2 * len(ends))
        columns = {
            "source_ids": ends[:, 0],
            "target_ids": ends[:, 1],
            "src_gap_ids": numbers[0::2],
            "trg_gap_ids": numbers[1::2],
        }
        with h5py.File(file, "w") as h5:
            # SONATA's mark of its files.
            h5.attrs["magic"] = np.uint32(0x0A7A)
            h5.attrs["version"] = [np.uint32(0), np.uint32(1)]
            for name, values in columns.items():
                h5.create_dataset(
                    name, data=values, compression=None if compression == "none" else compression
                )


def _is_gap_junction(table: EdgeTable) -> bool:
    return bool(table.edge_type_properties.get("is_gap_junction", False))


def _stream_keys(edge_types: Sequence[Any]) -> dict[Any, tuple[Hashable, ...]]:
    """Return what tells the streams of edge types apart: labels, and a number among equals."""
    seen: Counter[tuple[str, str]] = Counter()
    keys: dict[Any, tuple[Hashable, ...]] = {}
    for each in edge_types:
        labels = stream_label(each.source_nodes), stream_label(each.target_nodes)
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
    - The functions ``syn_*`` of this package are evaluated for all synapses at once, and with a
      private seed each property of each edge type has a stream of its own. They may be given
      ``rule_params={'connector': connector}``.

    With several MPI processes edges are made by BMTK's own code, with its dense tables.
    """


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
