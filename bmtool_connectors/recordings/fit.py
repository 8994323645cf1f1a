"""Maximum-likelihood fits of profiles to connections counted in bins of distance."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri, xlog1py, xlogy

from bmtool_connectors import vectorization
from bmtool_connectors.arrays import FloatArray
from bmtool_connectors.checks import number
from bmtool_connectors.errors import ConnectivityWarning, ParameterError
from bmtool_connectors.profiles.algebra import DistantDependentProbability

__all__ = ["ProfileFit"]

#: What makes a profile of parameters.
Make = Callable[..., DistantDependentProbability]

#: Distances within a bin over which a law is averaged, and their weights, on [-1, 1].
NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)
#: Step of the differences that give the observed information, relative.
STEP = 1e-3


@dataclass(frozen=True, eq=False)
class ProfileFit:
    """A profile fitted to recordings.

    Attributes
    ----------
    profile : DistantDependentProbability
        The fitted law.
    parameters, errors : dict of str to float
        The fitted parameters and their standard errors, from the observed information; NaN where
        the likelihood has no curvature, as at the end of what is allowed.
    covariance : ndarray of float, shape (k, k)
        In the order of `parameters`.
    log_likelihood : float
        Binomial, without the constant.
    deviance : float
        Twice the log-likelihood that bins with free probabilities have more. Near
        `degrees_of_freedom` for a law that fits.
    degrees_of_freedom : int
        Bins less parameters.
    """

    profile: DistantDependentProbability
    parameters: dict[str, float]
    errors: dict[str, float]
    covariance: FloatArray = field(repr=False)
    log_likelihood: float
    deviance: float
    degrees_of_freedom: int

    def interval(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Return the interval of each parameter by its standard error (Wald).

        Parameters
        ----------
        level : float, default 0.95
            Probability that it holds the true value, for many recordings.
        """
        level = number(level, "level of ProfileFit.interval", "a number in (0, 1)", 1e-9, 1 - 1e-9)
        width = float(ndtri((1 + level) / 2))
        return {
            name: (value - width * self.errors[name], value + width * self.errors[name])
            for name, value in self.parameters.items()
        }


def bin_distances(edges: FloatArray) -> FloatArray:
    """Return the distances at which a law stands for a bin, shape (n, 8), um."""
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    return middle[:, None] + half[:, None] * NODES


def bin_means(profile: DistantDependentProbability, distances: FloatArray) -> FloatArray:
    """Return the mean of a law over the distances of each bin, shape (n,)."""
    values = vectorization.of_values(profile, (distances.ravel(),), distances.size, "profile")
    means: FloatArray = values.reshape(distances.shape) @ (WEIGHTS / 2)
    return means


def _log_likelihood(p: FloatArray, k: FloatArray, n: FloatArray) -> float:
    return float((xlogy(k, p) + xlog1py(n - k, -p)).sum())


@dataclass(frozen=True)
class _Problem:
    """What is fitted to what."""

    make: Make
    names: tuple[str, ...]
    scale: FloatArray
    distances: FloatArray
    k: FloatArray
    n: FloatArray

    def profile(self, x: FloatArray) -> DistantDependentProbability:
        """Return the profile with parameters in units of their scale."""
        return self.make(**dict(zip(self.names, (x * self.scale).tolist(), strict=True)))

    def loss(self, x: FloatArray) -> float:
        """Return the negative log-likelihood; infinite where parameters are not allowed."""
        try:
            p = bin_means(self.profile(x), self.distances)
        except ParameterError:
            return math.inf
        return -_log_likelihood(np.clip(p, 0.0, 1.0), self.k, self.n)

    def covariance(self, x: FloatArray, best: float) -> FloatArray:
        """Return the inverse of the observed information, or NaN where there is none."""
        m = len(x)
        steps = np.diag(STEP * np.maximum(np.abs(x), 0.1))
        information = np.empty((m, m))
        for i in range(m):
            for j in range(i + 1):
                if i == j:
                    two = self.loss(x + steps[i]) - 2 * best + self.loss(x - steps[i])
                else:
                    a, b = steps[i], steps[j]
                    two = self.loss(x + a + b) - self.loss(x + a - b)
                    two = (two - self.loss(x - a + b) + self.loss(x - a - b)) / 4
                information[i, j] = information[j, i] = two / (steps[i, i] * steps[j, j])
        if not np.isfinite(information).all() or np.linalg.eigvalsh(information)[0] <= 0:
            return np.full((m, m), math.nan)
        return np.linalg.inv(information) * np.outer(self.scale, self.scale)


def fit_profile(
    make: Make,
    start: dict[str, float],
    edges: FloatArray,
    k: FloatArray,
    n: FloatArray,
    dispersion: float = 1.0,
) -> ProfileFit:
    """Fit the parameters of a profile to connections in bins.

    Parameters
    ----------
    make : callable
        Makes a profile of the parameters, by name.
    start : dict of str to float
        Where to begin.
    edges : ndarray of float, shape (m + 1,), um
    k, n : ndarray of float, shape (m,)
        Connections and trials in each bin.
    dispersion : float
        Variance of the counts over that of independent trials.
    """
    from scipy.optimize import minimize

    if not start:
        raise ParameterError(
            "start of PairCounts.fit is empty; pass a value to begin with for each parameter to "
            "be fitted, for example scale=50.0."
        )
    allowed = "a finite number to begin with"
    values = np.array(
        [
            number(v, f"{name} of PairCounts.fit", allowed, -1e300, 1e300)
            for name, v in start.items()
        ]
    )
    scale = np.where(values == 0, 1.0, np.abs(values))
    problem = _Problem(make, tuple(start), scale, bin_distances(edges), k, n)
    # What is wrong with these values is said by the profile itself.
    first = make(**start) if callable(make) else None
    if not isinstance(first, DistantDependentProbability):
        raise ParameterError(
            "profile of PairCounts.fit must be a class of profiles, or a function that returns a "
            f"profile, got {make!r}."
        )
    with warnings.catch_warnings():
        # On the way to the best parameters probabilities may be cut at 1.
        warnings.simplefilter("ignore", ConnectivityWarning)
        x = values / scale
        if not problem.loss(x) < math.inf:
            raise ParameterError(
                f"start of PairCounts.fit is {start!r}, where the law gives 0 in a bin with "
                "connections, or 1 in one without all; begin with values that are possible."
            )
        for _ in range(2):  # once more from there: the simplex may have shrunk too early
            options = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 2000 * len(x)}
            found = minimize(problem.loss, x, method="Nelder-Mead", options=options)
            x = found.x
        if not found.success:
            raise ParameterError(
                f"start of PairCounts.fit is {start!r}, from where no best parameters were found; "
                "begin elsewhere, or fit fewer parameters."
            )
        best = float(found.fun)
        covariance = problem.covariance(x, best) * dispersion
    errors = np.sqrt(np.diag(covariance)).tolist()
    return ProfileFit(
        profile=problem.profile(x),
        parameters=dict(zip(start, (x * scale).tolist(), strict=True)),
        errors=dict(zip(start, errors, strict=True)),
        covariance=covariance,
        log_likelihood=-best,
        deviance=2 * (_log_likelihood(k / n, k, n) + best) / dispersion,
        degrees_of_freedom=len(k) - len(start),
    )
