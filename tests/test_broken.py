"""Broken, foreign and unusual folders: each reader ends with an answer or with one sentence."""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import matplotlib.pyplot as plt
import numpy as np
import pytest
from broken import CONFIGS, EDGE, FAR, HUGE, NODE, VARIANTS, Variant
from faults import EDGES, NODES, networks, saved

from bmtool_connectors import NodeError, ParameterError, cli, compare, plot, summarize, verify
from bmtool_connectors.sonata import datasets

#: Bytes that a reader may take beyond what the process has; a bomb takes all.
MOST_MEMORY = 3 << 30
#: Seconds for one reader, on a busy machine.
MOST_TIME = 20.0
#: Variants that are tried by default: all that once took long or much memory, and every thirtieth.
SAMPLE = sorted({name for name in VARIANTS if "bomb" in name or FAR in name}) + [
    name for name in list(VARIANTS)[::30] if FAR not in name
]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("good") / "network", networks())


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "network"))


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Whatever takes gigabytes is a MemoryError."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def readers(path: Path, folder: Path, original: Path) -> dict[str, Callable[[], object]]:
    """Return all that reads a folder; `path` is what is verified."""

    def told(read: Callable[[], Any], *ways: str) -> None:
        found = read()
        assert str(found)
        for way in ways:
            getattr(found, way)()

    def drawn(picture: Callable[..., Any], *more: Any) -> None:
        figure, ax = plt.subplots()
        try:
            picture(folder, *more, ax=ax)
        finally:
            plt.close(figure)

    return {
        "verify": lambda: told(lambda: verify(path), "to_frame"),
        "summarize": lambda: told(lambda: summarize(folder), "to_csv", "to_json"),
        "compare": lambda: told(lambda: compare(original, folder)),
        "compare, turned": lambda: told(lambda: compare(folder, original)),
        "compare, itself": lambda: told(lambda: compare(folder, folder)),
        "matrix": lambda: drawn(plot.connection_matrix, "reciprocal"),
        "degrees": lambda: drawn(plot.degrees, ("net", "net", 101)),
        "distance": lambda: drawn(plot.probability_by_distance, ("net", "net", 100)),
    }


def try_readers(variant: Variant, folder: Path, original: Path) -> dict[str, str]:
    """Break a folder, and return what the readers that refuse it say; any other error is one."""
    path = variant(folder)
    refused = {}
    for name, read in readers(path if isinstance(path, Path) else folder, folder, original).items():
        start = time.monotonic()
        try:
            read()
        except (ParameterError, NodeError) as error:
            refused[name] = str(error)
        assert time.monotonic() - start < MOST_TIME, name
    assert not any("\n" in each for each in refused.values())
    assert "verify" not in refused, "what is broken is what it reports"
    return refused


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("name", SAMPLE)
def test_sample(name: str, folder: Path, original: Path) -> None:
    try_readers(VARIANTS[name], folder, original)


@pytest.mark.slow
@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("name", VARIANTS)
def test_all(name: str, folder: Path, original: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also as commands, whose exit codes are those of their help."""
    refused = try_readers(VARIANTS[name], folder, original)
    commands = {
        "summarize": (["summary", str(folder)], {0}),
        "compare": (["diff", str(original), str(folder)], {0, 1}),
        "verify": (["verify", str(folder)], {0, 1, 2}),
    }
    for reader, (arguments, codes) in commands.items():
        code = cli.main(arguments)
        out, err = capsys.readouterr()
        assert code in ({2} if reader in refused else codes)
        assert err == (f"error: {refused[reader]}\n" if reader in refused else "")
        assert bool(out) != (reader in refused)


def test_sound_folders_are_read(folder: Path, original: Path) -> None:
    """The readers of these tests refuse nothing by themselves."""
    assert not try_readers(lambda folder: None, folder, original)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (f"{EDGES}/{EDGE}/source_node_id: huge", f"declares {HUGE:,} rows, and holds 0 bytes"),
        (f"{EDGES}/{EDGE}/source_node_id: floats", "source_node_id is float64, not a column of"),
        (f"{EDGES}/{EDGE}/source_node_id: scalar", "source_node_id is a single value, not a col"),
        (f"{EDGES}/{EDGE}/source_node_id: group", "source_node_id is no dataset"),
        (f"{EDGES}/{EDGE}/source_node_id: dangling", "source_node_id is missing"),
        (f"{EDGES}/{EDGE}/1/nsyns: nan", "nsyns must be whole numbers of synapses, got nan in row"),
        (
            f"{EDGES}/{EDGE}/1/nsyns: negative",
            "nsyns must be whole numbers of synapses, got -1 in row",
        ),
        (f"{EDGES}/{EDGE}/0/delay: huge and empty", f"0/delay has {HUGE:,} values in each row"),
        (f"{EDGES}/{EDGE}/0: holds itself", "is a group within 17 others, or within itself"),
        (f"{EDGES}/{EDGE}/edge_group_index: negative", "its rows refer to number -1"),
        (f"{NODES}/{NODE}/node_id: dangling", "node_id is missing"),
        ("population of source: array", "node_population of source_node_id is no name"),
        ("net_net_edge_types.csv: id inf ", "is 'inf'; integers are allowed"),
    ],
)
def test_what_is_said(name: str, says: str, folder: Path, original: Path) -> None:
    VARIANTS[name](folder)
    with pytest.raises(ParameterError) as raised:
        compare(folder, original)
    assert says in str(raised.value)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("good", None, ""),
        ("made of itself", "unreadable", "$DIR of the manifest is made of itself"),
        ("bomb", "unreadable", "$a of the manifest is made of itself"),
        ("bomb of many", "unreadable", "a path has more than 16,384 letters with its variables"),
    ],
)
def test_manifests(name: str, code: str | None, says: str, folder: Path) -> None:
    report = verify(VARIANTS[f"configuration: {name}"](folder))  # type: ignore[arg-type]
    assert CONFIGS[name]["networks"]
    found = [each for each in report.findings if each.code == "unreadable"]
    assert [each.code for each in found] == ([] if code is None else [code])
    assert all(says in each.message for each in found)


def test_unusual_and_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Much that compresses well, rows put together from files, and many values per row are fine."""
    monkeypatch.setattr(datasets, "MOST_UNWRITTEN", 1 << 10)
    n = 20_000
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        with h5py.File(tmp_path / name / "net_net_edges.h5", "w") as h5:
            population = h5.create_group("edges/net_to_net")
            for column in ("source_node_id", "target_node_id"):
                population.create_dataset(column, data=np.zeros(n, "u8"), compression="gzip")
            population["0/cells"] = np.zeros((n, 1, 2), dtype="i1")
        with h5py.File(tmp_path / name / "types.h5", "w") as h5:
            h5["types"] = np.full(n, 7, dtype="i8")
        layout = h5py.VirtualLayout(n, "i8")
        layout[:] = h5py.VirtualSource(tmp_path / name / "types.h5", "types", n)
        with h5py.File(tmp_path / name / "net_net_edges.h5", "r+") as h5:
            h5["edges/net_to_net"].create_virtual_dataset("edge_type_id", layout)
    assert compare(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a" / "types.h5").unlink()
    with pytest.raises(ParameterError, match="edge_type_id declares 20,000 rows, and holds 0"):
        compare(tmp_path / "a", tmp_path / "b")
