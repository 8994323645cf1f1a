"""Registration of our rule type with BMTK's iterators."""

from __future__ import annotations

import functools

from bmtool_connectors.connection_rule import ConnectionRule, iterate_edges

#: The names that ``edge_params`` uses; a rule knows by itself which nodes it is asked about.
ITERATOR_NAMES = ("one_to_one", "one_to_all", "all_to_one")


@functools.cache
def register() -> bool:
    """Let BMTK visit only the edges that exist; return whether it will.

    Returns
    -------
    bool
        False when this BMTK has no such registry, or one that we cannot find our own entry in
        again: then the rule has to be given as a plain callable.
    """
    try:
        from bmtk.builder import connector, iterator

        for name in ITERATOR_NAMES:
            iterator.register(name, ConnectionRule, iterate_edges)
        probe = ConnectionRule.__new__(ConnectionRule)
        found = iterator.create(ITERATOR_NAMES[0], connector.create(probe))
    except Exception:  # whatever a changed BMTK does, the plain callable works
        return False
    return getattr(found, "func", None) is iterate_edges
