"""Property rules as objects: one formula, called once per synapse or for all of them at once."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from bmtool_connectors import randomness, vectorization
from bmtool_connectors.checks import HUGE, flag, floats
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.generators import deep_copy
from bmtool_connectors.profiles.algebra import DistantDependentProbability
from bmtool_connectors.randomness import RngLike, Seed, SharedGenerator
from bmtool_connectors.synapses import synapse_block
from bmtool_connectors.synapses.frozen import shown
from bmtool_connectors.synapses.synapse_block import (
    Column,
    PairDistance,
    Rows,
    SynapseBlock,
    Synapses,
    SynapseTable,
)

__all__ = ["properties"]

#: Index of the properties that a rule gives among those of a call: of one that gives all of them.
ALL = slice(None)

#: The streams of rules that were given a seed, by seed value: a helper is called once per synapse
#: with the same seed, and must not return the same number each time.
_seeds: dict[Hashable, Seed] = {}


def origin(rng: RngLike, owner: str) -> SharedGenerator | Seed:
    """Return the generator or the seed that `rng` stands for; None is the module's, now."""
    if rng is None:
        return randomness.default.source
    source = randomness.as_source(rng, f"rng of {owner}")
    if isinstance(source, Seed):
        sequence = source.sequence
        source = _seeds.setdefault((str(sequence.entropy), sequence.spawn_key), source)
    return source


#: Some synapses, and their values of each property.
Block: TypeAlias = "tuple[Rows, tuple[Column, ...]]"


class Evaluation(NamedTuple):
    """How to come by some of the properties that a rule gives.

    Attributes
    ----------
    indices : list of slice
        Which properties of the rule they are.
    rule : callable
        What gives them, with their ``names``.
    blocks : iterable of Block, or None
        Their values; None if the rule has to be called once per synapse.
    """

    indices: list[slice]
    rule: Any
    blocks: Iterable[Block] | None


