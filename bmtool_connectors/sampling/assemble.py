"""From what a draw gives, pair by pair, to the canonical edges of each direction."""

from __future__ import annotations

from typing import Any

from bmtool_connectors.edges import EdgeList, sort_pairs
from bmtool_connectors.sampling.blocks import PairSpace
from bmtool_connectors.sampling.collect import Drawn, PairDraw, joined


def forward_edges(drawn: PairDraw, space: PairSpace) -> EdgeList:
    """Return the edges i -> j."""
    shape = (len(space.source), len(space.target))
    if drawn.in_order:
        i, j, n_syn, arg = drawn.forward.arrays()
        return EdgeList.from_sorted(i, j, shape, n_syn, arg)
    return _sorted((drawn.forward, Drawn()), shape, False)


def backward_edges(drawn: PairDraw, space: PairSpace) -> EdgeList:
    """Return the edges j -> i."""
    shape = (len(space.target), len(space.source))
    return _sorted((Drawn(), drawn.backward), shape, drawn.in_order)


def symmetric_edges(drawn: PairDraw, space: PairSpace) -> EdgeList:
    """Return the edges of one population: i -> j of the forward and j -> i of the backward part."""
    n = len(space.source)
    # Sorted by target within each source already, if the backward part (j > i) comes first.
    return _sorted((drawn.forward, drawn.backward), (n, n), drawn.in_order)


def _sorted(parts: tuple[Drawn, Drawn], shape: tuple[int, int], by_target: bool) -> EdgeList:
    """Return forward edges as they are and backward ones turned round, in canonical order."""
    forth, back = parts
    lengths = [len(part) for part in (*back.i, *forth.i)]

    def whole(*columns: list[Any]) -> Any:
        """Join the parts of a column and give them up: both at once would double the memory."""
        array = joined([part for column in columns for part in column], lengths)
        for column in columns:
            column.clear()
        return array

    source, target = whole(back.j, forth.i), whole(back.i, forth.j)
    columns = [whole(back.n_syn, forth.n_syn), whole(back.arg, forth.arg)]
    source, target, columns = sort_pairs(source, target, shape, columns, by_target=by_target)
    return EdgeList.from_sorted(source, target, shape, *columns)
