"""What may be assigned to a connector, what is refused, and connectors made from others."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import QUIET, make_network, pools
from test_testing import CONNECTORS, GAUSS

import bmtool_connectors
from bmtool_connectors import (
    BaseConnector,
    BlockConnector,
    Connectivity,
    CorrelatedGapJunction,
    EdgeList,
    FileBasedConnector,
    FixedInDegreeConnector,
    GapJunction,
    MatrixConnector,
    NodeArrays,
    OneToOneSequentialConnector,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    spherical_dist,
)
from bmtool_connectors.testing import check_connector

ASSIGNABLE = {"verbose", "save_report", "report_name", "rng"}

#: Connectors that stand on their own, by what they would be within population A.
RANDOM = {
    "unidirection": lambda rng: UnidirectionConnector(0.3, rng=rng, **QUIET),
    "sparse": lambda rng: UnidirectionConnector(
        GAUSS, spherical_dist, rng=rng, sampler="sparse", **QUIET
    ),
    "reciprocal": lambda rng: ReciprocalConnector(0.3, pr=0.2, rng=rng, **QUIET),
    "gap junction": lambda rng: GapJunction(0.3, rng=rng, **QUIET),
    "in-degree": lambda rng: FixedInDegreeConnector(5, rng=rng, **QUIET),
    "blocks": lambda rng: BlockConnector({("A", "A"): 0.3}, rng=rng, **QUIET),
}
SEEDS = {
    "generator": lambda: np.random.default_rng(8),
    "int": lambda: 8,
    "sequence": lambda: np.random.SeedSequence(8),
}


def set_up(connector: Any, net: Any = None) -> Any:
    """Return the connector, set up within population A."""
    pool = pools(make_network(30) if net is None else net)[0]
    connector.setup_nodes(source=pool, target=pool)
    return connector


def edges(connector: Any) -> list[tuple[int, int]]:
    drawn = connector.use.drawn().forward  # as a build asks for them
    return list(zip(drawn.source.tolist(), drawn.target.tolist(), strict=True))


class TestFixed:
    """Parameters are fixed, and the message says what to do instead."""

    @pytest.mark.parametrize("name", CONNECTORS)
    def test_every_parameter(self, name: str) -> None:
        connector = CONNECTORS[name]
        own = type(connector).__name__
        before = repr(connector), dict(connector.vars)
        signature = inspect.signature(type(connector)).parameters
        for each in {*signature, *connector.parameter_names, *connector.vars, "name"} - ASSIGNABLE:
            with pytest.raises(ParameterError, match=f"{each} of {own} .*replace") as found:
                setattr(connector, each, 0.5)
            assert f"replace({each}=...)" in str(found.value)
        assert before == (repr(connector), dict(connector.vars))

    def test_vars(self) -> None:
        connector = ReciprocalConnector(p0=0.1, pr=0.02, **QUIET)
        given = connector.vars
        for change in (
            lambda: given.__setitem__("p0", 0.5),
            lambda: given.update(p0=0.5),
            lambda: given.update({"p0": 0.5}),
            lambda: given.setdefault("p0", 0.5),
            lambda: given.pop("p0"),
            lambda: given.__delitem__("p0"),
            lambda: given.__ior__({"p0": 0.5}),
        ):
            with pytest.raises(ParameterError, match=r"p0 of Reci.*connector\.replace\(p0=\.\.\."):
                change()
        for change in (given.clear, given.popitem):
            with pytest.raises(ParameterError, match="of ReciprocalConnector cannot be assigned"):
                change()
        assert given["p0"] == connector.vars["p0"] == 0.1

    def test_copies_of_vars_are_the_users(self) -> None:
        """Scripts take the parameters of one connector for another."""
        connector = UnidirectionConnector(p=0.1, n_syn=2, **QUIET)
        for made in (
            dict(connector.vars),
            connector.vars.copy(),
            {**connector.vars},
            copy.copy(connector.vars),
            copy.deepcopy(connector.vars),
            pickle.loads(pickle.dumps(connector.vars)),
            connector.vars | {},
        ):
            made["p"] = 0.2
            assert repr(UnidirectionConnector(**made)) == "UnidirectionConnector(p=0.2, n_syn=2)"

    def test_vars_belong_to_a_use(self) -> None:
        connector = ReciprocalConnector(p0=0.1, p1=0.1, p0_arg=spherical_dist, pr=0.02, **QUIET)
        before = connector.vars
        set_up(connector)
        assert before["p1_arg"] is None
        assert connector.vars["p1_arg"] is spherical_dist

    def test_after_copies_and_pickles(self) -> None:
        connector = UnidirectionConnector(p=0.1, **QUIET)
        for made in (copy.copy(connector), copy.deepcopy(connector)):
            with pytest.raises(ParameterError, match="p of Unidirection"):
                made.p = 0.2
            made.verbose = True
            assert made.replace().verbose is True
        assert connector.verbose is connector.replace().verbose is False
        assert repr(pickle.loads(pickle.dumps(connector)).replace(p=0.4)).endswith("(p=0.4)")

    def test_rng_of_a_shallow_copy(self) -> None:
        """It shares the pools that were set up, and draws from the generator assigned to it."""

        def made(rng: int) -> UnidirectionConnector:
            return set_up(UnidirectionConnector(p=0.3, rng=rng, **QUIET))  # type: ignore[no-any-return]

        twin = copy.copy(made(1))
        twin.rng = 7
        assert edges(twin) == edges(made(7)) != edges(made(1))

    def test_labels_of_ones_own(self) -> None:
        """What is no parameter is nobody's business."""
        connector = UnidirectionConnector(p=0.1, **QUIET)
        connector.comment = "layer 5"
        assert connector.comment == "layer 5"


