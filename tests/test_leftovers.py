"""Saving again into a folder: what of the earlier save goes, and what stays."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bmtk.builder
import pytest

from bmtool_connectors import ConnectivityWarning, NetworkBuilder, ParameterError
from bmtool_connectors.sonata.recipe import listed_files

ALL = ("net", "other", "gap")
RECIPE = "net_connections.json"


def network(kinds: Sequence[str] = ALL, make: Any = NetworkBuilder, name: str = "net") -> Any:
    """Return a network with edges within, to another network, and gap junctions, as asked."""
    net, other = make(name), make("other")
    for each in (net, other):
        each.add_nodes(N=3)
    ends = {"net": net.nodes(), "other": other.nodes(), "gap": net.nodes()}
    for kind in kinds:
        options = {"is_gap_junction": True} if kind == "gap" else {}
        net.add_edges(net.nodes(), ends[kind], connection_rule=1, **options)
    return net


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def saved_alone(kinds: Sequence[str], folder: Path) -> list[str]:
    """Return the names of files that a network has in a new folder."""
    network(kinds).save(folder)
    return names_in(folder)


def edited(folder: Path, **changes: Any) -> None:
    """Change the recipe by hand."""
    recipe = json.loads((folder / RECIPE).read_text())
    (folder / RECIPE).write_text(json.dumps(recipe | changes))


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize(
    "kinds", [("net", "other"), ("net", "gap"), ("net",), ("other",), ("gap",), ()]
)
def test_what_the_network_no_longer_has_is_removed(
    kinds: Sequence[str], apart: bool, tmp_path: Path
) -> None:
    """The folder is as if nothing had been there; other files in it stay."""
    folder = tmp_path / "files"
    network().save(folder)
    (folder / "net_other_notes.txt").write_text("mine")
    net = network(kinds)
    if apart:
        net.save_nodes(output_dir=folder)
        net.save_edges(output_dir=folder)
    else:
        net.save(folder)
    assert names_in(folder) == sorted(
        [*saved_alone(kinds, tmp_path / "alone"), "net_other_notes.txt"]
    )


def test_a_population_whose_edges_are_gone(tmp_path: Path) -> None:
    """It is still declared: its table of types stays, and its file of edges goes."""
    network(["net", "other"]).save(tmp_path)
    net = network(["net"])
    other = NetworkBuilder("other")
    other.add_nodes(N=3)
    net.add_edges(net.nodes(), other.nodes(), connection_rule=0)
    net.save(tmp_path)
    assert listed_files(tmp_path / RECIPE) == {
        *("net_net_edges.h5", "net_net_edge_types.csv", "net_other_edge_types.csv")
    }
    assert "net_other_edges.h5" not in names_in(tmp_path)
    assert "net_other_edge_types.csv" in names_in(tmp_path)


def test_a_part_of_the_edges(tmp_path: Path) -> None:
    """Files of other calls stay and stay listed; gap junctions are always written as a whole."""
    network().save(tmp_path)
    before, names = names_in(tmp_path), listed_files(tmp_path / RECIPE)
    network().save_edges(output_dir=tmp_path, trg_network="net")
    assert names_in(tmp_path) == before
    assert listed_files(tmp_path / RECIPE) == names
    network(["net", "other"]).save_edges(output_dir=tmp_path, trg_network="net")
    assert set(before) - set(names_in(tmp_path)) == {"net_gap_juncs.h5"}
    assert names is not None
    assert listed_files(tmp_path / RECIPE) == names - {"net_gap_juncs.h5"}
    network(["net"]).save_edges("other.h5", None, output_dir=tmp_path)
    assert set(names_in(tmp_path)) - set(before) == {"other.h5"}


def test_other_names(tmp_path: Path) -> None:
    """The edges are in one file only, whatever it is called; paths elsewhere are not listed."""
    network(["net"]).save(tmp_path)
    net = network(["net"])
    net.save_edges("a.h5", "a.csv", output_dir=tmp_path)
    assert listed_files(tmp_path / RECIPE) == {"a.h5", "a.csv"}
    assert "net_net_edges.h5" not in names_in(tmp_path)
    net.save_edges("below/../b.h5", tmp_path / "below" / "b.csv", output_dir=tmp_path)
    assert listed_files(tmp_path / RECIPE) == {"b.h5"}
    assert "a.h5" not in names_in(tmp_path)
    net.save(tmp_path)
    assert "b.h5" not in names_in(tmp_path)
    assert names_in(tmp_path / "below") == ["b.csv"]


def test_a_name_that_is_now_that_of_the_nodes(tmp_path: Path) -> None:
    net = network(["net"])
    net.save_edges("a.h5", "a.csv", output_dir=tmp_path)
    net.save(tmp_path, nodes_file_name="a.h5")
    assert {"a.h5", "net_net_edges.h5"} <= set(names_in(tmp_path))
    assert "a.csv" not in names_in(tmp_path)


def test_networks_that_share_a_folder(tmp_path: Path) -> None:
    """What another network's recipe lists is not removed."""
    network(["net"], name="first").save(tmp_path)
    network().save(tmp_path)
    (tmp_path / "pipe_connections.json").mkdir()
    (tmp_path / "junk_connections.json").write_text("{")
    edited(tmp_path, files=["first_first_edges.h5", "net_other_edges.h5"])
    network(["net"]).save(tmp_path)
    assert "first_first_edges.h5" in names_in(tmp_path)
    assert "net_other_edges.h5" not in names_in(tmp_path)


