"""Read-only views of a connector's edges and parameters, as build scripts know them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors import messages
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.configured import Configured, Self
from bmtool_connectors.patterns.parameters import parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.sampling.blocks import PairSpace

#: Pairs above which ``conn_mat`` refuses to make a dense array.
MAX_DENSE = 50_000_000


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


class ConnectorViews(Configured):
    """What can be read from a connector; nothing here changes an edge.

    Reading edges draws them, if they have not been drawn.
    """

    #: Whether a node may connect to itself; a parameter of some connectors.
    allow_autapses: bool = parameter(default=True, kw_only=True, init=False)
    #: Compare populations by network and filter only; a parameter of one connector.
    quick_pop_check: bool = parameter(default=False, kw_only=True, init=False)

    def _unused(self: Self, **attributes: Any) -> Self:
        """Return a connector with these parameters, but for some, that has not been set up."""
        made = copy(self)
        made.__dict__.update(_warned=set(), _use=None, serving=None, **attributes)
        return made

    @property
    def use(self) -> Projection:
        """The current use; a NodeError before ``setup_nodes``."""
        if self._use is None:
            raise NodeError(
                f"{type(self).__name__} has no nodes yet: call setup_nodes(source=..., target=...)."
            )
        return self._use

    def pair_edges(self, projection: Projection) -> EdgeList:
        """Return the edges of a projection for a connector that depends on this one.

        Every connected pair is listed in each direction in which it is connected.
        """
        return projection.drawn().forward

    @property
    def source(self) -> Any:
        """The source pool of the current use (None before ``setup_nodes``)."""
        return None if self._use is None else self._use.source_pool

    @property
    def target(self) -> Any:
        """The target pool of the current use (None before ``setup_nodes``)."""
        return None if self._use is None else self._use.target_pool

    @property
    def recurrent(self) -> bool:
        """Whether source and target are one population."""
        return self.use.recurrent

    @property
    def stage(self) -> int:
        """Number of directions handed out by ``edge_params`` in the current use."""
        return 0 if self._use is None else len(self._use.taken)

    @property
    def callable_set(self) -> set[str]:
        """Names of the parameters in ``vars`` that are functions."""
        return {name for name, value in self.vars.items() if callable(value)}

    @property
    def connectivity(self) -> Connectivity:
        """The edges of the current use, drawn now if they have not been."""
        return self.use.looked_at()

    @property
    def cache(self) -> Mapping[str, npt.NDArray[Any]]:
        """Arrays kept from the estimate of rho; empty before the draw and after free_memory."""
        drawn = None if self._use is None else self._use.connectivity
        return MappingProxyType({}) if drawn is None else drawn.cache

    @property
    def conn_prop(self) -> Any:
        """Values of ``p_arg`` of connected pairs, ``{source id: {target id: value}}``."""
        self.use.looked_at()
        return self.use.tables()[0]

    def get_conn_prop(self, sid: int, tid: int) -> Any:
        """Return the stored ``p_arg`` value of a connection.

        Parameters
        ----------
        sid, tid : int
            Node ids of source and target.

        Returns
        -------
        float or None
            None when the connector has no ``p_arg``.

        Raises
        ------
        KeyError
            If the pair is not connected.
        NodeError
            If it is connected in both directions with different values, and no direction has
            been given to BMTK yet.

        Notes
        -----
        Looked up in the use and direction whose edges BMTK was given last, then in the others
        of that use: node ids of two networks often overlap.
        """
        if self.serving is None:
            self.use.looked_at()
            projection, first = self.use, None
        else:
            projection, direction = self.serving
            first = int(direction == "backward")
        found = projection.stored(sid, tid)
        if first in found:
            return found[first]
        if not found:
            raise KeyError(f"{type(self).__name__} has no connection from node {sid} to node {tid}")
        values = list(found.values())
        if first is None and len(values) == 2 and values[0] != values[1]:
            raise NodeError(
                f"nodes {sid} and {tid} of {type(self).__name__} are connected forward with "
                f"{values[0]!r} and backward with {values[1]!r}; ask conn_prop[0] or conn_prop[1]."
            )
        return values[0]

    def add_conn_prop(self, sid: int, tid: int, prop: Any) -> None:
        """Set what ``get_conn_prop(sid, tid)`` returns; the edges stay as they are."""
        self.use.overlay[0, int(sid), int(tid)] = prop

    @property
    def conn_mat(self) -> npt.NDArray[Any]:
        """Synapse counts, shape (1 or 2, n_source, n_target); second are the backward ones.

        Raises
        ------
        ParameterError
            For more than 5e7 pairs.
        """
        n, m = self.use.shape
        if n * m > MAX_DENSE:
            raise ParameterError(
                f"conn_mat of {type(self).__name__} would hold {n} x {m} pairs and is limited to "
                f"{MAX_DENSE}; use connectivity.forward.to_csr()."
            )
        drawn = self.use.looked_at()
        parts = [drawn.forward.to_dense()]
        if drawn.backward is not None:
            parts.append(drawn.backward.to_dense().T)
        return np.stack(parts)

    def connection_number(
        self,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int, npt.NDArray[np.float64]]:
        """Return counts of pairs, ordered forward, (backward,) reciprocal.

        Returns
        -------
        n_conn : ndarray of int
            Connected pairs.
        n_poss : ndarray of int
            Pairs with a probability above 0; estimated after a sparse draw of many, see
            ``Connectivity.possible``.
        n_pair : int
            All pairs; unordered ones in a recurrent population.
        fraction : ndarray of float, shape (2, ...)
            Connected pairs as fractions of the possible ones, and of all.
        """
        drawn = self.use.looked_at()
        return (
            np.array(drawn.connected),
            np.array(drawn.possible),
            drawn.pairs,
            np.array(messages.fractions(drawn)),
        )

    def connection_number_info(self) -> None:
        """Print the counts of ``connection_number``."""
        messages.say(messages.counts_text(self.use.looked_at(), self._count_names(self.use)))

    def _count_names(self, projection: Projection) -> tuple[str, ...]:
        """Return what the printed counts are called, in order."""
        return ("forward",)

    def get_nodes_info(self) -> tuple[str, str]:
        """Return network name and filter of source and target."""
        return self.use.labels

    def iterate_pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the positions (i, j) of the pairs that are looked at, in order."""
        for block in self._space(*self.use.ends).blocks():
            i, j = block.of_rank(np.arange(block.n))
            yield from zip(i.tolist(), j.tolist(), strict=True)

    def _space(self, source: NodeArrays, target: NodeArrays) -> PairSpace:
        """Return the pairs that are looked at."""
        return PairSpace(source, target, autapses=self.allow_autapses)

    def node_2_idx_input(
        self, var_func: Callable[[Any, Any], Any], reverse: bool = False
    ) -> Callable[[int, int], Any]:
        """Turn a function of two nodes into one of their positions.

        Parameters
        ----------
        var_func : callable
            Of (source node, target node), or of (target node, source node) with `reverse`.
        reverse : bool, default False
            The result then takes (target position, source position).
        """
        first, second = self.use.source.nodes, self.use.target.nodes
        if reverse:
            first, second = second, first
        return lambda i, j: var_func(first[i], second[j])

    def setup_variables(self) -> None:
        """Do nothing: parameters are evaluated when the edges are drawn (kept for old scripts)."""
