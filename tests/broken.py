"""Ways to break the folder of a saved network: ``from broken import VARIANTS``.

Each is a function of the folder of ``faults.networks``. What it leaves may be a network, too: then
readers have to answer, else they have to say in one sentence what is wrong.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from faults import EDGES, GAPS, INPUTS, NODES, RECIPE, TYPES

Variant = Callable[[Path], object]

#: More than any memory holds; a chunked dataset that was never written takes no room.
HUGE = 1 << 36
#: Where variants of these values are: in what all rows have.
FAR = "source_node_id: huge"
NODE, EDGE, INPUT = "nodes/net", "edges/net_to_net", "edges/bg_to_net"
#: Datasets, by file.
DATASETS = {
    NODES: [
        *(f"{NODE}/node_{name}" for name in ("id", "type_id", "group_id", "group_index")),
        *(f"{NODE}/{name}" for name in ("0/positions", "1/label")),
    ],
    EDGES: [
        *(f"{EDGE}/{end}_node_id" for end in ("source", "target")),
        *(f"{EDGE}/edge_{name}" for name in ("type_id", "group_id", "group_index")),
        *(f"{EDGE}/0/{name}" for name in ("delay", "afferent_section_id")),
        f"{EDGE}/1/nsyns",
        *(
            f"{EDGE}/indices/target_to_source/{name}"
            for name in ("node_id_to_range", "range_to_edge_id")
        ),
    ],
    INPUTS: [f"{INPUT}/source_node_id", f"{INPUT}/0/nsyns"],
    GAPS: ["source_ids", "src_gap_ids"],
}
GROUPS = {
    NODES: ["nodes", NODE, f"{NODE}/0"],
    EDGES: ["edges", EDGE, f"{EDGE}/0", f"{EDGE}/1", f"{EDGE}/indices"],
    INPUTS: [f"{INPUT}/0"],
}


# ---------------------------------------------------------------------- datasets
def _declared(parent: Any, name: str, shape: tuple[int, ...], dtype: Any = "u8") -> None:
    """Make a dataset of which nothing is written."""
    chunks = tuple(min(n, 1024) or 1 for n in shape)
    parent.create_dataset(name, shape, dtype, chunks=chunks, maxshape=(None,) * len(shape))


def _loop(parent: Any, name: str, old: Any) -> None:
    parent[name] = h5py.SoftLink(f"{parent.name}/{name}")


def _cast(dtype: Any, parent: Any, name: str, old: Any) -> None:
    parent[name] = np.zeros(len(old), dtype=dtype)


def _largest(parent: Any, name: str, old: Any) -> None:
    if old.dtype.kind in "iuf":
        most = np.uint64(2**64 - 1)
        parent[name] = np.append(old.astype("u8").reshape(-1)[:-1], most)


def _last(value: Any, parent: Any, name: str, old: Any) -> None:
    if old.dtype.kind not in "iuf":
        return
    floats = isinstance(value, float)
    new = old.astype(float if floats else old.dtype.str.replace("u", "i"))
    new.reshape(-1)[-1] = value
    parent[name] = new


#: What may stand in place of a dataset: ``(parent, name, old values)``.
VALUES: dict[str, Callable[[Any, str, Any], object]] = {
    "missing": lambda parent, name, old: None,
    "empty": lambda parent, name, old: parent.create_dataset(name, data=old[:0]),
    "longer": lambda parent, name, old: parent.create_dataset(
        name, data=np.append(old, old[:1], 0)
    ),
    "shorter": lambda parent, name, old: parent.create_dataset(name, data=old[:-1]),
    "scalar": lambda parent, name, old: parent.create_dataset(name, data=old.reshape(-1)[0]),
    "null": lambda parent, name, old: parent.create_dataset(name, data=h5py.Empty("i8")),
    "rank": lambda parent, name, old: parent.create_dataset(name, data=old[:, None]),
    "flat": lambda parent, name, old: parent.create_dataset(name, data=old.reshape(-1)),
    "no values each": lambda parent, name, old: _declared(parent, name, (len(old), 0)),
    "huge": lambda parent, name, old: _declared(parent, name, (HUGE,)),
    "huge floats": lambda parent, name, old: _declared(parent, name, (HUGE,), float),
    "huge rank": lambda parent, name, old: _declared(parent, name, (len(old), HUGE)),
    "huge and empty": lambda parent, name, old: _declared(parent, name, (0, HUGE)),
    "large": lambda parent, name, old: _declared(parent, name, (1 << 29,)),
    "floats": partial(_cast, float),
    "text": partial(_cast, "S3"),
    "other text": lambda parent, name, old: parent.create_dataset(
        name, data=np.full(len(old), b"\xff\xfe", dtype=h5py.string_dtype())
    ),
    "compound": partial(_cast, [("a", "i4"), ("b", "f8")]),
    "opaque": partial(_cast, "V4"),
    "bool": partial(_cast, bool),
    "complex": partial(_cast, complex),
    "half": partial(_cast, "f2"),
    "references": lambda parent, name, old: parent.create_dataset(
        name, (len(old),), h5py.ref_dtype
    ),
    "ragged": lambda parent, name, old: parent.create_dataset(
        name, (len(old),), h5py.vlen_dtype("i4")
    ),
    "big-endian": lambda parent, name, old: parent.create_dataset(
        name, data=old.astype(old.dtype.newbyteorder(">"))
    ),
    "nan": partial(_last, np.nan),
    "inf": partial(_last, np.inf),
    "fraction": partial(_last, 0.5),
    "negative": partial(_last, -1),
    "zero": partial(_last, 0),
    "largest": _largest,
    "group": lambda parent, name, old: parent.create_group(name),
    "type": lambda parent, name, old: parent.__setitem__(name, np.dtype("i4")),
    "dangling": lambda parent, name, old: parent.__setitem__(name, h5py.SoftLink("/nowhere")),
    "loop": _loop,
    "elsewhere": lambda parent, name, old: parent.__setitem__(
        name, h5py.ExternalLink("nowhere.h5", "/")
    ),
}


def _dataset(file: str, path: str, value: str, folder: Path) -> None:
    with h5py.File(folder / file, "r+") as h5:
        parent, name = h5[path].parent, path.rsplit("/", 1)[-1]
        old, attributes = h5[path][()], dict(h5[path].attrs)
        old = old.astype("S") if old.dtype.kind == "O" else old
        del parent[name]
        VALUES[value](parent, name, old)
        is_own = isinstance(parent.get(name, getlink=True), h5py.HardLink)
        if is_own and isinstance(parent[name], h5py.Dataset):
            parent[name].attrs.update(attributes)


def _together(file: str, path: str, n: int, folder: Path) -> None:
    """All datasets of a table declare as many rows."""
    with h5py.File(folder / file, "r+") as h5:
        for name, member in list(h5[path].items()):
            if isinstance(member, h5py.Dataset):
                attributes = dict(member.attrs)
                del h5[path][name]
                _declared(h5[path], name, (n,))
                h5[path][name].attrs.update(attributes)


# ---------------------------------------------------------------------- groups and attributes
def _group(file: str, path: str, kind: str, folder: Path) -> None:
    with h5py.File(folder / file, "r+") as h5:
        if kind == "holds itself":
            h5[path]["itself"] = h5[path]
            return
        if kind == "holds another":
            h5[path]["other"] = np.arange(3)
            h5[path].create_group("another/12")
            return
        if kind == "holds a loop":
            h5[path]["loop"] = h5py.SoftLink(f"/{path}/loop")
            return
        if kind == "holds a type":
            h5[path]["kind"] = np.dtype("i4")
            return
        if kind == "renamed":
            h5.move(path, f"{path} é/".rstrip("/"))
            return
        if kind == "number":
            h5.copy(path, f"{path.rsplit('/', 1)[0]}/\u0663" if "/" in path else "\u0663")
            return
        del h5[path]
        if kind == "dataset":
            h5[path] = np.arange(4)
        elif kind == "dangling":
            h5[path] = h5py.SoftLink("/nowhere")
        elif kind == "root":
            h5[path] = h5["/"]


GROUP_KINDS = (
    *("missing", "dataset", "dangling", "root", "renamed", "number"),
    *("holds itself", "holds another", "holds a loop", "holds a type"),
)
ATTRIBUTES: dict[str, Any] = {
    "missing": None,
    "number": 3,
    "array": np.array(["net", "net"], dtype=h5py.string_dtype()),
    "numbers": np.arange(3),
    "other text": np.bytes_(b"\xff\xfe"),
    "empty": "",
    "null": h5py.Empty("S3"),
    "long": "net" * 10_000,
    "slash": "/",
}


def _attribute(end: str, kind: str, folder: Path) -> None:
    with h5py.File(folder / EDGES, "r+") as h5:
        attributes = h5[f"{EDGE}/{end}_node_id"].attrs
        del attributes["node_population"]
        if kind != "missing":
            attributes["node_population"] = ATTRIBUTES[kind]


# ---------------------------------------------------------------------- any file
def _change(change: Callable[[bytes], bytes], file: str, folder: Path) -> None:
    (folder / file).write_bytes(change((folder / file).read_bytes()))


def _cut(part: float, data: bytes) -> bytes:
    return data[: int(part * len(data))]


def _noise(seed: int, data: bytes) -> bytes:
    rng = np.random.default_rng(seed)
    values = np.frombuffer(data, dtype=np.uint8).copy()
    values[rng.integers(len(values), size=40)] = rng.integers(256, size=40)
    return values.tobytes()


def _folder_instead(file: str, folder: Path) -> None:
    (folder / file).unlink()
    (folder / file).mkdir()


def _link(target: str, file: str, folder: Path) -> None:
    (folder / file).unlink()
    (folder / file).symlink_to(folder / target)


def _copied(file: str, other: str, folder: Path) -> None:
    shutil.copy(folder / file, folder / other)


FILE_CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "text": lambda data: b"no network\n",
    **{f"cut at {part:g}": partial(_cut, part) for part in (0.1, 0.5, 0.9, 0.99)},
    **{f"noise {seed}": partial(_noise, seed) for seed in range(4)},
    "twice": lambda data: data + data,
    "nul": lambda data: bytes(len(data)),
}
CSV_CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "commas": lambda data: data.replace(b" ", b","),
    "tabs": lambda data: data.replace(b" ", b"\t"),
    "spaces": lambda data: data.replace(b" ", b"   "),
    "header only": lambda data: data.split(b"\n")[0],
    "no header": lambda data: data.split(b"\n", 1)[1],
    "header twice": lambda data: data.split(b"\n")[0] + b"\n" + data,
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "bom": lambda data: b"\xef\xbb\xbf" + data,
    "latin-1": lambda data: data.replace(b"2.0", "ü".encode("latin-1")),
    "quote": lambda data: data.replace(b"\n", b'\n"', 2),
    "long cell": lambda data: data + b"x" * 200_000,
    "old mac": lambda data: data.replace(b"\n", b"\r"),
    "nul in it": lambda data: data.replace(b"0", b"\0"),
    "more cells": lambda data: data.replace(b"\n", b" 7 8 9\n"),
    "rows twice": lambda data: data + data.split(b"\n", 1)[1],
    **{
        f"id {junk}": lambda data, junk=junk: data.replace(b"\n10", b"\n" + junk.encode() + b"0")
        for junk in (
            *("inf ", "nan ", "1e999 ", "hundred", "-1e3", "1e30 "),
            *("9" * 30, "9" * 5000, "''"),
        )
    },
}


# ---------------------------------------------------------------------- JSON
JUNK: tuple[Any, ...] = (
    *(None, True, -1, 0.5, 1e300, np.inf, np.nan, 10**400, "text", "", [], [1, "x"], {}),
    *({"a": {}}, [[]], "1", -1e-15),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value in JSON."""
    keys = value if isinstance(value, dict) else range(len(value) if isinstance(value, list) else 0)
    return [path, *(place for key in keys for place in places(value[key], (*path, key)))]


