"""z of summaries: about standard normal over seeds, whatever the connector."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import QUIET, random_positions
from scipy import stats

from bmtool_connectors import (
    ConnectivityWarning,
    CorrelatedGapJunction,
    FixedOutDegreeConnector,
    FixedTotalNumberConnector,
    GaussianDropoff,
    NetworkBuilder,
    NormalizedReciprocalRate,
    PairwisePoissonConnector,
    ReciprocalConnector,
    UnidirectionConnector,
    spherical_dist,
    summarize,
)

#: Of each share of a test; |z| is beyond BEYOND once in a hundred times.
FALSE_ALARM = 1e-4
BEYOND = float(stats.norm.isf(0.005))
NEAR = GaussianDropoff(stdev=50.0, pmax=0.5, max_dist=120.0)
LAW: dict[str, Any] = {"p0": NEAR, "p0_arg": spherical_dist}
RATE = NormalizedReciprocalRate(1.5)


def network() -> NetworkBuilder:
    """Return 50 and 40 nodes in a cube of 100 um."""
    net = NetworkBuilder("net", verbose=False)
    for seed, (name, n) in enumerate((("A", 50), ("B", 40))):
        net.add_nodes(N=n, pop_name=name, positions=list(random_positions(n, seed)))
    return net


#: Connectors by name, and whether they are used within one population.
KINDS: dict[str, tuple[Callable[..., Any], bool]] = {
    "rate": (lambda **o: ReciprocalConnector(**LAW, pr=RATE, pr_arg="0", **o), True),
    "estimate": (lambda **o: ReciprocalConnector(**LAW, p1=0.3, pr=0.12, **o), False),
    "clipped": (
        lambda **o: ReciprocalConnector(**LAW, p1=0.3, pr=0.2, estimate_rho=False, **o),
        False,
    ),
    "autapses": (lambda **o: ReciprocalConnector(p0=0.3, rho=0.3, autapses=True, **o), True),
    "sparse": (
        lambda **o: ReciprocalConnector(**LAW, pr=RATE, pr_arg="0", sampler="sparse", **o),
        True,
    ),
    "some sources": (
        lambda **o: UnidirectionConnector(NEAR, spherical_dist, source_fraction=0.5, **o),
        False,
    ),
    "degrees": (
        lambda **o: FixedOutDegreeConnector(
            stats.binom(12, 0.5), allow_multapses=True, source_fraction=0.6, **o
        ),
        True,
    ),
    "total": (lambda **o: FixedTotalNumberConnector(900, allow_multapses=True, **o), False),
    "poisson": (lambda **o: PairwisePoissonConnector(0.4, **o), True),
}


def z_values(kind: str, n: int) -> np.ndarray:
    """Return z of the counts, of one seed per row."""
    make, recurrent = KINDS[kind]
    net = network()
    source = net.nodes(pop_name="A")
    target = source if recurrent else net.nodes(pop_name="B")
    rows = []
    for seed in range(n):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConnectivityWarning)
            connector = make(**QUIET, rng=seed, name=kind)
            connector.setup_nodes(source, target)
            measures = connector.summary().entries[0].measures
        rows.append(
            [
                each.z
                for each in measures
                if each.quantity in ("edges", "reciprocal pairs") and each.z is not None
            ]
        )
    return np.array(rows)


def check(z: np.ndarray, name: str) -> None:
    """Refuse counts whose z is beyond 2.576 more, or less, often than by chance."""
    n = len(z)
    low, high = stats.binom.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], n, 0.01)
    for column in z.T:
        beyond = np.count_nonzero(np.abs(column) > BEYOND)
        assert low <= beyond <= high, f"{name}: {beyond} of {n}"
        # The mean is that of n standard normal numbers, n var(z) is about chi-squared.
        assert abs(column.mean()) < stats.norm.isf(FALSE_ALARM / 2) / n**0.5, name
        limits = stats.chi2.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], n - 1) / (n - 1)
        assert limits[0] < column.var(ddof=1) < limits[1], name


@pytest.mark.parametrize("kind", ["clipped", "some sources"])
def test_a_few_seeds(kind: str) -> None:
    """100 seeds; a false alarm in 1,000 runs."""
    check(z_values(kind, 100), kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_thousand_seeds(kind: str) -> None:
    """1,000 seeds; a false alarm in 1,000 runs."""
    z = z_values(kind, 1000)
    assert z.shape[1] >= 1
    check(z, kind)


@pytest.mark.slow
def test_saved(tmp_path: Path) -> None:
    """z of saved networks, from recipes that looked at all pairs; 300 seeds."""
    rows = []
    for seed in range(300):
        net = network()
        source = net.nodes(pop_name="A")
        connector = ReciprocalConnector(**LAW, pr=RATE, pr_arg="0", **QUIET, rng=seed)
        connector.connect(net, source, source)
        chemical = UnidirectionConnector(0.2, **QUIET, rng=seed)
        chemical.connect(net, source, source)
        gap = CorrelatedGapJunction(0.1, 0.5, 0.8, connector=chemical, **QUIET, rng=seed)
        gap.connect(net, source, source, forward={"is_gap_junction": True})
        net.build()
        net.save(tmp_path)
        entries = summarize(tmp_path).entries
        rows.append([each.measure("edges", "forward").z for each in entries])
        rows[-1].append(entries[0].measure("reciprocal pairs").z)
    check(np.array(rows, dtype=float), "saved")
