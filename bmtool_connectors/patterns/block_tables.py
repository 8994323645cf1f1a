"""Tables of probabilities between classes: excitatory and inhibitory, modules, levels, core."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import product
from typing import Any

from bmtool_connectors.errors import ParameterError
from bmtool_connectors.patterns.block_entries import Entries, class_names

__all__ = [
    "core_periphery_blocks",
    "excitatory_inhibitory_blocks",
    "hierarchical_blocks",
    "modular_blocks",
]


def excitatory_inhibitory_blocks(
    exc_prob: Any = 0.1, inh_prob: Any = 0.2, *, exc: Hashable = "e", inh: Hashable = "i"
) -> Entries:
    """Return blocks in which the class of the source decides.

    Parameters
    ----------
    exc_prob, inh_prob : entry, default 0.1 and 0.2
        Connection probability of excitatory and of inhibitory sources, with all targets; or any
        other entry of :class:`BlockConnector`.
    exc, inh : str or number, default 'e' and 'i'
        The classes.

    Returns
    -------
    dict
        ``{(source, target): entry}``, for :class:`BlockConnector`.

    Raises
    ------
    ParameterError
        If both classes are the same.

    Notes
    -----
    Excitatory and inhibitory synapses differ in more than their number, so they usually are two
    edge types: two connectors, each with the pool of one class as its source.

    Examples
    --------
    >>> excitatory_inhibitory_blocks(0.1, 0.4)
    {('e', 'e'): 0.1, ('e', 'i'): 0.1, ('i', 'e'): 0.4, ('i', 'i'): 0.4}
    """
    classes = class_names((exc, inh), 2, "exc and inh of excitatory_inhibitory_blocks")
    of_source = dict(zip(classes, (exc_prob, inh_prob), strict=True))
    return {(a, b): of_source[a] for a, b in product(classes, classes)}


def modular_blocks(
    modules: Sequence[Hashable], intra_prob: Any = 0.3, inter_prob: Any = 0.01
) -> Entries:
    """Return blocks of modules with many connections inside, and few between them.

    Parameters
    ----------
    modules : sequence of str or number
        The classes.
    intra_prob : entry, or list of entries, default 0.3
        Connection probability within each module, or of each module in turn; or any other entries
        of :class:`BlockConnector`, such as connectors.
    inter_prob : entry, default 0.01
        Between modules.

    Returns
    -------
    dict
        ``{(source, target): entry}``, for :class:`BlockConnector`. Other entries for single
        pairs of modules replace those: ``modular_blocks(...) | {('a', 'b'): 0.05}``.

    Raises
    ------
    ParameterError
        If a module comes twice, or there is not one entry per module.

    Examples
    --------
    >>> modular_blocks(['a', 'b'], [0.3, 0.2])
    {('a', 'a'): 0.3, ('a', 'b'): 0.01, ('b', 'a'): 0.01, ('b', 'b'): 0.2}
    """
    names = class_names(modules, 1, "modules of modular_blocks")
    each = intra_prob if isinstance(intra_prob, list) else [intra_prob] * len(names)
    if len(each) != len(names):
        raise ParameterError(
            f"intra_prob of modular_blocks has {len(each)} entries for {len(names)} modules; give "
            "one for all, or a list with one for each."
        )
    within = dict(zip(names, each, strict=True))
    return {(a, b): within[a] if a == b else inter_prob for a, b in product(names, names)}


def hierarchical_blocks(
    levels: Sequence[Hashable],
    feedforward_prob: Any = 0.3,
    feedback_prob: Any = 0.1,
    recurrent_prob: Any = 0.2,
    skip_prob: Any = 0.0,
) -> Entries:
    """Return blocks of levels, from the lowest to the highest.

    Parameters
    ----------
    levels : sequence of str or number
        The classes, at least two, from the lowest level to the highest.
    feedforward_prob : entry, default 0.3
        Connection probability from a level to the next; or any other entry of
        :class:`BlockConnector`.
    feedback_prob : entry, default 0.1
        From a level to the one before.
    recurrent_prob : entry, default 0.2
        Within a level.
    skip_prob : entry, default 0.0
        From a level to those after the next.

    Returns
    -------
    dict
        ``{(source, target): entry}``, for :class:`BlockConnector`. There is no feedback beyond
        the level before: those entries are None.

    Raises
    ------
    ParameterError
        If a level comes twice, or there are less than two.

    Examples
    --------
    >>> table = hierarchical_blocks(['V1', 'V2', 'V4'], skip_prob=0.05)
    >>> table['V1', 'V2'], table['V2', 'V1'], table['V1', 'V4'], table['V4', 'V1']
    (0.3, 0.1, 0.05, None)
    """
    names = class_names(levels, 2, "levels of hierarchical_blocks")
    of_step = {0: recurrent_prob, 1: feedforward_prob, -1: feedback_prob}
    table: Entries = {}
    for (i, a), (j, b) in product(enumerate(names), enumerate(names)):
        table[a, b] = of_step.get(j - i, skip_prob if j > i else None)
    return table


def core_periphery_blocks(
    core_core_prob: Any = 0.5,
    core_periphery_prob: Any = 0.2,
    periphery_core_prob: Any = 0.2,
    periphery_periphery_prob: Any = 0.05,
    *,
    core: Hashable = "core",
    periphery: Hashable = "periphery",
) -> Entries:
    """Return blocks of a densely connected core and a sparse periphery.

    Parameters
    ----------
    core_core_prob, core_periphery_prob, periphery_core_prob, periphery_periphery_prob : entry
        Connection probabilities, of the source in the class that is named first; or any other
        entries of :class:`BlockConnector`. Default 0.5, 0.2, 0.2 and 0.05.
    core, periphery : str or number, default 'core' and 'periphery'
        The classes.

    Returns
    -------
    dict
        ``{(source, target): entry}``, for :class:`BlockConnector`.

    Raises
    ------
    ParameterError
        If both classes are the same.

    References
    ----------
    Borgatti and Everett 2000, Social Networks 21:375, doi 10.1016/S0378-8733(99)00019-2.

    Examples
    --------
    >>> core_periphery_blocks(core='hub', periphery='other')['hub', 'other']
    0.2
    """
    first, second = class_names((core, periphery), 2, "core and periphery of core_periphery_blocks")
    return {
        (first, first): core_core_prob,
        (first, second): core_periphery_prob,
        (second, first): periphery_core_prob,
        (second, second): periphery_periphery_prob,
    }
