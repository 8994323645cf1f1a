"""The entries of a table over pairs of classes, whatever its form, and the connectors they mean."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from bmtool_connectors.checks import floats
from bmtool_connectors.distances import spherical_dist
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.patterns.gap_junction import GapJunction
from bmtool_connectors.patterns.matrix import ORIENTATIONS
from bmtool_connectors.patterns.one_to_one import OneToOneSequentialConnector
from bmtool_connectors.patterns.reciprocal import ReciprocalConnector
from bmtool_connectors.patterns.unidirection import UnidirectionConnector

Pair: TypeAlias = "tuple[Hashable, Hashable]"  #: Source class, target class.
Entries: TypeAlias = "dict[Pair, Any]"

#: Names of index and columns of a table, for each orientation.
AXES = (("source", "target"), ("target", "source"))
_FORMS = (
    "a dict {(source, target): entry}, a dict {source: {target: entry}}, a DataFrame, or a "
    "two-dimensional array with values=[...]"
)
_ENTRY = "a probability, a function of p_arg, a tuple (p, pr), a connector, or None"


# ---------------------------------------------------------------------- reading
def read_entries(p: Any, values: Any, orientation: Any, owner: str) -> Entries:
    """Return the entries of a table by source and target class, in the order of the table.

    Raises
    ------
    ParameterError
        If it is no table, or it is not said what its rows are.
    """
    if isinstance(p, Mapping):
        for name, given in (("values", values), ("orientation", orientation)):
            if given is not None:
                raise ParameterError(
                    f"{name} of {owner} is {given!r}, but the keys of a dict say it, source "
                    "first; leave it out."
                )
        return _of_dict(p, owner)
    named = hasattr(p, "columns") and hasattr(p, "to_numpy")
    table = p.to_numpy(dtype=object).tolist() if named else p
    table = table.tolist() if isinstance(table, np.ndarray) else table
    rows_too = isinstance(table, list | tuple) and all(isinstance(r, list | tuple) for r in table)
    if not rows_too or not table:
        shown = f"a DataFrame of shape {p.shape}" if named else repr(p)
        raise ParameterError(f"p of {owner} must be {_FORMS}, got {shown}.")
    if named:
        if values is not None:
            raise ParameterError(
                f"values of {owner} is {values!r}, but a DataFrame names its rows and columns; "
                "leave it out."
            )
        rows, columns = list(p.index), list(p.columns)
        axes = str(p.index.name), str(p.columns.name)
        said = dict(zip(AXES, ORIENTATIONS, strict=True)).get(axes)
        if said is not None and orientation not in (None, said):
            raise ParameterError(
                f"orientation of {owner} is {orientation!r}, but the index of p is named "
                f"{p.index.name!r} and its columns {p.columns.name!r}; leave it out."
            )
        orientation = said or orientation
    else:
        rows = columns = class_names(values, 1, f"values of {owner}")
    if len(table) != len(rows) or any(len(row) != len(columns) for row in table):
        raise ParameterError(
            f"p of {owner} has {len(table)} rows of {sorted({len(row) for row in table})} entries, "
            f"and {len(rows)} x {len(columns)} values; give one row and one column per value."
        )
    if not isinstance(orientation, str) or orientation not in ORIENTATIONS:
        raise ParameterError(
            f"orientation of {owner} must be 'source_rows' or 'target_rows' (as in published "
            f"tables of connection probabilities), got {orientation!r}: say what the rows of p are."
        )
    turn = -1 if orientation == "target_rows" else 1
    pairs = [(row, column)[::turn] for row in rows for column in columns]
    return _unique(zip(pairs, (entry for row in table for entry in row), strict=True), owner)


def _of_dict(p: Mapping[Any, Any], owner: str) -> Entries:
    if p and all(isinstance(row, Mapping) for row in p.values()):
        return _unique(
            (((source, target), row[target]) for source, row in p.items() for target in row), owner
        )
    wrong = [key for key in p if not isinstance(key, tuple) or len(key) != 2]
    if wrong or not p:
        shown = f"the key {wrong[0]!r}" if wrong else "an empty dict"
        raise ParameterError(f"p of {owner} must be {_FORMS}, got {shown}.")
    return _unique(p.items(), owner)


def _unique(items: Iterable[tuple[Any, Any]], owner: str) -> Entries:
    """Return entries by pair of classes, refusing pairs that come again and NaN."""
    found: Entries = {}
    for pair, entry in items:
        source, target = (_class(each, f"classes in p of {owner}") for each in pair)
        if (source, target) in found:
            raise ParameterError(
                f"p of {owner} has more than one entry for {(source, target)!r}; give one."
            )
        found[source, target] = entry
    return found


def _class(value: Any, name: str) -> Hashable:
    """Return what names a class, as Python's own type; refuse what cannot be compared."""
    plain = value.item() if isinstance(value, np.generic) else value
    try:
        hash(plain)
        usable = plain is not None and plain == plain
    except TypeError:
        usable = False
    if not usable:
        raise ParameterError(f"{name} must be texts or numbers, as nodes have them, got {plain!r}.")
    return plain  # type: ignore[no-any-return]


