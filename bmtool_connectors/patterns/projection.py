"""One application of a connector to two node pools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.errors import NodeError
from bmtool_connectors.filters import chooses_anew, pool_label
from bmtool_connectors.locks import Lock
from bmtool_connectors.nodes import (
    NodeArrays,
    ignores_added_nodes,
    is_same_pop,
    keeps_nodes,
    nodes_of_network,
)
from bmtool_connectors.randomness import SharedGenerator

if TYPE_CHECKING:
    from bmtool_connectors.connection_rule import ConnectionRule

#: The use whose edges are being drawn, by this thread.
_DRAWN: ContextVar[Projection | None] = ContextVar("_DRAWN", default=None)


def projection_being_drawn(source: NodeArrays, target: NodeArrays) -> Projection | None:
    """Return the use whose edges are being drawn, if it is of these nodes."""
    use = _DRAWN.get()
    known = use is not None and use.source is source and use.target is target
    return use if known else None


class Projection:
    """One application of a connector to two node pools.

    Attributes
    ----------
    source, target : NodeArrays
        The nodes; one object for a recurrent population.
    source_pool, target_pool : NodePool or None
        As given to ``setup_nodes`` (None after unpickling).
    taken : set of str
        Directions handed out by ``edge_params``.
    connectivity : Connectivity or None
        What was drawn.
    """

    def __init__(self, source_pool: Any, target_pool: Any, quick: bool = False) -> None:
        self.source_pool, self.target_pool = source_pool, target_pool
        self.source = NodeArrays.from_pool(source_pool)
        self.recurrent = is_same_pop(source_pool, target_pool, quick=quick)
        self.target = self.source if self.recurrent else NodeArrays.from_pool(target_pool)
        #: Network name and filter of both pools; one population may be filtered in two ways.
        self.labels = pool_label(source_pool), pool_label(target_pool)
        self._made = [nodes_of_network(pool) for pool in (source_pool, target_pool)]
        self.taken: set[str] = set()
        #: Root of private streams, or the generator that is shared with others.
        self.root: np.random.SeedSequence | None = None
        self.generator: SharedGenerator | None = None
        #: Among uses with an equal key, where that is part of the key of the stream.
        self.number: int | None = None
        self.connectivity: Connectivity | None = None
        #: What the draw took.
        self.seconds: float | None = None
        #: Of another connector, whose edges this use depends on.
        self.reference: Projection | None = None
        #: Connectors of parts of the pools, of which this use is made up.
        self.parts: tuple[Any, ...] = ()
        self.overlay: dict[tuple[int, int, int], Any] = {}
        self.rules: dict[str, ConnectionRule] = {}
        #: Held while the edges are drawn.
        self.lock = Lock()

    def __getstate__(self) -> dict[str, Any]:
        # A pool holds its network, with locks and files; the arrays are all that is needed.
        state = {**self.__dict__, "source_pool": None, "target_pool": None, "rules": {}}
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
        copied.__dict__.update(self.__dict__, lock=Lock())
        copied.taken, copied.overlay, copied.rules = set(self.taken), dict(self.overlay), {}
        copied.reference = deepcopy(self.reference, memo)
        copied.parts = deepcopy(self.parts, memo)
        return copied

    @contextmanager
    def being_drawn(self) -> Iterator[None]:
        """Let ``projection_being_drawn`` find this use by its nodes: ``draw`` is given no more."""
        token = _DRAWN.set(self)
        try:
            yield
        finally:
            _DRAWN.reset(token)

    def is_reversed(self, source: Any, target: Any, quick: bool) -> bool:
        """Whether the pools are those of this use, swapped."""
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

    def changes_of_nodes(self, owner: str) -> Iterator[tuple[str, str]]:
        """Yield which pool holds other nodes than in ``setup_nodes``, and what to say of it.

        Raises
        ------
        NodeError
            If nodes were added, or a function in the filter changed its mind.
        """
        for which, pool, nodes, made in (
            ("source", self.source_pool, self.source, self._made[0]),
            ("target", self.target_pool, self.target, self._made[1]),
        ):
            if pool is None:
                continue
            own = f"{which} of {owner} ({nodes.label})"
            if ignores_added_nodes(pool):
                raise NodeError(
                    f"{own}: nodes were added to network {pool.network_name!r} after its nodes had "
                    "been made, and BMTK leaves them out; call every add_nodes() before the first "
                    "nodes() or setup_nodes()."
                )
            found = NodeArrays.from_pool(pool)
            now = len(found)
            same = np.array_equal(found.ids, nodes.ids)
            if not same and chooses_anew(pool) and nodes_of_network(pool) == made:
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
