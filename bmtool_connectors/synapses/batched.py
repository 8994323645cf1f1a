"""All values of an edge type at once, for those rules that need not be asked one by one."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from bmtool_connectors.synapses.helper_rules import RuleOf
from bmtool_connectors.synapses.helpers import HELPERS
from bmtool_connectors.synapses.synapse_block import Column, SynapseTable

__all__ = ["batched"]


def batched(rule: Any, table: SynapseTable) -> Iterator[tuple[Column, ...]] | None:
    """Return what calling a property rule once per synapse would give.

    Parameters
    ----------
    rule : object
        As given to ``add_properties``, its parameters bound with ``functools.partial``. One with
        a method ``of_synapses(table)`` tells all values itself; so does that behind a helper.
    table : SynapseTable

    Returns
    -------
    iterator of tuple of ndarray, or None
        A column per value, for some synapses after the other; None for a rule that has to be
        called.

    Raises
    ------
    ParameterError
        If an argument of a helper is not allowed.
    """
    keywords: dict[str, Any] = {}
    if isinstance(rule, functools.partial):
        if rule.args:
            return None
        rule, keywords = rule.func, rule.keywords
    if any(rule is helper for helper in HELPERS) and not {"source", "target"} & keywords.keys():
        rule, keywords = rule(RuleOf(), None, **keywords), {}
    if keywords or not hasattr(rule, "of_synapses"):
        return None
    return rule.of_synapses(table)  # type: ignore[no-any-return]