def test_only_files_beside_the_recipe_are_removed(tmp_path: Path) -> None:
    """No path is followed, whatever a recipe lists; links and folders stay."""
    folder = tmp_path / "files"
    network().save(folder)
    kept = [tmp_path / "outside.h5", folder / "below" / "inside.h5", tmp_path / "linked.h5"]
    (folder / "below").mkdir()
    for each in kept:
        each.write_text("mine")
    (folder / "link.h5").symlink_to(kept[2])
    (folder / "gone.h5").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe")
    paths = ["../outside.h5", str(kept[0]), "below/inside.h5", "below", ".", "..", "", RECIPE]
    links = ["link.h5", "gone.h5", "pipe", "C:\\a", "a\0b", None, 3, ["net_net_edges.h5"]]
    edited(folder, files=[*paths, *links, "net_other_edges.h5"])
    before = set(names_in(folder))
    network(["net"]).save(folder)
    assert before - set(names_in(folder)) == {"net_other_edges.h5"}
    assert [each.read_text() for each in kept] == ["mine"] * 3


def test_one_file_under_two_names(tmp_path: Path) -> None:
    """As on systems where letters may be small or large."""
    network(["net"]).save(tmp_path)
    link = tmp_path / "NET_NET_edges.h5"
    link.symlink_to("net_net_edges.h5")
    edited(tmp_path, files=[link.name])
    network(["net"]).save(tmp_path)
    assert {link.name, "net_net_edges.h5"} <= set(names_in(tmp_path))


