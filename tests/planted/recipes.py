"""Faults of the recipe, and recipes that are those of other networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planted.plants import Folder, fault

FILE, EDGES = "cortex_connections.json", "cortex_cortex_edges.h5"
FILES = f"{FILE} {EDGES} thal_cortex_edges.h5"


def recipe(
    name: str, function: Callable[[Any], Any], folder: str = "column", file: str = FILE
) -> None:
    """Plant a change of the recipe."""
    about = FILES if folder == "column" else file
    fault(name, folder, about, lambda f: f.json(file, function))


def entry(name: str, function: Callable[[dict[str, Any]], Any], k: int = 0) -> None:
    """Plant a change of what the recipe says of one edge type."""

    def change(content: dict[str, Any]) -> None:
        before = repr(content["edge_types"][k])
        function(content["edge_types"][k])
        assert repr(content["edge_types"][k]) != before

    recipe(name, change)


def put(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda types: types.update({key: value(types[key]) if callable(value) else value})


def turn(digest: str) -> str:
    """Return a digest with one digit changed."""
    return ("0" if digest[0] != "0" else "1") + digest[1:]


recipe("recipe {}", lambda r: {})
recipe("recipe a list", lambda r: [])
recipe("recipe null", lambda r: "null")
recipe("recipe without edge types", lambda r: r.update(edge_types=[]))
recipe("recipe whose edge types are gone", lambda r: r.pop("edge_types") and None)
recipe("recipe of an unknown format", lambda r: r.update(format=99))
recipe("recipe whose format is text", lambda r: r.update(format="two"))
recipe("recipe without a format", lambda r: r.pop("format") and None)
recipe("recipe without an edge type", lambda r: r["edge_types"].pop(0) and None)
recipe("recipe without the last edge type", lambda r: r["edge_types"].pop() and None)
recipe("recipe with an edge type twice", lambda r: r["edge_types"].append(r["edge_types"][0]))
recipe("recipe with edge types exchanged", lambda r: exchange(r["edge_types"]))
recipe("recipe with the name of another network", lambda r: r.update(network="hippocampus"))
recipe("recipe {}, minimal", lambda r: {}, "mini", "mini_connections.json")
recipe(
    "recipe without edge types, minimal",
    lambda r: r.update(edge_types=[]),
    "mini",
    "mini_connections.json",
)
recipe(
    "recipe without edge types, point neurons",
    lambda r: r.update(edge_types=[]),
    "points",
    "points_connections.json",
)


def exchange(types: list[dict[str, Any]]) -> None:
    """Exchange the ids of the first two edge types."""
    types[0]["edge_type_id"], types[1]["edge_type_id"] = 101, 100


entry("recipe with another id of a type", put("edge_type_id", 177))
entry("recipe with a digest changed", put("blake2b", turn))
entry("recipe with a digest changed, inputs", put("blake2b", turn), 4)
entry("recipe with a digest that is none", put("blake2b", "unknown"))
entry("recipe with no digest", lambda e: e.pop("blake2b"))
entry("recipe with another number of pairs", put("pairs", lambda n: n + 1))
entry("recipe with a negative number of pairs", put("pairs", -3))
entry("recipe with text as number of pairs", put("pairs", "many"))
entry("recipe with another number of synapses", put("synapses", lambda n: n - 1), 4)
entry("recipe with another source network", put("source_network", "thal"))
entry("recipe with another target query", put("target_query", "pop_name=='FSI'"))
entry("recipe with another source query", put("source_query", "*"), 1)
entry("recipe without columns of properties", put("properties", []))
entry("recipe with a column more", lambda e: e["properties"][0]["names"].append("tau"))
entry("recipe with another mean", lambda e: e["connector"]["wanted"].update(forward=900.0))
entry(
    "recipe with a mean that is none",
    lambda e: e["connector"]["wanted"].update(forward=float("nan")),
)
entry(
    "recipe with another number drawn", lambda e: e["connector"]["drawn"]["connected"].update(all=3)
)
entry("recipe with another seed", lambda e: e["connector"].update(seed=77))
entry(
    "recipe with another law",
    lambda e: e["connector"]["parameters"]["p0"]["parameters"].update(stdev=20.0),
)
entry("recipe with another class", put("connector", lambda c: c | {"class": "GapJunction"}))


def of_other(folder: Folder) -> None:
    origin = folder.origin.parent / "points" / "good" / "points_connections.json"
    (folder / FILE).write_bytes(origin.read_bytes())


fault("recipe of another network under its name", "column", FILES, of_other)
fault(
    "recipes of two networks exchanged",
    "pair",
    "left_connections.json right_connections.json left_right right_left left_left",
    lambda f: f.exchange("left_connections.json", "right_connections.json"),
)
fault(
    "one recipe copied over the other",
    "pair",
    "left_connections.json right_connections.json left_right",
    lambda f: (f / "right_connections.json").write_bytes(
        (f / "left_connections.json").read_bytes()
    ),
)
fault(
    "recipe cut within a number",
    "points",
    "points_connections.json",
    lambda f: (f / "points_connections.json").write_text(
        (f / "points_connections.json").read_text()[:700]
    ),
)
