"""Random good networks: any builder, connector, rule and way to save; `verify` must be true."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bmtk.builder
import numpy as np
import scipy.sparse
from scipy import stats

import bmtool_connectors as b
from bmtool_connectors import NetworkBuilder, properties, spherical_dist

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


class Network:
    """A script that builds and saves a network, made from a seed.

    Attributes
    ----------
    told : list of str
        What the script does, to be read when `verify` complains.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([17, seed])
        self.told: list[str] = []
        self.seeds = ("module int", "module generator", "private")[self.one_of(3)]
        module = {"module int": seed, "module generator": np.random.default_rng(seed)}
        b.rng = module.get(self.seeds, b.rng)
        self.own = not self.chance(0.2)
        self.builder = NetworkBuilder if self.own else bmtk.builder.NetworkBuilder

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
        if source[1] == 1 or target[1] == 1:  # a class without a cell is an error
            return self.all_to_all(source, target, within, folder)
        return b.BlockConnector(
            entries, by="half", p_arg=spherical_dist, n_syn=self.n_syn(), **self.options()
        )

    # ----------------------------------------------------------------------------- properties
    def columns(self, connector: Any, target: Pool) -> list[dict[str, Any]]:
        """Return arguments for ``add_properties``, as BioNet and PointNet can load them."""
        if isinstance(connector, b.MatrixConnector | b.FileBasedConnector):
            if connector_columns(connector) and target[2] != "biophysical":
                return [connector.edge_properties()]
            return []
        seed = {} if self.seeds != "private" else {"rng": self.one_of(1000)}
        weight = self.pick(
            lambda: b.WeightRule(1.5, **seed),
            lambda: b.WeightRule(b.lognormal(2.0, 0.5), scale=1e-3, **seed),
            lambda: b.WeightRule(stats.gamma(2.0, scale=0.7), sign=-1, **seed),
            lambda: b.WeightRule(b.truncated(stats.norm(1.0, 0.5), low=0.0), **seed),
            lambda: b.WeightRule(b.clipped(stats.norm(0.1, 0.5), low=0.0), **seed),
            lambda: b.WeightRule(b.mixture([0.0, stats.expon()], [0.2, 0.8]), **seed),
            lambda: b.WeightRule(lambda s, t: 1.0 + s.node_id, **seed),
            lambda: b.WeightRule(1.5, modulation=lambda d: np.exp(-d / 100), **seed),
            lambda: b.WeightRule(stats.norm(0.0, 1.0), sign=None, **seed),
        )()
        delay = self.pick(
            lambda: b.DelayRule(fixed=1.0, **seed),
            lambda: b.DelayRule(velocity=300.0, fixed=0.5, dt=0.1, **seed),
            lambda: b.DelayRule(velocity=300.0, jitter=stats.norm(0.0, 0.1), **seed),
        )()
        place = self.pick(
            lambda: b.PlacementRule(0, **seed),
            lambda: b.PlacementRule([1, 2], stats.uniform(), p=[0.9, 0.1], **seed),
        )()
        section = ["afferent_section_id", "afferent_section_pos"]
        helper = {
            "names": ["delay", *section],
            "rule": self.pick(b.syn_const_delay_feng_section_PN, b.syn_dist_delay_feng_section_PN),
            "rule_params": dict(seed),
            "dtypes": [float, int, float],
        }
        apart = {"names": section, "rule": b.syn_section_PN, "dtypes": [int, float]}
        constant = {"names": "delay", "rule": b.syn_uniform_delay_section, "dtypes": float}
        choices: list[list[dict[str, Any]]] = [
            [], [], [],
            [properties(weight, delay, place)],
            [weight.properties(add_nsyns=False), helper],
            [helper],
            [apart, constant],
        ]  # fmt: skip
        if self.own:
            choices += [[properties(weight, delay)], [properties(weight)]]
        if target[2] != "biophysical":
            choices += [[constant], [properties(weight, delay, add_nsyns=False)]]
        chosen: list[dict[str, Any]] = self.pick(*choices)
        return chosen

    # ---------------------------------------------------------------------------------- network
    def pool(self, net: Any, name: str, n: int, model: str) -> None:
        """Add cells, with positions as SONATA has them or as BMTK has them."""
        where = self.rng.uniform(0.0, 200.0, (n, 3))
        places = self.pick({"positions": where}, dict(zip("xyz", where.T, strict=True)))
        attributes = self.pick({}, {"tuning": self.rng.random(n)}, {"ei": "e"})
        half = np.arange(n) % 2
        net.add_nodes(N=n, pop_name=name, model_type=model, half=half, **places, **attributes)

    def size(self) -> int:
        return int(self.pick(1, 2, 5, 12, 12, 25, 25, 40, 60, self.pick(60, 150, 300)))

    def connect(self, net: Any, source: Pool, target: Pool, folder: Path) -> None:
        connector = self.connector(source, target, folder)
        self.told.append(f"{source[1]} -> {target[1]} {target[2]}: {connector!r}")
        connector.setup_nodes(source=source[0], target=target[0])
        both = isinstance(connector, b.ReciprocalConnector) and source[0] is not target[0]
        for _ in range(1 + both):
            kind = self.pick({}, {"syn_weight": 0.5}, {"syn_weight": -2.0, "delay": 1.5})
            if source[2] == "virtual" and self.chance(0.5) and not both:
                kind = {"syn_weight": 1.0, "delay": 0.0}
            if self.chance(0.5):
                kind = kind | {"dynamics_params": "exc.json", "target_sections": ["basal", "soma"]}
            edges = net.add_edges(**kind, **connector.edge_params())
            end = target if not both or _ == 0 else source
            for columns in self.columns(connector, end):
                self.told.append(f"    {columns}")
                edges.add_properties(**columns)

    def gap_junctions(self, net: Any, pool: Pool) -> None:
        """Add gap junctions, and what depends on them, or on what they depend."""
        gap: Any = b.GapJunction(float(self.pick(0.1, 0.5)), **self.sampler(), **self.options())
        chemical: Any = None
        if self.chance(0.3):
            chemical = b.ReciprocalConnector(0.2, pr=0.08, **self.options())
            gap = b.CorrelatedGapJunction(0.1, 0.4, 0.9, connector=chemical, **self.options())
        elif self.chance(0.5):
            chemical = b.GapJunctionConditionalReciprocalConnector(
                gap, 0.5, 0.5, 0.25, 0.1, 0.1, 0.03, **self.options()
            )
        self.told.append(f"gap junctions {gap!r} {chemical!r}")
        order = [c for c in (chemical, gap) if c is not None]
        for connector in order[:: self.pick(1, -1)] if self.own else order[::-1]:
            connector.setup_nodes(source=pool[0], target=pool[0])
        for connector in order:
            kind = {"is_gap_junction": True, "target_sections": None, "syn_weight": 1e-4}
            kind |= {"afferent_section_id": 0, "afferent_section_pos": 0.5}
            if connector is not gap:
                kind = {"syn_weight": 1.0}
            net.add_edges(**kind, **connector.edge_params())

    def build(self, folder: Path) -> list[Any]:
        """Return the networks, the main one first."""
        model = self.pick("biophysical", "point_process", "point_neuron")
        net, n, m = self.builder("cells"), self.size(), self.size()
        self.pool(net, "A", n, model)
        self.pool(net, "B", m, model)
        nets = [net]
        pools = [
            (net.nodes(pop_name="A"), n, model),
            (net.nodes(pop_name="B"), m, model),
        ]
        sources = list(pools)
        if self.chance(0.5):
            inputs, k = self.builder("inputs"), self.size()
            self.pool(inputs, "tON", k, "virtual")
            sources.append((inputs.nodes(), k, "virtual"))
            nets.append(inputs)
        for _ in range(1 + self.one_of(4)):
            self.connect(net, self.pick(*sources), self.pick(*pools), folder)
        if model == "biophysical" and self.chance(0.4) and n > 1:
            self.gap_junctions(net, pools[0])
        return nets

    def save(self, nets: list[Any], folder: Path) -> None:
        """Save in one of many ways."""
        options: dict[str, Any] = {}
        if self.own:
            options = self.pick(
                {}, {}, {}, {"compact": True}, {"compression": "none"}, {"compression": "lzf"},
                {"compression": 4}, {"compact": True, "compression": "none"}, {"portable": True},
                {"index_by": ("target_node_id", "source_node_id", "edge_type_id")},
                {"sort_by": "source_node_id"}, {"sort_by": "edge_type_id"}, {"sort_by": None},
                {"index_by": "target_node_id"},
            )  # fmt: skip
        apart = self.chance(0.3)
        self.told.append(f"{type(nets[0])} {options} apart {apart}")
        for net in nets:
            net.build()
            if not apart and net is nets[0]:
                self.save_one(net.save, folder, options)
                continue
            shared = {k: v for k, v in options.items() if k not in ("index_by", "sort_by")}
            self.save_one(net.save_nodes, folder, shared)
            if net is nets[0]:
                self.save_one(net.save_edges, folder, options)

    def save_one(self, save: Callable[..., Any], folder: Path, options: dict[str, Any]) -> None:
        """Save; not portable where edge types have columns that cannot be filled in."""
        try:
            save(output_dir=str(folder), **options)
        except b.ParameterError:
            if "portable" not in options:
                raise
            self.told.append("not portable")
            save(output_dir=str(folder))


def connector_columns(connector: Any) -> bool:
    """Whether a matrix or a file has columns for the edges."""
    try:
        return bool(connector.edge_properties())
    except b.ParameterError:
        return False


def save_good_network(seed: int, folder: Path) -> list[str]:
    """Build and save a network; once in ten into a folder where another one was before.

    Returns
    -------
    list of str
        What was done.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = Network(seed)
        if seed % 10 == 0:
            before = Network(seed + 10**6)
            before.own = network.own
            before.builder = network.builder
            before.save(before.build(folder), folder)
            network.told += ["into the folder of:", *before.told, "now:"]
        network.save(network.build(folder), folder)
    return network.told
