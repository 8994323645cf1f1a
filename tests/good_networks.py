"""Random good networks: any builder, connector, rule and way to save; `verify` must be true."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bmtk.builder
import numpy as np
from random_connectors import Choices, Pool
from scipy import stats

import bmtool_connectors as b
from bmtool_connectors import NetworkBuilder, properties

#: Values of attributes and types that are written and read back in ways of their own.
ATTRIBUTES: tuple[dict[str, Any], ...] = (
    {"note": "two words"},
    {"label": "\N{GREEK SMALL LETTER MU}-cell"},
    {"level": 0.1 + 0.2},
    {"tau": np.float32(0.1)},
    {"big": 2**53 + 1},
    {"flag": True},
    {"switch": np.bool_(False)},
    {"nothing": None},
    {"empty": ""},
    {"quote": "it's"},
    {"double_quote": 'a "b" c'},
    {"tiny": 1e-300},
    {"zero": -0.0},
    {"digits": "007"},
    {"number": "1e5"},
    {"text_nan": "nan"},
    {"count": np.int16(-3)},
)


class Network(Choices):
    """A script that builds and saves a network, made from a seed.

    Attributes
    ----------
    told : list of str
        What the script does, to be read when `verify` complains.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.told: list[str] = []
        module = {"module int": seed, "module generator": np.random.default_rng(seed)}
        b.rng = module.get(self.seeds, b.rng)
        self.own = not self.chance(0.2)
        self.builder = NetworkBuilder if self.own else bmtk.builder.NetworkBuilder

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
        attributes = self.pick(
            {},
            {"tuning": self.rng.random(n)},
            {"rank": np.arange(n, dtype=np.int8)},
            {"tag": [f"cell {k}" for k in range(n)]},
            {"recorded": np.where(np.arange(n) % 3 == 0, np.nan, 1.0)},
            {"dynamics_params": "a.json", "rotation_angle_zaxis": self.rng.random(n)},
            *ATTRIBUTES,
        )
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
            several = {"distance_range": [0.0, 150.0]}, {"both": {"a": 1}}
            kind = kind | self.pick({}, *several, *ATTRIBUTES)
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
    """Build and save a network; once in ten into a folder of another one.

    Returns
    -------
    list of str
        What was done.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = Network(seed)
        if seed % 10 == 0 and network.own:  # BMTK's leaves files of the old network
            before = Network(seed + 10**6)
            before.own, before.builder = True, NetworkBuilder
            before.save(before.build(folder), folder)
            network.told += ["into the folder of:", *before.told, "now:"]
        network.save(network.build(folder), folder)
    return network.told
