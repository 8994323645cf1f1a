"""Pools of nodes by their labels: which are the same, and what they are called for short."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

#: A property, and the values it may have, as text.
Condition: TypeAlias = tuple[str, tuple[str, ...]]
#: Network, and what its filter asks for.
PoolKey: TypeAlias = tuple[str, tuple[Condition, ...]]

#: Filters of pools as BMTK writes them.
_CONDITION = re.compile(r"(\w+)=='(.*)'")


def conditions(query: str) -> tuple[Condition, ...] | None:
    """Return what a filter asks for; None where it is not one of properties and values.

    Examples
    --------
    >>> conditions("pop=='A'&layer=='[4, 5]'")
    (('pop', ('A',)), ('layer', ('4', '5')))
    """
    found = []
    for part in [] if query in ("*", "") else query.split("&"):
        match = _CONDITION.fullmatch(part)
        if match is None:
            return None
        found.append((match[1], _value_texts(match[2])))
    return tuple(found)


def _value_texts(value: str) -> tuple[str, ...]:
    """Return the values that a filter allows, as text."""
    if value.startswith("["):
        try:
            return tuple(str(each) for each in ast.literal_eval(value))
        except (RecursionError, SyntaxError, TypeError, ValueError):
            pass
    return (value,)


def network_of(label: str) -> str:
    """Return the network of a pool's label."""
    return label.partition(": ")[0]


def pool_key(label: str) -> PoolKey:
    """Return what is equal for labels of the same network that ask for the same nodes."""
    network, _, query = label.partition(": ")
    asked = conditions(query)
    if asked is None:
        return network, ((query, ()),)
    return network, tuple(sorted((name, tuple(sorted(values))) for name, values in asked))


def short_names(labels: Iterable[str]) -> dict[PoolKey, str]:
    """Return a name for each pool: without what the labels share, but never that of another pool.

    Parameters
    ----------
    labels : iterable of str

    Examples
    --------
    >>> list(short_names(["a: pop=='E'", "a: pop=='I'", "b: *"]).values())
    ['E', 'I', 'b']
    >>> list(short_names(["a: pop=='E'", "b: pop=='E'"]).values())
    ['a\\nE', 'b\\nE']
    """
    candidates: dict[PoolKey, tuple[str, ...]] = {}
    for label in labels:
        candidates.setdefault(pool_key(label), _candidates(label))
    uses = Counter(text for texts in candidates.values() for text in set(texts))
    return {
        key: next((text for text in texts if uses[text] == 1), texts[-1])
        for key, texts in candidates.items()
    }


def _candidates(label: str) -> tuple[str, ...]:
    """Return what a pool may be called, the shortest first."""
    network, _, query = label.partition(": ")
    asked = conditions(query)
    if asked is None:
        return query, f"{network}\n{query}"
    if not asked:
        return network, label
    values = "\n".join(", ".join(each) for _, each in asked)
    whole = "\n".join(f"{name}={', '.join(each)}" for name, each in asked)
    return values, f"{network}\n{values}", f"{network}\n{whole}"
