"""The table of equivalents is complete, and every call in it does what its row says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pandas as pd
import pytest
from bmtk.builder import NetworkBuilder
from conftest import QUIET, pools
from scipy import linalg, stats
from scipy.sparse import csr_matrix
from scipy.spatial import distance

import bmtool_connectors
from bmtool_connectors import (
    BlockConnector,
    DelayRule,
    ExponentialDropoff,
    FixedInDegreeConnector,
    FixedTotalNumberConnector,
    GaussianDropoff,
    LinearDropoff,
    MatrixConnector,
    ParameterError,
    PeriodicDistance,
    UnidirectionConnector,
    UniformInRange,
    WeightRule,
    modular_blocks,
    spherical_dist,
    vectorized,
)

PAGE = Path(__file__).resolve().parents[1] / "docs" / "equivalents.md"
FALSE_ALARM = 1e-6  # of each row

#: What the packages have, as of the versions that the page names.
THEIRS = {
    "NEST": """one_to_one all_to_all fixed_indegree fixed_outdegree fixed_total_number
        pairwise_bernoulli symmetric_pairwise_bernoulli pairwise_poisson
        tripartite_bernoulli_with_pool""",
    "PyNN": """AllToAllConnector OneToOneConnector FixedProbabilityConnector
        DistanceDependentProbabilityConnector IndexBasedProbabilityConnector
        DisplacementDependentProbabilityConnector FixedNumberPreConnector FixedNumberPostConnector
        FixedTotalNumberConnector FromListConnector FromFileConnector ArrayConnector CloneConnector
        SmallWorldConnector CSAConnector""",
    "BrainPy": """One2One All2All MatConn IJConn CSRConn SparseMatConn FixedProb FixedPreNum
        FixedPostNum FixedTotalNum ProbDist GaussianProb GridFour GridEight GridN SmallWorld
        ScaleFreeBA ScaleFreeBADual PowerLaw""",
    "braintools": """Random AllToAll OneToOne DistanceDependent Gaussian Exponential ClusteredRandom
        ExcitatoryInhibitory Ring Grid2d RadialPatches SmallWorld ScaleFree Regular ModularRandom
        ModularGeneral HierarchicalRandom CorePeripheryRandom""",
    "Profiles of braintools": """GaussianProfile ExponentialProfile PowerLawProfile LinearProfile
        StepProfile SigmoidProfile LogisticProfile DoGProfile MexicanHatProfile BimodalProfile
        ComposedProfile ClipProfile ApplyProfile PipeProfile""",
    "braintools.init": """Constant ZeroInit Uniform Normal LogNormal Gamma Exponential Weibull
        TruncatedNormal Beta Mixture Conditional Scaled Clipped arithmetic DistanceModulated""",
}
NOT_YET = "not in this package yet"


def rows(column: int = 1) -> dict[tuple[str, str], str]:
    """Return what stands in a column, the second or the third, by section and first column."""
    found = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        title, _, text = section.partition("\n")
        for cells in re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]*)\|$", text, re.MULTILINE):
            if cells[0] not in ("rule", "connector", "class", "profile"):
                found[title, cells[0].strip()] = cells[column].strip()
    return found


ROWS = rows()
REMARKS = {key: remark for key, remark in rows(2).items() if remark}

# ---------------------------------------------------------------------- what the calls name
N = 30
POSITIONS = np.random.default_rng(4).uniform(0, 100, (N, 3))
DIST = np.linalg.norm(POSITIONS[:, None] - POSITIONS, axis=-1)
MATRIX = np.random.default_rng(5).integers(0, 3, (N, N))
GAUSS = GaussianDropoff(stdev=40.0, pmax=0.8)
EI = ["e"] * 24 + ["i"] * 6
MODULE = np.repeat([0, 1, 2], N // 3).tolist()
PART = ["core"] * 8 + ["periphery"] * 22


def exponential(d: float) -> float:
    """Return a law of distance."""
    return float(0.9 * np.exp(-d / 30.0))


def itself(x: Any) -> Any:
    """Return x."""
    return x


def of_nodes(a: Any, b: Any) -> float:
    """Return a law of node ids."""
    return float((a.node_id + b.node_id) % 3 == 0) * 0.5


def displacement(a: Any, b: Any) -> Any:
    """Return the way from a to b, um."""
    return np.subtract(b["positions"], a["positions"])


def of_displacement(way: Any) -> float:
    """Return a law that knows up from down."""
    return 0.6 if way[2] > 0 else 0.1


def by_class(a: Any, b: Any) -> float:
    """Return weights of two classes of sources."""
    return 2.0 if a.node_id < N / 2 else 0.5


def names() -> dict[str, Any]:
    """Return the names that the calls use."""
    other = UnidirectionConnector(0.2, rng=8, **QUIET)
    source, _ = pools(network())
    other.setup_nodes(source=source, target=source)
    i, j = np.nonzero(MATRIX)
    table = pd.DataFrame({"source": i, "target": j, "n_syn": MATRIX[i, j], "delay": 1.0 + i / 10})
    public = bmtool_connectors.__all__
    made: dict[str, Any] = {name: getattr(bmtool_connectors, name) for name in public}
    functions = (exponential, itself, of_nodes, displacement, of_displacement, by_class)
    made |= {function.__name__: function for function in functions}
    made |= {"p": 0.3, "f": 0.5, "k": 4, "n": 50, "mean": 0.4, "radius": 50.0, "sigma": 40.0}
    made |= {"factor": 2.0, "decay": 30.0}
    made |= {"i": i, "j": j, "matrix": MATRIX, "csr": csr_matrix(MATRIX), "gauss": GAUSS}
    made |= {"a_connector": FixedInDegreeConnector(3), "another": UnidirectionConnector(0.4)}
    made |= {"stats": stats, "low": 0.5, "high": 2.5, "std": 0.3, "shape": 2.0, "scale": 1.5}
    made |= {"a": 2.0, "b": 5.0}
    made |= {"nx": networkx, "rows": 5, "columns": 6, "m": 3, "cdist": distance.cdist}
    made |= {"circulant": linalg.circulant}
    made |= {"positions": POSITIONS, "rng": np.random.default_rng(6)}
    return made | {"table": table, "other": other, "n_target": N, "round": round}


def network() -> Any:
    """Return a network of N cells at the positions."""
    net = NetworkBuilder("net")
    classes: dict[str, Any] = {"ei": EI, "module": MODULE, "level": MODULE, "part": PART}
    net.add_nodes(N=N, pop_name="A", positions=list(POSITIONS), **classes)
    return net


# ---------------------------------------------------------------------- what they do
Check = Callable[[np.ndarray, Any], None]


def law(p: Any, autapses: bool, fraction: float = 1.0) -> Check:
    """Return a check of independent pairs: totals, where connection is likely and where not."""

    def check(found: np.ndarray, connector: Any) -> None:
        expected = np.broadcast_to(p, (N, N)) * np.ones((N, N))
        if not autapses:
            assert not np.diag(found).any()
            expected = expected * ~np.eye(N, dtype=bool)
        if fraction < 1:
            taking_part = found.any(axis=1)
            assert taking_part.sum() == fraction * N
            expected, found = expected[taking_part], found[taking_part]
        assert found.max() == 1
        assert not found[expected == 0].any()
        high = expected >= np.median(expected[expected > 0])
        for part in (high, ~high):
            mean, variance = expected[part].sum(), (expected * (1 - expected))[part].sum()
            if variance:
                z = (found[part].sum() - mean) / variance**0.5
                assert 2 * stats.norm.sf(abs(z)) > FALSE_ALARM / 2

    return check


def blocks(classes: list[Any], p: Any, autapses: bool = False) -> Check:
    """Return a check of the number of connections of each pair of classes (rows sources)."""

    def check(found: np.ndarray, connector: Any) -> None:
        names = sorted(set(classes))
        possible = np.ones((N, N), dtype=bool) if autapses else ~np.eye(N, dtype=bool)
        assert not found[~possible].any()
        for row, a in zip(p, names, strict=True):
            for probability, b in zip(row, names, strict=True):
                block = np.ix_(np.array(classes) == a, np.array(classes) == b)
                k, n = found[block].sum(), possible[block].sum()
                law = stats.binom(n, probability)
                assert min(law.cdf(k), law.sf(k - 1)) > FALSE_ALARM / 2 / len(names) ** 2

    return check


def modular(found: np.ndarray, connector: Any) -> None:
    """Check modules that have a connector each, and none where there is None."""
    first, second, third = (slice(10 * k, 10 * k + 10) for k in range(3))
    assert (found[first, first].sum(axis=0) == 3).all()
    assert not found[third, third].any()
    for part, p in ((found[second, second], 0.4), (found[first, second], 0.05)):
        law = stats.binom(part.size, p)
        assert min(law.cdf(part.sum()), law.sf(part.sum() - 1)) > FALSE_ALARM / 4


def degree(k: int, axis: int, at_most: int | None = 1, zero_rows: int = 0) -> Check:
    """Return a check of exact sums along an axis."""

    def check(found: np.ndarray, connector: Any) -> None:
        sums = found.sum(axis=axis)
        assert sorted(set(sums.tolist()) - {0}) == [k]
        assert (sums == 0).sum() == zero_rows
        if at_most is not None:
            assert found.max() == at_most

    return check


def total(n: int) -> Check:
    """Return a check of the number of synapses."""

    def check(found: np.ndarray, connector: Any) -> None:
        assert found.sum() == n

    return check


def exactly(wanted: np.ndarray) -> Check:
    """Return a check of certain edges."""

    def check(found: np.ndarray, connector: Any) -> None:
        assert (found == wanted).all()

    return check


def symmetric(found: np.ndarray, connector: Any) -> None:
    """Check that pairs are connected both ways or not at all."""
    assert (found == found.T).all()
    upper = found[np.triu_indices(N, 1)]
    k = int(upper.sum())
    assert min(stats.binom.cdf(k, len(upper), 0.3), stats.binom.sf(k - 1, len(upper), 0.3)) > 1e-6


def poisson(found: np.ndarray, connector: Any) -> None:
    """Check the number of synapses, and that some pairs have several."""
    mean = 0.4 * N * N
    assert min(stats.poisson.cdf(found.sum(), mean), stats.poisson.sf(found.sum() - 1, mean)) > 1e-6
    assert found.max() > 1


def weights(found: np.ndarray, connector: Any) -> None:
    """Check that the values of a matrix are weights of edges with one synapse."""
    assert (found == (MATRIX > 0)).all()
    assert connector.columns["syn_weight"].tolist() == MATRIX[MATRIX > 0].tolist()


def listed(found: np.ndarray, connector: Any) -> None:
    """Check that numbers and properties of a table are kept."""
    assert (found == MATRIX).all()
    assert connector.edge_properties()["names"] == ["delay"]


def from_file(found: np.ndarray, connector: Any) -> None:
    """Check the two pairs of the file."""
    assert found.sum() == 2
    assert found[0, 1] == found[2, 3] == 1


def cloned(found: np.ndarray, connector: Any) -> None:
    """Check that a connector with the same seed has the same edges."""
    other = UnidirectionConnector(0.2, rng=8, **QUIET)
    source, _ = pools(network())
    other.setup_nodes(source=source, target=source)
    assert (found == other.connectivity.forward.to_dense()).all()


def profile(formula: Callable[[np.ndarray], np.ndarray]) -> Check:
    """Return a check of a profile drawn as it is, by its formula there, cut at 0 and 1."""
    return law(np.clip(formula(DIST), 0.0, 1.0), True)


def bell(sigma: float, center: float = 0.0) -> Callable[[np.ndarray], np.ndarray]:
    """Return a Gaussian with peak 1."""
    return lambda d: np.exp(-(((d - center) / sigma) ** 2) / 2)


def graph(degree_sum: int | None = None, least: int = 0) -> Check:
    """Return a check of an undirected graph: number of edges in both directions, least degree."""

    def check(found: np.ndarray, connector: Any) -> None:
        assert (found == found.T).all()
        assert not np.diag(found).any()
        assert degree_sum is None or found.sum() == degree_sum
        assert found.sum(axis=0).min() >= least
        assert 0 < found.sum() < N * N / 2

    return check


def patches(found: np.ndarray, connector: Any) -> None:
    """Check that the targets of each source are around one of the cells."""
    is_near = DIST <= 50.0
    for row in found.astype(bool):
        assert is_near[:, row].all(axis=1).any()
    assert 0 < found.sum() < 0.3 * N * N


PLACE = np.stack(np.divmod(np.arange(N), 6))  # row and column of each cell, 5 x 6
STEPS = np.abs(PLACE[:, :, None] - PLACE[:, None, :])
TORUS = np.minimum(STEPS, np.array([5, 6])[:, None, None] - STEPS)
LAYER = np.stack(np.unravel_index(np.arange(N), (2, 5, 3)))  # layer, row and column
LAYER_STEPS = np.abs(LAYER[:, :, None] - LAYER[:, None, :])
AFTER = (np.arange(N) - np.arange(N)[:, None]) % N  #: of a target, behind its source on a ring
AWAY = np.abs(np.arange(N)[:, None] - np.arange(N))
ALL, EYE, CONNECTED = np.ones((N, N)), np.eye(N), (MATRIX > 0).astype(int)
EXPONENTIAL = 0.9 * np.exp(-DIST / 30.0)
GAUSSIAN = np.exp(-0.5 * (DIST / 40.0) ** 2)
STEP = np.abs(POSITIONS[:, None] - POSITIONS)
AROUND = np.sqrt((np.minimum(STEP, 100.0 - STEP) ** 2).sum(axis=-1))
IDS = np.arange(N)
UP = np.where((POSITIONS[None, :, 2] - POSITIONS[:, None, 2]) > 0, 0.6, 0.1)
CHECKS: dict[tuple[str, str], Check] = {
    ("NEST", "one_to_one"): exactly(EYE),
    ("NEST", "all_to_all"): exactly(ALL),
    ("NEST", "fixed_indegree"): degree(4, 0, None),
    ("NEST", "fixed_outdegree"): degree(4, 1, None),
    ("NEST", "fixed_total_number"): total(50),
    ("NEST", "pairwise_bernoulli"): law(0.3, True),
    ("NEST", "symmetric_pairwise_bernoulli"): symmetric,
    ("NEST", "pairwise_poisson"): poisson,
    ("NEST", "pairwise_bernoulli, p of distance"): law(0.8 * GAUSSIAN, True),
    ("PyNN", "AllToAllConnector"): exactly(ALL),
    ("PyNN", "OneToOneConnector"): exactly(EYE),
    ("PyNN", "FixedProbabilityConnector"): law(0.3, True),
    ("PyNN", "DistanceDependentProbabilityConnector"): law(EXPONENTIAL, True),
    ("PyNN", "IndexBasedProbabilityConnector"): law(((IDS[:, None] + IDS) % 3 == 0) * 0.5, True),
    ("PyNN", "DisplacementDependentProbabilityConnector"): law(UP, True),
    ("PyNN", "FixedNumberPreConnector"): degree(4, 0),
    ("PyNN", "FixedNumberPostConnector"): degree(4, 1),
    ("PyNN", "FixedTotalNumberConnector"): total(50),
    ("PyNN", "FromListConnector"): listed,
    ("PyNN", "FromFileConnector"): from_file,
    ("PyNN", "ArrayConnector"): exactly(MATRIX),
    ("PyNN", "CloneConnector"): cloned,
    ("BrainPy", "One2One"): exactly(EYE),
    ("BrainPy", "All2All"): exactly(ALL),
    ("BrainPy", "MatConn"): exactly(MATRIX),
    ("BrainPy", "IJConn"): exactly(CONNECTED),
    ("BrainPy", "CSRConn"): exactly(MATRIX),
    ("BrainPy", "SparseMatConn"): weights,
    ("BrainPy", "FixedProb, as conn_mat"): law(0.3, True, fraction=0.5),
    ("BrainPy", "FixedProb, as other structures"): degree(9, 1, zero_rows=15),
    ("BrainPy", "FixedPreNum"): degree(4, 0),
    ("BrainPy", "FixedPostNum"): degree(4, 1),
    ("BrainPy", "FixedTotalNum"): total(50),
    ("BrainPy", "ProbDist"): law(0.3 * (DIST <= 50.0), True),
    ("BrainPy", "GaussianProb"): law(GAUSSIAN, True),
    ("BrainPy", "GaussianProb, periodic_boundary"): law(bell(40.0)(AROUND), True),
    ("PyNN", "SmallWorldConnector"): graph(4 * N),
    ("BrainPy", "GridFour"): exactly(STEPS.sum(axis=0) == 1),
    ("BrainPy", "GridFour, periodic_boundary"): exactly(TORUS.sum(axis=0) == 1),
    ("BrainPy", "GridFour, three axes"): exactly(LAYER_STEPS.sum(axis=0) == 1),
    ("BrainPy", "GridEight, periodic_boundary"): exactly(TORUS.max(axis=0) == 1),
    ("BrainPy", "GridEight"): exactly(STEPS.max(axis=0) == 1),
    ("BrainPy", "GridN"): exactly((STEPS.max(axis=0) <= 2) & (AWAY > 0)),
    ("BrainPy", "SmallWorld"): graph(4 * N),
    ("BrainPy", "ScaleFreeBA"): graph(2 * 3 * (N - 3), least=1),
    ("BrainPy", "ScaleFreeBADual"): graph(least=1),
    ("BrainPy", "PowerLaw"): graph(least=1),
    ("braintools", "Ring"): exactly(np.isin(np.minimum(AWAY, N - AWAY), [1, 2])),
    ("braintools", "Ring, one way"): exactly(np.isin(AFTER, [1, 2])),
    ("braintools", "Grid2d"): exactly(STEPS.sum(axis=0) == 1),
    ("braintools", "RadialPatches"): patches,
    ("braintools", "SmallWorld"): graph(4 * N),
    ("braintools", "ScaleFree"): graph(2 * 3 * (N - 3), least=1),
    ("braintools", "Random"): law(0.3, False),
    ("braintools", "AllToAll"): exactly(ALL - EYE),
    ("braintools", "OneToOne"): exactly(EYE),
    ("braintools", "OneToOne, circular"): exactly(EYE),
    ("braintools", "DistanceDependent"): law(EXPONENTIAL, False),
    ("braintools", "Gaussian"): law(GAUSSIAN, False),
    ("braintools", "Exponential"): law(np.exp(-DIST / 30.0), False),
    ("braintools", "ClusteredRandom"): law(np.where(DIST <= 50.0, 0.6, 0.3), False),
    ("braintools", "ExcitatoryInhibitory"): blocks(EI, [[0.1, 0.1], [0.2, 0.2]], True),
    ("braintools", "Regular"): degree(4, 1),
    ("braintools", "ModularRandom"): blocks(MODULE, 0.01 + 0.29 * np.eye(3)),
    ("braintools", "ModularGeneral"): modular,
    ("braintools", "HierarchicalRandom"): blocks(
        MODULE, [[0.2, 0.3, 0.0], [0.1, 0.2, 0.3], [0.0, 0.1, 0.2]]
    ),
    ("braintools", "CorePeripheryRandom"): blocks(PART, [[0.5, 0.2], [0.2, 0.05]]),
}
PROFILES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "GaussianProfile": bell(40.0),
    "ExponentialProfile": lambda d: np.exp(-d / 30.0),
    "PowerLawProfile": lambda d: (np.maximum(d, 30.0) / 30.0) ** -2.0,
    "LinearProfile": lambda d: 1 - d / 50.0,
    "StepProfile": lambda d: np.where(d <= 50.0, 0.7, 0.2),
    "SigmoidProfile": lambda d: 1 / (1 + np.exp(0.1 * (d - 50.0))),
    "LogisticProfile": lambda d: 1 / (1 + np.exp(0.1 * (d - 50.0))),
    "DoGProfile": lambda d: bell(40.0)(d) - 0.5 * bell(80.0)(d),
    "MexicanHatProfile": lambda d: (1 - (d / 40.0) ** 2) * bell(40.0)(d),
    "BimodalProfile": lambda d: 0.6 * bell(40.0)(d) + 0.4 * bell(30.0, 50.0)(d),
    "ComposedProfile": lambda d: 0.5 * np.maximum(1 - d / 50.0, 0) + 0.1 * np.exp(-d / 30.0),
    "ClipProfile": lambda d: 2 * np.exp(-d / 30.0),
    "ApplyProfile": lambda d: 0.9 * np.exp(-d / 30.0),
    "PipeProfile": lambda d: 0.9 * np.exp(-d / 30.0),
}
CHECKS |= {("Profiles of braintools", name): profile(value) for name, value in PROFILES.items()}


def test_complete() -> None:
    """Every class of theirs has a row, every row a call with a check or says why not."""
    for package, classes in THEIRS.items():
        found = {name.partition(",")[0] for title, name in ROWS if title == package}
        assert found == set(classes.split()), package
    with_call = {key for key, here in ROWS.items() if here != NOT_YET}
    assert with_call == set(CHECKS) | {("braintools.init", name) for name in VALUES}


@pytest.mark.parametrize("key", CHECKS, ids=", ".join)
def test_row(key: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pairs.csv").write_text("source_node_id,target_node_id\n0,1\n2,3\n")
    call = ROWS[key].strip("`")
    names_of_call = names()
    bmtool_connectors.rng = 20
    made = eval(call, names_of_call)
    in_connector = key[0] != "Profiles of braintools"
    connector = made if in_connector else UnidirectionConnector(made, spherical_dist)
    connector.verbose = connector.save_report = False
    source, _ = pools(network())
    connector.setup_nodes(source=source, target=source)
    CHECKS[key](connector.connectivity.forward.to_dense(), connector)


# ---------------------------------------------------------------------- weights and delays
Values = np.ndarray


def has_law(cdf: Any, factor: Callable[[Values], Any] = lambda dist: 1.0) -> Callable[..., None]:
    """Return a check that values over a factor have a law."""

    def check(values: Values, source: Values, dist: Values) -> None:
        assert stats.kstest(values / factor(dist), cdf).pvalue > FALSE_ALARM
        assert len(np.unique(values)) == len(values)

    return check


def is_equal(expected: Callable[[Values, Values], Any]) -> Callable[..., None]:
    """Return a check of certain values, as a function of source and distance."""

    def check(values: Values, source: Values, dist: Values) -> None:
        assert np.allclose(values, expected(source, dist), rtol=1e-12, atol=0)

    return check


def moved(values: Values, source: Values, dist: Values) -> None:
    """Check that values beyond the limits are at the limits."""
    inside = (values > 0.5) & (values < 2.5)
    assert set(values[~inside]) <= {0.5, 2.5}
    p = stats.norm(0.4, 0.3).cdf(0.5)
    assert stats.binomtest(int((values == 0.5).sum()), len(values), p).pvalue > FALSE_ALARM


def sums(values: Values, source: Values, dist: Values) -> None:
    """Check the random part of a delay."""
    rest = values - dist / 300.0 - 0.5
    assert stats.kstest(rest, stats.gamma(2.0, scale=1.5).cdf).pvalue > FALSE_ALARM


def later(values: Values, source: Values, dist: Values) -> None:
    """Check the random part of a delay without a fixed one, which is at least 0.1 ms."""
    rest = (values - dist / 300.0)[values > 0.1]
    assert len(rest) > 0.99 * len(values)
    assert stats.kstest(rest, LINEAR.cdf).pvalue > FALSE_ALARM


#: Of mean 0.4 and standard deviation 0.3, by its definition.
SIGMA2 = np.log1p((0.3 / 0.4) ** 2)
LINEAR = stats.lognorm(SIGMA2**0.5, scale=0.4 * np.exp(-SIGMA2 / 2))
VALUES: dict[str, Callable[..., None]] = {
    "Constant": is_equal(lambda source, dist: 1.5),
    "ZeroInit": is_equal(lambda source, dist: 0.0),
    "Uniform": has_law(lambda x: np.clip((x - 0.5) / 2.0, 0, 1)),
    "Normal": has_law(stats.norm(0.4, 0.3).cdf),
    "LogNormal": has_law(LINEAR.cdf),
    "Gamma": has_law(stats.gamma(2.0, 0.0, 1.5).cdf),
    "Exponential": has_law(lambda x: 1 - np.exp(-x / 1.5)),
    "Weibull": has_law(lambda x: 1 - np.exp(-((x / 1.5) ** 2))),
    "TruncatedNormal": has_law(stats.truncnorm(1 / 3, 7.0, 0.4, 0.3).cdf),
    "Beta": has_law(lambda x: stats.beta(2.0, 5.0).cdf((x - 0.5) / 2.0)),
    "Mixture": has_law(
        lambda x: (
            0.9 * stats.lognorm(np.log(1.09) ** 0.5, scale=1.09**-0.5).cdf(x)
            + 0.1 * stats.gamma(4.0).cdf(x)
        )
    ),
    "Conditional": is_equal(lambda source, dist: np.where(source < N / 2, 2.0, 0.5)),
    "Scaled": has_law(lambda x: LINEAR.cdf(x / 3.0)),
    "Clipped": moved,
    "arithmetic, sum": sums,
    "arithmetic, product": has_law(LINEAR.cdf, lambda dist: 0.9 * np.exp(-dist / 30.0)),
    "DistanceModulated": has_law(LINEAR.cdf, lambda d: 0.8 * np.exp(-0.5 * (d / 40.0) ** 2)),
    "DistanceModulated, delays": later,
}


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    """In a network with 4,500 synapses, five of each pair."""
    bmtool_connectors.rng = 21
    rule = eval(ROWS["braintools.init", name].strip("`"), names())
    net = bmtool_connectors.NetworkBuilder("net")
    net.add_nodes(N=N, pop_name="A", positions=list(POSITIONS))
    edges = net.add_edges(connection_rule=5)
    edges.add_properties(**rule.properties())
    net.build()
    (table,) = net.edges_table()
    i, j = table.edge_type_node_ids.T
    VALUES[name](table.get_property_value(rule.names[0]), i, DIST[i, j])


# ---------------------------------------------------------------------- remarks
def dense(connector: Any) -> np.ndarray:
    """Return what a connector connects within the 30 cells."""
    connector.verbose = connector.save_report = False
    source, _ = pools(network())
    connector.setup_nodes(source=source, target=source)
    found: np.ndarray = connector.connectivity.forward.to_dense()
    return found


def values_of(rule: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return values of all pairs, and their distances."""
    net = bmtool_connectors.NetworkBuilder("net")
    net.add_nodes(N=N, pop_name="A", positions=list(POSITIONS))
    net.add_edges(connection_rule=1).add_properties(**rule.properties())
    net.build()
    (table,) = net.edges_table()
    i, j = table.edge_type_node_ids.T
    return table.get_property_value(rule.names[0]), DIST[i, j]


