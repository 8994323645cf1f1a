"""Where on the target cell a synapse sits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from bmtool_connectors.checks import floats, number
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.randomness import RngLike, SharedGenerator
from bmtool_connectors.synapses import common
from bmtool_connectors.synapses.delay import HELPER, syn_const_delay, syn_dist_delay_feng
from bmtool_connectors.synapses.distribution import as_law, checked_probabilities, shown
from bmtool_connectors.synapses.rules import PropertyRule
from bmtool_connectors.synapses.synapse_block import Block, OneSynapse

__all__ = [
    "PlacementRule",
    "syn_const_delay_feng_section_PN",
    "syn_dist_delay_feng_section_PN",
    "syn_section_PN",
]


def _section(
    helper: str, p: float, sec_id: Sequence[int], sec_x: Sequence[float], rng: RngLike
) -> tuple[int, float]:
    """Return the first section id and position with probability `p`, else the second."""
    generator = common.generator(rng, helper)
    try:
        fine = 0 <= p <= 1 and len(sec_id) == 2 == len(sec_x)
    except (TypeError, ValueError):
        fine = False
    if not fine:
        _explain(helper, p, sec_id, sec_x)
    which = 0 if generator.random() < p else 1
    try:
        return int(sec_id[which]), float(sec_x[which])
    except (TypeError, ValueError, KeyError):
        _explain(helper, p, sec_id, sec_x)


def checked(
    helper: str, p: Any, sec_id: Any, sec_x: Any
) -> tuple[float, tuple[int, int], tuple[float, float]]:
    """Return the arguments of a section, or raise for the one that is not allowed."""
    try:
        if not 0 <= p <= 1:
            raise ValueError
        (first_id, second_id), (first_x, second_x) = sec_id, sec_x
        return p, (int(first_id), int(second_id)), (float(first_x), float(second_x))
    except (TypeError, ValueError, KeyError):
        _explain(helper, p, sec_id, sec_x)


def _explain(helper: str, p: Any, sec_id: Any, sec_x: Any) -> NoReturn:
    """Raise for the argument that is not allowed; called once something is."""
    number(p, f"p of {helper}", "a probability in [0, 1]", 0.0, 1.0)
    for name, pair in (("sec_id", sec_id), ("sec_x", sec_x)):
        numbers = floats(pair)
        if numbers.shape != (2,) or np.isnan(numbers).any():
            common.refuse(helper, name, pair, "a pair of numbers, one for each section")
    common.refuse(helper, "p", p, "a plain number")


def syn_section_PN(  # noqa: N802  # the predecessor's name
    source: Any,
    target: Any,
    p: float = 0.9,
    sec_id: Sequence[int] = (1, 2),
    sec_x: Sequence[float] = (0.4, 0.6),
    rng: RngLike = None,
    **kwargs: Any,
) -> tuple[int, float]:
    """Return a section and a position in it, the first of two with probability `p`.

    Parameters
    ----------
    source, target : object
        Not used; BMTK passes nodes to every rule.
    p : float, default 0.9
        Probability of the first section.
    sec_id : pair of int, default (1, 2)
        Section ids.
    sec_x : pair of float, default (0.4, 0.6)
        Positions along the sections, in [0, 1].
    rng : Generator, RandomState, int, SeedSequence or None
        As in :func:`syn_const_delay`.
    **kwargs
        ``connector`` is accepted and not used; others are ignored with a warning.

    Returns
    -------
    sec_id : int
    sec_x : float

    Raises
    ------
    ParameterError
        If an argument is not allowed.

    Examples
    --------
    >>> syn_section_PN(None, None, p=1.0)
    (1, 0.4)
    """
    kwargs.pop("connector", None)
    common.check_keywords("syn_section_PN", kwargs)
    return _section("syn_section_PN", p, sec_id, sec_x, rng)


def syn_const_delay_feng_section_PN(  # noqa: N802
    source: Any,
    target: Any,
    p: float = 0.9,
    sec_id: Sequence[int] = (1, 2),
    sec_x: Sequence[float] = (0.4, 0.6),
    rng: RngLike = None,
    **kwargs: Any,
) -> tuple[float, int, float]:
    """Return the delay of :func:`syn_const_delay` and the place of :func:`syn_section_PN`.

    Parameters
    ----------
    source, target, p, sec_id, sec_x, rng
        As in :func:`syn_section_PN`.
    **kwargs
        Further arguments of :func:`syn_const_delay`.

    Returns
    -------
    delay : float, ms
    sec_id : int
    sec_x : float
    """
    helper = "syn_const_delay_feng_section_PN"
    delay = syn_const_delay(source, target, rng=rng, **{**kwargs, HELPER: helper})
    return (delay, *_section(helper, p, sec_id, sec_x, rng))


def syn_dist_delay_feng_section_PN(  # noqa: N802
    source: Any,
    target: Any,
    p: float = 0.9,
    sec_id: Sequence[int] = (1, 2),
    sec_x: Sequence[float] = (0.4, 0.6),
    rng: RngLike = None,
    **kwargs: Any,
) -> tuple[float, int, float]:
    """Return the delay of :func:`syn_dist_delay_feng` and the place of :func:`syn_section_PN`.

    Parameters
    ----------
    source, target, p, sec_id, sec_x, rng
        As in :func:`syn_section_PN`.
    **kwargs
        Further arguments of :func:`syn_dist_delay_feng`.

    Returns
    -------
    delay : float, ms
    sec_id : int
    sec_x : float
    """
    helper = "syn_dist_delay_feng_section_PN"
    delay = syn_dist_delay_feng(source, target, rng=rng, **{**kwargs, HELPER: helper})
    return (delay, *_section(helper, p, sec_id, sec_x, rng))


# ---------------------------------------------------------------------- the rule
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
    parameter_names = ("section_id", "section_pos", "p", "rng")

    def __init__(
        self,
        section_id: int | Sequence[int],
        section_pos: Any = 0.5,
        *,
        p: Sequence[float] | None = None,
        rng: RngLike = None,
    ) -> None:
        super().__init__(rng)
        self.section_id, self.section_pos, self.p = section_id, section_pos, p
        ids = np.atleast_1d(floats(section_id))
        if (
            ids.ndim > 1
            or not ids.size
            or not ((ids >= 0) & (ids < 2**32) & (np.floor(ids) == ids)).all()
        ):
            raise ParameterError(
                f"section_id of PlacementRule is {section_id!r}; allowed is a whole number >= 0, "
                "or a list of them."
            )
        self._ids = ids.astype(np.int64)
        self._bounds = np.cumsum(checked_probabilities(p, len(ids), "p of PlacementRule"))[:-1]
        if len(ids) > 1:
            self._draws_from(None)
        self._law = as_law(section_pos, "section_pos of PlacementRule")
        if self._law is None:
            self._positions = self._checked_positions(section_pos)
            return
        self._draws_from(self._law)
        outside = self._law.below(0.0) + 1.0 - float(self._law.cdf(1.0))
        if outside > 1e-15:
            raise ParameterError(
                f"section_pos of PlacementRule is {shown(section_pos)}, which lies outside [0, 1] "
                f"with probability {outside:.2g}; pass truncated(distribution, 0, 1)."
            )

    def _checked_positions(self, section_pos: Any) -> Any:
        positions = floats(section_pos)
        if (
            positions.shape not in ((), self._ids.shape)
            or not ((positions >= 0) & (positions <= 1)).all()
        ):
            raise ParameterError(
                f"section_pos of PlacementRule is {section_pos!r}; allowed is a number in [0, 1], "
                f"{len(self._ids)} of them, one for each section, or a distribution."
            )
        return np.broadcast_to(positions, self._ids.shape)

    def values(self, synapses: OneSynapse | Block, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return section ids and positions."""
        chosen: Any = synapses.filled(0)
        if len(self._ids) > 1:
            chosen = synapses.choose(self._bounds, rng)
        positions = self._positions[chosen] if self._law is None else synapses.draw(self._law, rng)
        if isinstance(synapses, OneSynapse):
            return int(self._ids[chosen]), float(positions)
        return self._ids[chosen], positions
