"""The door in from BMTK: node pools become arrays.

Every scan of a BMTK pool walks all nodes of its network, so a pool is scanned
once per network and filter and remembered until the network's nodes change.
Pools are duck-typed (``bmtk`` is not imported here): what counts is that they
iterate over nodes with a ``node_id`` and have a ``network_name``.
"""

from __future__ import annotations

import functools
import operator
import weakref
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import FloatArray, IntArray
from bmtool_connectors.errors import NodeError
from bmtool_connectors.filters import chooses_anew, filter_key, pool_label, stream_label
from bmtool_connectors.sonata.layout import node_position

__all__ = ["NodeArrays", "is_same_pop"]


class NodeArrays:
    """The nodes of one pool as arrays, in pool order; read-only.

    Parameters
    ----------
    nodes : sequence of node objects
        Each with ``node_id`` and item access to its attributes.
    network : object, optional
        Stands for the network: equal node ids are the same node only within one. A network of
        its own when omitted.
    label : str
        Network name and filter, as in reports: ``"net: pop_name=='PN'"``.
    stream_label : str, optional
        Key of the pool in private random streams; `label` when omitted. See ``stream_label()``.

    Attributes
    ----------
    ids : ndarray of int64, shape (n,)
        Node ids.
    nodes : list
        The node objects themselves, for user functions.
    network_name : str or None
        Of the network of the pool, if they are from one.
    """

    network_name: str | None = None

    def __init__(
        self,
        nodes: Sequence[Any],
        label: str = "nodes",
        stream_label: str | None = None,
        network: object = None,
    ) -> None:
        self.nodes = list(nodes)
        self.label = label
        self._network = object() if network is None else network
        self.stream_label = label if stream_label is None else stream_label
        self.ids: IntArray = np.fromiter(
            (node.node_id for node in self.nodes), dtype=np.int64, count=len(self.nodes)
        )
        self.ids.flags.writeable = False
        self._attributes: dict[str, npt.NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"NodeArrays({self.label!r}, n={len(self)})"

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return attribute `name` of all nodes, shape (n,) or (n, k); read-only."""
        if name not in self._attributes:
            if name == "node_id":
                return self.ids
            try:
                values = np.asarray([node[name] for node in self.nodes])
            except KeyError:
                raise NodeError(
                    f"{self.label} has nodes without attribute {name!r}; give it to add_nodes()."
                ) from None
            values.flags.writeable = False
            self._attributes[name] = values
        return self._attributes[name]

    @property
    def positions(self) -> FloatArray | None:
        """Coordinates, shape (n, 3), um; None when the first node carries none.

        Raises
        ------
        NodeError
            If the first node has coordinates and another has none, or one is not finite.
        """
        key = "positions of all nodes"  # an attribute name cannot be mistaken for it
        if key not in self._attributes:
            if len(self) and not self.nodes:  # node objects were freed and had no positions
                return None
            try:
                rows = [node_position(self.nodes[0])] if self.nodes else []
            except NodeError:
                return None
            rows += [node_position(node) for node in self.nodes[1:]]
            self._attributes[key] = self._as_positions(rows)
        return cast(FloatArray, self._attributes[key])

    @property
    def known_positions(self) -> FloatArray | None:
        """Coordinates, shape (n, 3), um; None unless all nodes carry finite ones."""
        try:
            return self.positions
        except NodeError:
            return None

    @functools.cached_property
    def box(self) -> FloatArray:
        """Least and greatest coordinates, shape (2, 3), um, of nodes that have positions."""
        assert self.positions is not None
        axes = np.ascontiguousarray(self.positions.T)
        return np.array([axes.min(axis=1), axes.max(axis=1)])

    def _as_positions(self, rows: list[FloatArray]) -> FloatArray:
        positions = np.zeros((len(rows), 3))
        try:
            values = np.asarray(rows, dtype=float).reshape(len(rows), -1 if rows else 3)
            positions[:, : values.shape[1]] = values  # two coordinates: all in one plane
        except ValueError:
            raise NodeError(
                f"positions of {self.label} are not 3 coordinates each (um); give add_nodes() "
                "an array of shape (N, 3)."
            ) from None
        finite = np.isfinite(positions).all(axis=1)
        if not finite.all():
            bad = int(np.flatnonzero(~finite)[0])
            raise NodeError(
                f"node {self.ids[bad]} of {self.label} has position {positions[bad].tolist()}; "
                "distances need finite coordinates in um: correct it in add_nodes()."
            )
        positions.flags.writeable = False
        return positions

    def __deepcopy__(self, memo: object) -> NodeArrays:
        return self  # never changed, and compared by identity

    def index(self, node_id: int) -> int | None:
        """Return the position of a node id in the pool, or None when it is not in it."""
        return self.index_of_id.get(node_id)

    @functools.cached_property
    def index_of_id(self) -> dict[int, int]:
        """``{node id: position in the pool}``, made when first needed."""
        return {node_id: i for i, node_id in enumerate(self.ids.tolist())}

    def take(self, index: npt.ArrayLike) -> NodeBlock:
        """Return the nodes at these positions as a block for vectorised functions."""
        return NodeBlock(self, np.asarray(index))

    def subset(self, index: npt.NDArray[Any]) -> NodeArrays:
        """Return the nodes at these positions as a pool of their own, of the same network."""
        nodes = [self.nodes[k] for k in index.tolist()]
        return NodeArrays(nodes, self.label, self.stream_label, self._network)

    def without_nodes(self) -> NodeArrays:
        """Return a copy without the node objects (ids, label and positions stay)."""
        _ = self.positions  # read while there are nodes to read it from
        copy = object.__new__(NodeArrays)
        copy.__dict__.update(self.__dict__)
        copy.nodes = []
        return copy

    @classmethod
    def from_pool(cls, pool: Any) -> NodeArrays:
        """Index a BMTK node pool; the same pool, or an equal filter, is scanned only once.

        Parameters
        ----------
        pool : NodePool
            What ``net.nodes(...)`` returns, or any iterable of nodes.

        Notes
        -----
        A filter that is a function is asked each time: it may have changed its mind.
        """
        anew = chooses_anew(pool)
        once = anew and keeps_nodes(pool)  # such nodes are only ever added
        if once and pool.arrays is not None and len(pool.arrays) == len(pool):
            return cast(NodeArrays, pool.arrays)
        network, filters, label = _known_of(pool), filter_key(pool), pool_label(pool)
        known = {} if filters is None else network.pools
        key = filters, label  # the label tells 'A' and ['A'] apart
        if key not in known or anew:
            # iter(): list(pool) would ask a BMTK pool for its length, a second scan.
            found = cls(list(iter(pool)), label, network=network.token)
            found.network_name = pool.network_name
            if key not in known or not np.array_equal(known[key].ids, found.ids):
                found.stream_label = stream_label(pool, found.ids)
                known[key] = found
        if once:
            pool.arrays = known[key]
        return known[key]

    def same_nodes(self, other: NodeArrays) -> bool:
        """Whether the other pool holds the same nodes of the same network in the same order."""
        same = other is self or other._network is self._network
        return same and np.array_equal(other.ids, self.ids)

    def find(self, ids: IntArray) -> IntArray:
        """Return the position of each node id, or -1."""
        if not len(self):
            return np.full(len(ids), -1)
        order = np.argsort(self.ids, kind="stable")
        place = order[np.minimum(np.searchsorted(self.ids, ids, sorter=order), len(self) - 1)]
        return np.where(self.ids[place] == ids, place, -1)

    def places_in(self, other: NodeArrays) -> IntArray | None:
        """Return the position of each node in another pool, or -1; None when none is in it.

        Nodes are the same when network and node id are, whatever the pools.
        """
        if other is self:
            return np.arange(len(self))
        if other._network is not self._network:
            return None
        places = other.find(self.ids)
        return places if (places >= 0).any() else None


class NodeBlock:
    """Attributes of a selection of nodes: what a vectorised function sees as a node."""

    def __init__(self, nodes: NodeArrays, index: npt.NDArray[Any]) -> None:
        self._nodes = nodes
        self._index = index

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name == "positions" and self._nodes.positions is not None:
            return cast(npt.NDArray[Any], self._nodes.positions[self._index])
        return cast(npt.NDArray[Any], self._nodes[name][self._index])

    @property
    def node_id(self) -> IntArray:
        """Node ids of the block, shape (m,)."""
        return cast("IntArray", self._nodes.ids[self._index])


@dataclass(eq=False)
class _Known:
    """What is known of a network while its node list stays as it was."""

    #: Stands for the network, for as long as that lives, and does not keep it alive.
    token: object = field(default_factory=object)
    n_nodes: int = 0
    ends: tuple[Any, ...] = ()
    #: The pools indexed so far.
    pools: dict[Hashable, NodeArrays] = field(default_factory=dict)


_known: weakref.WeakKeyDictionary[Any, _Known] = weakref.WeakKeyDictionary()


def _known_of(pool: Any) -> _Known:
    """Return what is known of the network of a pool, no pools of it when its nodes changed."""
    try:
        known = _known.setdefault(pool.network, _Known())
    except (AttributeError, TypeError):  # a stand-in without a network object
        return _Known()
    nodes = nodes_of_network(pool)
    # Length and ends change with everything BMTK does to its node list (build, import, clear
    # and rebuild). By identity: BMTK's nodes are dicts and all compare equal.
    ends = (nodes[0], nodes[-1]) if nodes else ()
    same = len(nodes) == known.n_nodes and all(map(operator.is_, ends, known.ends))
    if not nodes or not same:
        known.pools, known.n_nodes, known.ends = {}, len(nodes), ends
    return known


def nodes_of_network(pool: Any) -> Sequence[Any]:
    """Return all nodes that the network of a pool has made; none when they are not known."""
    iterate = getattr(getattr(pool, "network", None), "nodes_iter", None)
    nodes = iterate() if callable(iterate) else None
    return nodes if isinstance(nodes, list) else ()


def ignores_added_nodes(pool: Any) -> bool:
    """Whether nodes were added to a built network: BMTK counts none then, and never makes them."""
    return bool(nodes_of_network(pool)) and getattr(pool.network, "nnodes", None) == 0


def keeps_nodes(pool: Any) -> bool:
    """Whether the network of a pool makes each node once: more nodes than before are new ones."""
    return bool(getattr(pool, "keeps_nodes", False))


def is_same_pop(source: Any, target: Any, quick: bool = False) -> bool:
    """Whether two node pools are the same population.

    Parameters
    ----------
    source, target : NodePool
        The pools to compare.
    quick : bool, default False
        Compare networks and filters only, and read no node.

    Returns
    -------
    bool
        True for pools of one network object with equal node ids in equal order.

    Notes
    -----
    Two networks with the same name are two networks.
    """
    # Stand-ins for pools may know no network object; then the name has to do.
    networks = [(pool.network_name, getattr(pool, "network", None)) for pool in (source, target)]
    if networks[0][0] != networks[1][0] or networks[0][1] is not networks[1][1]:
        return False
    if source is target:
        return True
    if quick:
        keys = [filter_key(pool) for pool in (source, target)]
        if None not in keys:
            return keys[0] == keys[1]
        # Filters that cannot be hashed, such as arrays: text tells them apart, as in reports.
        return pool_label(source) == pool_label(target)
    first, second = (NodeArrays.from_pool(pool).ids for pool in (source, target))
    return np.array_equal(first, second)