def class_names(values: Any, least: int, owner: str) -> list[Hashable]:
    """Return the names of classes, in order, each once, and at least so many."""
    given = values.tolist() if isinstance(values, np.ndarray) else values
    if isinstance(given, Sequence) and not isinstance(given, str) and len(given) >= least:
        names = [_class(each, f"classes in {owner}") for each in given]
        if len(set(names)) == len(names):
            return names
    raise ParameterError(
        f"{owner} must be a sequence of at least {least} different classes of nodes, in order, got "
        f"{values!r}."
    )


# ---------------------------------------------------------------------- what entries mean
def is_two_way(connector: BaseConnector) -> bool:
    """Whether a connector draws both directions of each pair together."""
    return "backward" in connector.iterators


def _same(one: Any, other: Any) -> bool:
    """Whether two joint probabilities are the same: an object, or numbers."""
    return one is other or (
        not (callable(one) or callable(other)) and np.array_equal(floats(one), floats(other))
    )


class EntryConnectors:
    """Makes the connectors that the entries of a BlockConnector stand for."""

    def __init__(self, block: Any) -> None:
        self._block, self._owner = block, type(block).__name__
        shared = {name: getattr(block, name) for name in ("rng", "sampler", "name")}
        self._common = {**shared, "verbose": False, "save_report": False}

    def of_all(self, entries: Entries) -> dict[Pair, BaseConnector | None]:
        """Return a connector per pair; one that draws both directions stands at both.

        Raises
        ------
        ParameterError
            If an entry is not allowed, or two directions do not fit.
        """
        made: dict[Pair, BaseConnector | None] = {}
        for pair, entry in entries.items():
            if pair in made:  # was made with the other direction
                continue
            if isinstance(entry, tuple):
                made[pair] = made[pair[::-1]] = self._both_ways(pair, entry, entries)
                continue
            made[pair] = self.one(entry, f"p[{pair[0]!r}, {pair[1]!r}]")
            found = made[pair]
            if found is not None and is_two_way(found) and entries.get(pair[::-1]) is not entry:
                raise ParameterError(
                    f"p[{pair[0]!r}, {pair[1]!r}] of {self._owner} is {entry!r}, which makes the "
                    f"other direction as well; give the same connector for {pair[::-1]!r}."
                )
        return {pair: made[pair] for pair in entries}

    def one(self, entry: Any, which: str) -> BaseConnector | None:
        """Return the connector that an entry stands for, other than (p, pr)."""
        if entry is None:
            return None
        if isinstance(entry, BaseConnector):
            if isinstance(entry, GapJunction | OneToOneSequentialConnector):
                raise ParameterError(
                    f"{which} of {self._owner} must be {_ENTRY}, but no gap junctions and no "
                    f"partitions, got {entry!r}: use that connector by itself."
                )
            return entry
        return self._made(
            which,
            UnidirectionConnector,
            **{"p": entry, "p_arg": self._argument(entry), "n_syn": self._block.n_syn},
            allow_autapses=self._block.allow_autapses,
        )

    def _argument(self, p: Any) -> Any:
        """Return p_arg; of functions it is the spherical distance, unless given."""
        given = self._block.p_arg
        return spherical_dist if given is None and callable(p) else given

    def _made(self, which: str, make: type[BaseConnector], **parameters: Any) -> BaseConnector:
        try:
            made = make(**parameters, **self._common)
        except ParameterError as error:
            raise ParameterError(f"{which} of {self._owner} is not allowed: {error}") from None
        # The owner's rng is not its own: another one may be assigned.
        made.__dict__["_default_seed"] = True
        return made

    def _both_ways(self, pair: Pair, entry: tuple[Any, ...], entries: Entries) -> BaseConnector:
        """Return the connector of a (p, pr) and of the one that it belongs to."""
        which, other = f"p[{pair[0]!r}, {pair[1]!r}]", entries.get(pair[::-1])
        if len(entry) != 2:
            raise ParameterError(f"{which} of {self._owner} must be {_ENTRY}, got {entry!r}.")
        if not (isinstance(other, tuple) and len(other) == 2 and _same(entry[1], other[1])):
            raise ParameterError(
                f"{which} and p[{pair[1]!r}, {pair[0]!r}] of {self._owner} must be tuples (p, pr) "
                f"with the same pr for both, got {entry!r} and {other!r}: pr is the probability "
                "that a pair is connected both ways."
            )
        p0, p1, pr = entry[0], other[0], entry[1]
        p0_arg, p1_arg = self._argument(p0), self._argument(p1)
        return self._made(
            which,
            ReciprocalConnector,
            **{"p0": p0, "p1": p1, "p0_arg": p0_arg, "p1_arg": p1_arg, "pr": pr},
            pr_arg="0" if callable(pr) and p0_arg is not None else None,
            **{"n_syn0": self._block.n_syn, "n_syn1": self._block.n_syn},
            autapses=self._block.allow_autapses,
            infeasible=self._block.infeasible,
        )
