"""The assignable defaults: one of each, however the module is called that they are assigned to."""

from __future__ import annotations

import os
import types
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from bmtool_connectors import bernoulli, randomness
from bmtool_connectors.errors import ParameterError

__all__ = ["ModuleWithDefaults", "checked_report_name"]

#: The CSV connection report, until another name is assigned.
REPORT_NAME = "conn.csv"


#: The default that nobody else keeps, as it was assigned last.
assigned: SimpleNamespace = SimpleNamespace(report_name=REPORT_NAME)


def checked_report_name(name: object, owner: str) -> str | os.PathLike[str]:
    """Return the name of a connection report; None is the module-wide default, read now."""
    if name is None:
        return assigned.report_name  # type: ignore[no-any-return]
    if isinstance(name, str | os.PathLike):
        return name
    raise ParameterError(f"{owner} must be a file name or None, got {name!r}.")


def _assign_report_name(value: Any) -> None:
    given = REPORT_NAME if value is None else value
    assigned.report_name = checked_report_name(given, "report_name of bmtool_connectors")


def _assign_infeasible(value: Any) -> None:
    given = bernoulli.INFEASIBLE[0] if value is None else value
    owner = "infeasible of bmtool_connectors"
    bernoulli.default.infeasible = bernoulli.checked_infeasible(given, owner)


def _default(read: Callable[[], Any], assign: Callable[[Any], None], doc: str) -> Any:
    """Return a property of modules; what is deleted, or assigned None, is as it was at first."""
    return property(
        lambda module: read(), lambda module, value: assign(value), lambda module: assign(None), doc
    )


class ModuleWithDefaults(types.ModuleType):
    """A module whose defaults can be assigned, and take effect everywhere at once."""

    __all__: list[str]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__all__})

    rng = _default(
        lambda: randomness.default.value,
        randomness.default.assign,
        "Where random numbers come from unless a connector or helper is given its own.",
    )
    report_name = _default(
        lambda: assigned.report_name,
        _assign_report_name,
        "File of the CSV connection report, unless a connector is given its own.",
    )
    infeasible = _default(
        lambda: bernoulli.default.infeasible,
        _assign_infeasible,
        "What connectors draw of pairs whose joint probability is not feasible.",
    )
