"""Generators that several draw from: one draw at a time, and put back when it fails."""

from __future__ import annotations

import functools
import threading
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from copy import deepcopy
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np

SharedGenerator: TypeAlias = "np.random.Generator | np.random.RandomState"

_T = TypeVar("_T")

#: One for all shared generators: a draw may ask for another one, with another generator, and two
#: threads that wait for each other's generator would wait for ever.
_turn = threading.RLock()

_Saved: TypeAlias = "dict[int, tuple[SharedGenerator, Any]]"
#: What the blocks that are under way would put back.
_under_way: ContextVar[tuple[_Saved, ...]] = ContextVar("_under_way", default=())


def get_state(rng: SharedGenerator) -> Any:
    """Return a snapshot of the generator's state."""
    if isinstance(rng, np.random.RandomState):
        return rng.get_state(legacy=False)
    return rng.bit_generator.state


def set_state(rng: SharedGenerator, state: Any) -> None:
    """Put the generator back into a state that ``get_state`` returned."""
    if isinstance(rng, np.random.RandomState):
        rng.set_state(state)
    else:
        rng.bit_generator.state = state


def in_turn(rngs: Sequence[SharedGenerator]) -> AbstractContextManager[Any]:
    """Return a context in which one thread draws from shared generators, if there are any."""
    return _turn if rngs else nullcontext()


def restored_on_error(
    *rngs: SharedGenerator, kept: Callable[[], bool] = lambda: False
) -> AbstractContextManager[None]:
    """Put the generators' states back when the block raises, so that a retry draws the same.

    What a block within this one has drawn from them stays drawn, and so does what was drawn here
    if it is `kept` already: Ctrl-C comes between any two steps.
    """
    return _saving(rngs, lambda failed: not failed or kept())


def unchanged(*rngs: SharedGenerator) -> AbstractContextManager[None]:
    """Put the generators' states back after the block, whatever it drew."""
    return _saving(rngs, lambda failed: False)


@contextmanager
def _saving(rngs: Sequence[SharedGenerator], stays: Callable[[bool], bool]) -> Iterator[None]:
    """Put states back after the block, unless what was drawn stays, which may be as it failed."""
    with in_turn(rngs):
        saved, outer = {id(rng): (rng, get_state(rng)) for rng in rngs}, _under_way.get()
        token, failed = _under_way.set((*outer, saved)), True
        try:
            yield
            failed = False
        finally:
            _under_way.reset(token)
            if not stays(failed):
                for rng, state in saved.values():
                    set_state(rng, state)
            else:  # the blocks that this one is within will not put them back either
                for block in outer:
                    for key in block.keys() & saved.keys():
                        rng = saved[key][0]
                        block[key] = rng, get_state(rng)


def deep_copy(original: _T, memo: dict[int, Any], source: object) -> _T:
    """Return a deep copy that draws from the same generator, or has the same seed, as the original.

    With a generator of its own it would draw the same numbers.
    """
    memo[id(source)] = source
    memo[id(original)] = made = object.__new__(type(original))
    made.__dict__.update(deepcopy(cast(Any, original.__reduce_ex__(4))[2], memo))  # as pickled
    return made


def generators_in(*values: Any) -> list[SharedGenerator]:
    """Return the generators that functions and other objects hold.

    As an argument, an attribute, a default, in a closure, or as a global that a function names:
    a few steps deep.
    """
    found: dict[int, SharedGenerator] = {}
    seen: set[int] = set()
    for _ in range(_STEPS):
        values = tuple(value for value in values if id(value) not in seen)
        seen.update(map(id, values))
        for value in values:
            if isinstance(value, np.random.Generator | np.random.RandomState):
                found[id(value)] = value
        values = tuple(each for value in values for each in _held(value))
    return list(found.values())


#: From a partial to its function, a function that this one calls, an object, and its generator.
_STEPS = 5


def _held(value: Any) -> Iterable[Any]:
    """Return what an object holds, if it may be a rule or hold a generator."""
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, tuple):
        return value
    if isinstance(value, functools.partial):
        return (value.func, *value.args, *value.keywords.values())
    if isinstance(value, types.MethodType):
        return (value.__self__, value.__func__)
    if isinstance(value, types.FunctionType):
        return _held_by_function(value)
    if isinstance(value, type | types.ModuleType) or not hasattr(value, "__dict__"):
        return ()
    return (*vars(value).values(), vars(type(value)).get("__call__"))


def _held_by_function(function: types.FunctionType) -> Iterator[Any]:
    names = function.__code__.co_names
    yield from (function.__defaults__ or ())
    yield from (function.__kwdefaults__ or {}).values()
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    for name in names:
        value = function.__globals__.get(name)
        if isinstance(value, types.ModuleType):
            yield from (vars(value).get(each) for each in names)
        else:
            yield value
