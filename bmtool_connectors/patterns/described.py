"""Connectors and what they are made of as plain values, for files that say how edges were made."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import math
import sys
import textwrap
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

from bmtool_connectors import vectorization
from bmtool_connectors.connection_rule import ConnectionRule
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.profiles.probability_function import ProbabilityFunction
from bmtool_connectors.randomness import Seed

__all__ = ["connector_described", "described", "expected", "observed"]

#: Pairs that stand for all when it is told what a connector should give, and there are many: some
#: ten milliseconds.
MOST_PAIRS_OF_RECIPES = 1 << 15
#: Values that a function may have been defined with, besides profiles: nothing that could refer
#: to the function again.
NUMBERS = (bool, int, float, str, np.generic, np.ndarray)
#: Attributes of an object that are its parameters, besides functions.
PLAIN = (*NUMBERS, tuple, ProbabilityFunction)
#: Values of a sequence that are written out.
MOST_VALUES = 100


def described(value: Any) -> Any:
    """Return what JSON can hold of a value: numbers as they are, functions by name and source.

    Parameters
    ----------
    value : object
        Anything; the result is the same in every process.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):  # JSON has no infinity
        return value if math.isfinite(value) else str(value)
    if isinstance(value, np.ndarray):
        if value.dtype != object and value.size > MOST_VALUES:
            text = f"{value.dtype}{value.shape}".encode()
            return {"shape": list(value.shape), "blake2b": _digest(text + value.tobytes())}
        value = value.tolist()
    if isinstance(value, ConnectionRule):
        return {**connector_described(value.connector), "direction": value.direction}
    if isinstance(value, list | tuple):
        items = [described(each) for each in value]
        if len(items) > MOST_VALUES:
            return {"shape": [len(items)], "blake2b": _digest(json.dumps(items).encode())}
        return items
    if isinstance(value, Mapping):
        return {str(name): described(each) for name, each in value.items()}
    if isinstance(value, BaseConnector):
        return connector_described(value)
    if isinstance(value, functools.partial):
        if not value.args and not value.keywords:  # BMTK wraps what it is given
            return described(value.func)
        return {name: described(getattr(value, name)) for name in ("func", "args", "keywords")}
    if hasattr(value, "parameter_names"):  # rules of synapses, and their distributions
        return {
            "class": _name(type(value)),
            "parameters": {name: described(getattr(value, name)) for name in value.parameter_names},
        }
    if hasattr(value, "dist") and hasattr(value, "kwds"):  # frozen, of scipy.stats
        return {
            "distribution": value.dist.name,
            "class": _name(type(value.dist)),
            "args": described(value.args),
            "kwds": described(value.kwds),
        }
    return _object_described(value)


def _object_described(value: Any) -> dict[str, Any]:
    """Return name and digest of a function or a class, and the parameters of an object."""
    if inspect.isroutine(value) or inspect.isclass(value):
        found = {"function": _name(value), "sha256": _source_digest(value)}
        return found | ({"parameters": bound} if (bound := _bound_values(value)) else {})
    own = {
        name: described(each)
        for name, each in getattr(value, "__dict__", {}).items()
        if not name.startswith("_") and (inspect.isfunction(each) or isinstance(each, PLAIN))
    }
    return {"class": _name(type(value)), "parameters": own, "sha256": _source_digest(type(value))}


def _bound_values(function: Any) -> dict[str, Any]:
    """Return plain values that a function has from where it was defined, and not in its source."""
    plain = _plain_function(function)
    if not inspect.isfunction(plain):
        return {}
    names = plain.__code__.co_varnames[: plain.__code__.co_argcount]
    defaults = plain.__defaults__ or ()
    values = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    values |= plain.__kwdefaults__ or {}
    for name, cell in zip(plain.__code__.co_freevars, plain.__closure__ or (), strict=True):
        try:
            values[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return {
        name: described(each)
        for name, each in values.items()
        if isinstance(each, NUMBERS) or vectorization.is_profile(each)
    }


def _plain_function(function: Any) -> Any:
    return inspect.unwrap(getattr(function, "__func__", function))


def _name(function: Any) -> str:
    """Return the public name of what this package exports; else module and qualified name."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    module = getattr(function, "__module__", None) or ""
    package = module.partition(".")[0]
    own = sys.modules["bmtool_connectors"]
    if package == own.__name__ and vars(own).get(name) is function:
        module = package
    return f"{module}.{name}".lstrip(".")


def _source_digest(function: Any) -> str | None:
    """Return the sha256 of the source, where Python finds it."""
    plain = _plain_function(function)
    return _digest_of_code(getattr(plain, "__code__", plain))


@functools.cache
def _digest_of_code(code: Hashable) -> str | None:
    # Of code, not of functions, which would be kept with all that they refer to.
    try:
        source = inspect.getsource(code)  # type: ignore[arg-type]
    except (OSError, TypeError):
        return None
    return hashlib.sha256(textwrap.dedent(source).strip().encode()).hexdigest()


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=32).hexdigest()


def connector_described(connector: BaseConnector) -> dict[str, Any]:
    """Return class, parameters and seed of a connector (no seed with a shared generator)."""
    values = {name: connector._as_given(name)[0] for name in connector.parameter_names}
    source = connector._randomness
    infeasible = getattr(connector, "infeasible", None)
    return {
        "class": _name(type(connector)),
        "parameters": {name: described(value) for name, value in values.items()},
        "seed": described(source.sequence.entropy) if isinstance(source, Seed) else None,
        "name": connector.name,
        "sampler": connector.sampler,
        **({} if infeasible is None else {"infeasible": infeasible}),
    }


def observed(connector: BaseConnector, projection: Projection) -> dict[str, Any] | None:
    """Return what was counted when the edges of a use were drawn."""
    found = projection.connectivity
    if found is None:
        return None
    return {
        "pairs": found.pairs,
        "connected": dict(zip(connector._count_names(projection), found.connected, strict=False)),
        "clipped": found.clipped,
        "dropped": found.dropped,
        "rho": described(found.rho),
    }


def expected(connector: BaseConnector, projection: Projection) -> dict[str, Any] | None:
    """Return what the laws give on average, or None where they cannot tell."""
    try:
        found = connector.expected_of(projection, MOST_PAIRS_OF_RECIPES)
    except Exception:  # a function of the user may do anything, and files are written all the same
        return None
    return None if found is None else described(found.in_recipe())
