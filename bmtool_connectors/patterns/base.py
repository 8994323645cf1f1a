"""What all connectors share: uses, the lazy draw, rules, views and the report.

A connector is a set of parameters. ``setup_nodes`` begins a *use* of it on two
node pools; the edges of a use are drawn once, when they are first needed, and
never change. Everything handed out (rules, views) is bound to its use.
"""

from __future__ import annotations

import inspect
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bmtool_connectors import randomness, report
from bmtool_connectors.edges import Connectivity, EdgeList
from bmtool_connectors.errors import ConnectivityWarning, NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays, is_same_pop
from bmtool_connectors.randomness import RngLike, Seed, SharedGenerator
from bmtool_connectors.rules import ConnectionRule
from bmtool_connectors.views import ConnProp

__all__ = ["AbstractConnector", "BaseConnector"]

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


class Use:
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
        self.taken: set[str] = set()
        self.root: np.random.SeedSequence | None = None
        self.connectivity: Connectivity | None = None
        self.overlay: dict[tuple[int, int, int], Any] = {}
        self.rules: dict[str, ConnectionRule] = {}

    def __getstate__(self) -> dict[str, Any]:
        # A pool holds its network, with locks and files; the arrays are all that is needed.
        return {**self.__dict__, "source_pool": None, "target_pool": None}

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
        if self.connectivity is not None:
            self.connectivity = self.connectivity.without_cache()