UNKNOWN = {
    "none": None,
    "before files were listed": {"files": None},
    "of another network": {"network": "nets"},
    "cut short": "{",
    "no object": "[1]",
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_without_a_recipe_nothing_is_removed(kind: str, tmp_path: Path) -> None:
    """One warning names what may be left; with the new recipe, there is none."""
    network().save(tmp_path)
    recipe = UNKNOWN[kind]
    (tmp_path / "net_net_notes.txt").write_text("mine")
    if isinstance(recipe, dict):
        edited(tmp_path, **recipe)
    elif recipe is None:
        (tmp_path / RECIPE).unlink()
    else:
        (tmp_path / RECIPE).write_text(recipe)
    before = set(names_in(tmp_path))
    message = "holds net_gap_juncs.h5, net_other_edges.h5, which this save did not write"
    with pytest.warns(ConnectivityWarning, match=message) as caught:
        network(["net"]).save(tmp_path)
    assert len(caught) == 1
    assert set(names_in(tmp_path)) == before | {RECIPE}
    network(["net"]).save(tmp_path)


def test_files_of_bmtk(tmp_path: Path) -> None:
    network(make=bmtk.builder.NetworkBuilder).save(str(tmp_path))
    network().save(tmp_path)
    network(make=bmtk.builder.NetworkBuilder).save(str(tmp_path / "other"))
    with pytest.warns(ConnectivityWarning, match=r"net_net_edges\.h5, net_other_edges\.h5, which"):
        network([]).save(tmp_path / "other")
    network(["net"], name="other").save(tmp_path)  # net_other_edges.h5 is the file of net


def test_edges_from_inputs_without_a_recipe(tmp_path: Path) -> None:
    net, inputs = network(["net"]), NetworkBuilder("inputs")
    inputs.add_nodes(N=2)
    net.add_edges(inputs.nodes(), net.nodes(), connection_rule=1)
    inputs.save(tmp_path)
    net.save(tmp_path)
    (tmp_path / RECIPE).unlink()
    with pytest.warns(ConnectivityWarning, match=r"holds inputs_net_edges\.h5, which this save"):
        network(["net"]).save(tmp_path)
    assert "inputs_net_edges.h5" in names_in(tmp_path)


def test_the_recipe_is_the_last_to_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A save that is killed leaves the list of what there may be to remove."""
    network().save(tmp_path)
    steps: list[str] = []
    move, remove = os.replace, Path.unlink
    monkeypatch.setattr(
        "bmtool_connectors.sonata.staging.os.replace",
        lambda a, b: (steps.append(Path(b).name), move(a, b)),
    )
    monkeypatch.setattr(Path, "unlink", lambda self: (steps.append(f"-{self.name}"), remove(self)))
    network(["net"]).save(tmp_path)
    gone = ["-net_gap_juncs.h5", "-net_other_edge_types.csv", "-net_other_edges.h5"]
    steps = [each for each in steps if not each.endswith(".tmp")]
    assert steps[-4:] == [*gone, RECIPE]
    assert len(steps) == 8


def test_what_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network().save(tmp_path)
    remove = Path.unlink

    def refuse(self: Path) -> None:
        if not self.name.endswith(".tmp"):
            raise PermissionError(13, "Permission denied")
        remove(self)

    monkeypatch.setattr(Path, "unlink", refuse)
    message = (
        r"net_gap_juncs\.h5' could not be removed \(Permission denied\); some files of this save"
    )
    with pytest.raises(OSError, match=message):
        network(["net"]).save(tmp_path)


@pytest.mark.parametrize("method", ["save", "save_nodes", "save_edges"])
@pytest.mark.parametrize("name", ["../x", "{folder}/x", "a/b", "a\\b", ".."])
def test_names_of_networks_are_no_paths(name: str, method: str, tmp_path: Path) -> None:
    """Files are called after networks, also after those at the other end of edges."""
    folder = tmp_path / "files"
    net, other = network(["net"]), NetworkBuilder(name.format(folder=tmp_path))
    other.add_nodes(N=2)
    net.add_edges(other.nodes(), net.nodes(), connection_rule=1)
    if name == "..":  # a strange one, and no path
        net.save(folder)
        assert ".._net_edges.h5" in names_in(folder)
        return
    for each in (net, other):
        with pytest.raises(ParameterError, match="its files are called after it, got "):
            getattr(each, method)(output_dir=folder)
        assert not each.adaptor.edges_built
    assert names_in(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes")
@pytest.mark.parametrize("name", ["net_nodes.h5", "net_net_edge_types.csv", RECIPE])
@pytest.mark.parametrize("linked", [False, True])
def test_only_files_are_replaced(name: str, linked: bool, tmp_path: Path) -> None:
    """A pipe or device stays what it is, and nothing is built."""
    (tmp_path / "files").mkdir()
    place = tmp_path / "files" / name
    os.mkfifo(tmp_path / "pipe" if linked else place)  # never a device: what if it is replaced
    if linked:
        place.symlink_to(tmp_path / "pipe")
    net = network(["net"])
    with pytest.raises(OSError, match=r"could not be written \(it is a device, pipe or socket\)"):
        net.save(tmp_path / "files")
    assert not net.adaptor.edges_built
    assert names_in(tmp_path / "files") == [name]
    assert not place.is_file()
