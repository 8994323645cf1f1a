"""Synaptic weights."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Any

import numpy as np

from bmtool_connectors.checks import HUGE, floats, number
from bmtool_connectors.distances import spherical_dist
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.profiles.algebra import DistantDependentProbability
from bmtool_connectors.randomness import RngLike, SharedGenerator
from bmtool_connectors.synapses.frozen import Distribution, as_distribution, shown
from bmtool_connectors.synapses.rules import PropertyRule
from bmtool_connectors.synapses.synapse_block import PairDistance, Synapses

__all__ = ["WeightRule"]

#: A distribution gives values of the other sign if they are more likely than this; a network of
#: all synapses of a brain would not have one.
_NEGLIGIBLE = 1e-15
_DISTRIBUTION = "distribution of WeightRule"


@dataclass(frozen=True, eq=False, repr=False)
class WeightRule(PropertyRule):
    """Weights of synapses: ``sign * scale * value * modulation(distance)``.

    Parameters
    ----------
    distribution : float, scipy.stats distribution, callable or profile
        The value, a magnitude: one number; a frozen distribution of ``scipy.stats``, or
        :func:`lognormal`, :func:`truncated`, :func:`clipped`, :func:`mixture`, drawn from once
        per synapse; a function of source and target node; or a profile of distance such as
        :class:`GaussianDropoff`, whose value is not cut at 1 (it warns that probabilities are;
        with `scale` there is no need for values above 1). A value per synapse is no rule: give
        an array to ``add_properties(values=...)``; a value per pair to MatrixConnector.
    sign : {+1, -1, None}
        Sign of all weights of the edge type. Values of the distribution are magnitudes, >= 0.
        With None they may have either sign, and are taken as they are.
    modulation : callable, optional
        Function of the distance (um), or profile, that values are multiplied with; >= 0, unless
        `sign` is None. Negative values of a profile are an error, not 0: cut them yourself.
    scale : float, default 1.0
        Factor > 0, for instance 1e-3 from nS to uS.
    dist : callable, default spherical_dist
        Distance of two nodes, um.
    connector : BaseConnector, optional
        Where the distance of each connected pair was stored as ``p_arg``.
    rng : Generator, RandomState, int, SeedSequence or None
        None is ``bmtool_connectors.rng``, read when drawing. With a seed, the weights of each
        edge type have streams of their own in the NetworkBuilder of this package, one for every
        4,096 targets; with BMTK's, all calls with that seed share one.

    Raises
    ------
    ParameterError
        If a parameter is not allowed, or a distribution gives values of the other sign; when
        the network is built, if a function does, or gives no number.

    Notes
    -----
    The property is ``syn_weight``. Its unit is that of the synapse model: uS for conductances
    in BioNet (where inhibition is a matter of the reversal potential, with ``sign=+1``), pA or
    nS in PointNet (where inhibitory weights of current-based models have ``sign=-1``).

    Called once per synapse, so several synapses of a pair have weights of their own. Functions
    that are not declared ``@vectorized`` are called as often; with a seed, in the order of target
    and source. From a shared generator the same
    numbers are taken synapse by synapse as for all synapses at once.

    Examples
    --------
    >>> weights = WeightRule(lognormal(2.0, 0.5), sign=-1, scale=1e-3, rng=1)
    >>> weights(None, None) < 0
    True

    ::

        edges = net.add_edges(**connector.edge_params())
        edges.add_properties(**weights.properties())
    """

    names = ("syn_weight",)
    dtypes = (float,)

    distribution: Any
    sign: int | None = 1
    _: KW_ONLY
    modulation: Any = None
    scale: float = 1.0
    dist: Any = spherical_dist
    connector: Any = None
    rng: RngLike = None

    _drawn: Distribution | None = field(init=False)
    #: What values are where they are not drawn: a function, or a number.
    _value: Any = field(init=False)

    def __post_init__(self) -> None:
        sign, modulation = self.sign, self.modulation
        if sign is not None and not (np.ndim(sign) == 0 and sign in (1, -1)):
            raise ParameterError(f"sign of WeightRule must be 1, -1 or None, got {sign!r}.")
        scale = number(self.scale, "scale of WeightRule", "a factor > 0", 1e-100, 1e100)
        distance = PairDistance(self.dist, self.connector, "WeightRule")
        drawn = self._checked_distribution()
        value = self._checked_value() if drawn is None else None
        if not (modulation is None or callable(modulation)):
            raise ParameterError(
                "modulation of WeightRule must be a function of the distance (um), a profile, or "
                f"None, got {modulation!r}."
            )
        has_distance = isinstance(value, DistantDependentProbability) or modulation is not None
        self._prepare(
            self.rng,
            sign=sign if sign is None else int(sign),
            scale=scale,
            _drawn=drawn,
            _value=value,
            _sequential=() if drawn is None else (drawn.sequential,),
            _functions=(value, modulation),
            _distance=distance if has_distance else None,
        )

    def _checked_distribution(self) -> Distribution | None:
        """Return what is drawn from, or None; raise if it gives values of the other sign."""
        given = self.distribution
        drawn = as_distribution(given, _DISTRIBUTION)
        p = 0.0 if drawn is None or self.sign is None else drawn.below(0.0)
        if p > _NEGLIGIBLE:
            raise ParameterError(
                f"{_DISTRIBUTION} must be magnitudes >= 0, whose sign is that of the parameter "
                f"sign, got {shown(given)}, which is negative with probability {p:.2g}: pass "
                "truncated(distribution, low=0), clipped(distribution, low=0), or sign=None."
            )
        return drawn

    def _checked_value(self) -> Any:
        """Return a function as it is, or a float."""
        given = self.distribution
        if callable(given):
            return given
        low = -HUGE if self.sign is None else 0.0
        numbers = floats(given)
        if not numbers.ndim and low <= numbers <= HUGE:
            return float(numbers)
        remedy = (
            "a value per synapse goes to add_properties(values=...), one per pair to "
            "MatrixConnector"
            if numbers.ndim
            else "the sign is that of the parameter sign"
        )
        raise ParameterError(
            f"{_DISTRIBUTION} must be a finite number{' >= 0' * (low == 0)}, a distribution, a "
            f"function of two nodes, or a profile, got {given!r}: {remedy}."
        )

    def values(self, synapses: Synapses, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return the weights."""
        low = -HUGE if self.sign is None else 0.0
        allowed = "a finite number" if self.sign is None else "a magnitude >= 0, or sign=None"
        dist = None if self._distance is None else self._dist(synapses)
        value = self._value
        if self._drawn is not None:
            value = self._drawn.draw(rng, synapses.n)
        elif isinstance(value, DistantDependentProbability):
            value = synapses.of_distance(value, dist, _DISTRIBUTION)
        elif callable(value):
            value = synapses.of_nodes(value, _DISTRIBUTION)
        value = self._checked(value, "distribution", synapses, low, allowed)
        if self.modulation is not None:
            factors = synapses.of_distance(self.modulation, dist, "modulation of WeightRule")
            value = value * self._checked(factors, "modulation", synapses, low, allowed)
        return (value * (self.scale * (1 if self.sign is None else self.sign)),)