class TestOptions:
    """What may be assigned is checked, and counts."""

    @pytest.mark.parametrize("name", ["verbose", "save_report"])
    def test_flags(self, name: str) -> None:
        connector = UnidirectionConnector(p=0.1, **QUIET)
        with pytest.raises(
            ParameterError, match=f"{name} of UnidirectionConnector must be .*, got 'no'"
        ):
            setattr(connector, name, "no")
        setattr(connector, name, 1)
        assert getattr(connector, name) is True

    def test_report(self, tmp_path: Path) -> None:
        connector = UnidirectionConnector(p=0.1, verbose=False, save_report=False)
        with pytest.raises(
            ParameterError, match=r"report_name of UnidirectionConnector must be .*, got 3"
        ):
            connector.report_name = 3
        connector.save_report = True
        connector.report_name = tmp_path / "own.csv"
        set_up(connector).initial_all_to_all()
        assert len((tmp_path / "own.csv").read_text().splitlines()) == 2

    def test_verbose(self, capsys: pytest.CaptureFixture[str]) -> None:
        connector = set_up(UnidirectionConnector(p=0.1, **QUIET))
        connector.verbose = True
        connector.initial_all_to_all()
        assert "Number of connected pairs" in capsys.readouterr().out

    @pytest.mark.parametrize("when", ["before setup_nodes", "after setup_nodes"])
    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("old", [3, np.random.default_rng(3), None], ids=str)
    @pytest.mark.parametrize("name", RANDOM)
    def test_rng(self, name: str, old: Any, seed: str, when: str) -> None:
        """Assigned until the draw, it is as if it had been given at once."""
        net = make_network(30)
        wanted = edges(set_up(RANDOM[name](SEEDS[seed]()), net))
        connector = RANDOM[name](old)
        if when == "after setup_nodes":
            set_up(connector, net)
        connector.rng = SEEDS[seed]()
        if when == "before setup_nodes":
            set_up(connector, net)
        assert edges(connector) == wanted
        assert edges(set_up(connector.replace(rng=SEEDS[seed]()), net)) == wanted

    def test_rng_of_the_module(self) -> None:
        net = make_network(30)
        bmtool_connectors.rng = 8
        wanted = edges(set_up(UnidirectionConnector(0.3, **QUIET), net))
        connector = UnidirectionConnector(0.3, rng=5, **QUIET)
        bmtool_connectors.rng = 8
        connector.rng = None
        assert edges(set_up(connector, net)) == wanted

    def test_the_same_rng_again_changes_nothing(self) -> None:
        """The number of a use counts assignments of another default only."""
        net = make_network(30)
        bmtool_connectors.rng = 8
        wanted = edges(set_up(UnidirectionConnector(0.3, **QUIET), net))
        bmtool_connectors.rng = 8
        connector = set_up(UnidirectionConnector(0.3, **QUIET), net)
        connector.rng = None
        assert edges(connector) == wanted

    @pytest.mark.parametrize("name", RANDOM)
    def test_rng_after_the_draw(self, name: str) -> None:
        connector = set_up(RANDOM[name](3))
        drawn = edges(connector)
        with pytest.raises(ParameterError, match=r"rng of \w+ was assigned after .*replace\(rng="):
            connector.rng = 4
        assert connector.rng == 3
        assert edges(connector) == drawn

    def test_an_earlier_use_keeps_its_stream(self) -> None:
        """Each use draws from what counted when it began, whatever is assigned later."""
        net = make_network(30, 20)
        a, b = net.nodes(pop_name="A"), net.nodes(pop_name="B")
        connector = UnidirectionConnector(0.3, rng=np.random.default_rng(3), **QUIET)
        connector.setup_nodes(source=a, target=a)
        first = connector.use
        connector.setup_nodes(source=b, target=b)
        connector.rng = 4
        other = UnidirectionConnector(0.3, rng=np.random.default_rng(3), **QUIET)
        other.setup_nodes(source=a, target=a)
        drawn, wanted = (each.drawn().forward for each in (first, other.use))
        assert np.array_equal(drawn.source, wanted.source)
        assert np.array_equal(drawn.target, wanted.target)

    @pytest.mark.parametrize("value", [-1, "1", 1.5, True])
    def test_bad_rng(self, value: Any) -> None:
        connector = set_up(UnidirectionConnector(0.3, rng=3, **QUIET))
        wanted = edges(set_up(UnidirectionConnector(0.3, rng=3, **QUIET)))
        with pytest.raises(ParameterError, match="rng of UnidirectionConnector must be "):
            connector.rng = value
        assert edges(connector) == wanted

    def test_rng_of_a_connector_without_chance(self) -> None:
        with pytest.raises(ParameterError, match="rng of OneToOneSequentialConnector cannot be"):
            OneToOneSequentialConnector().rng = 3