def _in_recipe(number: int, junk: Any, folder: Path) -> None:
    """Put something else in a place of the recipe; the places are gone through in order."""
    recipe = json.loads((folder / RECIPE).read_text())
    ways = places(recipe)[1:]
    *way, last = ways[number % len(ways)]
    inner = recipe
    for key in way:
        inner = inner[key]
    inner[last] = junk
    (folder / RECIPE).write_text(json.dumps(recipe))


JSON_CHANGES: dict[str, Callable[[bytes], bytes]] = {
    "list": lambda data: b"[" + data + b"]",
    "number": lambda data: b"1",
    "null": lambda data: b"null",
    "deep": lambda data: b"[" * 100_000,
    "deep objects": lambda data: b'{"edge_types":' * 20_000 + b"1" + b"}" * 20_000,
    "digits": lambda data: b'{"edge_types": [' + b"9" * 10_000 + b"]}",
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "bom": lambda data: b"\xef\xbb\xbf" + data,
    "latin-1": lambda data: data.replace(b"net", "nüt".encode("latin-1")),
    "comma": lambda data: data.replace(b"}", b",}"),
    "open": lambda data: data.rstrip()[:-1],
    "surrogate": lambda data: data.replace(b'"net"', b'"\\ud800"'),
}

#: Configurations: one more file in the folder, which is then read in place of it.
CONFIG = "circuit_config.json"
NETWORKS = {
    "nodes": [{"nodes_file": "$DIR/net_nodes.h5", "node_types_file": "$DIR/net_node_types.csv"}],
    "edges": [{"edges_file": "$DIR/net_net_edges.h5", "edge_types_file": f"$DIR/{TYPES}"}],
}
CONFIGS: dict[str, Any] = {
    "good": {"manifest": {"$DIR": "."}, "networks": NETWORKS},
    "made of itself": {"manifest": {"$DIR": "$DIR$DIR"}, "networks": NETWORKS},
    "bomb": {
        "manifest": {"$a": "$a" * 20, "$DIR": "$a"},
        "networks": NETWORKS,
    },
    "bomb of many": {
        "manifest": {"$DIR": "$x0", **{f"$x{k}": f"$x{k + 1}" * 40 for k in range(9)}},
        "networks": NETWORKS,
    },
    "names itself": {"network": CONFIG, "circuit": f"./{CONFIG}"},
    "names itself by variable": {"manifest": {"$c": CONFIG}, "network": "$c"},
    "names a folder": {"network": "."},
    "names nothing": {"networks": {}},
    "names a device": {"networks": {"nodes": [{"nodes_file": "/dev/null"}]}},
    "names nul": {"networks": {"nodes": [{"nodes_file": "a\0b"}]}, "network": "a\0b"},
    "long name": {"networks": {"nodes": [{"nodes_file": "x" * 100_000}]}},
    "wrong types": {"manifest": [1], "networks": [1], "run": "x", "network": {"a": 1}},
    "wrong entries": {"networks": {"nodes": [1, {"nodes_file": [1]}], "edges": {"a": 1}}},
    "numbers": {"manifest": {"$DIR": 1}, "networks": {"nodes": [{"nodes_file": 7}]}},
    "dt": {"run": {"dt": 10**400}, "manifest": {"$DIR": "."}, "networks": NETWORKS},
    "dt nan": {"run": {"dt": np.nan}, "manifest": {"$DIR": "."}, "networks": NETWORKS},
    "list": [1, 2],
}


