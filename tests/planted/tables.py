"""Faults of the tables of node types and edge types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from planted.plants import Folder, fault

EDGES, INPUTS = "cortex_cortex_edge_types.csv", "thal_cortex_edge_types.csv"
NODES = "cortex_node_types.csv"
POINTS, KINDS = "points_points_edge_types.csv", "points_node_types.csv"
PAIR = "left_right_edge_types.csv"


def cell(
    name: str, row: int, column: str, value: str, file: str = EDGES, folder: str = "column"
) -> None:
    """Plant another value in a table."""
    fault(
        name,
        folder,
        f"{file} {column} gap" if "gap" in name else f"{file} {column}",
        lambda f: f.cell(file, row, column, value),
    )


def table(
    name: str,
    function: Callable[[pd.DataFrame], Any],
    file: str = EDGES,
    folder: str = "column",
    about: str = "",
    **options: Any,
) -> None:
    """Plant a change of a whole table."""
    words = f"{file} {about}"
    fault(name, folder, words, lambda f: f.table(file, function, **options))


def text(name: str, function: Callable[[str], str], file: str, folder: str = "column") -> None:
    """Plant a change of the text of a table."""

    def make(f: Folder) -> None:
        old = (f / file).read_text()
        new = function(old)
        assert new != old
        (f / file).write_text(new)

    fault(name, folder, file, make)


def exchange(column: str, a: int = 0, b: int = 1) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what exchanges the values of two rows."""

    def change(types: pd.DataFrame) -> pd.DataFrame:
        assert types[column][a] != types[column][b], column
        types.loc[[a, b], column] = types.loc[[b, a], column].to_numpy()
        return types

    return change