class TestReplace:
    """Another connector of the class, with other parameters."""

    @pytest.mark.parametrize("name", CONNECTORS)
    def test_every_connector(self, name: str) -> None:
        connector = CONNECTORS[name]
        given = {"matrix": [[0, 1], [1, 0]]} if isinstance(connector, MatrixConnector) else {}
        made = connector.replace(**given)
        assert type(made) is type(connector)
        assert repr(made) == repr(connector)
        assert made is not connector
        assert made.source is None

    def test_not_set_up(self) -> None:
        connector = set_up(ReciprocalConnector(p0=0.1, p1=0.1, pr=0.02, rng=3, **QUIET))
        drawn = edges(connector)
        other = connector.replace(p0=0.5)
        assert other.source is None
        assert other.vars["p1"] == 0.1  # as given, not as the first use took it
        assert edges(connector) == drawn
        assert len(edges(set_up(other.replace(p1=0.5)))) > 2 * len(drawn)

    def test_shared_generator(self) -> None:
        rng = np.random.default_rng(3)
        connector = UnidirectionConnector(0.3, rng=rng, **QUIET)
        assert connector.replace(p=0.5).rng is rng

    def test_pr_that_was_not_passed(self) -> None:
        """That ``pr`` was left out is remembered: the warning is about that."""
        with pytest.warns(bmtool_connectors.ConnectivityWarning, match="pr=None"):
            connector = ReciprocalConnector(p0=0.1, **QUIET)
        with pytest.warns(bmtool_connectors.ConnectivityWarning, match="pr=None"):
            connector.replace(p0=0.2)
        connector.replace(p0=0.2, pr=0.0)

    def test_unknown(self) -> None:
        with pytest.raises(
            ParameterError, match=r"replace\(\) of UnidirectionConnector must be .*, got 'q'"
        ):
            UnidirectionConnector(p=0.1).replace(q=0.2)

    def test_refused_by_the_constructor(self) -> None:
        with pytest.raises(
            ParameterError, match=r"p of UnidirectionConnector must be .*, got 1\.5"
        ):
            UnidirectionConnector(p=0.1).replace(p=1.5)

    def test_matrix(self) -> None:
        connector = MatrixConnector([[0, 2], [1, 0]], orientation="source_rows")
        with pytest.raises(ParameterError, match="matrix of MatrixConnector is not kept"):
            connector.replace(n_syn=2)
        made = connector.replace(matrix=[[0, 1], [1, 0]])
        assert made.orientation == "source_rows"

    def test_constructors_that_pass_on_what_they_are_given(self) -> None:
        class Own(UnidirectionConnector):
            def __init__(self, *args: Any, **options: Any) -> None:
                super().__init__(*args, **{"verbose": False, **options})

        made = Own(0.1, spherical_dist, n_syn=3).replace(p=0.2, rng=5)
        assert made.vars == {"p": 0.2, "p_arg": spherical_dist, "n_syn": 3}
        assert (made.rng, made.replace(p_arg=None).vars["p"]) == (5, 0.2)
        with pytest.raises(TypeError, match="q"):
            made.replace(q=1)

    def test_options_that_were_assigned(self) -> None:
        connector = UnidirectionConnector(p=0.1, verbose=True)
        connector.verbose, connector.rng = False, 7
        made = connector.replace(p=0.3)
        assert (made.verbose, made.rng) == (False, 7)


