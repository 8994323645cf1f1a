"""The connections between two populations, wherever they came from, with what is expected."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.distances import SPHERICAL, Metric
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.sampling.expected import Expected


@dataclass(frozen=True, eq=False)
class Connections:
    """The edges between two populations in one or two directions.

    Attributes
    ----------
    source, target : str
        Labels of the pools.
    forward : EdgeList
    backward : EdgeList or None
        From target to source.
    recurrent : bool
        Source and target are one population.
    undirected : bool
        Gap junctions: stored once, and counted for both cells.
    connector : str or None
        Class of the connector.
    edge_types : tuple of int
        Edge type ids, forward first.
    expected : Expected or None
        What the laws give on average; None if that is not known.
    drawn : mapping
        What was counted in the draw: the items of a recipe's ``"drawn"``; empty if not known.
    about : mapping
        Seed, sampler, seconds and the like.
    positions : tuple of (ndarray of float, shape (n, 3), um) or None
        Of source and target.
    law : callable or None
        Returns the probability forward at an array of distances (um); None where pairs have no
        such law.
    metric : Metric
        Of those distances.
    """

    source: str
    target: str
    forward: EdgeList
    backward: EdgeList | None = None
    recurrent: bool = False
    undirected: bool = False
    connector: str | None = None
    edge_types: tuple[int, ...] = ()
    expected: Expected | None = None
    drawn: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    positions: tuple[npt.NDArray[Any] | None, npt.NDArray[Any] | None] = (None, None)
    law: Callable[[npt.NDArray[Any]], npt.NDArray[Any]] | None = None
    metric: Metric = SPHERICAL

    @property
    def name(self) -> str:
        """The populations, for messages and titles."""
        return f"{self.source} to {self.target}"

    @property
    def draws_both(self) -> bool:
        """Whether the two directions of a pair were drawn together."""
        return "reciprocal" in self.drawn.get("connected", ())

    @property
    def directions(self) -> dict[str, EdgeList]:
        """The edges by direction."""
        both = {"forward": self.forward, "backward": self.backward}
        return {name: edges for name, edges in both.items() if edges is not None}

    def degrees(self, direction: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return out- and in-degrees; of gap junctions, the junctions of each cell twice."""
        edges = self.directions[direction]
        out, into = edges.out_degree(), edges.in_degree()
        return (out + into, out + into) if self.undirected else (out, into)

    def only(self, directions: Collection[str]) -> Connections:
        """Return the edges of some of the directions."""
        if "backward" not in directions:
            return replace(self, backward=None)
        if "forward" in directions or self.backward is None:
            return self
        turned = replace(
            self,
            source=self.target,
            target=self.source,
            forward=self.backward,
            backward=None,
            positions=self.positions[::-1],
            law=None,
        )
        return turned.expected_backward()

    def expected_backward(self) -> Connections:
        """Return the same edges, with what is expected of backward ones as theirs."""
        expected = self.expected
        return replace(self, expected=None if expected is None else expected.of_backward())

    @property
    def pairs(self) -> int:
        """Pairs that each direction could have connected."""
        n, m = self.forward.shape
        known = self.drawn.get("pairs")
        if self.undirected:
            return n * (n - 1) // 2
        if known is None:
            return n * m
        if self.recurrent and self.draws_both:  # these are unordered
            return n * (n - 1) if known == n * (n - 1) // 2 else n * n
        return int(known)

    @property
    def unordered_pairs(self) -> int:
        """Pairs of different nodes, for reciprocal connections."""
        n, m = self.forward.shape
        return n * (n - 1) // 2 if self.recurrent else n * m

    @functools.cached_property
    def reciprocal(self) -> int | None:
        """Pairs that are connected both ways; None where only one direction is known."""
        if self.undirected or (self.backward is None and not self.recurrent):
            return None
        forward = pattern(self.forward)
        backward = forward if self.backward is None else pattern(self.backward)
        both = int(forward.multiply(backward.T.tocsr()).nnz)
        if not self.recurrent:
            return both
        return (both - int(np.count_nonzero(self.forward.source == self.forward.target))) // 2


def pattern(edges: EdgeList) -> Any:
    """Return the connected pairs as a sparse matrix of ones."""
    from scipy.sparse import csr_matrix

    ones = np.ones(len(edges), dtype=np.int8)
    return csr_matrix((ones, edges.target, edges.indptr), shape=edges.shape)