def multapses() -> None:
    found = dense(FixedInDegreeConnector(4, allow_autapses=True, allow_multapses=True))
    assert found.max() > 1
    assert (found.sum(axis=0) == 4).all()


def without_multapses() -> None:
    found = dense(FixedTotalNumberConnector(50))
    assert (found.max(), found.sum()) == (1, 50)


def numbers_of_sources() -> None:
    dense(FixedInDegreeConnector(stats.binom(8, 0.5)))
    with pytest.raises(ParameterError):
        dense(FixedInDegreeConnector(31, allow_autapses=True))
    found = dense(FixedInDegreeConnector(31, allow_autapses=True, allow_multapses=True))
    assert (found.sum(axis=0) == 31).all()


def pairs_again() -> None:
    ends = [0, 0], [1, 1]
    with pytest.raises(ParameterError):
        dense(MatrixConnector(ends, orientation="source_rows"))
    assert dense(MatrixConnector((*ends, [1, 2]), orientation="source_rows"))[0, 1] == 3


def lengths_of_a_box() -> None:
    one, three = (
        dense(UnidirectionConnector(GAUSS, PeriodicDistance(box), rng=3))
        for box in (100.0, (100.0, 100.0, 100.0))
    )
    assert (one == three).all()


def cut_at_one() -> None:
    p = 0.8 + (2.0 - 1) * UniformInRange(0.8, max_dist=50.0)
    found = dense(UnidirectionConnector(p, spherical_dist))
    assert found[DIST <= 50.0].all()
    assert not found.all()


