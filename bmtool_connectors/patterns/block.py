"""Block structure: a law of its own for each pair of classes of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from bmtool_connectors import messages
from bmtool_connectors.arrays import Index
from bmtool_connectors.bernoulli import INFEASIBLE, checked_infeasible
from bmtool_connectors.connectivity import Connectivity, EstimatedCounts, LazyCounts, is_estimated
from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns import block_parts
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.patterns.block_entries import EntryConnectors, Pair, is_two_way, read_entries
from bmtool_connectors.patterns.block_parts import Part, Places
from bmtool_connectors.patterns.example_laws import PROFILE, synapses_of_ids
from bmtool_connectors.patterns.fixed_degree import FixedInDegreeConnector
from bmtool_connectors.patterns.parameters import Argument, Count, parameter
from bmtool_connectors.patterns.projection import Projection, projection_being_drawn
from bmtool_connectors.patterns.references import Reference
from bmtool_connectors.patterns.unidirection import UnidirectionConnector
from bmtool_connectors.randomness import SharedGenerator
from bmtool_connectors.sampling.assemble import joined_edges
from bmtool_connectors.sampling.expect import Expected

__all__ = ["BlockConnector"]

_OTHER_WAY = {
    **{"p0": "p1", "p1": "p0"},
    **{"distance": "distance_backward", "distance_backward": "distance"},
}


class BlockConnector(BaseConnector):
    """Connect nodes with a law for each pair of classes: ``p[source class, target class]``.

    A class is a value of a node attribute, such as a population, layer or module; the edges of
    all blocks are those of one edge type.

    Parameters
    ----------
    p : dict, DataFrame or array_like
        The entry of each block, in one of these forms:

        - ``{(source, target): entry}`` or ``{source: {target: entry}}``: **source first**;
        - a DataFrame with classes as index and columns, and `orientation`;
        - a two-dimensional array with `values` and `orientation`.

        An entry is

        - a probability, or a function of the value of `p_arg`, such as a profile of distance;
        - a tuple ``(p, pr)``: connected with `p`, and both ways with `pr` (both within one
          population). Of two classes a and b, ``p[a, b]`` is forward, ``p[b, a]`` backward, and
          both have the same `pr`; see :class:`ReciprocalConnector`;
        - a connector, which is used for this block and left as it is, and may stand for several
          (its `verbose` and `save_report` do not count). One that draws both directions stands
          at ``(a, b)`` and at ``(b, a)``;
        - None: no connections, and nothing is drawn.
    by : str or tuple of str, default 'pop_name'
        The attribute, or two: of the source nodes and of the target nodes.
    p_arg : float or callable, optional
        Argument of probabilities: a function of (source node, target node). By default
        ``spherical_dist`` for functions, and none for numbers.
    n_syn : int or callable, default 1
        Synapses of a connected pair, or a function of (source node, target node). Connectors
        among the entries have their own.
    orientation : {'source_rows', 'target_rows'}, optional
        What the rows of an array or a DataFrame are. **There is no default**: published tables
        often have targets as rows, and a square table fits both ways. May be left out if the
        index and columns of a DataFrame are named 'source' and 'target'.
    values : sequence, optional
        Classes of the rows, and columns, of an array.
    missing : {'error'} or entry, default 'error'
        For pairs of classes that `p` has no entry for: refuse them, or an entry in one
        direction, such as 0.01 or None.
    allow_autapses : bool, default False
        Whether a node may connect to itself, with probabilities as entries.
    verbose, save_report, report_name
        See :class:`BaseConnector`. The report has a row per block.
    rng : Generator, RandomState, int, SeedSequence or None
        See :class:`BaseConnector`. Also of connectors among the entries that have none of their
        own.
    sampler : {'auto', 'pairwise', 'sparse'}, default 'auto'
        See :class:`BaseConnector`. Chosen block by block.
    name : str, optional
        Tells apart connectors with the same seed and populations.
    infeasible : {'clip', 'bmtool'}, optional
        Of entries ``(p, pr)``; see :class:`ReciprocalConnector`.

    Raises
    ------
    ParameterError
        If a parameter is not allowed.
    NodeError
        In ``setup_nodes``, if a node has a class that `p` does not have, or none; if no node has
        a class of `p`; or if entries make both directions of pairs between two populations.

    Notes
    -----
    A block is drawn exactly as ``UnidirectionConnector(p, p_arg, n_syn,
    allow_autapses=allow_autapses)`` (or ``ReciprocalConnector``, or the given connector) is
    between the pools of its classes, ``net.nodes(pop_name=source)`` and
    ``net.nodes(pop_name=target)``. With a private seed it has the stream of that connector. A
    shared generator is consumed block after block in the order of `p`: that of the keys of a
    dict, or row by row of a table, then blocks with `missing`. Time and memory are those of the
    blocks, and one pass over the edges to join them.

    Values of `p_arg` are kept (``conn_prop``) if every block with edges has them; pass `p_arg` to
    have them for probabilities that are numbers, too.

    References
    ----------
    Holland, Laskey and Leinhardt 1983, Social Networks 5:109, doi 10.1016/0378-8733(83)90021-7:
    stochastic block models.

    Examples
    --------
    >>> connector = BlockConnector({'e': {'e': 0.1, 'i': 0.3}, 'i': {'e': 0.4, 'i': None}}, 'ei')
    >>> connector.vars['p']['e', 'i']
    0.3
    >>> table = [[0.1, 0.4], [0.3, 0.0]]  # a row per target
    >>> other = BlockConnector(table, 'ei', values=['e', 'i'], orientation='target_rows')
    >>> other.vars['p']['e', 'i']
    0.3
    """

    examples = (
        {"p": {("A", "A"): (PROFILE, 0.1), ("A", "B"): 0.4}, "n_syn": synapses_of_ids},
        {"p": {("A", "A"): FixedInDegreeConnector(3), ("A", "B"): UnidirectionConnector(0.2)}},
    )

    p: Any = parameter(in_vars=True)
    by: str | tuple[str, str] = parameter(default="pop_name")
    p_arg: Argument = parameter(default=None, kw_only=True, in_vars=True)
    n_syn: Count = parameter(default=1, kw_only=True, in_vars=True)
    orientation: str | None = parameter(default=None, kw_only=True, shown=False)
    values: Any = parameter(default=None, kw_only=True, shown=False)
    missing: Any = parameter(default="error", kw_only=True, in_vars=True)
    allow_autapses: bool = parameter(default=False, kw_only=True, in_vars=True)
    infeasible: str | None = parameter(
        default=None, check=checked_infeasible, kw_only=True, usual=INFEASIBLE[0]
    )

    def _check(self) -> None:
        own = type(self).__name__
        entries = read_entries(self.p, self.values, self.orientation, own)
        self._attributes = block_parts.named_attributes(self.by, own)
        self._one_attribute = self._attributes[0] == self._attributes[1]
        self._vars["p"] = entries
        self._given = {**self._given, "p": entries}
        make = EntryConnectors(self)
        self._connectors: dict[Pair, BaseConnector | None] = make.of_all(entries)
        self._is_complete = isinstance(self.missing, str) and self.missing == "error"
        self._default: BaseConnector | None = None
        if not self._is_complete:
            self._default = make.one(self.missing, "missing")
        if self._default is not None and is_two_way(self._default):
            raise ParameterError(
                f"missing of {own} must be an entry with one direction, got {self.missing!r}, "
                "which makes both directions of a pair: give the others in p."
            )
        given = [*entries.values(), self.missing]
        # Connectors among the entries have a rule of their own.
        self.__dict__["allow_autapses"] |= any(
            each.allow_autapses for each in given if isinstance(each, BaseConnector)
        )

    def _check_stream(self) -> None:
        """Refuse a source of random numbers that does not go with a block that draws from it."""
        for connector in (*self._connectors.values(), self._default):
            if connector is not None and connector._default_seed:
                connector._unused(_randomness=self._randomness)._check_stream()

    # ------------------------------------------------------------------ uses
    def _check_pools(self, projection: Projection) -> None:
        places = self._places(*projection.ends)
        pools = (projection.source_pool, projection.target_pool)
        ends = zip(pools, projection.ends, places, self._attributes, strict=True)
        source, target = (block_parts.pool_parts(*each) for each in ends)
        if projection.recurrent and self._one_attribute:
            target = source
        blocks = []
        for pair, connector in self._chosen(places, projection.source is projection.target):
            own: dict[str, Any] = {"name": self.name if connector.name is None else connector.name}
            if connector._default_seed:
                own |= {"_randomness": self._randomness, "_default_seed": self._default_seed}
            made = connector._unused(**own)
            made.setup_nodes(source=source[pair[0]], target=target[pair[1]])
            blocks.append(Part(pair, made, places[0][pair[0]], places[1][pair[1]]))
        projection.parts = tuple(blocks)

    def _places(self, source: NodeArrays, target: NodeArrays) -> tuple[Places, Places]:
        """Return where the nodes of each class are, in both pools."""
        found: list[Places] = []
        for end, nodes in enumerate((source, target)):
            if end and nodes is source and self._one_attribute:
                return found[0], found[0]
            named = {pair[end]: pair[end] for pair in self._connectors}
            places = block_parts.places_by_value(nodes, self._attributes[end], type(self).__name__)
            # Classes as p spells them: 1 and 1.0 are equal, and labels of different pools.
            found.append({named.get(value, value): index for value, index in places.items()})
        return found[0], found[1]

    def _chosen(
        self, places: tuple[Places, Places], recurrent: bool
    ) -> Iterator[tuple[Pair, BaseConnector]]:
        """Yield the blocks that nodes are in, in the order of `p`, and their connectors."""
        needed = self.by if self._is_complete else None
        block_parts.check_classes(
            self._connectors, places, self._attributes, needed, type(self).__name__
        )
        done: set[Pair] = set()
        for pair, connector in self._connectors.items():
            if connector is None or pair[0] not in places[0] or pair[1] not in places[1]:
                continue
            if is_two_way(connector):
                if not (recurrent and self._one_attribute):
                    raise NodeError(
                        f"p[{pair[0]!r}, {pair[1]!r}] of {type(self).__name__} makes both "
                        "directions of each pair, and source and target are two pools, or have "
                        "classes by two attributes; set it up on one pool, with one attribute, or "
                        "use ReciprocalConnector between the two."
                    )
                if pair in done:
                    continue
                done.add(pair[::-1])
            yield pair, connector
        if self._default is not None:
            for pair in product(*places):
                if pair not in self._connectors:
                    yield pair, self._default

    def _references(self) -> Iterable[Reference]:
        for connector in (*self._connectors.values(), self._default):
            if connector is not None:
                yield from connector._references()

    def _draw_references(self, projection: Projection) -> None:
        for block in projection.parts:
            block.connector._draw_references(block.projection)

    # ------------------------------------------------------------------ the draw
    def draw(self, source: NodeArrays, target: NodeArrays, rng: SharedGenerator) -> Connectivity:
        """Draw all blocks between `source` and `target`, in order.

        Those of a use from the generator of each, others from the one that is given.
        """
        projection = projection_being_drawn(source, target)
        if projection is not None:
            parts = projection.parts
            drawn, counted = self._drawn(
                parts, lambda part: self._telling(part).use.draw(), source, target
            )
            projection.parts = tuple(map(Part.with_counts, parts, counted))
            return drawn
        places = self._places(source, target)
        subsets = [
            {value: nodes.subset(index) for value, index in own.items()}
            for nodes, own in zip((source, target), places, strict=True)
        ]
        if source is target and self._one_attribute:
            subsets[1] = subsets[0]
        blocks = [
            Part((a, b), connector, places[0][a], places[1][b])
            for (a, b), connector in self._chosen(places, source is target)
        ]

        def one(block: Part) -> EdgeList | Connectivity:
            a, b = block.pair
            return block.connector.draw(subsets[0][a], subsets[1][b], rng)

        return self._drawn(blocks, one, source, target)[0]

    def _telling(self, block: Part) -> BaseConnector:
        """Return the connector of a block, which tells as much as this one does now."""
        made = block.connector
        made.verbose, made.save_report = self.verbose, self.save_report
        return made

    def _drawn(
        self,
        blocks: Sequence[Part],
        draw: Callable[[Part], EdgeList | Connectivity],
        source: NodeArrays,
        target: NodeArrays,
    ) -> tuple[Connectivity, list[Connectivity]]:
        """Return all edges, and what was counted in each block."""
        parts: list[tuple[EdgeList, Index, Index]] = []
        counted: list[Connectivity] = []
        nothing = np.empty(0, dtype=np.int16)
        none = EdgeList.from_sorted(nothing, nothing, (0, 0))
        for block in blocks:
            if self.verbose:
                messages.say(f"Block {block.pair[0]!r} to {block.pair[1]!r}")
            found = draw(block)
            drawn = Connectivity.from_edges(found) if isinstance(found, EdgeList) else found
            own = list(block.directed(drawn))
            parts += own
            backward = None if drawn.backward is None else none
            counted.append(replace(drawn.without_cache(), forward=none, backward=backward))
            if self.verbose:
                n = sum(len(edges) for edges, _, _ in own)
                messages.say(
                    f"  {n} edges, {n / sum(len(s) * len(t) for _, s, t in own):.2%} of all pairs"
                )
        edges = joined_edges(parts, (len(source), len(target)))

        def possible() -> tuple[int, ...]:
            each = zip(blocks, counted, strict=True)
            kind = EstimatedCounts if any(map(is_estimated, numbers)) else tuple
            return kind([sum(block.possible(counts, source) for block, counts in each)])

        numbers = [counts.possible for counts in counted]
        later = any(isinstance(each, LazyCounts) for each in numbers)
        drawn = Connectivity(
            edges,
            pairs=self._space(source, target).n_pairs,
            possible=LazyCounts(possible) if later else possible(),
            connected=(len(edges),),
            clipped=sum(each.clipped for each in counted),
            dropped=sum(each.dropped for each in counted),
        )
        return drawn, counted

    def _report_rows(self, projection: Projection) -> Iterable[tuple[str, str, Connectivity]]:
        # A class with a draw of its own does not count by blocks.
        if any(block.counts is None for block in projection.parts):
            return super()._report_rows(projection)
        return [
            (*block.connector._report_labels(block.projection), block.counts)
            for block in projection.parts
        ]

    def expected_of(self, projection: Projection, most: int | None = None) -> Expected | None:
        """Return what the draw of a use gives on average: the sums over the blocks."""
        part = None if most is None else max(most // max(len(projection.parts), 1), 1 << 8)
        found = []
        for block in projection.parts:
            one = self._telling(block).expected_of(block.projection, part)
            if one is None:
                return None
            found.append(one)
        pairs = self._space(*projection.ends).n_pairs
        return block_parts.summed(
            projection, found, pairs, both=self._draws_all_reciprocal(projection)
        )

    def _explained(self, projection: Projection, i: int, j: int) -> dict[str, Any]:
        """Return what the block of a pair of nodes says of it."""
        for block in projection.parts:
            law = {"law": f"p[{block.pair[0]!r}, {block.pair[1]!r}]"}
            made, places = block.connector, block.places(i, j)
            if places is not None:
                return {**law, **made._explained(made.use, *places)}
            places = block.places(j, i) if is_two_way(made) else None
            if places is not None:  # the backward direction of its block
                found = made._explained(made.use, *places)
                return {**law, **{_OTHER_WAY.get(name, name): found[name] for name in found}}
        return {"p0": 0.0, "note": "no block of p connects these classes"}

    def _draws_all_reciprocal(self, projection: Projection) -> bool:
        """Whether both directions of a pair only come from blocks that draw them together."""
        one_way = {block.pair for block in projection.parts if not is_two_way(block.connector)}
        return (
            projection.recurrent
            and self._one_attribute
            and not any(p[::-1] in one_way for p in one_way)
        )
