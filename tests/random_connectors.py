"""Random connectors with parameters that fit their pools, for `good_networks`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
from scipy import stats

import bmtool_connectors as b
from bmtool_connectors import spherical_dist

QUIET: dict[str, Any] = {"verbose": False, "save_report": False}
Pool = tuple[Any, int, str]  # nodes, how many, kind of model


def two_or_one(source: Any, target: Any) -> int:
    """Return a number of synapses that depends on both cells."""
    return 1 + (3 * source.node_id + target.node_id) % 2


def none_or_some(source: Any, target: Any) -> int:
    """Return a number of synapses, 0 for some pairs."""
    return int((source.node_id + target.node_id) % 3)


@b.vectorized
def falling(dist: Any) -> Any:
    """Return a probability of a distance, for arrays."""
    return 0.6 * np.exp(-dist / 60.0)


@b.vectorized(bound=lambda low, high: 0.6 * np.exp(-low / 60.0))
def bounded(dist: Any) -> Any:
    """Return a probability of a distance whose bound is known."""
    return 0.6 * np.exp(-dist / 60.0)


def by_hand(dist: float) -> float:
    """Return a probability of a distance, for a number."""
    return 0.4 if dist < 70.0 else 0.05


class Choices:
    """Random choices of a script, and the connectors that it makes.

    Parameters
    ----------
    seed : int
        Of all choices.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([17, seed])
        self.seeds = ("module int", "module generator", "private")[self.one_of(3)]

    # ------------------------------------------------------------------------------- choices
    def one_of(self, n: int) -> int:
        return int(self.rng.integers(n))

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def pick(self, *items: Any) -> Any:
        return items[self.one_of(len(items))]

    def options(self) -> dict[str, Any]:
        """Return who has which seed."""
        kind = self.seeds if self.seeds != "private" else self.pick("int", "generator", "sequence")
        seed = self.one_of(10**6)
        own = {
            "int": seed,
            "generator": np.random.default_rng(seed),
            "sequence": np.random.SeedSequence(seed),
        }
        return QUIET | ({"rng": own[kind]} if kind in own else {})

    def sampler(self) -> dict[str, Any]:
        return {"sampler": self.pick("auto", "pairwise", "sparse")}

    def profile(self) -> Any:
        """Return a law of distance."""
        at_most: dict[str, Any] = {"max_dist": float(self.pick(60.0, 120.0, 400.0))}
        peak = {"pmax": float(self.rng.uniform(0.1, 1.0))}
        return self.pick(
            lambda: b.GaussianDropoff(stdev=50.0, **peak, **at_most),
            lambda: b.GaussianDropoff(stdev=50.0, ptotal=0.1, ptotal_dist_range=(0, 100.0)),
            lambda: b.ExponentialDropoff(40.0, **peak, **at_most),
            lambda: b.LinearDropoff(150.0, **peak),
            lambda: b.SigmoidDropoff(60.0, 0.1, **peak, **at_most),
            lambda: b.PowerLawDropoff(1.5, 20.0, **peak, **at_most),
            lambda: b.DifferenceOfGaussians(40.0, 80.0, 0.8, 0.3),
            lambda: b.MexicanHat(60.0, 0.5),
            lambda: b.Bimodal(20.0, 30.0, 0.0, 90.0, 0.5, 0.3),
            lambda: b.Tabulated([0, 30, 60, 200], [0.5, 0.2, 0.05]),
            lambda: b.UniformInRange(0.3, 10.0, 90.0),
            lambda: 0.5 * b.UniformInRange(0.4, max_dist=80.0) + 0.02,
        )()

    def law(self) -> tuple[Any, Any, dict[str, Any]]:
        """Return a probability, its argument and a sampler that can draw it."""
        dist = self.pick(spherical_dist, b.cylindrical_dist_z, b.PeriodicDistance((200.0,) * 3))
        return self.pick(
            lambda: (float(self.pick(0.0, 0.05, 0.3, 1.0)), None, self.sampler()),
            lambda: (float(self.rng.random()), None, self.sampler()),
            lambda: (self.profile(), dist, self.sampler()),
            lambda: (self.profile(), dist, self.sampler()),
            lambda: (bounded, dist, self.sampler()),
            lambda: (falling, dist, {}),
            lambda: (by_hand, spherical_dist, {}),
        )()

    def n_syn(self) -> Any:
        return self.pick(1, 1, 2, 5, two_or_one, none_or_some)

    # ---------------------------------------------------------------------------- connectors
    def connector(self, source: Pool, target: Pool, folder: Path) -> Any:
        """Return a connector that fits two pools, and columns that it gives, or None."""
        within = source[0] is target[0]
        kinds = [
            self.unidirection, self.unidirection, self.in_degree, self.out_degree, self.total,
            self.poisson, self.all_to_all, self.one_to_one, self.matrix, self.file,
            self.reciprocal, self.reciprocal, self.blocks,
        ]  # fmt: skip
        return self.pick(*kinds)(source, target, within, folder)

    def unidirection(self, source: Pool, target: Pool, within: bool, folder: Path) -> Any:
        p, p_arg, sampler = self.law()
        return b.UnidirectionConnector(
            p,
            p_arg,
            self.n_syn(),
            allow_autapses=self.chance(0.5),
            source_fraction=self.pick(1.0, 1.0, 0.5),
            **sampler,
            **self.options(),
        )

    def reciprocal(self, source: Pool, target: Pool, within: bool, folder: Path) -> Any:
        p0, p0_arg, sampler = self.law()
        given: dict[str, Any] = {"p0": p0, "p0_arg": p0_arg}
        if not within:
            given |= {"p1": float(self.rng.uniform(0.05, 0.6)), "n_syn1": self.n_syn()}
        given |= self.pick(
            {"pr": None},
            {"rho": float(self.rng.uniform(-0.2, 0.6))},
            {"pr": b.NormalizedReciprocalRate(float(self.pick(0.5, 1.0, 3.0)))},
            {"pr": 0.05},
            {"pr": 0.05, "estimate_rho": False},
            {},
        )
        if within:
            given |= {"autapses": self.chance(0.3)}
        return b.ReciprocalConnector(n_syn0=self.n_syn(), **given, **sampler, **self.options())

    def in_degree(self, source: Pool, target: Pool, within: bool, folder: Path) -> Any:
        least = max(source[1] - 1, 0)
        several = self.chance(0.4) and source[1] > 1
        degree = self.pick(
            min(3, least), min(10, least), lambda node: node.node_id % (least + 1),
            [k % (least + 1) for k in range(target[1])], stats.binom(least, 0.3),
        )  # fmt: skip
        return b.FixedInDegreeConnector(
            3 * degree if several and isinstance(degree, int) else degree,
            n_syn=self.n_syn(),
            allow_multapses=several,
            **self.options(),
        )

    def out_degree(self, source: Pool, target: Pool, within: bool, folder: Path) -> Any:
        least = max(target[1] - 1, 0)
        return b.FixedOutDegreeConnector(
            self.pick(min(2, least), min(7, least), least, stats.binom(least, 0.2)),
            n_syn=self.n_syn(),
            source_fraction=self.pick(1.0, 0.5),
            allow_autapses=self.chance(0.5),
            **self.options(),
        )

    def total(self, source: Pool, target: Pool, within: bool, folder: Path) -> Any:
        pairs = source[1] * target[1] - (source[1] if within else 0)
        return b.FixedTotalNumberConnector(
            self.pick(0, pairs // 3, pairs),
            n_syn=self.n_syn(),
            allow_multapses=self.chance(0.3) and pairs > 0,
            **self.options(),
        )

    def poisson(self, source: Pool, target: Pool, within: bool, folder: Path) -> Any:
        mean = float(self.pick(0.0, 0.1, 1.0, 3.0))
        return b.PairwisePoissonConnector(
            mean, allow_autapses=self.chance(0.5), source_fraction=self.pick(1.0, 0.4),
            **self.options(),
        )  # fmt: skip

    def all_to_all(self, source: Pool, target: Pool, within: bool, folder: Path) -> Any:
        return b.AllToAllConnector(self.n_syn(), allow_autapses=self.chance(0.5), **QUIET)

    def one_to_one(self, source: Pool, target: Pool, within: bool, folder: Path) -> Any:
        if source[1] >= target[1] and self.chance(0.4):
            return b.OneToOneSequentialConnector(n_syn=self.pick(1, 3), verbose=False)
        return b.OneToOneConnector(self.pick("truncate", "circular"), n_syn=self.n_syn(), **QUIET)

    def matrix(self, source: Pool, target: Pool, within: bool, folder: Path) -> Any:
        counts = self.rng.poisson(0.3, (source[1], target[1]))
        if self.chance(0.4):
            return b.MatrixConnector(counts, orientation="source_rows", **QUIET)
        if self.chance(0.5):
            sparse = scipy.sparse.csr_matrix(counts.T)
            return b.MatrixConnector(sparse, orientation="target_rows", **QUIET)
        weights = counts * self.rng.uniform(0.1, 1.0, counts.shape)
        return b.MatrixConnector(
            weights, orientation="source_rows", values="syn_weight", n_syn=self.pick(1, 2), **QUIET
        )

    def file(self, source: Pool, target: Pool, within: bool, folder: Path) -> Any:
        i, j = np.nonzero(self.rng.random((source[1], target[1])) < 0.3)
        path = folder.parent / f"{folder.name}.{self.one_of(10**9)}.csv"
        lines = [f"{s},{t},{1 + (s + t) % 2},{0.5 + s / 64}" for s, t in zip(i, j, strict=True)]
        head = "source_node_id,target_node_id,n_syn,delay"
        path.write_text("\n".join([head, *(lines or ["0,0,1,1.0"])]) + "\n")
        return b.FileBasedConnector(path, **QUIET)

    def blocks(self, source: Pool, target: Pool, within: bool, folder: Path) -> Any:
        entries = {(s, t): self.pick(0.2, None, (0.3, 0.1) if within and s == t else 0.1,
                                     b.FixedTotalNumberConnector(1), self.profile())
                   for s in (0, 1) for t in (0, 1)}  # fmt: skip
        if min(source[1], target[1]) < 4:  # a class without pairs is an error
            return self.all_to_all(source, target, within, folder)
        return b.BlockConnector(
            entries, by="half", p_arg=spherical_dist, n_syn=self.n_syn(), **self.options()
        )
