"""Connections without chance: all to all, and one to one."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bmtool_connectors.arrays import Index
from bmtool_connectors.connectivity import Connectivity
from bmtool_connectors.discovery import Examples
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.patterns.example_laws import synapses_of_ids
from bmtool_connectors.patterns.parameters import Count, parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling.assemble import summed_edges
from bmtool_connectors.sampling.blocks import PairBlock, PairSpace
from bmtool_connectors.sampling.candidates import ListedPairs
from bmtool_connectors.sampling.collect import SynapseCounts

__all__ = ["AllToAllConnector", "OneToOneConnector"]

MODES = ("strict", "truncate", "circular")


def _mode(value: Any, owner: str) -> str:
    if isinstance(value, str) and value in MODES:
        return value
    raise ParameterError(f"{owner} must be 'strict', 'truncate' or 'circular', got {value!r}.")


class DeterministicConnector(BaseConnector):
    """Connectors whose pairs are certain, and draw nothing."""

    is_random: ClassVar[bool] = False

    n_syn: Count = parameter(default=1, kw_only=True, in_vars=True)
    _without = ("rng", "name", "sampler")

    def _check(self) -> None:
        self._n_syn = SynapseCounts(self.n_syn, f"n_syn of {type(self).__name__}")

    def _connected(self, space: PairSpace, i: Index, j: Index) -> Connectivity:
        """Return the edges of these pairs, in row-major order."""
        pairs = ListedPairs(space, i, j)
        n_syn = self._n_syn.of_all(pairs)
        edges, dropped = summed_edges(i, j, (len(space.source), len(space.target)), n_syn)
        return Connectivity.from_edges(edges, space.n_pairs, (len(i),), dropped=dropped)


class AllToAllConnector(DeterministicConnector):
    """Connect every source with every target.

    Parameters
    ----------
    n_syn : int or callable, default 1
        Synapses of a pair, or a function of (source node, target node). 0 means no edge.
    allow_autapses : bool, default False
        Whether a node connects to itself. A node is the same by network and node id, also in
        pools that overlap.
    verbose, save_report, report_name
        See :class:`BaseConnector`.

    Raises
    ------
    ParameterError
        If a parameter is not allowed.

    Notes
    -----
    Nothing is drawn. Time and memory O(pairs).

    Examples
    --------
    >>> AllToAllConnector(n_syn=2)
    AllToAllConnector(n_syn=2)
    """

    examples = (
        {"n_syn": synapses_of_ids},
        {"allow_autapses": True},
    )

    n_syn: Count = parameter(default=1, in_vars=True)
    allow_autapses: bool = parameter(default=False, kw_only=True)

    def draw(self, source: NodeArrays, target: NodeArrays, rng: SharedGenerator) -> Connectivity:
        """Return all pairs of `source` and `target`."""
        space = self._space(source, target)
        i, j = PairBlock.whole(space).of_rank(np.arange(space.n_pairs))
        return self._connected(space, i, j)


class OneToOneConnector(DeterministicConnector):
    """Connect node k of the source with node k of the target, by position in the pools.

    Parameters
    ----------
    mode : {'strict', 'truncate', 'circular'}, default 'strict'
        What to do with pools of different sizes. Strict: refuse them. Truncate: connect as many
        as the smaller has. Circular: begin anew with the smaller one, so that every node of the
        larger is connected once.
    n_syn : int or callable, default 1
        Synapses of a pair, or a function of (source node, target node). 0 means no edge.
    verbose, save_report, report_name
        See :class:`BaseConnector`.

    Raises
    ------
    ParameterError
        If a parameter is not allowed.
    NodeError
        In ``setup_nodes``, if the sizes differ in mode 'strict'.

    Notes
    -----
    Within one population each node connects to itself, as asked for. Nothing is drawn. For
    partitions of one source population see :class:`OneToOneSequentialConnector`.

    Examples
    --------
    >>> OneToOneConnector('circular')
    OneToOneConnector(mode='circular')
    """

    examples: ClassVar[Examples] = (
        {"mode": "circular"},
        {"mode": "truncate", "n_syn": 2},
        {},
    )

    mode: str = parameter(default="strict", check=_mode)

    def _check_pools(self, projection: Projection) -> None:
        n, m = projection.shape
        if self.mode == "strict" and n != m:
            raise NodeError(
                f"{type(self).__name__} connects {n} nodes of {projection.source.label} to {m} of "
                f"{projection.target.label}, which is not one to one; pass mode='truncate' or "
                "mode='circular', or pools of one size."
            )

    def draw(self, source: NodeArrays, target: NodeArrays, rng: SharedGenerator) -> Connectivity:
        """Return the pairs of equal position."""
        n, m = len(source), len(target)
        k = np.arange(max(n, m) if self.mode == "circular" else min(n, m))
        i, j = k % n, k % m
        if n < m:  # several rounds: sources come again
            order = np.lexsort((j, i))
            i, j = i[order], j[order]
        return self._connected(self._space(source, target), i, j)