class Nearest(BaseConnector):
    """A class of the user's, with options of all connectors and a counter of its own."""

    parameter_names = ("k",)

    def __init__(self, k: int, step: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.k, self.step = k, step
        self.vars["k"] = k

    def draw(self, source: NodeArrays, target: NodeArrays, rng: Any) -> EdgeList:
        i = np.arange(min(self.k, len(source)))
        return EdgeList.from_arrays(i, i % len(target), (len(source), len(target)))


class TestOwnClasses:
    """Classes of users keep the same promises, for the parameters that they name."""

    def test_parameters(self) -> None:
        connector = Nearest(3, verbose=False, save_report=False)
        with pytest.raises(ParameterError, match="k of Nearest"):
            connector.k = 4
        connector.step = 2  # not named as a parameter: the class's own affair
        made = connector.replace(k=5, sampler="pairwise")
        assert (made.k, made.verbose, made.sampler) == (5, False, "pairwise")
        check_connector(connector)

    @pytest.mark.parametrize(
        "name", ["make_connection", "make_forward_connection", "make_backward_connection"]
    )
    @pytest.mark.parametrize("base", [UnidirectionConnector, ReciprocalConnector, BaseConnector])
    def test_look_ups_cannot_be_overridden(self, base: type, name: str) -> None:
        with pytest.raises(TypeError, match=f"{name} of Own .*Override draw"):
            type("Own", (base,), {name: lambda self, source, target: 1})

    def test_look_ups_cannot_be_assigned(self) -> None:
        connector = UnidirectionConnector(p=0.1)
        with pytest.raises(TypeError, match=r"make_connection of Unidirection.*Override draw"):
            connector.make_connection = lambda source, target: 1


def half(base: type[BaseConnector]) -> Any:
    """Return a class that draws as another one and then drops every other forward edge."""

    def draw(self: Any, source: NodeArrays, target: NodeArrays, rng: Any) -> Connectivity:
        drawn = base.draw(self, source, target, rng)
        assert isinstance(drawn, Connectivity)
        edges = drawn.forward
        forward = EdgeList.from_arrays(edges.source[::2], edges.target[::2], edges.shape)
        return replace(drawn, forward=forward, connected=(len(forward), *drawn.connected[1:]))

    return type("Half", (base,), {"draw": draw})


OVERRIDDEN: dict[str, tuple[type[BaseConnector], dict[str, Any]]] = {
    "unidirection": (UnidirectionConnector, {"p": 0.3}),
    "reciprocal": (ReciprocalConnector, {"p0": 0.3, "p1": 0.3, "pr": 0.1}),
    "gap junction": (GapJunction, {"p": 0.3}),
    "degree": (FixedInDegreeConnector, {"in_degree": 4}),
    "block": (BlockConnector, {"p": {("A", "A"): 0.3}}),
}


class TestOverriddenDraw:
    """A class derived from a connector of the package draws what its own ``draw`` says."""

    @pytest.mark.parametrize("name", OVERRIDDEN)
    def test_is_called_and_its_laws_are_not_those_of_the_other_class(self, name: str) -> None:
        base, parameters = OVERRIDDEN[name]
        net = make_network(20, 5)
        pool = pools(net)[0]
        own, other = (cls(**parameters, rng=1, **QUIET) for cls in (half(base), half(half(base))))
        plain = type("Half", (base,), {})(**parameters, rng=1, **QUIET)  # the stream of that name
        for connector in (own, other, plain):
            connector.setup_nodes(source=pool, target=pool)
        found, again, all_edges = (each.connectivity.forward for each in (own, other, plain))
        assert np.array_equal(found.source, all_edges.source[::2])
        assert np.array_equal(found.target, all_edges.target[::2])
        assert np.array_equal(again.target, all_edges.target[::2][::2])
        net.add_edges(**own.edge_params())
        net.build()
        assert net.nedges == len(found) > 4

        with pytest.raises(NotImplementedError, match=r"expected\(\) of Half is not known"):
            own.expected()
        assert "only draw() of Half tells" in str(own.preview())
        assert "no probability of a single pair" in str(own.explain(0, 1))
        assert np.isnan(own.summary().to_frame().z.astype(float)).all()
        assert plain.expected().forward > 0

    def test_a_class_may_tell_what_it_draws(self) -> None:
        own = half(UnidirectionConnector)
        told = UnidirectionConnector.expected_of
        own_and_told = type("Told", (own,), {"expected_of": told})
        connector = own_and_told(p=0.3, rng=1, **QUIET)
        pool = pools(make_network(20, 5))[0]
        connector.setup_nodes(source=pool, target=pool)
        assert own.expected_of is BaseConnector.expected_of
        assert own_and_told.expected_of is told

    def test_earlier_uses_and_partitions(self) -> None:
        """Drawing through ``super()`` is of the use whose edges are asked for, not the last."""
        pool, other = pools(make_network(20, 10))
        connector = half(OneToOneSequentialConnector)(verbose=False)
        for target in (other, other):
            connector.setup_nodes(source=pool, target=target)
        rules = [connector.edge_params(k)["connection_rule"] for k in (1, 0)]
        starts = [int(rule.edges.source[0]) for rule in rules]
        assert starts == [10, 0]

        chemical = UnidirectionConnector(1.0, rng=1, **QUIET)
        chemical.setup_nodes(source=pool, target=pool)
        coupled = half(CorrelatedGapJunction)(0.0, 1.0, 1.0, connector=chemical, rng=1, **QUIET)
        coupled.setup_nodes(source=pool, target=pool)
        first = coupled.use
        chemical.setup_nodes(source=other, target=other)
        coupled.setup_nodes(source=other, target=other)
        assert len(first.drawn().forward) == 190 / 2

    def test_report_of_blocks(self, tmp_path: Path) -> None:
        """Without ``super()`` there is nothing to say of single blocks."""

        class Own(BlockConnector):
            def draw(self, source: NodeArrays, target: NodeArrays, rng: Any) -> EdgeList:
                return EdgeList.from_arrays([0], [1], (len(source), len(target)))

        report = tmp_path / "conn.csv"
        connector = Own({("A", "A"): 0.3}, verbose=False, report_name=report, rng=1)
        pool = pools(make_network(10, 5))[0]
        connector.setup_nodes(source=pool, target=pool)
        assert len(connector.connectivity.forward) == 1
        assert len(report.read_text().splitlines()) == 2

    def test_backward_edges_that_are_missing(self) -> None:
        class Own(ReciprocalConnector):
            backward: EdgeList | None = None

            def draw(self, source: NodeArrays, target: NodeArrays, rng: Any) -> Connectivity:
                edges = EdgeList.from_arrays([0], [1], (len(source), len(target)))
                return Connectivity(edges, self.backward)

        connector = Own(p0=0.1, pr=0.0, rng=1, **QUIET)
        connector.setup_nodes(*pools(make_network(10, 5)))
        with pytest.raises(ParameterError, match=r"Own.draw\(\) returned no backward edges"):
            connector.initial_all_to_all()
        Own.backward = EdgeList.from_arrays([0], [1], (10, 5))
        with pytest.raises(ParameterError, match=r"backward edges of shape \(10, 5\) for pools"):
            connector.initial_all_to_all()


class TestOldScripts:
    """What scripts for the predecessor ask of classes and modules."""

    def test_families(self, tmp_path: Path) -> None:
        path = tmp_path / "pairs.csv"
        path.write_text("source_node_id,target_node_id\n0,1\n")
        gap = GapJunction(p=0.1)
        correlated = CorrelatedGapJunction(0.1, connector=UnidirectionConnector(0.1, **QUIET))
        for connector in (gap, correlated, FileBasedConnector(path)):
            assert isinstance(connector, UnidirectionConnector)
            assert issubclass(type(connector), UnidirectionConnector)
            assert not hasattr(connector, "source_fraction") or not isinstance(
                connector, FileBasedConnector
            )
        assert not isinstance(UnidirectionConnector(p=0.1), GapJunction)
        assert not isinstance(ReciprocalConnector(p0=0.1, pr=0.0), UnidirectionConnector)
        assert "allow_autapses" not in gap.parameter_names

    def test_one_to_one_by_name(self) -> None:
        net = make_network(5, 5)
        a, b = pools(net)
        connector = OneToOneSequentialConnector(n_syn=2, verbose=False)
        connector.setup_nodes(source=a, target=b)
        sources, targets = list(a), list(b)
        assert connector.make_connection(source=sources[1], targets=targets[1]) == 2
        counts = connector.make_connection(source=sources[1], targets=targets)
        assert counts.tolist() == [0, 2, 0, 0, 0]

    def test_module(self) -> None:
        import bmtool_connectors.connectors as old

        old.rng = 5
        assert bmtool_connectors.rng == 5
        bmtool_connectors.report_name = "own.csv"
        assert old.report_name == "own.csv"
        assert UnidirectionConnector(p=0.1).rng is None
        net = make_network(30)
        wanted = edges(set_up(UnidirectionConnector(0.3, **QUIET), net))
        old.rng = 5  # anew, though the value is the same
        assert edges(set_up(old.UnidirectionConnector(0.3, **QUIET), net)) == wanted
        del old.rng
        assert isinstance(bmtool_connectors.rng, np.random.Generator)
