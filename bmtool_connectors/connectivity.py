"""The result of a draw: the edges of both directions, and what was counted meanwhile."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy.typing as npt

from bmtool_connectors.edges import EdgeList

__all__ = ["Connectivity"]


class EstimatedCounts(tuple[int, ...]):
    """Numbers that were not counted: of a sample that stands for all pairs.

    Their relative standard error is at most 1e-4.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"about {super().__repr__()}"


class LazyCounts(Sequence[int]):
    """Numbers that are counted when somebody asks for them."""

    def __init__(self, count: Callable[[], tuple[int, ...]]) -> None:
        self._count = count

    @functools.cached_property
    def numbers(self) -> tuple[int, ...]:
        """The numbers, counted now."""
        return self._count()

    def __getitem__(self, k: Any) -> Any:
        return self.numbers[k]

    def __len__(self) -> int:
        return len(self.numbers)

    def __eq__(self, other: object) -> bool:
        return self.numbers == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(self.numbers)

    def __reduce__(self) -> Any:
        return type(self.numbers), (self.numbers,)


def is_estimated(counts: Sequence[int]) -> bool:
    """Whether numbers stand for others that were not counted; counts those that are not yet."""
    return isinstance(counts.numbers if isinstance(counts, LazyCounts) else counts, EstimatedCounts)


def chosen_counts(counts: Sequence[int], *which: int) -> Sequence[int]:
    """Return some of the counts; what is not counted yet stays so."""

    def count() -> tuple[int, ...]:
        kind = EstimatedCounts if is_estimated(counts) else tuple
        return kind(counts[k] for k in which)

    return LazyCounts(count) if isinstance(counts, LazyCounts) else count()


@dataclass(frozen=True, eq=False)
class Connectivity:
    """What a connector drew: the edges of both directions and what was counted meanwhile.

    Attributes
    ----------
    forward : EdgeList
        From the first pool to the second; of a recurrent population, all edges.
    backward : EdgeList or None
        From the second pool to the first: its ``source`` indexes the second pool. None for
        connectors with one direction and for recurrent populations.
    pairs : int
        Pairs looked at: n_source n_target, or unordered pairs of a recurrent population.
    possible : sequence of int
        Pairs that could connect: (forward,), (forward, backward, both), or for a recurrent
        reciprocal connector (any, both). After a sparse draw they are counted when they
        are looked at; where millions of pairs are within reach they are estimated, with a relative
        standard error of at most 1e-4, and their text says "about".
    connected : tuple of int
        Pairs that are connected, ordered like `possible`.
    clipped : int
        Pairs (of those that were looked at) whose joint probability was not feasible and was
        moved to the nearest value (or not, with ``infeasible='bmtool'``).
    dropped : int
        Connections whose number of synapses came out as 0.
    rho : float or None
        The correlation the draw used, given or estimated; None when each pair had its own.
    cache : mapping
        Arrays kept from the estimate of rho for the draw, evaluated again when one is looked at:
        one entry per pair that was evaluated.
    """

    forward: EdgeList
    backward: EdgeList | None = None
    pairs: int = 0
    possible: Sequence[int] = ()
    connected: tuple[int, ...] = ()
    clipped: int = 0
    dropped: int = 0
    rho: float | None = None
    cache: Mapping[str, npt.NDArray[Any]] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "cache": {}}

    @classmethod
    def from_edges(
        cls,
        edges: EdgeList,
        pairs: int | None = None,
        possible: Sequence[int] | None = None,
        dropped: int = 0,
    ) -> Connectivity:
        """Wrap edges of one direction; every pair counts, and as possible, unless that is said."""
        pairs = edges.shape[0] * edges.shape[1] if pairs is None else pairs
        possible = (pairs,) if possible is None else possible
        return cls(edges, None, pairs, possible, (len(edges),), dropped=dropped)

    def without_cache(self) -> Connectivity:
        """Return the same edges and counts without the kept arrays."""
        return replace(self, cache=MappingProxyType({}))

    def edges(self, direction: str) -> EdgeList:
        """Return the edges of ``'forward'`` or ``'backward'``."""
        if direction == "forward":
            return self.forward
        assert self.backward is not None
        return self.backward
