"""One to one correspondence between a population and the partitions of another."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

import numpy as np

from bmtool_connectors import messages
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays, is_same_pop
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.patterns.parameters import parameter, whole_number
from bmtool_connectors.patterns.projection import Projection, projection_being_drawn
from bmtool_connectors.randomness import SharedGenerator

__all__ = ["OneToOneSequentialConnector"]

T = TypeVar("T")


def _fixed_count(value: Any, owner: str) -> int:
    if callable(value):
        raise ParameterError(
            f"{owner} must be a whole number, got a function: use another connector for random "
            "counts."
        )
    return whole_number(value, owner)


class OneToOneSequentialConnector(BaseConnector):
    """Connect node k of one population to node k of the partitions of another, in sequence.

    Parameters
    ----------
    n_syn : int, default 1
        Synapses of each connection; a number.
    partition_source : bool, default False
        Whether the source population comes in partitions (and the target is one). By default
        the source is one population and the targets are partitions.
    verbose : bool, default True
        Print which nodes were assigned.

    Raises
    ------
    ParameterError
        If `n_syn` is not a whole number of at least 0.

    Notes
    -----
    The first partition is connected to the first nodes of the single population, the next to
    those after them. A partition is bound when it is set up: the order in which networks are
    built does not matter. Nothing is random.

    Examples
    --------
    One independent input for each cell of two populations::

        connector = OneToOneSequentialConnector()
        connector.setup_nodes(source=inputs.nodes(), target=net.nodes(pop_name='A'))
        net.add_edges(**connector.edge_params())
        connector.setup_nodes(target=net.nodes(pop_name='B'))
        net.add_edges(**connector.edge_params())
    """

    examples = ({"n_syn": 3},)

    iterators: ClassVar[Mapping[str, str]] = MappingProxyType({"forward": "all_to_one"})
    is_random: ClassVar[bool] = False

    n_syn: int = parameter(default=1, check=_fixed_count, in_vars=True)
    partition_source: bool = parameter(default=False)
    save_report: bool = parameter(default=False, init=False, shown=False, assignable=True)
    _positional = ("verbose",)
    _without = ("report_name", "rng", "name", "sampler")

    def _check(self) -> None:
        #: Where each partition starts among the nodes of the single population.
        self.idx_range: list[int] = [0]
        self._partitions: list[Projection] = []
        if self.partition_source:
            self.iterators = {"forward": "one_to_all"}  # type: ignore[misc]

    # ------------------------------------------------------------------ uses
    @property
    def _single(self) -> str:
        return "target" if self.partition_source else "source"

    def _turned(self, first: T, second: T) -> tuple[T, T]:
        """Turn what belongs to source and target into that of single population and partition."""
        return (second, first) if self.partition_source else (first, second)

    def _nodes(self, projection: Projection) -> tuple[NodeArrays, NodeArrays]:
        return self._turned(*projection.ends)

    def _pools(self) -> list[tuple[Any, Any]]:
        """Return the pools of the single population and of each partition."""
        return [self._turned(each.source_pool, each.target_pool) for each in self._partitions]

    @property
    def n_source(self) -> int:
        """Number of nodes of the single population; 0 before ``setup_nodes``."""
        return len(self._nodes(self._partitions[0])[0]) if self._partitions else 0

    @property
    def source(self) -> Any:
        """The pool of the single population (the target, with `partition_source`)."""
        return self._pools()[0][0] if self._partitions else None

    @property
    def targets(self) -> list[Any]:
        """The pools of the partitions (of the source, with `partition_source`)."""
        return [partition for _, partition in self._pools()]

    def setup_nodes(self, source: Any = None, target: Any = None) -> None:
        """Add the next partition.

        Parameters
        ----------
        source, target : NodePool
            The single population may be left out, or given again, after the first call.

        Raises
        ------
        NodeError
            If a pool is missing or empty, the single population changes, or the partitions
            would hold more nodes than it has.
        """
        own = type(self).__name__
        single, partition = self._turned(source, target)
        if self._partitions:
            known = self.source
            if single is None:
                single = known
            elif known is not None and not is_same_pop(single, known):
                raise NodeError(
                    f"{self._single} of {own} was {self._nodes(self._partitions[0])[0].label} "
                    f"and is now {getattr(single, 'network_name', single)!r}; leave it out, or "
                    "make another connector."
                )
        projection = Projection(self, *self._turned(single, partition))
        all_nodes, nodes = self._nodes(projection)
        free = len(all_nodes) - self.idx_range[-1]
        if len(nodes) > free:
            raise NodeError(
                f"partition {nodes.label} of {own} has {len(nodes)} nodes, but only {free} of "
                f"{len(all_nodes)} nodes of the {self._single} population "
                f"({all_nodes.label}) are free; add nodes to it, or leave "
                "this partition out."
            )
        self._partitions.append(projection)
        self.idx_range.append(self.idx_range[-1] + len(nodes))
        self._begin(projection)
        if self.verbose:
            first, last = self.idx_range[-2:]
            messages.say(
                f"{self._single.capitalize()} nodes {first} to {last - 1} of "
                f"{all_nodes.label} are for {nodes.label}; "
                f"{self.n_source - last} of {self.n_source} left."
            )

    def edge_params(self, target_pop_idx: int = -1) -> dict[str, Any]:  # type: ignore[override]
        """Return ``source``, ``target``, ``iterator`` and ``connection_rule`` of a partition.

        Parameters
        ----------
        target_pop_idx : int, default -1
            Number of the partition; the one added last by default.

        Raises
        ------
        NodeError
            Before ``setup_nodes``.
        ParameterError
            If there is no such partition.
        """
        return self._partition(target_pop_idx).edge_params("forward")

    def _partition(self, number: int) -> Projection:
        _ = self.use  # a NodeError before setup_nodes
        try:
            return self._partitions[number]
        except (IndexError, TypeError):
            raise ParameterError(
                f"target_pop_idx of {type(self).__name__} must be 0 to {len(self._partitions) - 1} "
                f"(partitions in the order of setup_nodes) or -1, got {number!r}."
            ) from None

    def get_nodes_info(self, target_pop_idx: int = -1) -> tuple[str, str]:
        """Return network name and filter of the single population and of a partition."""
        return self._turned(*self._partition(target_pop_idx).labels)

    def make_connection(  # type: ignore[override]  # the name that old scripts use
        self, source: Any, targets: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Return synapse counts of the current partition: for a pair, or a node and a list."""
        return self.use.rule("forward")(source, targets)

    # ------------------------------------------------------------------ the edges
    def draw(self, source: NodeArrays, target: NodeArrays, rng: SharedGenerator) -> Connectivity:
        """Connect the nodes of both pools in order, as far as they go, from where those start."""
        projection, first = projection_being_drawn(source, target), 0
        if projection in self._partitions:
            first = self.idx_range[self._partitions.index(projection)]
        single, partition = self._turned(source, target)
        here = np.arange(min(len(partition), len(single) - first))
        connected = here if self.n_syn else here[:0]
        edges = EdgeList.from_sorted(
            *self._turned(connected + first, connected),
            (len(source), len(target)),
            max(self.n_syn, 1),
        )
        return Connectivity.from_edges(edges, possible=(len(here),))
