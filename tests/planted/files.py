"""Faults of whole files: lost, cut, exchanged, or of another save."""

from __future__ import annotations

import shutil

from planted.plants import Folder, fault

EDGES, INPUTS = "cortex_cortex_edges.h5", "thal_cortex_edges.h5"
TYPES, INPUT_TYPES = "cortex_cortex_edge_types.csv", "thal_cortex_edge_types.csv"
NODES, NODE_TYPES = "cortex_nodes.h5", "cortex_node_types.csv"
GAPS, RECIPE = "cortex_gap_juncs.h5", "cortex_connections.json"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 60881\n"


def deleted(name: str, also: str = "") -> None:
    about = f"{name} {also}"
    fault(f"{name} deleted", "column", about, lambda folder: (folder / name).unlink())


for lost in (EDGES, INPUTS, GAPS, NODES, "thal_nodes.h5"):
    deleted(lost)
deleted(NODE_TYPES, NODES)
deleted("thal_node_types.csv", "thal_nodes.h5")
deleted(TYPES, EDGES)
deleted(INPUT_TYPES, INPUTS)
fault(
    "one network of two deleted",
    "pair",
    "right_nodes.h5 right_left_edges.h5 right_node_types.csv",
    lambda folder: [
        file.unlink() for file in folder.path.glob("right_*") if "conn" not in file.name
    ],
)


# ------------------------------------------------------------------------------ parts of files
def keep(name: str, share: float) -> None:
    def cut(folder: Folder) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: int(len(data) * share)])

    fault(f"{name} cut to {share:.0%}", "column", name, cut)


for short in (EDGES, NODES, GAPS, TYPES, RECIPE):
    keep(short, 0.5)
for short in (EDGES, TYPES, NODE_TYPES, RECIPE):
    keep(short, 0.0)
keep(INPUTS, 0.99)


def zeros(folder: Folder) -> None:
    size = (folder / EDGES).stat().st_size
    (folder / EDGES).write_bytes(bytes(size))


fault("edges full of zeros after a crash", "column", EDGES, zeros)


def hole(folder: Folder) -> None:
    """Write zeros over a block of the disk, within the values of a column."""
    path = folder / "small_small_edges.h5"
    with folder.h5(path.name) as file:
        offset = file["edges/small_to_small/0/delay"].id.get_offset()
    with path.open("r+b") as raw:
        raw.seek(offset + 4096)
        raw.write(bytes(4096))


fault("block of zeros in the delays", "compact", "delay small_small_edges.h5", hole)


def flipped(dataset: str, byte: int) -> None:
    """Flip a bit of a number on the disk."""

    def flip(folder: Folder) -> None:
        path = folder / "small_small_edges.h5"
        with folder.h5(path.name) as file:
            offset = file[f"edges/small_to_small/{dataset}"].id.get_offset()
        with path.open("r+b") as raw:
            raw.seek(offset + byte)
            value = raw.read(1)[0]
            raw.seek(offset + byte)
            raw.write(bytes([value ^ 4]))

    fault(f"bit flipped in {dataset}", "compact", f"{dataset} small_small_edges.h5", flip)


flipped("source_node_id", 777)
flipped("0/delay", 8 * 400 + 5)
flipped("0/afferent_section_pos", 8 * 900 + 6)


