"""Recipes: what they say of a save, of parts of it, and of one that was interrupted."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import QUIET, random_positions
from faults import networks, saved

import bmtool_connectors
from bmtool_connectors import (
    FixedInDegreeConnector,
    NetworkBuilder,
    ParameterError,
    ReciprocalConnector,
    UnidirectionConnector,
    verify,
)
from bmtool_connectors.patterns.described import connector_described
from bmtool_connectors.sonata import staging
from bmtool_connectors.sonata.digests import digest_of_json
from bmtool_connectors.sonata.recipe import own_recipe

RECIPE = "net_connections.json"


class OwnConnector(UnidirectionConnector):
    """A class of the user's own."""


def recipe_of(folder: Path, name: str = RECIPE) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_text())
    return found


def small(seed: int, p: float = 0.3, n: int = 20) -> Any:
    """Return a network whose nodes, weights and edges depend on the seed."""
    net = NetworkBuilder("net")
    net.add_nodes(N=n, pop_name="A", model_type="biophysical", positions=points(seed, n))
    other = NetworkBuilder("other")
    other.add_nodes(N=5, model_type="virtual")
    connector = UnidirectionConnector(p=p, rng=seed, **QUIET)
    connector.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**connector.edge_params(), delay=1.0, syn_weight=seed)
    drive = FixedInDegreeConnector(2, rng=seed, **QUIET)
    drive.setup_nodes(other.nodes(), net.nodes())
    net.add_edges(**drive.edge_params(), delay=0.0)
    net.build()
    return net


def points(seed: int, n: int) -> list[Any]:
    return list(random_positions(n, seed))


def codes(folder: Any) -> set[str]:
    return {each.code for each in verify(folder).findings}


# ---------------------------------------------------------------------- what it says
def test_names_of_classes() -> None:
    """Public names for what the package exports, and module and name for what users write."""
    assert connector_described(UnidirectionConnector(0.1, rng=1))["class"] == (
        "bmtool_connectors.UnidirectionConnector"
    )
    own = connector_described(OwnConnector(0.1, rng=1))
    assert own["class"] == "test_recipes.OwnConnector"
    law = bmtool_connectors.GaussianDropoff(stdev=10.0)
    arg = bmtool_connectors.spherical_dist
    found = connector_described(UnidirectionConnector(law, arg, rng=1))["parameters"]
    assert found["p"]["class"] == "bmtool_connectors.GaussianDropoff"
    assert found["p_arg"]["function"] == "bmtool_connectors.spherical_dist"


def test_infeasible_is_told_where_there_is_a_choice() -> None:
    connector = UnidirectionConnector(0.1, rng=1)
    connector.__dict__["infeasible"] = "bmtool"
    assert connector_described(connector)["infeasible"] == "bmtool"


def test_number_of_the_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It is a part of the stream's key under a seed of the module, and only there."""
    monkeypatch.setattr(bmtool_connectors, "rng", 7)
    net = NetworkBuilder("net")
    net.add_nodes(N=10)
    for rng in (None, None, 7):
        connector = UnidirectionConnector(0.3, rng=rng, **QUIET)
        connector.setup_nodes(net.nodes(), net.nodes())
        net.add_edges(**connector.edge_params())
    recipe = recipe_of(saved(tmp_path, [net]))
    assert [each["connector"]["use"] for each in recipe["edge_types"]] == [0, 1, None]
    assert set(recipe["streams"]) == {"pairwise", "sparse", "degree"}


def test_files_and_nodes(tmp_path: Path) -> None:
    recipe = recipe_of(saved(tmp_path, networks()))
    assert recipe["nodes"]["files"] == ["net_node_types.csv", "net_nodes.h5"]
    assert {*recipe["files"], *recipe["nodes"]["files"]} < set(os.listdir(tmp_path))
    assert set(recipe["nodes"]["columns"]) == {"node_type_id", "x", "y", "z", "label"}
    assert recipe["blake2b"] == digest_of_json(
        {name: each for name, each in recipe.items() if name != "blake2b"}
    )
    inputs = recipe_of(tmp_path, "bg_connections.json")
    assert inputs["edge_types"] == []
    assert inputs["nodes"]["types"]["100"]["model_type"] == "virtual"


def test_types_with_ids_of_several_lengths(tmp_path: Path) -> None:
    """The digest of a recipe is that of its text, where ids are sorted as text, not as numbers."""
    net = NetworkBuilder("net")
    for number in (1000, 5, 100):
        net.add_nodes(N=2, node_type_id=number)
    assert list(recipe_of(saved(tmp_path, [net]))["nodes"]["types"]) == ["1000", "5", "100"]
    assert "recipe-changed" not in codes(tmp_path)
    net.save_edges(output_dir=tmp_path)
    assert recipe_of(tmp_path)["nodes"] is not None  # it was trusted