def _config(name: str, folder: Path) -> Path:
    (folder / CONFIG).write_text(json.dumps(CONFIGS[name]))
    return folder / CONFIG


def _chain(folder: Path) -> Path:
    """Configurations that name each other, many times."""
    for k in range(2000):
        (folder / f"c{k}.json").write_text(json.dumps({"network": f"c{k + 1}.json"}))
    return folder / "c0.json"


# ---------------------------------------------------------------------- all of them
def _variants() -> Iterator[tuple[str, Variant]]:
    for file, paths in DATASETS.items():
        for path in paths:
            for value in VALUES:
                yield f"{file}/{path}: {value}", partial(_dataset, file, path, value)
    for file, path in ((NODES, NODE), (EDGES, EDGE), (GAPS, "/")):
        for n in (0, 1 << 20, HUGE):
            yield f"{file}/{path}: {n} rows", partial(_together, file, path, n)
    for file, paths in GROUPS.items():
        for path in paths:
            for kind in GROUP_KINDS:
                yield f"{file}/{path}: {kind}", partial(_group, file, path, kind)
    for end in ("source", "target"):
        for kind in ATTRIBUTES:
            yield f"population of {end}: {kind}", partial(_attribute, end, kind)
    tables = (TYPES, "net_node_types.csv")
    for file in (NODES, EDGES, GAPS, RECIPE, *tables):
        changes = dict(FILE_CHANGES)
        changes |= JSON_CHANGES if file == RECIPE else CSV_CHANGES if file in tables else {}
        for name, change in changes.items():
            yield f"{file}: {name}", partial(_change, change, file)
        yield f"{file}: gone", lambda folder, file=file: os.unlink(folder / file)
        yield f"{file}: folder", partial(_folder_instead, file)
        yield f"{file}: link to itself", partial(_link, file, file)
        yield f"{file}: link to nothing", partial(_link, "nowhere", file)
        yield f"{file}: copied", partial(_copied, file, f"a{file}")
    for k in range(120):
        junk = JUNK[k % len(JUNK)]
        yield f"recipe, place {7 * k}: {junk!r:.20}", partial(_in_recipe, 7 * k, junk)
    for name in CONFIGS:
        yield f"configuration: {name}", partial(_config, name)
    yield "configuration: chain", _chain


#: Every way, by name. A function that returns a path returns what is to be verified.
VARIANTS: dict[str, Variant] = dict(_variants())
