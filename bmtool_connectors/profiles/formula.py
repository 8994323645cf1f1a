"""Profiles with a formula, whose height may come from an overall probability."""

from __future__ import annotations

import functools
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bmtool_connectors.arrays import FloatArray
from bmtool_connectors.checks import HUGE, number
from bmtool_connectors.errors import ParameterError, warn
from bmtool_connectors.profiles.algebra import DistantDependentProbability
from bmtool_connectors.profiles.shells import (
    checked_dist_type,
    density,
    density_power,
    range_ends,
    shell_mean,
)

#: Ends of the range that `ptotal` refers to, um; None is the range of the profile.
DistRange = tuple[float, float] | range | None


class FormulaProfile(DistantDependentProbability):
    """A profile with a formula that turns at known distances, cut at 0 and 1 as a probability."""

    def probability(self, dist: npt.ArrayLike) -> Any:
        """Return the value at `dist` (um), cut at 0 and 1, without regard to the range."""
        return np.clip(self._formula(np.asarray(dist, dtype=float)), 0.0, 1.0)

    @abstractmethod
    def _formula(self, dist: FloatArray) -> Any:
        """Return the value at `dist`, neither clipped nor cut to the range."""

    def _turns(self) -> tuple[float, ...]:
        """Return the distances > 0 where the formula turns."""
        return ()

    def _extremes(self, low: FloatArray, high: FloatArray) -> list[Any]:
        """Return the values among which the least and the greatest on intervals are."""
        places = [low, high, *(np.clip(turn, low, high) for turn in self._turns())]
        return [self._formula(np.asarray(place)) for place in places]

    def _greatest(self, low: FloatArray, high: FloatArray) -> Any:
        return functools.reduce(np.maximum, self._extremes(low, high))

    def _least(self, low: FloatArray, high: FloatArray) -> Any:
        return functools.reduce(np.minimum, self._extremes(low, high))

    def _kinks(self) -> Iterable[float]:
        return *super()._kinks(), *self._turns()


