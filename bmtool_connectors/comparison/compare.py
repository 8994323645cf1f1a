"""Compare two networks: SONATA folders of any builder, or networks built in memory.

Two networks are equal when they hold the same nodes, edges, gap junctions and
type tables, whatever the order of rows and columns and the layout of the files.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from bmtool_connectors.comparison.built_network import BuiltNetwork, read_network
from bmtool_connectors.comparison.differences import Comparison, Totals, edge_type_names
from bmtool_connectors.comparison.row_differences import diff_tables
from bmtool_connectors.comparison.values import Difference
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.sonata.folder import read_folder
from bmtool_connectors.sonata.layout import EDGES, GAP_JUNCTIONS, NODES, TYPE_IDS
from bmtool_connectors.sonata.populations import Population, Table

__all__ = ["compare"]

OneNetwork: TypeAlias = str | os.PathLike[str] | BuiltNetwork
Networks: TypeAlias = OneNetwork | Sequence[OneNetwork]
Types: TypeAlias = dict[int, dict[str, str]]

#: Relative tolerance for float values: sums in another order differ by less.
RTOL = 1e-12
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def compare(a: Networks, b: Networks, *, rtol: float = RTOL, atol: float = 0.0) -> Comparison:
    """Compare two networks and say what is missing, added or changed in the second.

    Parameters
    ----------
    a, b : str, path, NetworkBuilder, or a sequence of these
        A folder with SONATA files, or a BMTK network after ``build()`` and
        before ``save()``. A network holds its own nodes only, so that together
        with its inputs it is given as a list, ``[net, inputs]``.
    rtol, atol : float, default 1e-12 and 0
        Float values x and y agree when ``|x - y| <= atol + rtol max(|x|, |y|)``: by default up to
        what another order of the same sums makes of them. With ``rtol=0`` they must be equal, as
        integers and text must. NaN equals NaN.

    Returns
    -------
    Comparison
        True when equal; ``print`` it for a report.

    Raises
    ------
    ParameterError
        For anything that is not a network, or a file that cannot be read.

    Notes
    -----
    The order of rows does not count, nor do edge group ids and indices, gap
    junction ids, and the order of columns in type tables (BMTK writes it at
    random). A pair of several rows is compared as a multiset of rows. One row
    with ``nsyns`` 3 is not three rows with properties; both count three synapses.
    The indices of an edge file are not looked at.

    Populations are matched by name, else by the names of the node populations
    they join, else by file name. One population is in memory at a time: about
    120 bytes per row and network, and what the properties take that differ.

    Examples
    --------
    >>> def build(n_syn):
    ...     net = NetworkBuilder("net")
    ...     net.add_nodes(N=2)
    ...     _ = net.add_edges(connection_rule=n_syn)
    ...     net.build()
    ...     return net
    >>> compare(build(1), build(1)).equal
    True
    >>> print(compare(build(1), build(2)))
    1 difference (rtol 1e-12, atol 0)
      A: network 'net'
      B: network 'net'
    nodes net: 2 nodes
    edges net_to_net: 4 rows, 4 synapses in A; 4 rows, 8 synapses in B
      type 100, net to net: another number of synapses in 4 pairs, by up to 1
          0 -> 0: 1 in A, 2 in B
          0 -> 1: 1 in A, 2 in B
          1 -> 0: 1 in A, 2 in B
    """
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not value >= 0 or math.isinf(value):
            raise ParameterError(
                f"compare(): {name} is {value!r}; give a finite number of at least 0."
            )
    differences: list[Difference] = []
    totals: list[Totals] = []
    populations = _populations(a), _populations(b)
    names = edge_type_names([*populations[0], *populations[1]])
    for one, other in _matched(*populations):
        found, total = _compare_populations(one, other, rtol, atol)
        totals.append(total)
        for each in found:
            source, target = names.get((each.item, each.population, each.type_id), (None, None))
            differences.append(replace(each, source=source, target=target))
    return Comparison(_label(a), _label(b), tuple(differences), tuple(totals), rtol, atol)


def _label(networks: Networks) -> str:
    if isinstance(networks, str | os.PathLike):
        return os.fspath(networks)
    if isinstance(networks, list | tuple):
        return ", ".join(_label(each) for each in networks)
    return f"network {networks.name!r}"  # type: ignore[union-attr]


def _populations(networks: Networks) -> list[Population]:
    if isinstance(networks, list | tuple):
        found = [population for each in networks for population in _populations(each)]
    elif isinstance(networks, str | os.PathLike):
        found = read_folder(Path(networks))
    else:
        found = read_network(networks)  # type: ignore[arg-type]
    seen: dict[tuple[str, str], Population] = {}
    for population in found:
        twin = seen.setdefault((population.item, population.name), population)
        if twin is not population:
            raise ParameterError(
                f"compare(): {population.item} {population.name!r} are in {twin.origin} and in "
                f"{population.origin}; keep one of the two."
            )
    return found


def _matched(
    found_a: list[Population], found_b: list[Population]
) -> Iterator[tuple[Population | None, Population | None]]:
    partner: dict[int, Population] = {}
    left_a, left_b = list(found_a), list(found_b)
    for trait in ("name", "endpoints", "stem"):
        for one in list(left_a):
            wanted = getattr(one, trait)
            same = [
                [each for each in left if each.item == one.item and getattr(each, trait) == wanted]
                for left in (left_a, left_b)
            ]
            if wanted is not None and len(same[0]) == len(same[1]) == 1:
                partner[id(one)] = same[1][0]
                left_a.remove(one)
                left_b.remove(same[1][0])
    for item in (NODES, EDGES, GAP_JUNCTIONS):
        for one in found_a:
            if one.item == item:
                yield one, partner.get(id(one))
        for other in left_b:
            if other.item == item:
                yield None, other


def _compare_populations(
    a: Population | None, b: Population | None, rtol: float, atol: float
) -> tuple[list[Difference], Totals]:
    item, name = next((each.item, each.name) for each in (a, b) if each is not None)
    differences: list[Difference] = []
    with ExitStack() as stack:
        tables = [stack.enter_context(each.load()) if each else None for each in (a, b)]
        sizes = [(None, None) if table is None else _size(table) for table in tables]
        totals = Totals(item, name, (sizes[0][0], sizes[1][0]), (sizes[0][1], sizes[1][1]))
        if a is None or b is None or tables[0] is None or tables[1] is None:
            kind = "population missing" if b is None else "population added"
            rows, synapses = sizes[0] if b is None else sizes[1]
            return [Difference(item, name, kind, count=rows or 0, synapses=synapses)], totals
        if a.has_rows and b.has_rows:
            for kind in ("name", "endpoints"):
                one, other = getattr(a, kind), getattr(b, kind)
                if one != other and one is not None and other is not None:
                    example = ((), one, other)
                    differences.append(Difference(item, name, kind, count=1, examples=(example,)))
        differences += diff_tables(item, name, tables[0], tables[1], rtol, atol)
    differences += _compare_types(item, name, a.types, b.types, rtol, atol)
    return differences, totals


def _size(table: Table) -> tuple[int, int]:
    counts = table.synapses()
    return len(table), len(table) if counts is None else int(counts.sum())


def _compare_types(
    item: str, name: str, a: Types | None, b: Types | None, rtol: float, atol: float
) -> Iterator[Difference]:
    if a is None or b is None:
        if a or b:
            kind = "type table missing" if a else "type table added"
            yield Difference(item, name, kind, count=len(a or b or ()))
        return
    for type_id in sorted(a.keys() | b.keys()):
        if type_id not in a or type_id not in b:
            kind = "type missing" if type_id in a else "type added"
            yield Difference(item, name, kind, type_id, count=1)
            continue
        one, other = a[type_id], b[type_id]
        # By its id they are matched; a column without a name is what pandas numbers rows by.
        for key in sorted((one.keys() | other.keys()) - {TYPE_IDS.get(item), ""}):
            old, new = one.get(key), other.get(key)
            distance = _text_distance(_lasting(old), _lasting(new), rtol, atol)
            if distance != 0:
                largest = None if math.isnan(distance) else distance
                example = ((), old, new)
                yield Difference(
                    item, name, "type property", type_id, key, 1, None, largest, (example,)
                )


def _lasting(text: str | None) -> str | None:
    """Return a text without addresses, which the text of a function has, and others in each run."""
    return None if text is None else _ADDRESS.sub("", text)


def _text_distance(x: str | None, y: str | None, rtol: float, atol: float) -> float:
    # 0 for agreement, else the distance of two numbers, NaN where there is none.
    if x == y:
        return 0.0
    try:
        one, other = float(x or ""), float(y or "")
    except ValueError:
        return math.nan
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    distance = abs(one - other)
    whole = all((text or "").lstrip("+-").isdigit() for text in (x, y))
    limit = 0.0 if whole else atol + rtol * max(abs(one), abs(other))
    return 0.0 if distance <= limit < math.inf else distance