@pytest.mark.parametrize(
    "options",
    [
        {"sort_by": None},
        {"sort_by": "source_node_id", "compact": True},
        {"compression": "none", "index_by": ["edge_type_id"]},
    ],
    ids=str,
)
def test_digests_do_not_depend_on_how_rows_are_stored(
    options: dict[str, Any], tmp_path: Path
) -> None:
    recipes = []
    for name, chosen in (("a", {}), ("b", options)):
        recipe = recipe_of(saved(tmp_path / name, networks(), **chosen))
        for each in recipe["edge_types"]:
            del each["indices"]
        del recipe["blake2b"]
        recipes.append(recipe)
    assert recipes[0] == recipes[1]


def test_nodes_of_portable_files_have_the_same_digests(tmp_path: Path) -> None:
    told = []
    for portable in (False, True):
        folder = tmp_path / str(portable)
        small(1).save(folder, portable=portable)
        assert codes(folder) == {"no-nodes"}
        told.append(recipe_of(folder)["nodes"]["columns"])
    assert told[0] == told[1]


# ---------------------------------------------------------------------- part by part
def test_edges_between_two_networks_at_a_time(tmp_path: Path) -> None:
    """A recipe tells of the edges that are there, not of those that are not saved yet."""
    net = small(1)
    net.save_edges(output_dir=tmp_path, src_network="other")
    assert codes(tmp_path) == {"no-nodes"}
    net.save_edges(output_dir=tmp_path, src_network="net")
    ends = [each["source_network"] for each in recipe_of(tmp_path)["edge_types"]]
    assert sorted(ends) == ["net", "other"]
    assert codes(tmp_path) == {"no-nodes"}
    whole = tmp_path / "whole"
    net.save_edges(output_dir=whole)
    assert recipe_of(whole)["files"] == recipe_of(tmp_path)["files"]


def test_a_file_of_types_alone(tmp_path: Path) -> None:
    net = small(1)
    net.save_edges(
        edge_types_file_name="t.csv", output_dir=tmp_path, src_network="net", trg_network="net"
    )
    assert recipe_of(tmp_path)["edge_types"] == []


def test_several_networks_in_one_file_of_nodes(tmp_path: Path) -> None:
    nets = networks()
    for net in nets:
        net.save_nodes("nodes.h5", "types.csv", output_dir=tmp_path, mode="a")
        net.save_edges(output_dir=tmp_path)
    codes_found = {each.code for each in verify(tmp_path).findings}
    assert not codes_found & {"recipe-nodes", "missing-file"}


def test_edges_saved_with_other_nodes(tmp_path: Path) -> None:
    """Nodes that are saved anew beside the edges of others do not pass, until these follow."""
    small(1).save(tmp_path)
    assert codes(tmp_path) == {"no-nodes"}
    small(1).save_nodes(output_dir=tmp_path)
    assert codes(tmp_path) == {"no-nodes"}
    other = small(2)
    other.save_nodes(output_dir=tmp_path)
    assert "recipe-nodes" in codes(tmp_path)
    other.save_edges(output_dir=tmp_path)
    assert codes(tmp_path) == {"no-nodes"}


def test_a_recipe_of_others_is_not_gone_on_with(tmp_path: Path) -> None:
    """What cannot be trusted is left out of the next recipe."""
    small(1).save(tmp_path)
    for text in ("", "[1]", '{"format": 2, "network": "net", "blake2b": ""}'):
        (tmp_path / RECIPE).write_text(text)
        small(1).save_nodes(output_dir=tmp_path)
        assert recipe_of(tmp_path)["edge_types"] == []