class BaseConnector(AbstractConnector):
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

    Raises
    ------
    ParameterError
        If a parameter is not allowed.
    """

    #: Constructor parameters shown by ``repr``, in order; each an attribute or an item of vars.
    parameter_names: ClassVar[tuple[str, ...]] = ()
    #: BMTK's iterator for each direction.
    iterators: ClassVar[Mapping[str, str]] = MappingProxyType({"forward": "one_to_one"})
    #: What the printed counts are called, in order.
    count_names: ClassVar[tuple[str, ...]] = ("forward",)

    def __init__(
        self,
        *,
        verbose: bool = True,
        save_report: bool = True,
        report_name: str | None = None,
        rng: RngLike = None,
        name: str | None = None,
    ) -> None:
        own = type(self).__name__
        self.vars: dict[str, Any] = {}
        self.verbose, self.save_report = bool(verbose), bool(save_report)
        self.report_name = report.checked_file(report_name, own)
        if name is not None and not isinstance(name, str):
            raise ParameterError(f"name of {own} is {name!r}; allowed is a str or None.")
        self.name = name
        self.rng = rng
        # Taken now: reassigning the module's default later does not move this connector.
        self._default_seed = rng is None
        self._randomness = (
            randomness.default.source if rng is None else randomness.as_source(rng, f"rng of {own}")
        )
        self._use: Use | None = None
        self._warned: set[str] = set()
        #: Use and direction whose edges BMTK is being given, or was given last.
        self.serving: tuple[Use, str] | None = None

    def __repr__(self) -> str:
        shown = []
        defaults = inspect.signature(type(self)).parameters
        for name in self.parameter_names:
            value = self.vars.get(name, getattr(self, name, None))
            if name not in defaults or value is not defaults[name].default:
                shown.append(f"{name}={getattr(value, '__name__', None) or repr(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"

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

    def _make_use(self, source: Any, target: Any, quick: bool = False) -> Use:
        for which, pool in (("source", source), ("target", target)):
            self._check_pool(which, pool)
        use = Use(source, target, quick)
        for which, nodes, pool in (
            ("source", use.source, source),
            ("target", use.target, target),
        ):
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

    def _begin(self, use: Use) -> None:
        self._use = use
        if isinstance(self._randomness, Seed):
            key = (use.source.stream_label, use.target.stream_label, type(self).__name__, self.name)
            count = self._randomness.count_use(*key) if self._default_seed else None
            use.root = self._randomness.root(*key, count)

    @property
    def use(self) -> Use:
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

    def _params(self, direction: str) -> dict[str, Any]:
        from bmtool_connectors.builder.registry import register  # the one look upward, lazy

        use = self.use
        rule = use.rules.setdefault(direction, ConnectionRule(self, use, direction))
        pools = (use.source_pool, use.target_pool)
        source, target = pools if direction == "forward" else pools[::-1]
        use.taken.add(direction)
        return {
            "source": source,
            "target": target,
            "iterator": self.iterators[direction],
            "connection_rule": rule if register() else rule.__call__,
        }

    # ------------------------------------------------------------------ the draw
    def edges_of(self, use: Use) -> Connectivity:
        """Return the edges of a use, drawing them if that has not been done."""
        if use.connectivity is None:
            rng = self._generator(use)
            if self.verbose:
                report.say(self._opening(use))
            timer = report.Timer()
            with randomness.restored_on_error(rng):
                drawn = self.draw(use.source, use.target, rng)
                use.connectivity = self._checked(drawn, use)
            if self.verbose:
                report.say(report.counts_text(use.connectivity, self._count_names(use)))
                timer.report("Time for drawing connections")
            if self.save_report:
                self._save_report(use)
        return use.connectivity

    def _generator(self, use: Use) -> SharedGenerator:
        if use.root is not None:
            return np.random.default_rng(use.root)
        assert not isinstance(self._randomness, Seed)
        return self._randomness

    def _checked(self, drawn: EdgeList | Connectivity, use: Use) -> Connectivity:
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
        return connectivity

    def _count_names(self, use: Use) -> tuple[str, ...]:
        return self.count_names

    def _opening(self, use: Use) -> str:
        return f"\nStart building connection\n  from {use.source.label}\n  to {use.target.label}"

    def _report_labels(self, use: Use) -> tuple[str, str]:
        return use.source.label, use.target.label

    def _save_report(self, use: Use) -> None:
        assert use.connectivity is not None
        report.save(self.report_name, *self._report_labels(use), use.connectivity)

    def warn_once(self, key: str, message: str) -> None:
        """Warn, once per connector and key."""
        if key not in self._warned:
            self._warned.add(key)
            warnings.warn(message, ConnectivityWarning, stacklevel=4)

    def _look(self) -> Connectivity:
        """Return the edges of the current use for somebody who looks before the build."""
        use = self.use
        if use.connectivity is None and use.root is None:
            self.warn_once(
                "early",
                f"{type(self).__name__} draws its edges now, because they are looked at before "
                "the network is built; this moves the shared random stream of whatever is built "
                "later. Build first, or pass an int as rng.",
            )
        return self.edges_of(use)

    # ------------------------------------------------------------------ views
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
        return self._look()

    @property
    def cache(self) -> Mapping[str, npt.NDArray[Any]]:
        """Arrays kept from the estimate of rho; empty before the draw and after free_memory."""
        drawn = None if self._use is None else self._use.connectivity
        return MappingProxyType({}) if drawn is None else drawn.cache

    def _tables(self, use: Use) -> list[ConnProp]:
        """Return the connections by node ids, forward and (if there are any) backward."""
        drawn = self.edges_of(use)
        tables = [ConnProp(drawn.forward, use.source, use.target)]
        if drawn.backward is not None:
            tables.append(ConnProp(drawn.backward, use.target, use.source))
        return tables

    @property
    def conn_prop(self) -> Any:
        """Values of ``p_arg`` of connected pairs, ``{source id: {target id: value}}``."""
        self._look()
        return self._tables(self.use)[0]

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
            self._look()
            use, first = self.use, None
        else:
            use, direction = self.serving
            first = int(direction == "backward")
        found = self._stored(use, sid, tid)
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

    def _stored(self, use: Use, sid: int, tid: int) -> dict[int | None, Any]:
        """Return the values stored for a pair of node ids, by direction (0, 1)."""
        found: dict[int | None, Any] = {}
        for direction, table in enumerate(self._tables(use)):
            edge = table.find(sid, tid)
            if (direction, sid, tid) in use.overlay:
                found[direction] = use.overlay[direction, sid, tid]
            elif edge >= 0:
                found[direction] = table.value(edge)
        return found

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
        use = self.use
        if len(use.source) * len(use.target) > MAX_DENSE:
            raise ParameterError(
                f"conn_mat of {type(self).__name__} would hold {len(use.source)} x "
                f"{len(use.target)} pairs and is limited to {MAX_DENSE}; use "
                "connectivity.forward.to_csr()."
            )
        drawn = self._look()
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
            Pairs with a probability above 0.
        n_pair : int
            All pairs; unordered ones in a recurrent population.
        fraction : ndarray of float, shape (2, ...)
            Connected pairs as fractions of the possible ones, and of all.
        """
        drawn = self._look()
        return (
            np.array(drawn.connected),
            np.array(drawn.possible),
            drawn.pairs,
            np.array(report.fractions(drawn)),
        )

    def connection_number_info(self) -> None:
        """Print the counts of ``connection_number``."""
        report.say(report.counts_text(self._look(), self._count_names(self.use)))

    def save_connection_report(self) -> None:
        """Append the row of the current use to the CSV connection report."""
        self._look()
        self._save_report(self.use)

    def get_nodes_info(self) -> tuple[str, str]:
        """Return network name and filter of source and target."""
        return self.use.source.label, self.use.target.label

    def iterate_pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the positions (i, j) of the pairs that are looked at, in order."""
        for i in range(len(self.use.source)):
            for j in range(len(self.use.target)):
                yield i, j

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

    def make_connection(self, source: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        """Return synapse counts: for a pair of nodes, or for a node and a list of nodes."""
        return self._rule("forward")(source, target)

    def _rule(self, direction: str) -> ConnectionRule:
        use = self.use
        return use.rules.setdefault(direction, ConnectionRule(self, use, direction))

    def setup_variables(self) -> None:
        """Do nothing: parameters are evaluated when the edges are drawn (kept for old scripts)."""

    def initial_all_to_all(self) -> None:
        """Draw the edges of the current use if that has not been done."""
        self.edges_of(self.use)

    def free_memory(self) -> None:
        """Drop node objects and kept arrays of a drawn use; the edges stay."""
        if self._use is not None and self._use.connectivity is not None:
            self._use.free_memory()
