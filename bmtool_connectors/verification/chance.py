"""How probable a number of edges is, given what is known of its law: mean and deviation."""

from __future__ import annotations

import math

from scipy.special import gammainc

from bmtool_connectors.reports.measures import difference

#: Pairs of a sample that must have had a part in an estimated mean for it to be used.
FEWEST = 20


def two_sided(
    observed: int, expected: float, sd: float, error: float = 0.0, max_step: float = 1.0
) -> float:
    """Return the probability of a count at least as far from its mean.

    Parameters
    ----------
    observed : int
    expected, sd : float
        Mean and standard deviation of the count.
    error : float
        Standard error of `expected`, where that is an estimate.
    max_step : float
        The largest change of the count by one independent event.

    Returns
    -------
    float
        Rather too large than too small: alarms are at most as frequent as they are said to be.

    Notes
    -----
    A sum of independent events that change it by at most b and have the variance s^2 has tails
    below those of b times a Poisson variable with mean s^2 / b^2 (Bennett's inequality), on both
    sides. That variable's upper tail, an incomplete gamma function, is taken for either side. It
    is right for rare events, and normal for many.

    A sample from which the mean is estimated weighs each of its pairs by more than 1, which is a
    step, too; and where the observed number is above the estimate, the variance of the estimate
    may have been underestimated as much.

    References
    ----------
    Bennett, G. (1962). Probability inequalities for the sum of independent random variables.
    Journal of the American Statistical Association, 57(297), 33-45.
    https://doi.org/10.1080/01621459.1962.10482149

    Examples
    --------
    >>> two_sided(100, 100.0, 9.0)
    1.0
    >>> round(two_sided(1000, 900.0, 30.0), 4)  # 3.3 standard deviations
    0.0011
    >>> two_sided(3, 3.0, 0.0), two_sided(4, 3.0, 0.0)
    (1.0, 0.0)
    """
    distance = abs(difference(observed, expected))
    variance = sd**2
    if error and expected:
        variance_of_mean = error**2 * max(1.0, observed / expected)
        variance += variance_of_mean
        max_step = max(max_step, variance_of_mean / max(expected, observed))
    if expected:
        max_step = max(max_step, sd**2 / expected)
    if not variance:
        return float(distance == 0)
    mean = variance / max_step**2
    tail = float(gammainc(mean + distance / max_step, mean))
    return tail if math.isnan(tail) else min(1.0, 2.0 * tail)
