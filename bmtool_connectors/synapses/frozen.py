"""The distribution of a value, and those of scipy.stats.

Values are drawn one at a time, or many at once. A distribution that is *sequential* takes the
same numbers from a generator either way, so that both give the same.
"""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bmtool_connectors.checks import floats
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.randomness import SharedGenerator

FloatArray = npt.NDArray[np.float64]

#: Distributions of scipy.stats that NumPy draws number by number, at location 0 and scale 1.
_STANDARD: dict[str, Callable[..., Any]] = {
    "norm": lambda rng, n: rng.standard_normal(n),
    "lognorm": lambda rng, n, s: np.exp(s * rng.standard_normal(n)),
    "uniform": lambda rng, n: rng.uniform(0.0, 1.0, n),
    "expon": lambda rng, n: rng.standard_exponential(n),
    "gamma": lambda rng, n, a: rng.standard_gamma(a, n),
    "beta": lambda rng, n, a, b: rng.beta(a, b, n),
    "weibull_min": lambda rng, n, c: rng.weibull(c, n),
}

ALLOWED = "a frozen distribution of scipy.stats, or lognormal(), truncated(), clipped(), mixture()"


class Distribution(ABC):
    """The distribution of a value."""

    #: Whether many values at once are those that the same number of single draws gives.
    sequential: bool = True

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, which are attributes too."""
        return tuple(inspect.signature(type(self)).parameters)

    def __repr__(self) -> str:
        values = (f"{name}={shown(getattr(self, name))}" for name in self.parameter_names)
        return f"{type(self).__name__.lower()}({', '.join(values)})"

    @abstractmethod
    def draw(self, rng: SharedGenerator, n: int | None = None) -> Any:
        """Return n values, in an array of their own, or one value where n is None."""

    @abstractmethod
    def cdf(self, x: npt.ArrayLike) -> Any:
        """Return the probability of values up to `x`."""

    def below(self, x: float) -> float:
        """Return the probability of values less than `x`."""
        return float(self.cdf(np.nextafter(x, -math.inf)))

    def rvs(self, size: int = 1, random_state: Any = None) -> FloatArray:
        """Return random values, as the distributions of scipy.stats do.

        Parameters
        ----------
        size : int, default 1
        random_state : Generator, RandomState, int or None
        """
        if not isinstance(random_state, np.random.Generator | np.random.RandomState):
            random_state = np.random.default_rng(random_state)
        values: FloatArray = self.draw(random_state, size)
        return values


class Constant(Distribution):
    """A single value."""

    def __init__(self, value: float) -> None:
        self.value = value

    def draw(self, rng: SharedGenerator, n: int | None = None) -> Any:
        """Return the value n times, or once."""
        return self.value if n is None else np.full(n, self.value)

    def cdf(self, x: npt.ArrayLike) -> Any:
        """Return 1 from the value on."""
        return np.where(np.asarray(x) >= self.value, 1.0, 0.0)


class Frozen(Distribution):
    """A frozen distribution of scipy.stats."""

    def __init__(self, frozen: Any) -> None:
        self.frozen = frozen
        self._standard = _standard(frozen)
        self.sequential = self._standard is not None

    def __repr__(self) -> str:
        return shown(self.frozen)

    def draw(self, rng: SharedGenerator, n: int | None = None) -> Any:
        if self._standard is None:
            values = self.frozen.rvs(size=1 if n is None else n, random_state=rng)
            values = np.asarray(values, dtype=float).reshape(-1)
            return float(values[0]) if n is None else values
        name, shapes, loc, scale = self._standard
        values = _STANDARD[name](rng, n, *shapes)
        values *= scale
        values += loc
        return values

    def cdf(self, x: npt.ArrayLike) -> Any:
        return self.frozen.cdf(x)


def _standard(frozen: Any) -> tuple[str, list[float], float, float] | None:
    """Return name, shapes, location and scale of a distribution that NumPy draws from."""
    from scipy import stats

    dist = frozen.dist
    # By exact type: a user's distribution may have the name of one of these.
    if dist.name not in _STANDARD or type(dist) is not type(getattr(stats, dist.name)):
        return None
    shapes = dist.shapes.split(", ") if dist.shapes else []
    given = dict(zip([*shapes, "loc", "scale"], frozen.args, strict=False)) | frozen.kwds
    values = [float(given[name]) for name in shapes]
    return dist.name, values, float(given.get("loc", 0.0)), float(given.get("scale", 1.0))


def as_distribution(value: Any, owner: str) -> Distribution | None:
    """Return the distribution that a parameter is, or None if it is none.

    Raises
    ------
    ParameterError
        If it is one of which nothing can be drawn; `owner` names the parameter.
    """
    if isinstance(value, Distribution):
        return value
    if not hasattr(value, "rvs"):
        return None
    from scipy.stats import rv_continuous, rv_discrete

    frozen = getattr(value, "dist", None)
    if not isinstance(frozen, rv_continuous | rv_discrete):
        raise ParameterError(f"{owner} must be {ALLOWED}, got {shown(value)}.")
    parameters = floats([*value.args, *value.kwds.values()])
    ends = floats(value.support())
    if parameters.ndim != 1 or np.isnan(parameters).any() or np.isnan(ends).any():
        raise ParameterError(
            f"{owner} must be {ALLOWED}, its parameters numbers, got {shown(value)}, whose "
            "parameters scipy.stats does not allow: correct them, or pass loc= and scale= by name."
        )
    return Frozen(value)


def required_distribution(value: Any, owner: str) -> Distribution:
    """Return the distribution that a parameter is, or raise."""
    found = as_distribution(value, owner)
    if found is None:
        raise ParameterError(f"{owner} must be {ALLOWED}, got {shown(value)}.")
    return found


def moved_within(values: Any, low: float, high: float) -> Any:
    """Return values, in place, that lie within limits: others are moved to the nearest one."""
    if isinstance(values, float):  # a tenth of the time that NumPy takes
        return min(max(values, low), high)
    return np.clip(values, low, high, out=values)


def shown(value: Any) -> str:
    """Return the text of a value in messages: distributions and functions as they are written."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    if hasattr(value, "dist") and hasattr(value, "kwds"):
        parameters = [repr(each) for each in value.args]
        parameters += [f"{name}={each!r}" for name, each in value.kwds.items()]
        return f"{value.dist.name}({', '.join(parameters)})"
    return getattr(value, "__name__", repr(value)) if callable(value) else repr(value)


def checked_probabilities(given: Any, n: int, owner: str) -> tuple[float, ...]:
    """Return n probabilities that add up to 1; equal ones for None."""
    if given is None:
        return (1.0 / n,) * n
    found = floats(given)
    if found.shape != (n,) or not (found >= 0).all() or abs(found.sum() - 1.0) > 1e-9:
        raise ParameterError(f"{owner} must be {n} numbers >= 0 that add up to 1, got {given!r}.")
    return tuple((found / found.sum()).tolist())
