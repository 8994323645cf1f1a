"""Property rules as objects: one formula, called once per synapse or for all of them at once."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from bmtool_connectors import randomness, vectorization
from bmtool_connectors.checks import flag, floats
from bmtool_connectors.errors import ParameterError
from bmtool_connectors.generators import deep_copy
from bmtool_connectors.profiles.algebra import DistantDependentProbability
from bmtool_connectors.randomness import RngLike, Seed, SharedGenerator
from bmtool_connectors.synapses import common
from bmtool_connectors.synapses.common import MOST
from bmtool_connectors.synapses.distribution import Law, shown
from bmtool_connectors.synapses.synapse_block import Block, OneSynapse, PairDistance, Rows, blocks

__all__ = ["PropertyRule", "properties"]

Column = npt.NDArray[Any]
#: Place among the properties of a call of a rule that gives all of them.
ALONE = slice(None)


class PropertyRule(ABC):
    """Values of some properties of synapses: callable as ``rule(source, target)``.

    A subclass gives ``values``, and calls :meth:`_draws_from` and :meth:`_needs` in its
    constructor.

    Parameters
    ----------
    rng : Generator, RandomState, int, SeedSequence or None
    """

    #: Of the properties, in order.
    names: tuple[str, ...]
    #: A type per property.
    dtypes: tuple[Any, ...]
    parameter_names: ClassVar[tuple[str, ...]]

    def __init__(self, rng: RngLike) -> None:
        self.rng = rng
        # None is the default of the module when a value is drawn.
        self._source = None if rng is None else common.origin(rng, type(self).__name__)
        self._laws: list[Law | None] = []
        self._distance: PairDistance | None = None
        self._batches = True

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        values = {name: shown(getattr(self, name)) for name in self.parameter_names}
        text = [f"{k}={v}" for k, v in values.items() if v != shown(defaults[k].default)]
        return f"{type(self).__name__}({', '.join(text)})"

    def __deepcopy__(self, memo: dict[int, Any]) -> PropertyRule:
        return deep_copy(self, memo, self._source)

    def _draws_from(self, law: Law | None) -> None:
        """Say that each value takes a number of a law; None is one uniform number."""
        self._laws.append(law)

    def _needs(self, function: Any) -> None:
        """Say that a function is called, which may have to be called once per synapse."""
        if isinstance(function, DistantDependentProbability):
            self._batches &= vectorization.is_profile(function)
        elif callable(function):
            self._batches &= vectorization.is_vectorized(function)

    def _origin(self) -> SharedGenerator | Seed:
        return randomness.default.source if self._source is None else self._source

    def _stream(self, place: slice = ALONE) -> SharedGenerator:
        """Return the generator to draw from, by the place of the rule among those joined."""
        return randomness.helper_stream(self._origin(), place)

    @abstractmethod
    def values(self, synapses: OneSynapse | Block, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return a value, or an array of values, for each property."""

    def __call__(self, source: Any, target: Any) -> Any:
        found = self.values(OneSynapse(source, target), self._stream())
        return found if len(self.names) > 1 else found[0]

    def of_synapses(self, rows: Rows) -> Iterator[tuple[Column, ...]] | None:
        """Return the values of all synapses, some at a time, or None if it has to be called."""
        return _all_values([(self, ALONE)], rows)

    def can_batch(self, rows: Rows) -> bool:
        """Whether all that the rule needs is there as arrays."""
        return self._batches and (self._distance is None or self._distance.known(rows))

    def _checked(
        self, values: Any, name: str, synapses: OneSynapse | Block, low: float, allowed: str
    ) -> Any:
        """Return values of a parameter as finite floats of at least `low`, or raise."""
        if isinstance(values, float) and low <= values <= MOST:  # called once per synapse: quick
            return values
        numbers = floats(values)
        wrong = np.flatnonzero(~((numbers >= low) & (numbers <= MOST)))
        if len(wrong) or (numbers.ndim and isinstance(synapses, OneSynapse)):
            k = int(wrong[0]) if len(wrong) else 0
            many = isinstance(synapses, Block) and np.size(values) and np.ndim(values)
            got = np.ravel(np.asarray(values, dtype=object))[k] if many else values
            owner = f"{name} of {type(self).__name__}"
            vectorization.refuse(got, synapses.describe(k), owner, allowed)
        return numbers if numbers.ndim else float(numbers)

    def _dist(self, synapses: OneSynapse | Block) -> Any:
        """Return the distances of the nodes, um."""
        assert self._distance is not None
        found = synapses.distance(self._distance)
        return self._checked(found, "dist", synapses, -MOST, "a finite distance (um)")

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
    parameter_names = ()

    def __init__(self) -> None:
        super().__init__(None)

    def values(self, synapses: OneSynapse | Block, rng: SharedGenerator) -> tuple[Any, ...]:
        return (synapses.filled(1),)


class JoinedRule(PropertyRule):
    """Several rules, one after the other for each synapse."""

    parameter_names = ("parts",)

    def __init__(self, parts: Sequence[PropertyRule]) -> None:
        super().__init__(None)
        self.parts = tuple(parts)
        self.names = tuple(name for part in parts for name in part.names)
        self.dtypes = tuple(dtype for part in parts for dtype in part.dtypes)
        ends = np.cumsum([0, *(len(part.names) for part in parts)]).tolist()
        self._placed = list(zip(parts, map(slice, ends, ends[1:]), strict=True))

    def values(self, synapses: OneSynapse | Block, rng: SharedGenerator) -> tuple[Any, ...]:
        """Return the values of all parts, each drawn from its own stream."""
        return tuple(
            value
            for part, place in self._placed
            for value in part.values(synapses, part._stream(place))
        )

    def of_synapses(self, rows: Rows) -> Iterator[tuple[Column, ...]] | None:
        return _all_values(self._placed, rows)


def _all_values(
    placed: Sequence[tuple[PropertyRule, slice]], rows: Rows
) -> Iterator[tuple[Column, ...]] | None:
    """Return the values of all synapses, some at a time; None if single calls would differ.

    They would where a shared generator is drawn from in turn by several laws, or by one that
    takes other numbers for many values than for one at a time.
    """
    if not all(part.can_batch(rows) for part, _ in placed):
        return None
    laws: dict[int, list[Law | None]] = {}
    for part, _ in placed:
        origin = part._origin()
        if not isinstance(origin, Seed):
            laws.setdefault(id(origin), []).extend(part._laws)
    for drawn in laws.values():
        if len(drawn) > 1 or any(law is not None and not law.sequential for law in drawn):
            return None
    streams = [(part, part._stream(place)) for part, place in placed]
    return (
        tuple(values for part, stream in streams for values in part.values(block, stream))
        for block in blocks(rows)
    )


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
                f"rules of properties() has {rule!r}; allowed are WeightRule, DelayRule and "
                "PlacementRule."
            )
    parts = [part for rule in rules for part in getattr(rule, "parts", (rule,))]
    names = [name for part in parts for name in part.names]
    twice = [name for name in names if names.count(name) > 1]
    if twice or not parts:
        got = f"has {twice[0]!r} twice" if twice else "is empty"
        raise ParameterError(f"rules of properties() {got}; allowed is one rule per property.")
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