def torn(folder: Folder) -> None:
    """Damage a chunk of compressed values."""
    path = folder / INPUTS
    with folder.h5(INPUTS) as file:
        chunk = file["edges/thal_to_cortex/source_node_id"].id.get_chunk_info(0)
    with path.open("r+b") as raw:
        raw.seek(chunk.byte_offset + chunk.size // 2)
        raw.write(b"\xff\x00\xff\x00\xff\x00")


fault("compressed chunk damaged", "column", INPUTS, torn)


def other_content(name: str, text: str, what: str) -> None:
    fault(f"{what} in place of {name}", "column", name, lambda f: (f / name).write_text(text))


other_content(EDGES, LFS, "pointer of git-lfs")
other_content(NODES, LFS, "pointer of git-lfs")
other_content(TYPES, LFS, "pointer of git-lfs")
other_content(INPUTS, "<!DOCTYPE html><html>404 Not Found</html>", "web page")
other_content(RECIPE, "<!DOCTYPE html><html>404 Not Found</html>", "web page")


def as_folder(folder: Folder) -> None:
    (folder / EDGES).unlink()
    (folder / EDGES).mkdir()


def dangling(folder: Folder) -> None:
    (folder / NODES).unlink()
    (folder / NODES).symlink_to("/nonexistent/scratch/cortex_nodes.h5")


fault("folder in place of the edges", "column", EDGES, as_folder)
fault("link of the nodes to a place that is gone", "column", NODES, dangling)


# ---------------------------------------------------------------------------- of another save
for name in (EDGES, INPUTS, GAPS, NODES, RECIPE):
    fault(
        f"{name} of another seed",
        "column",
        f"{name} {EDGES}" if name == RECIPE else name,
        lambda folder, name=name: folder.take("other", name),
    )
for name in (EDGES, INPUTS, NODES, TYPES, INPUT_TYPES, RECIPE):
    fault(
        f"{name} of an older save",
        "column",
        f"{name} {EDGES} {NODES}" if name in (RECIPE, NODES) else name,
        lambda folder, name=name: folder.take("old", name),
    )
fault(
    "edges and recipe new, nodes of an older save",
    "portable",
    "sheet_nodes.h5 sheet_sheet_edges.h5",
    lambda folder: folder.take("old", "sheet_nodes.h5"),
)
fault(
    "edges and nodes of another seed, recipe kept",
    "column",
    f"{EDGES} {NODES}",
    lambda folder: folder.take("other", EDGES, NODES),
)
fault(
    "nodes of another seed, portable",
    "portable",
    "sheet_nodes.h5",
    lambda folder: folder.take("other", "sheet_nodes.h5"),
)
fault(
    "type table of an older save, point neurons",
    "points",
    "points_points_edge_types.csv syn_weight",
    lambda folder: folder.take("old", "points_points_edge_types.csv"),
)
fault(
    "edges of an older save, minimal",
    "mini",
    "mini_mini_edges.h5",
    lambda folder: folder.take("old", "mini_mini_edges.h5"),
)
fault(
    "edges of one network of another seed",
    "pair",
    "left_right_edges.h5",
    lambda folder: folder.take("other", "left_right_edges.h5"),
)
fault(
    "matrix of another seed",
    "listed",
    "given_given_edges.h5",
    lambda folder: folder.take("other", "given_given_edges.h5"),
)

# ---------------------------------------------------------------------------------- exchanged
fault(
    "files of edges exchanged",
    "column",
    f"{EDGES} {INPUTS}",
    lambda folder: folder.exchange(EDGES, INPUTS),
)
fault(
    "tables of edge types exchanged",
    "column",
    f"{TYPES} {INPUT_TYPES} {EDGES} {INPUTS}",
    lambda folder: folder.exchange(TYPES, INPUT_TYPES),
)
fault(
    "tables of node types exchanged",
    "column",
    f"{NODE_TYPES} thal_node_types.csv {NODES} thal_nodes.h5",
    lambda folder: folder.exchange(NODE_TYPES, "thal_node_types.csv"),
)
fault(
    "files of nodes exchanged",
    "column",
    f"{NODES} thal_nodes.h5",
    lambda folder: folder.exchange(NODES, "thal_nodes.h5"),
)
fault(
    "files of two directions exchanged",
    "pair",
    "left_right_edges.h5 right_left_edges.h5",
    lambda folder: folder.exchange("left_right_edges.h5", "right_left_edges.h5"),
)
fault(
    "tables of two directions exchanged",
    "pair",
    "left_right_edge_types.csv right_left_edge_types.csv left_right_edges.h5 right_left_edges.h5",
    lambda folder: folder.exchange("left_right_edge_types.csv", "right_left_edge_types.csv"),
)
fault(
    "tables of node types of two networks exchanged",
    "pair",
    "left_node_types.csv right_node_types.csv left_nodes.h5 right_nodes.h5",
    lambda folder: folder.exchange("left_node_types.csv", "right_node_types.csv"),
)
fault(
    "edges of one direction copied over the other",
    "pair",
    "left_right_edges.h5 right_left_edges.h5",
    lambda f: (f / "left_right_edges.h5").write_bytes((f / "right_left_edges.h5").read_bytes()),
)


# ----------------------------------------------------------------------------------- leftovers
def leave(*names: str, of: str = "column", rename: tuple[str, str] = ("", "")) -> None:
    def copy(folder: Folder) -> None:
        for name in names:
            data = (folder.origin.parent / of / "good" / name).read_bytes()
            (folder / name.replace(*rename)).write_bytes(data)

    new = [name.replace(*rename) for name in names]
    fault(f"{new[0]} of an earlier network left in the folder", "pair", " ".join(new), copy)


leave(GAPS)
leave(INPUTS, INPUT_TYPES)
leave(GAPS, of="column", rename=("cortex", "left"))


def formerly_there(folder: Folder) -> None:
    """Leave edges of the network with itself that its last save no longer has."""
    for end in ("edges.h5", "edge_types.csv"):
        shutil.copy(folder / f"left_left_{end}", folder / f"right_right_{end}")
    with folder.h5("right_right_edges.h5") as file:
        file.move("edges/left_to_left", "edges/right_to_right")
        for end in ("source_node_id", "target_node_id"):
            file[f"edges/right_to_right/{end}"].attrs["node_population"] = "right"


fault("edges that a network had before left in the folder", "pair", "right_right", formerly_there)
fault(
    "second copy of the edges in the folder",
    "column",
    EDGES + " old_cortex_cortex_edges.h5",
    lambda f: (f / "old_cortex_cortex_edges.h5").write_bytes((f / EDGES).read_bytes()),
)


def copies(folder: Folder) -> None:
    """Copy the edges with their table, as a file manager does."""
    for name in (EDGES, TYPES):
        shutil.copy(folder / name, folder / f"old_{name}")


fault("second copy of edges and table", "column", f"{EDGES} old_{EDGES}", copies)