def without(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda types: types.drop(columns=column)


# ------------------------------------------------------------------------- values of edge types
cell("weight of a type ten times as large", 0, "syn_weight", "2.0", INPUTS)
cell("weight of a type negative", 0, "syn_weight", "-0.2", INPUTS)
cell("weight of a type missing", 0, "syn_weight", "NULL", INPUTS)
cell("weight of a type with a decimal comma", 0, "syn_weight", "0,2", INPUTS)
cell("weight of a type not a number", 1, "syn_weight", "nan", INPUTS)
cell("weight of gap junctions in nS", 3, "syn_weight", "0.05")
cell("sign of inhibition lost", 2, "syn_weight", "8.0", POINTS, "points")
cell("delay of a type changed", 0, "delay", "5.0", INPUTS)
cell("delay of a type 0", 0, "delay", "0.0", INPUTS)
cell("delay of a type negative", 1, "delay", "-1.5", POINTS, "points")
cell("model of a synapse changed", 0, "dynamics_params", "slow.json")
cell("model of a synapse missing", 2, "dynamics_params", "NULL")
cell("template of a synapse changed", 1, "model_template", "alpha")
cell("receptor of the wrong sign", 2, "dynamics_params", "E2I.json", POINTS, "points")
cell("section of gap junctions changed", 3, "afferent_section_id", "3")
cell("place of gap junctions beyond the section", 3, "afferent_section_pos", "1.5")
cell("gap junctions no longer said to be some", 3, "is_gap_junction", "NULL")
cell("synapses said to be gap junctions", 1, "is_gap_junction", "True")
cell("target sections given where none were", 3, "target_sections", "basal")
cell(
    "weight of one type changed, others given by rows",
    2,
    "syn_weight",
    "7.0",
    "given_given_edge_types.csv",
    "listed",
)
for what, column, a, b in (
    ("weights", "syn_weight", 0, 1),
    ("queries of targets", "target_query", 0, 1),
    ("types", "edge_type_id", 0, 1),
):
    table(f"{what} of two types exchanged", exchange(column, a, b), INPUTS, about=column)
table("models of two types exchanged", exchange("dynamics_params", 0, 2), about="dynamics_params")
table("rows of two types exchanged", exchange("edge_type_id", 1, 2), about="edge_type_id")
table("models of point synapses exchanged", exchange("dynamics_params", 0, 3), POINTS, "points")
table("delays of point synapses exchanged", exchange("delay", 1, 2), POINTS, "points")
table("rows of E and I exchanged", exchange("edge_type_id", 0, 3), POINTS, "points")

# ----------------------------------------------------------------------------------- queries
cell("query of targets changed", 0, "target_query", "pop_name=='FSI'", INPUTS)
cell("query of targets widened", 1, "target_query", "*", INPUTS)
cell("query of sources changed", 1, "source_query", "pop_name=='FSI'")
cell("query of a population that is not there", 0, "target_query", "pop_name=='PV'")
cell("query with a broken quote", 0, "target_query", "pop_name=='PN")
cell("query of sources missing", 2, "source_query", "NULL")
cell(
    "query widened, minimal", 0, "target_query", "pop_name=='A'", "mini_mini_edge_types.csv", "mini"
)

# ------------------------------------------------------------------------------ columns and rows
for column in ("edge_type_id", "target_query", "source_query", "dynamics_params", "model_template"):
    table(f"column {column} gone", without(column), about=column)
table("column syn_weight gone", without("syn_weight"), INPUTS, about="syn_weight")
table("column delay gone", without("delay"), INPUTS, about="delay")
table("column is_gap_junction gone", without("is_gap_junction"), about="gap")
table(
    "column syn_weight renamed",
    lambda t: t.rename(columns={"syn_weight": "weight"}),
    INPUTS,
    about="syn_weight",
)
table(
    "columns exchanged",
    lambda t: t.rename(columns={"syn_weight": "delay", "delay": "syn_weight"}),
    INPUTS,
)
table("row of a type gone", lambda t: t.drop(1))
table("row of a type gone, point neurons", lambda t: t.drop(3), POINTS, "points")
table("row of a type twice", lambda t: pd.concat([t, t[:1]]))
table(
    "row of a type twice, with another weight",
    lambda t: pd.concat([t, t[:1].assign(syn_weight="9.0")]),
    INPUTS,
)
table("types counted from 0", lambda t: t.assign(edge_type_id=range(len(t))))
table("types shifted by one in the table", lambda t: t.assign(edge_type_id=range(105, 107)), INPUTS)
table("type that is no number", lambda t: t.assign(edge_type_id=["a", "b", "c", "d"]))

# ---------------------------------------------------------------------------- form of the tables
table("saved by pandas with commas", lambda t: None, sep=",")
table("saved by pandas with tabulators", lambda t: None, sep="\t")
table("saved by pandas with semicolons", lambda t: None, INPUTS, sep=";")
table("saved by pandas without a header", lambda t: None, INPUTS, header=False)
table("saved with UTF-16", lambda t: None, encoding="utf-16")
table("node types saved with commas", lambda t: None, NODES, sep=",")
text("spaces doubled", lambda s: s.replace(" exp2syn", "  exp2syn", 1), INPUTS)
text("NULL dropped from a row", lambda s: s.replace(" NULL NULL True", " NULL True"), EDGES)
text("marks of a merge in the table", lambda s: s.replace("\n101", "\n<<<<<<< HEAD\n101"), EDGES)
text("unclosed quote in the table", lambda s: s.replace("exc.json", '"exc.json', 1), EDGES)

# ---------------------------------------------------------------------------------- node types
cell("model of cells changed", 0, "dynamics_params", "pn_v2.json", NODES)
cell("cells virtual", 0, "model_type", "virtual", NODES)
cell("cells with another shape", 1, "morphology", "pn.swc", NODES)
cell("population of cells renamed", 0, "pop_name", "PYR", NODES)
cell("template of point neurons changed", 0, "model_template", "nest:iaf_psc_exp", KINDS, "points")
cell("virtual cells biophysical", 0, "model_type", "biophysical", "thal_node_types.csv")
cell("class of cells changed", 1, "ei", "e", KINDS, "points")
table("rows of node types exchanged", exchange("node_type_id"), NODES)
table("models of node types exchanged", exchange("dynamics_params"), NODES, about="dynamics_params")
table("names of node types exchanged", exchange("pop_name"), NODES, about="pop_name")
table("models of point neurons exchanged", exchange("dynamics_params"), KINDS, "points")
table("row of node types gone", lambda t: t.drop(1), NODES)
table("row of node types twice", lambda t: pd.concat([t, t]), NODES)
for column in ("pop_name", "dynamics_params", "model_type", "node_type_id"):
    table(f"column {column} of node types gone", without(column), NODES, about=column)
table("names of point neurons gone", without("pop_name"), KINDS, "points", about="pop_name")
table("node types counted from 0", lambda t: t.assign(node_type_id=["0", "1"]), NODES)
cell("weight of one direction changed", 0, "syn_weight", "2.0", PAIR, "pair")
cell(
    "model_type of cells of one network changed",
    0,
    "model_type",
    "virtual",
    "right_node_types.csv",
    "pair",
)
cell("delay given where none was", 3, "delay", "5.0", "given_given_edge_types.csv", "listed")
table("column more in a table", lambda t: t.assign(delay="3.0"), "mini_mini_edge_types.csv", "mini")
table("cells turned in their table", lambda t: t.assign(rotation_angle_xaxis="1.0"), NODES)