class TotalProfile(FormulaProfile):
    """A profile whose height may be computed from the overall probability.

    Subclasses say what ``_shape`` is, and, where it has one, the closed form of its mean.
    """

    ptotal: float | None
    ptotal_dist_range: Any
    dist_type: str
    #: The parameters of the shape, and those of them that are multiplied to reach `ptotal`.
    _shape_names: ClassVar[tuple[str, ...]] = ()
    _amplitudes: ClassVar[tuple[str, ...]] = ()
    #: The parameter that the height comes from, for messages.
    _height = "ptotal"

    def _own_parameters(self) -> dict[str, Any]:
        """Return the parameters of the shape."""
        return {name: getattr(self, name) for name in self._shape_names}

    def _parameters(self) -> dict[str, Any]:
        return {**self._own_parameters(), **super()._parameters()}

    def _set_total(self, ptotal: Any, ptotal_dist_range: Any, dist_type: Any) -> None:
        """Check and keep what the height may be computed from, and compute it."""
        own = type(self).__name__
        if ptotal is not None:
            ptotal = number(ptotal, f"ptotal of {own}", "a probability in [0, 1]", 0.0, 1.0)
        self.dist_type = checked_dist_type(dist_type, own)
        self.ptotal = ptotal
        self.ptotal_dist_range = (
            (self.min_dist, self.max_dist) if ptotal_dist_range is None else ptotal_dist_range
        )
        if ptotal is not None and self._amplitudes:
            factor = self._height_for_total()
            for name in self._amplitudes:
                setattr(self, name, factor * getattr(self, name))
            self._warn_of_cut()

    @abstractmethod
    def _shape(self, dist: FloatArray) -> Any:
        """Return the value at `dist` before its height is known."""

    def _formula(self, dist: FloatArray) -> Any:
        return self._shape(dist)

    def _ptotal_limits(self) -> tuple[float, float]:
        """Return the checked ends of ``ptotal_dist_range``."""
        return range_ends(self.ptotal_dist_range, f"ptotal_dist_range of {type(self).__name__}")

    def _shape_mean(self, r1: float, r2: float) -> float:
        """Return the mean of the shape, where it is positive, over cells between r1 and r2.

        By quadrature, unless a class knows its closed form.
        """

        def positive(r: float) -> float:
            return max(float(self._shape(np.float64(r))), 0.0)

        return shell_mean(positive, r1, r2, density_power(self.dist_type), self._kinks())

    def _height_for_total(self) -> float:
        """Return by what the shape has to be multiplied for `ptotal`."""
        own = type(self).__name__
        if self.ptotal is None:
            raise ParameterError(
                f"ptotal of {own} is None; pass a probability in [0, 1] to compute pmax."
            )
        mean = self._shape_mean(*self._ptotal_limits())
        if not mean > 0:
            shape = ", ".join(f"{name} {value}" for name, value in self._own_parameters().items())
            raise ParameterError(
                f"ptotal_dist_range of {own} is {self.ptotal_dist_range!r}, where its shape "
                f"({shape}) is zero; choose a range within reach."
            )
        return self.ptotal / mean

    def compute_ptotal_integral(self, num_points: int = 1000) -> float:
        """Return the overall probability within `ptotal_dist_range`, numerically.

        Parameters
        ----------
        num_points : int, default 1000
            Points of the trapezoid rule (at least 2).

        Returns
        -------
        float
            Integral of the profile (cut at 0 and 1; `min_dist` and `max_dist` do not enter)
            weighted with the density of distances.

        Raises
        ------
        ParameterError
            If the range is infinite or empty, or `num_points` is less than 2.
        """
        n = int(number(num_points, "num_points", "a whole number of at least 2", 2, 1e9))
        r1, r2 = self._ptotal_limits()
        r = np.linspace(r1, r2, n)
        weighted = self.probability(r) * density(r, r1, r2, density_power(self.dist_type))
        return float(((weighted[1:] + weighted[:-1]) / 2 * np.diff(r)).sum())

    def _warn_of_cut(self) -> bool:
        """Return whether the probability is cut at 1, and say so if it is."""
        peak = float(self._greatest(np.float64(self.min_dist), np.float64(self.max_dist)))
        if peak <= 1:
            return False
        name = self._height
        also = " and ptotal is not reached" if self.ptotal is not None else ""
        warn(
            f"{name} of {type(self).__name__} is {getattr(self, name):.4g}, so its probability "
            f"would be up to {peak:.4g}{self._crossings()}; probabilities are cut at 1{also}."
        )
        return True

    def _crossings(self) -> str:
        """Say where the value crosses 1, if that is known."""
        return ""


class PeakProfile(TotalProfile):
    """A shape times `pmax`, which may be computed from `ptotal`."""

    pmax: float
    _height = "pmax"

    def _parameters(self) -> dict[str, Any]:
        return {**super()._parameters(), "pmax": self.pmax}

    def _set_peak(self, pmax: Any, ptotal: Any, ptotal_dist_range: Any, dist_type: Any) -> None:
        """Check and keep the height; the shape has its parameters already."""
        if ptotal is None:
            own = type(self).__name__
            pmax = number(pmax, f"pmax of {own}", "a finite number >= 0", 0.0, HUGE)
        self._set_total(ptotal, ptotal_dist_range, dist_type)
        self.pmax = pmax if ptotal is None else self.calc_pmax_from_ptotal()

    def _formula(self, dist: FloatArray) -> Any:
        return self.pmax * self._shape(dist)

    def calc_pmax_from_ptotal(self) -> float:
        """Return the `pmax` for which the overall probability equals `ptotal`.

        Returns
        -------
        float
            ``ptotal`` over the mean of the shape, weighted with the density of distances.

        Raises
        ------
        ParameterError
            If `ptotal` is None, or the range it refers to is infinite or empty.
        """
        return self._height_for_total()