class PropertyRule(ABC):
    """Values of some properties of synapses: callable as ``rule(source, target)``.

    A subclass has :meth:`values`, a single formula for one synapse and for a block of them, and
    says in :meth:`_prepare` what it draws from and calls.
    """

    #: Of the properties, in order.
    names: tuple[str, ...]
    #: A type per property.
    dtypes: tuple[Any, ...]

    #: None is the default of the module when a value is drawn.
    _source: SharedGenerator | Seed | None = None
    #: Of each distribution that is drawn from, whether many values are those of single draws.
    _sequential: tuple[bool, ...] = ()
    #: What is called with nodes, or with the distance.
    _functions: tuple[Any, ...] = ()
    _distance: PairDistance | None = None
    #: The rules that it consists of, if there are several.
    _parts: tuple[PropertyRule, ...] = ()

    def _prepare(self, rng: RngLike, **found: Any) -> None:
        """Keep what has been found of the parameters, as attributes."""
        source = None if rng is None else origin(rng, self._owner)
        self.__dict__.update(found, _source=source)  # the rule is frozen

    @property
    def _owner(self) -> str:
        """Whose parameters they are, in messages."""
        return type(self).__name__

    @property
    def parameter_names(self) -> tuple[str, ...]:
        """Names of the parameters, which are attributes too."""
        return tuple(inspect.signature(type(self)).parameters)

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        values = {name: shown(getattr(self, name)) for name in defaults}
        text = [f"{k}={v}" for k, v in values.items() if v != shown(defaults[k].default)]
        return f"{type(self).__name__}({', '.join(text)})"

    def __deepcopy__(self, memo: dict[int, Any]) -> PropertyRule:
        return deep_copy(self, memo, self._source)

    def _origin(self) -> SharedGenerator | Seed:
        return randomness.default.source if self._source is None else self._source

    def _stream(self, index: slice = ALL) -> SharedGenerator:
        """Return the generator to draw from, by the index of the properties among those joined."""
        return randomness.helper_stream(self._origin(), index)

    @abstractmethod
    def values(self, synapses: Synapses, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return each property's values: an array, or a number if it is that of all synapses."""

    def __call__(self, source: Any, target: Any) -> Any:
        return self.of_one(source, target, self._origin())

    def of_one(self, source: Any, target: Any, origin: SharedGenerator | Seed) -> Any:
        """Return the value of one synapse, or a tuple of values."""
        found = self.values(
            synapse_block.OneSynapse(source, target), randomness.helper_stream(origin)
        )
        return tuple(map(_plain, found)) if len(found) > 1 else _plain(found[0])

    def evaluations(self, table: SynapseTable) -> list[Evaluation]:
        """Return how to come by the values of all synapses: first what is drawn in slabs."""
        found, others = [], []
        for part, index in self._with_indices():
            if part._sequential and isinstance(part._origin(), Seed):
                found.append(Evaluation([index], part, part._of_slabs(table, index)))
            else:
                others.append((part, index))
        if others:
            parts, indices = zip(*others, strict=True)
            rule = parts[0] if len(parts) == 1 else JoinedRule(parts)
            found.append(Evaluation(list(indices), rule, rule._of_blocks(table)))
        return found

    def _with_indices(self) -> Iterator[tuple[PropertyRule, slice]]:
        """Yield the rules that it consists of, and the index of the properties of each."""
        yield self, ALL

    def _of_slabs(self, table: SynapseTable, index: slice) -> Iterator[Block]:
        """Yield the values of all synapses, each slab of targets from the stream of its own."""
        for slab, targets in randomness.slabs(len(table.target)):
            rng = None
            for rows, block in synapse_block.blocks_onto(table, targets):
                rng = rng or randomness.helper_stream(self._origin(), index, slab)
                yield rows, self._values_of(block, rng)

    def _of_blocks(self, table: SynapseTable) -> Iterator[Block] | None:
        """Return the values of all synapses, block by block; None if single calls would differ.

        They would where a shared generator is drawn from in turn for several distributions, or
        for one that takes other numbers for many values than for one at a time.
        """
        drawn: dict[int, list[bool]] = {}
        for part, _ in self._with_indices():
            if not part._can_batch(table):
                return None
            drawn.setdefault(id(part._origin()), []).extend(part._sequential)
        if any(len(each) > 1 or not all(each) for each in drawn.values()):
            return None
        return (
            (rows, self._values_of(block, self._stream()))
            for rows, block in synapse_block.blocks(table)
        )

    def _values_of(self, block: SynapseBlock, rng: SharedGenerator) -> tuple[Column, ...]:
        return tuple(np.broadcast_to(each, block.n) for each in self.values(block, rng))

    def _can_batch(self, table: SynapseTable) -> bool:
        """Whether all that the rule needs is there as arrays."""
        return all(map(_takes_arrays, self._functions)) and (
            self._distance is None or self._distance.known(table)
        )

    def _checked(self, values: Any, name: str, synapses: Synapses, low: float, allowed: str) -> Any:
        """Return values of a parameter as finite floats of at least `low`, or raise."""
        if isinstance(values, float) and low <= values <= HUGE:  # called once per synapse: quick
            return values
        numbers = floats(values)
        wrong = np.flatnonzero(~((numbers >= low) & (numbers <= HUGE)))
        if len(wrong) or (numbers.ndim and synapses.n is None):
            k = int(wrong[0]) if len(wrong) else 0
            many = synapses.n is not None and np.size(values) and np.ndim(values)
            got = np.ravel(np.asarray(values, dtype=object))[k] if many else values
            owner = f"{name} of {self._owner}"
            vectorization.refuse(got, synapses.describe(k), owner, allowed)
        return numbers if numbers.ndim else float(numbers)

    def _dist(self, synapses: Synapses) -> Any:
        """Return the distances of the nodes, um."""
        assert self._distance is not None
        found = synapses.distance(self._distance)
        return self._checked(found, "dist", synapses, -HUGE, "a finite distance (um)")

    def properties(self, add_nsyns: bool = True) -> dict[str, Any]:
        """Return the rule as arguments for ``add_properties``.

        Parameters
        ----------
        add_nsyns : bool, default True
            See :func:`properties`, which joins several rules of an edge type; with one call for
            each there would be several columns ``nsyns``.
        """
        return properties(self, add_nsyns=add_nsyns)


class _SynapsesPerRow(PropertyRule):
    """One synapse per row, in so many words."""

    names = ("nsyns",)
    dtypes = (np.uint32,)  # BMTK's type

    def values(self, synapses: Synapses, rng: SharedGenerator) -> tuple[Any, ...]:
        return (1,)


class JoinedRule(PropertyRule):
    """Several rules, one after the other for each synapse."""

    def __init__(self, parts: Sequence[PropertyRule]) -> None:
        self.parts = self._parts = tuple(parts)
        self.names = tuple(name for part in parts for name in part.names)
        self.dtypes = tuple(dtype for part in parts for dtype in part.dtypes)
        ends = np.cumsum([0, *(len(part.names) for part in parts)]).tolist()
        self._indices = list(map(slice, ends, ends[1:]))

    def _with_indices(self) -> Iterator[tuple[PropertyRule, slice]]:
        return zip(self.parts, self._indices, strict=True)

    def values(self, synapses: Synapses, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return the values of all parts, each drawn from its own stream."""
        return tuple(
            value
            for part, index in self._with_indices()
            for value in part.values(synapses, part._stream(index))
        )


def _plain(value: Any) -> Any:
    """Return a number as one of Python's own."""
    return value.item() if isinstance(value, np.generic | np.ndarray) else value


def _takes_arrays(function: Any) -> bool:
    """Whether something is a number, or a function that need not be called once per synapse."""
    if isinstance(function, DistantDependentProbability):
        return vectorization.is_profile(function)
    return not callable(function) or vectorization.is_vectorized(function)


def properties(*rules: PropertyRule, add_nsyns: bool = True) -> dict[str, Any]:
    """Return several rules as arguments for one call of ``add_properties``.

    Parameters
    ----------
    *rules : WeightRule, DelayRule or PlacementRule
        Of different properties.
    add_nsyns : bool, default True
        Add a column ``nsyns`` of ones unless a rule says where synapses sit. BioNet then
        chooses places by ``target_sections`` and ``distance_range`` of the edge type; with
        neither ``nsyns`` nor sections it cannot load edges onto biophysical cells.

    Returns
    -------
    dict
        ``names``, ``rule`` and ``dtypes``.

    Raises
    ------
    ParameterError
        If something is no rule, or two rules have the same property.

    Notes
    -----
    Edge types with the same columns are stored in one group: use the same rules, or at least
    rules for the same properties, for all edge types between two networks.

    With a column ``nsyns``, BioNet multiplies the weights of edges onto cells of
    ``model_type='point_process'`` with ``sign`` of their dynamics_params, as it does for edges
    without properties. Pass ``add_nsyns=False`` there, and weights are used as they are.

    BMTK's own builder cannot store ``nsyns`` where a pair has several synapses (an error when it
    saves). Use the NetworkBuilder of this package, or a PlacementRule.

    Examples
    --------
    >>> found = properties(WeightRule(lognormal(2.0, 0.5)), DelayRule(fixed=1.5))
    >>> found["names"]
    ['syn_weight', 'delay', 'nsyns']
    """
    for rule in rules:
        if not isinstance(rule, PropertyRule):
            raise ParameterError(
                "rules of properties() must be WeightRule, DelayRule or PlacementRule, got "
                f"{rule!r}."
            )
    parts = [part for rule in rules for part in rule._parts or (rule,)]
    names = [name for part in parts for name in part.names]
    twice = [name for name in names if names.count(name) > 1]
    if twice or not parts:
        got = f"{twice[0]!r} twice" if twice else "none"
        raise ParameterError(f"rules of properties() must be one per property, got {got}.")
    is_placed = not {"afferent_section_id", "nsyns"}.isdisjoint(names)
    if flag(add_nsyns, "add_nsyns of properties()") and not is_placed:
        parts.append(_SynapsesPerRow())
    rule = parts[0] if len(parts) == 1 else JoinedRule(parts)
    several = len(rule.names) > 1
    return {
        "names": list(rule.names) if several else rule.names[0],
        "rule": rule,
        "dtypes": list(rule.dtypes) if several else rule.dtypes[0],
    }