def test_no_overwriting_of_what_is_completed(tmp_path: Path) -> None:
    net = small(1)
    net.save_nodes(output_dir=tmp_path, force_overwrite=False)
    net.save_edges(output_dir=tmp_path, force_overwrite=False)
    with pytest.raises(ParameterError, match="force_overwrite is False"):
        net.save_edges(output_dir=tmp_path, force_overwrite=False)
    other = tmp_path / "other"
    other.mkdir()
    (other / RECIPE).write_text("mine")
    with pytest.raises(ParameterError, match="force_overwrite is False"):
        net.save_nodes(output_dir=other, force_overwrite=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have no names here")
def test_a_pipe_is_not_read() -> None:
    """It would be waited for."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, RECIPE)
        os.mkfifo(place)
        assert own_recipe(place, "net") == {}


# ---------------------------------------------------------------------- interrupted
def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_killed_between_two_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever files have been moved: a mixture of two networks is not trusted."""
    small(1).save(tmp_path / "old")
    new = small(2)
    new.save(tmp_path / "new")
    before, after = contents(tmp_path / "old"), contents(tmp_path / "new")
    moved = len(after)
    mixed = 0
    for n in range(moved + 1):
        folder = tmp_path / str(n)
        shutil.copytree(tmp_path / "old", folder)
        with monkeypatch.context() as patched:
            patched.setattr(staging.os, "replace", stopping(n))
            try:
                new.save(folder)
            except KeyboardInterrupt:
                assert n < moved
        now = contents(folder)
        same = [{name: data} for name, data in now.items()]
        is_one = all(each.items() <= before.items() for each in same) or all(
            each.items() <= after.items() for each in same
        )
        mixed += not is_one
        assert bool(verify(folder)) == is_one, f"{n} moved\n{verify(folder)}"
    assert mixed == moved - 1


def stopping(n: int) -> Callable[..., None]:
    """Return what moves n files, and is interrupted then."""
    real, done = os.replace, 0

    def replace(source: Any, target: Any) -> None:
        nonlocal done
        if done == n:
            raise KeyboardInterrupt
        done += 1
        real(source, target)

    return replace


# ---------------------------------------------------------------------- earlier recipes
def first_format(folder: Path) -> None:
    """Make a recipe of the first format, which has no digests of nodes and values."""
    recipe = recipe_of(folder)
    for name in ("nodes", "files", "streams", "gap_junctions", "blake2b"):
        del recipe[name]
    recipe["format"] = 1
    for each in recipe["edge_types"]:
        for name in ("row_per_synapse", "nodes", "type", "population", "indices", "values"):
            each.pop(name, None)
        each["connector"].pop("use")
    (folder / RECIPE).write_text(json.dumps(recipe))


def test_the_first_format(tmp_path: Path) -> None:
    """It stays readable, tells of the same faults, and the report says what it does not tell."""
    saved(tmp_path, networks())
    (tmp_path / "bg_connections.json").unlink()
    first_format(tmp_path)
    report = verify(tmp_path)
    assert report.findings == ()
    assert len(report.tests) == 6
    text = " ".join(str(report).split())
    assert "values of properties (not in the recipe: bg_to_net, net_to_net)" in text
    assert "whether nodes are those that were saved (no recipe: bg, net)" in text
    other = saved(tmp_path / "other", networks(2))
    shutil.copy(other / "bg_net_edges.h5", tmp_path)
    assert codes(tmp_path) == {"recipe-edges"}


def test_the_first_format_is_replaced(tmp_path: Path) -> None:
    net = small(1)
    net.save(tmp_path)
    whole = recipe_of(tmp_path)
    first_format(tmp_path)
    net.save(tmp_path)
    assert recipe_of(tmp_path) == whole


# ---------------------------------------------------------------------- no false alarms
def test_rounding_below_zero(tmp_path: Path) -> None:
    """An expected number of -4e-15 is 0, and of no reciprocal pairs there are none."""
    net = NetworkBuilder("net")
    net.add_nodes(N=20)
    connector = ReciprocalConnector(p0=0.1, pr=0.0, estimate_rho=False, rng=1, **QUIET)
    connector.setup_nodes(net.nodes(), net.nodes())
    net.add_edges(**connector.edge_params())
    saved(tmp_path, [net])
    recipe = recipe_of(tmp_path)
    recipe["edge_types"][0]["connector"]["wanted"]["reciprocal"] = -4e-15
    del recipe["blake2b"]
    recipe["blake2b"] = digest_of_json(recipe)
    (tmp_path / RECIPE).write_text(json.dumps(recipe))
    report = verify(tmp_path)
    assert report.findings == ()
    assert [(each.quantity, each.wanted) for each in report.tests][1] == ("reciprocal", 0.0)


def test_networks_without_reciprocal_pairs(tmp_path: Path) -> None:
    """Sums of numbers that cancel are rounded in many ways; of 16 networks, none is rejected."""
    rng = np.random.default_rng(5)
    for k in range(16):
        net = NetworkBuilder("net")
        net.add_nodes(N=int(rng.integers(5, 25)), pop_name="A")
        net.add_nodes(N=int(rng.integers(5, 25)), pop_name="B")
        p0, p1 = rng.uniform(0.02, 0.3, 2)
        connector = ReciprocalConnector(p0=p0, p1=p1, pr=0.0, rng=k, **QUIET)
        connector.setup_nodes(net.nodes(pop_name="A"), net.nodes(pop_name="B"))
        for _ in range(2):
            net.add_edges(**connector.edge_params())
        report = verify(saved(tmp_path / str(k), [net]), alarm_rate=1e-6)
        assert report.findings == (), str(report)


def test_a_property_nsyns_of_the_users(tmp_path: Path) -> None:
    """Each row is one synapse, whatever it says itself; and it is compared with what was saved."""
    net = NetworkBuilder("net")
    net.add_nodes(N=12)
    connector = UnidirectionConnector(p=0.4, n_syn=2, rng=1, **QUIET)
    connector.setup_nodes(net.nodes(), net.nodes())
    edges = net.add_edges(**connector.edge_params(), delay=1.0)
    edges.add_properties(["nsyns", "weight"], rule=lambda s, t: (3, 0.5), dtypes=[int, float])
    report = verify(saved(tmp_path, [net]))
    assert report.findings == (), str(report)
