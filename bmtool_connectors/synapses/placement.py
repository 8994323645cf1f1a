"""Where on the target cell a synapse sits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.checks import floats
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.randomness import RngLike, SharedGenerator
from bmtool_connectors.synapses.frozen import (
    Distribution,
    as_distribution,
    checked_probabilities,
    shown,
)
from bmtool_connectors.synapses.rules import PropertyRule
from bmtool_connectors.synapses.synapse_block import Synapses

__all__ = ["PlacementRule"]


@dataclass(frozen=True, eq=False, repr=False)
class PlacementRule(PropertyRule):
    """Section of the target cell and position in it, chosen for each synapse.

    Parameters
    ----------
    section_id : int or sequence of int
        Sections to choose among, as numbered by the cell's template.
    section_pos : float, sequence of float or scipy.stats distribution, default 0.5
        Position along the section, in [0, 1]: for all sections, one for each, or drawn for each
        synapse (``scipy.stats.uniform()``).
    p : sequence of float, optional
        Probability of each section; equal ones when omitted.
    rng : Generator, RandomState, int, SeedSequence or None
        As in :class:`WeightRule`.

    Raises
    ------
    ParameterError
        If a parameter is not allowed.

    Notes
    -----
    The properties are ``afferent_section_id`` and ``afferent_section_pos``; see
    :func:`properties` for what BioNet does without them.

    Examples
    --------
    >>> PlacementRule([1, 2], [0.4, 0.6], p=[1.0, 0.0])(None, None)
    (1, 0.4)
    """

    names = ("afferent_section_id", "afferent_section_pos")
    dtypes = (np.uint32, float)

    section_id: int | Sequence[int]
    section_pos: Any = 0.5
    _: KW_ONLY
    p: Sequence[float] | None = None
    rng: RngLike = None
    _ids: npt.NDArray[np.int64] = field(init=False)
    #: Of a uniform number, between those of one section and those of the next.
    _bounds: npt.NDArray[np.float64] = field(init=False)
    #: A position for each section, or what positions are drawn from.
    _positions: npt.NDArray[np.float64] | Distribution = field(init=False)

    def __post_init__(self) -> None:
        ids = np.atleast_1d(floats(self.section_id))
        is_whole = (ids >= 0) & (ids < 2**32) & (np.floor(ids) == ids)
        if ids.ndim > 1 or not ids.size or not is_whole.all():
            raise ParameterError(
                "section_id of PlacementRule must be a whole number >= 0, or a list of them, got "
                f"{self.section_id!r}."
            )
        probabilities = checked_probabilities(self.p, len(ids), "p of PlacementRule")
        positions = self._checked_positions(len(ids))
        drawn = (positions.sequential,) if isinstance(positions, Distribution) else ()
        self._prepare(
            self.rng,
            _ids=ids.astype(np.int64),
            _bounds=np.cumsum(probabilities)[:-1],
            _positions=positions,
            _sequential=(True,) * (len(ids) > 1) + drawn,
        )

    def _checked_positions(self, n: int) -> Any:
        """Return positions in n sections, or their distribution."""
        given, owner = self.section_pos, "section_pos of PlacementRule"
        drawn = as_distribution(given, owner)
        if drawn is not None:
            outside = drawn.below(0.0) + 1.0 - float(drawn.cdf(1.0))
            if outside > 1e-15:
                raise ParameterError(
                    f"{owner} is {shown(given)}, which lies outside [0, 1] with probability "
                    f"{outside:.2g}; pass truncated(distribution, 0, 1)."
                )
            return drawn
        positions = floats(given)
        is_inside = ((positions >= 0) & (positions <= 1)).all()
        if positions.shape not in ((), (n,)) or not is_inside:
            raise ParameterError(
                f"{owner} must be a number in [0, 1], {n} of them (one for each section), or a "
                f"distribution, got {given!r}."
            )
        return np.broadcast_to(positions, n)

    def values(self, synapses: Synapses, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return section ids and positions."""
        index: Any = 0
        if len(self._ids) > 1:
            number = rng.uniform(0.0, 1.0, synapses.n)
            index = self._bounds.searchsorted(number, side="right")
        if isinstance(self._positions, Distribution):
            return self._ids[index], self._positions.draw(rng, synapses.n)
        return self._ids[index], self._positions[index]
