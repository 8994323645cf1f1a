"""The numbers that are expected of a draw, and how recipes hold them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from bmtool_connectors.connectivity import Connectivity

__all__ = ["Expected"]

#: Numbers that are expected, and what the names of their mean, standard deviation and standard
#: error end with.
NUMBERS, PARTS = ("forward", "backward", "reciprocal"), ("", "_sd", "_error")
#: Attributes that have another name in files.
KEYS = {"max_step": "forward_jump", "reciprocal_per_rho": "per_rho"}
#: What recipes hold, in order.
RECIPE = (
    *("sampler", *NUMBERS, "infeasible", "standard_error"),
    *(name + part for part in PARTS[1:] for name in NUMBERS),
    *("forward_jump", "independent", "per_rho", "degrees"),
)
#: Largest number in a recipe, up to which floats hold whole numbers exactly; and by how much sums
#: may be rounded below 0.
MOST, ROUNDING = 1 << 53, 1e-6


class Moments(NamedTuple):
    """Mean and standard deviation over draws, and standard error of that mean; None: not known."""

    mean: float | None = None
    sd: float | None = None
    error: float | None = None


@dataclass(frozen=True)
class Unmet:
    """A mean joint probability that is not feasible.

    Attributes
    ----------
    wanted, reached : float
        What was asked for, and what results once pairs are moved to the nearest feasible value.
    pairs : float
        Pairs whose mean it is.
    """

    wanted: float
    reached: float
    pairs: float


@dataclass(frozen=True)
class Expected:
    """What a connector will give, on average over random numbers, and what that will cost.

    Of a recipe, which does not hold everything, numbers that it does not tell are NaN.

    Attributes
    ----------
    sampler : {'pairwise', 'sparse', 'none'}
        How the edges will be drawn; 'none' where pairs are not drawn one by one, or are given.
        Of blocks that differ in it, all of them: 'pairwise and sparse'.
    pairs : int
        Pairs of the two pools, as the connection report counts them.
    forward, backward : float
        Edges in each direction; within one population all are forward.
    reciprocal : float
        Pairs connected both ways, of a connector that draws both.
    forward_sd, backward_sd, reciprocal_sd : float
        Standard deviations of those numbers over draws. A correlation that is estimated counts
        as given.
    infeasible : float
        Share of the pairs with p0 > 0 and p1 > 0 whose joint probability is not feasible.
    forward_error, backward_error, reciprocal_error : float
        Standard errors of what is expected, when it comes from a sample of the pairs; 0 when it
        is exact.
    standard_error : float
        The same of the edges in both directions.
    max_step : float
        The largest change of the forward edges that one independent event can make: 1, but more
        where sources are chosen, each with all its edges, and expect different numbers of them.
    independent : float
        Reciprocal pairs that the probabilities alone would give, if the directions of each pair
        were independent; distances alone make them more frequent than chance [1]_. 0 where only
        one direction is drawn, and the probability of the other is not known to be the same.
    reciprocal_per_rho : float
        How many reciprocal pairs more each unit of the correlation rho gives.
    degrees : dict of str to tuple of (float, float or None)
        Mean and standard deviation, over nodes and draws, of ``'out'`` and ``'in'`` degrees of
        the forward edges, and ``'backward out'`` and ``'backward in'`` where there are two
        populations and directions. Of gap junctions both are the junctions of a cell. The
        deviation is None where the sample of pairs is too small to tell it.
    unmet : Unmet or None
        The mean joint probability, where one was asked for that is not feasible.
    worst : str or None
        The pair whose joint probability has to be moved farthest, in words.
    n_bytes : int
        Memory that the edges take; while they are drawn it is about three times that.
    kept_bytes : int
        Memory that the estimate of rho takes besides, until the edges are drawn (`cache_data`).
    seconds : float
        Time of the draw, of the estimate of rho, and of the counts of possible pairs for the
        report, roughly.

    References
    ----------
    .. [1] F. Z. Hoffmann, J. Triesch, "Nonrandom network connectivity comes in pairs", Network
       Neuroscience 1(1), 31-41 (2017). https://doi.org/10.1162/NETN_a_00004
    """

    sampler: str = "none"
    pairs: int = 0
    forward: float = 0.0
    backward: float = 0.0
    reciprocal: float = 0.0
    infeasible: float = 0.0
    standard_error: float = 0.0
    n_bytes: int = 0
    seconds: float = 0.0
    forward_sd: float = 0.0
    backward_sd: float = 0.0
    reciprocal_sd: float = 0.0
    forward_error: float = 0.0
    backward_error: float = 0.0
    reciprocal_error: float = 0.0
    max_step: float = 1.0
    independent: float = 0.0
    reciprocal_per_rho: float = 0.0
    degrees: dict[str, tuple[float, float | None]] = field(default_factory=dict)
    unmet: Unmet | None = None
    worst: str | None = None
    kept_bytes: int = 0

    @property
    def edges(self) -> float:
        """Edges in both directions."""
        return self.forward + self.backward

    @property
    def estimated(self) -> bool:
        """Whether the numbers come from a sample of the pairs."""
        return max(self.standard_error, self.reciprocal_error) > 0

    def number(self, name: str) -> Moments:
        """Return mean, standard deviation and standard error of one of the numbers.

        Parameters
        ----------
        name : {'forward', 'backward', 'reciprocal'}
        """
        found = (getattr(self, name + part, math.nan) for part in PARTS)
        return Moments(*(None if math.isnan(each) else each for each in found))

    def of_backward(self) -> Expected:
        """Return what is expected of the backward edges, as forward ones of their own."""
        mean, sd, error = (getattr(self, f"backward{part}") for part in PARTS)
        degrees = {
            name.removeprefix("backward "): each
            for name, each in self.degrees.items()
            if name.startswith("backward ")
        }
        return Expected(forward=mean, forward_sd=sd, forward_error=error, degrees=degrees)

    # ------------------------------------------------------------------ plain values
    def as_dict(self) -> dict[str, Any]:
        """Return all attributes as plain values, by the names they have in files."""
        return {KEYS.get(name, name): each for name, each in asdict(self).items()}

    def in_recipe(self) -> dict[str, Any]:
        """Return what recipes hold, as plain values."""
        values = self.as_dict()
        return {name: values[name] for name in RECIPE}

    @classmethod
    def from_recipe(cls, values: Mapping[str, Any]) -> Expected | None:
        """Return what a recipe holds; None if that is nothing.

        Raises
        ------
        AttributeError, TypeError, ValueError
            If a value is not what it should be.
        """
        if not values:
            return None
        numbers: dict[str, Any] = {name + part: math.nan for name in NUMBERS for part in PARTS}
        for name in (*numbers, "max_step", "independent", "reciprocal_per_rho"):
            key = KEYS.get(name, name)
            if values.get(key) is not None:
                numbers[name] = _checked_number(key, values[key])
        degrees = {
            name: (_checked_number(name, mean), None if sd is None else _checked_number(name, sd))
            for name, (mean, sd) in (values.get("degrees") or {}).items()
        }
        return cls(sampler=str(values.get("sampler", "none")), degrees=degrees, **numbers)

    @classmethod
    def certain(cls, drawn: Connectivity, seconds: float) -> Expected:
        """Return what is expected of edges in which no chance is."""
        edges = drawn.forward
        degrees = {"out": edges.out_degree(), "in": edges.in_degree()}
        return cls(
            pairs=drawn.pairs,
            forward=float(len(edges)),
            n_bytes=edges.source.nbytes + edges.target.nbytes,
            seconds=seconds,
            degrees={name: (float(n.mean()), float(n.std())) for name, n in degrees.items()},
        )


def _checked_number(name: str, value: Any) -> float:
    """Return a number of a recipe; a sum may be rounded to a little less than 0."""
    if not isinstance(value, int | float) or not -ROUNDING <= value <= MOST:
        raise ValueError(f"{name} is {value!r}, not a number that can be expected")
    return max(float(value), 0.0)