def pools_of_classes() -> None:
    net = bmtool_connectors.NetworkBuilder("net")
    net.add_nodes(N=N, pop_name="A", ei=EI)
    for name, weight in (("e", 1.0), ("i", -1.0)):
        connector = UnidirectionConnector(0.5, rng=2, **QUIET)
        connector.setup_nodes(net.nodes(ei=name), net.nodes())
        edges = net.add_edges(**connector.edge_params())
        edges.add_properties(**WeightRule(abs(weight), sign=int(weight)).properties())
    net.build()
    tables = net.edges_table()
    assert [np.unique(t.get_property_value("syn_weight")).tolist() for t in tables] == [
        [1.0],
        [-1.0],
    ]


def union_of_patches() -> None:
    near, far = DIST <= 20.0, (DIST > 60.0) & (DIST < 70.0)
    found = dense(MatrixConnector(near | far, orientation="source_rows"))
    assert (found == (near | far)).all()


def further_entries() -> None:
    entries = modular_blocks([0, 1, 2], 0.5, 0.0)
    entries[0, 2] = UnidirectionConnector(1.0)
    found = dense(BlockConnector(entries, by="module"))
    assert found[:10, 20:].all()
    assert not found[10:20, 20:].any()


def arithmetic() -> None:
    a, b = LinearDropoff(50.0), ExponentialDropoff(30.0)
    for made, wanted in (
        (a + b, 0.5 + np.exp(-25 / 30)), (b - a, np.exp(-25 / 30) - 0.5),
        (a * b, 0.5 * np.exp(-25 / 30)), (a / 2, 0.25),
    ):  # fmt: skip
        assert made.raw(25.0) == pytest.approx(wanted)
    with pytest.raises(TypeError):
        a / b  # type: ignore[operator]


