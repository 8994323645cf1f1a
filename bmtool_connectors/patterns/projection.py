"""A connector between two pools of nodes: its random streams, the draw, and its edges."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextvars import ContextVar
from copy import deepcopy
from typing import Any

import numpy as np

from bmtool_connectors import messages
from bmtool_connectors.conn_prop import ConnProp
from bmtool_connectors.connection_rule import ConnectionRule
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.filters import chooses_anew, pool_label
from bmtool_connectors.generators import in_turn, restored_on_error
from bmtool_connectors.locks import Lock
from bmtool_connectors.nodes import (
    NodeArrays,
    ignores_added_nodes,
    is_same_pop,
    keeps_nodes,
    nodes_of_network,
)
from bmtool_connectors.randomness import Seed, SharedGenerator

#: The projection whose edges are being drawn, by this thread.
_DRAWN: ContextVar[Projection | None] = ContextVar("_DRAWN", default=None)


def projection_being_drawn(source: NodeArrays, target: NodeArrays) -> Projection | None:
    """Return the projection whose edges are being drawn, if it is of these nodes."""
    projection = _DRAWN.get()
    known = projection is not None and projection.source is source and projection.target is target
    return projection if known else None


class Projection:
    """A connector between two pools of nodes, and its edges once they are drawn.

    Parameters
    ----------
    connector : BaseConnector
    source_pool, target_pool : NodePool
        What ``net.nodes(...)`` returns.
    quick : bool
        Whether populations are compared by network and filter only.

    Attributes
    ----------
    source, target : NodeArrays
        The nodes; one object for a recurrent population.
    source_pool, target_pool : NodePool or None
        As given to ``setup_nodes`` (None after unpickling).
    taken : set of str
        Directions handed out by ``edge_params``.
    connectivity : Connectivity or None
        What was drawn, if that has been done.

    Raises
    ------
    NodeError
        If a pool is missing or empty.
    """

    def __init__(
        self, connector: Any, source_pool: Any, target_pool: Any, quick: bool = False
    ) -> None:
        self.connector = connector
        self.owner = type(connector).__name__
        for which, pool in (("source", source_pool), ("target", target_pool)):
            if pool is None or not hasattr(pool, "network_name"):
                raise NodeError(
                    f"{which} of {self.owner}.setup_nodes() must be a node pool as net.nodes(...) "
                    f"returns, got {pool!r}."
                )
        self.source_pool, self.target_pool = source_pool, target_pool
        self.source = NodeArrays.from_pool(source_pool)
        self.recurrent = is_same_pop(source_pool, target_pool, quick=quick)
        self.target = self.source if self.recurrent else NodeArrays.from_pool(target_pool)
        for which, nodes in (("source", self.source), ("target", self.target)):
            if not len(nodes):
                raise NodeError(
                    f"{nodes.label} nodes do not exist: {which} of {self.owner} is empty; check "
                    "the filter, and that add_nodes() came before nodes()."
                )
        #: Numbers of nodes of both pools.
        self.shape = len(self.source), len(self.target)
        #: Network name and filter of both pools; one population may be filtered in two ways.
        self.labels = pool_label(source_pool), pool_label(target_pool)
        self._made = [len(nodes_of_network(pool)) for pool in (source_pool, target_pool)]
        self.taken: set[str] = set()
        #: Root of private streams, or the generator that is shared with others.
        self.root: np.random.SeedSequence | None = None
        self.generator: SharedGenerator | None = None
        #: Among projections with an equal key, where that is part of the key of the stream.
        self.number: int | None = None
        self.connectivity: Connectivity | None = None
        #: What the draw took.
        self.seconds: float | None = None
        #: Of another connector, whose edges this one depends on.
        self.reference: Projection | None = None
        #: Connectors of parts of the pools, of which this one is made up.
        self.parts: tuple[Any, ...] = ()
        self.overlay: dict[tuple[int, int, int], Any] = {}
        self._rules: dict[str, ConnectionRule] = {}
        #: Held while the edges are drawn.
        self.lock = Lock()

    @property
    def ends(self) -> tuple[NodeArrays, NodeArrays]:
        """The nodes of both pools."""
        return self.source, self.target

    # ------------------------------------------------------------------ random numbers
    def take_streams(self) -> None:
        """Draw from the connector's present source of random numbers."""
        self.root = self.generator = self.number = None
        source = self.connector._randomness
        if isinstance(source, Seed):
            labels = (nodes.stream_label for nodes in self.ends)
            key = (*labels, self.owner, self.connector.name)
            self.number = source.count_use(*key) if self.connector._default_seed else None
            self.root = source.root(*key, self.number)
        else:
            self.generator = source

    def new_generator(self) -> SharedGenerator:
        """Return the generator to draw from: one of its own begins anew."""
        if self.root is not None:
            return np.random.default_rng(self.root)
        assert self.generator is not None
        return self.generator

    @property
    def draws_privately(self) -> bool:
        """Whether it is being drawn from a private stream, and not by hand from any other."""
        return self.root is not None and _DRAWN.get() is self

    def shared_generators(self) -> list[SharedGenerator]:
        """Return the shared generators that the draw takes numbers from, those of parts too."""
        own = [] if self.generator is None else [self.generator]
        return own + [each for part in self.parts for each in part.projection.shared_generators()]

    # ------------------------------------------------------------------ the draw
    def drawn(self) -> Connectivity:
        """Return the edges, drawing them if that has not been done."""
        if self.connectivity is None:
            for which, message in self.changes_of_nodes():
                self.connector.warn_once(which, message, self.ends)
            # What we depend on is drawn for good, also when our own draw fails.
            self.connector._draw_references(self)
            # The shared generators first, then the lock: in one order, two threads never wait
            # for each other.
            with in_turn(self.shared_generators()), self.lock:
                if self.connectivity is None:  # another thread may have drawn it meanwhile
                    self._draw_for_good()
        assert self.connectivity is not None
        return self.connectivity

    def _draw_for_good(self) -> None:
        connector, start = self.connector, time.perf_counter()
        if connector.verbose:
            messages.say(connector._opening(self))
        shared = self.shared_generators()
        with restored_on_error(*shared, kept=lambda: self.connectivity is not None):
            self.connectivity = self.draw()
        self.seconds = time.perf_counter() - start
        if connector.verbose:
            messages.say(messages.counts_text(self.connectivity, connector._count_names(self)))
            messages.say(f"Time for drawing connections: {self.seconds:.3f} sec")
        if connector.save_report:
            connector._save_report(self)

    def draw(self) -> Connectivity:
        """Return what the connector draws now, checked; the projection is as before."""
        token = _DRAWN.set(self)
        try:
            found = self.connector.draw(self.source, self.target, self.new_generator())
        finally:
            _DRAWN.reset(token)
        return self._checked(found)

    def _checked(self, drawn: EdgeList | Connectivity) -> Connectivity:
        """Refuse what a ``draw`` method of a user's class must not return."""
        connectivity = Connectivity.from_edges(drawn) if isinstance(drawn, EdgeList) else drawn
        if not isinstance(connectivity, Connectivity):
            raise TypeError(
                f"{self.owner}.draw() must return an EdgeList or a Connectivity, got "
                f"{type(drawn).__name__}."
            )
        shape, back = self.shape, connectivity.backward
        if connectivity.forward.shape != shape:
            raise ParameterError(
                f"{self.owner}.draw() returned edges of shape {connectivity.forward.shape} for "
                f"pools of shape {shape}; pass shape=(len(source), len(target)) to "
                "EdgeList.from_arrays()."
            )
        if "backward" in self.connector.iterators and not self.recurrent and back is None:
            raise ParameterError(
                f"{self.owner}.draw() returned no backward edges, and there are two populations; "
                "return a Connectivity with forward= and backward=."
            )
        if back is not None and back.shape != shape[::-1]:
            raise ParameterError(
                f"{self.owner}.draw() returned backward edges of shape {back.shape} for pools of "
                f"shape {shape}; their source is the second pool: pass "
                "shape=(len(target), len(source)) to EdgeList.from_arrays()."
            )
        return connectivity

    def looked_at(self) -> Connectivity:
        """Return the edges for somebody who looks, maybe before the build."""
        if self.connector.is_random and self.connectivity is None and self.root is None:
            self.connector.warn_once(
                "early",
                f"{self.owner} draws its edges now, because they are looked at before the network "
                "is built; this moves the shared random stream of whatever is built later. Build "
                "first, or pass an int as rng.",
                self.ends,
            )
        return self.drawn()

    # ------------------------------------------------------------------ what BMTK is handed
    def rule(self, direction: str) -> ConnectionRule:
        """Return the look-up of the edges of a direction."""
        return self._rules.setdefault(direction, ConnectionRule(self, direction))

    def edge_params(self, direction: str) -> dict[str, Any]:
        """Return the arguments for ``add_edges`` of a direction."""
        pools = (self.source_pool, self.target_pool)
        source, target = pools if direction == "forward" else pools[::-1]
        rule = self.rule(direction)
        self.taken.add(direction)
        return {
            "source": source,
            "target": target,
            "iterator": self.connector.iterators[direction],
            "connection_rule": rule if rule.is_registered() else rule.__call__,
        }

    # ------------------------------------------------------------------ by node ids
    def tables(self) -> list[ConnProp]:
        """Return the connections by node ids, forward and (if there are any) backward."""
        backward = self.drawn().backward
        tables = [ConnProp(self.connector.pair_edges(self), self.source, self.target)]
        if backward is not None:
            tables.append(ConnProp(backward, self.target, self.source))
        return tables

    def stored(self, sid: int, tid: int) -> dict[int | None, Any]:
        """Return the values stored for a pair of node ids, by direction (0, 1)."""
        found: dict[int | None, Any] = {}
        for direction, table in enumerate(self.tables()):
            edge = table.find(sid, tid)
            if (direction, sid, tid) in self.overlay:
                found[direction] = self.overlay[direction, sid, tid]
            elif edge >= 0:
                found[direction] = table.value(edge)
        return found

    # ------------------------------------------------------------------ copies and memory
    def __getstate__(self) -> dict[str, Any]:
        # A pool holds its network, with locks and files; the arrays are all that is needed.
        state = {**self.__dict__, "source_pool": None, "target_pool": None, "_rules": {}}
        if self.connectivity is not None:
            same = self.source is self.target
            state["source"] = self.source.without_nodes()
            state["target"] = state["source"] if same else self.target.without_nodes()
            state["parts"] = tuple(part.without_nodes() for part in self.parts)
        return state

    def __deepcopy__(self, memo: dict[int, Any]) -> Projection:
        # Pools, nodes and edges are never changed by a connector, so a copy can share them;
        # it has rules and overlays of its own.
        copied = object.__new__(Projection)
        memo[id(self)] = copied
        copied.__dict__.update(self.__dict__, lock=Lock())
        copied.connector = deepcopy(self.connector, memo)
        copied.taken, copied.overlay, copied._rules = set(self.taken), dict(self.overlay), {}
        copied.reference = deepcopy(self.reference, memo)
        copied.parts = deepcopy(self.parts, memo)
        return copied

    def is_reversed(self, source: Any, target: Any, quick: bool) -> bool:
        """Whether the pools are those of this projection, swapped."""
        if None in (source, target, self.source_pool, self.target_pool):
            return False
        return is_same_pop(source, self.target_pool, quick=quick) and is_same_pop(
            target, self.source_pool, quick=quick
        )

    def free_memory(self) -> None:
        """Drop node objects, and what was kept from estimating rho."""
        same = self.source is self.target
        self.source = self.source.without_nodes()
        self.target = self.source if same else self.target.without_nodes()
        self.parts = tuple(part.without_nodes() for part in self.parts)
        if self.connectivity is not None:
            self.connectivity = self.connectivity.without_cache()

    def changes_of_nodes(self) -> Iterator[tuple[str, str]]:
        """Yield which pool holds other nodes than in ``setup_nodes``, and what to say of it.

        Raises
        ------
        NodeError
            If nodes were added, or a function in the filter changed its mind.
        """
        pools = self.source_pool, self.target_pool
        ends = zip(("source", "target"), pools, self.ends, self._made, strict=True)
        for which, pool, nodes, made in ends:
            if pool is None:
                continue
            own = f"{which} of {self.owner} ({nodes.label})"
            if ignores_added_nodes(pool):
                raise NodeError(
                    f"{own}: nodes were added to network {pool.network_name!r} after its nodes had "
                    "been made, and BMTK leaves them out; call every add_nodes() before the first "
                    "nodes() or setup_nodes()."
                )
            found = NodeArrays.from_pool(pool)
            now = len(found)
            same = np.array_equal(found.ids, nodes.ids)
            if not same and chooses_anew(pool) and len(nodes_of_network(pool)) == made:
                raise NodeError(
                    f"{own} selects {now} nodes now and selected {len(nodes)} others in "
                    "setup_nodes(), because its filter holds a function; let that depend on "
                    "nothing but the node's value (in a loop: lambda z, end=end: z < end)."
                )
            if now != len(nodes) and keeps_nodes(pool):
                raise NodeError(
                    f"{own} had {len(nodes)} nodes in setup_nodes() and has {now} now, because "
                    "nodes were added; call every add_nodes() before setup_nodes()."
                )
            if now != len(nodes):
                message = (
                    f"{own} had {len(nodes)} nodes in setup_nodes() and has {now} now, because "
                    "BMTK made the nodes of the network again (build(force=True) or clear()); "
                    "only the first ones are connected. Make a new NetworkBuilder instead."
                )
                yield f"changed {which}", message