def arrays_of_the_user() -> None:
    one, other = (
        dense(UnidirectionConnector(p, spherical_dist, rng=3))
        for p in (exponential, vectorized(lambda d: 0.9 * np.exp(-d / 30.0)))
    )
    assert (one == other).all()


def weight_of_the_type() -> None:
    net = bmtool_connectors.NetworkBuilder("net")
    net.add_nodes(N=3, pop_name="A")
    net.add_edges(connection_rule=1, syn_weight=1.5)
    net.build()
    assert {edge["syn_weight"] for edge in net.edges()} == {1.5}


def either_sign() -> None:
    with pytest.raises(ParameterError, match="sign=None"):
        WeightRule(stats.norm(0.4, 0.3))


def own_distribution() -> None:
    class Sum(stats.rv_continuous):
        """The sum of two uniform numbers."""

        def _cdf(self, x: Any) -> Any:
            return np.where(x < 1, x**2 / 2, 1 - (2 - x) ** 2 / 2)

        def _ppf(self, q: Any) -> Any:
            return np.where(q < 0.5, np.sqrt(2 * q), 2 - np.sqrt(2 * (1 - q)))

    found, dist = values_of(DelayRule(300.0, 0.5, Sum(a=0.0, b=2.0, name="sum")(), rng=4))
    rest = found - dist / 300.0 - 0.5
    assert stats.kstest(rest, Sum(a=0.0, b=2.0, name="sum").cdf).pvalue > FALSE_ALARM


def plain_function() -> None:
    found, dist = values_of(WeightRule(1.0, modulation=GAUSS))
    assert np.allclose(found, 0.8 * np.exp(-0.5 * (dist / 40.0) ** 2))


def delays_grow() -> None:
    found, dist = values_of(DelayRule(300.0, 0.5))
    assert np.allclose(found, 0.5 + dist / 300.0)


def both_directions_of_networkx() -> None:
    arrows = networkx.circulant_graph(N, [1, 2], create_using=networkx.DiGraph)
    found = networkx.to_scipy_sparse_array(arrows).toarray()
    assert (found == found.T).all()


def opposite_order() -> None:
    assert list(networkx.grid_graph([3, 5, 2])) == [
        (layer, row, column) for layer in range(2) for row in range(5) for column in range(3)
    ]


#: Remarks that say what this package, or NetworkX, does beside the call of their row.
RUN: dict[tuple[str, str], Callable[[], None]] = {
    ("NEST", "fixed_indegree"): multapses,
    ("NEST", "fixed_total_number"): without_multapses,
    ("PyNN", "FixedNumberPreConnector"): numbers_of_sources,
    ("BrainPy", "IJConn"): pairs_again,
    ("BrainPy", "FixedPreNum"): multapses,
    ("BrainPy", "GaussianProb, periodic_boundary"): lengths_of_a_box,
    ("BrainPy", "GridFour, three axes"): opposite_order,
    ("braintools", "ClusteredRandom"): cut_at_one,
    ("braintools", "ExcitatoryInhibitory"): pools_of_classes,
    ("braintools", "Ring, one way"): both_directions_of_networkx,
    ("braintools", "RadialPatches"): union_of_patches,
    ("braintools", "ModularGeneral"): further_entries,
    ("Profiles of braintools", "ComposedProfile"): arithmetic,
    ("Profiles of braintools", "ApplyProfile"): arrays_of_the_user,
    ("braintools.init", "Constant"): weight_of_the_type,
    ("braintools.init", "Normal"): either_sign,
    ("braintools.init", "Conditional"): pools_of_classes,
    ("braintools.init", "arithmetic, sum"): own_distribution,
    ("braintools.init", "DistanceModulated"): plain_function,
    ("braintools.init", "DistanceModulated, delays"): delays_grow,
}
#: Remarks that the check of their row holds, or that explain names and what another package does.
WITH_ROW = {
    "NEST": """symmetric_pairwise_bernoulli, pairwise_poisson, pairwise_bernoulli; p of distance,
        tripartite_bernoulli_with_pool""",
    "PyNN": """DistanceDependentProbabilityConnector, IndexBasedProbabilityConnector,
        DisplacementDependentProbabilityConnector, FromListConnector, SmallWorldConnector""",
    "BrainPy": """All2All, MatConn, SparseMatConn, FixedProb; as conn_mat,
        FixedProb; as other structures, ProbDist, GaussianProb, GridFour, GridN, SmallWorld,
        ScaleFreeBA""",
    "braintools": """Random, DistanceDependent, Grid2d, SmallWorld, ScaleFree, Regular,
        ModularRandom""",
    "Profiles of braintools": """ExponentialProfile, PowerLawProfile, StepProfile, LogisticProfile,
        ClipProfile, PipeProfile""",
    "braintools.init": "LogNormal, TruncatedNormal",
}


def test_all_remarks() -> None:
    """A remark is run, or said to be held by its row."""
    with_row = {
        (title, name.strip().replace(";", ","))
        for title, names in WITH_ROW.items()
        for name in names.split(",")
    }
    assert not with_row & set(RUN)
    assert set(REMARKS) == with_row | set(RUN)


@pytest.mark.parametrize("key", RUN, ids=", ".join)
def test_remark(key: tuple[str, str]) -> None:
    bmtool_connectors.rng = 20
    RUN[key]()
