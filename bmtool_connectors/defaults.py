"""The assignable defaults: one of each, however the module is called that they are assigned to."""

from __future__ import annotations

import os
import types
from typing import Any

from bmtool_connectors import bernoulli, randomness
from bmtool_connectors.errors import ParameterError

__all__ = ["ModuleWithDefaults", "checked_report_name"]

#: The CSV connection report, until another name is assigned.
REPORT_NAME = "conn.csv"


class _Assigned:
    """The defaults that nobody else keeps, as they were assigned last."""

    report_name: str | os.PathLike[str] = REPORT_NAME


assigned = _Assigned()


def checked_report_name(name: object, owner: str) -> str | os.PathLike[str]:
    """Return the name of a connection report; None is the module-wide default, read now."""
    if name is None:
        return assigned.report_name
    if isinstance(name, str | os.PathLike):
        return name
    raise ParameterError(f"{owner} must be a file name or None, got {name!r}.")


class ModuleWithDefaults(types.ModuleType):
    """A module whose defaults can be assigned, and take effect everywhere at once."""

    __all__: list[str]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__all__})

    @property
    def rng(self) -> Any:
        """Where random numbers come from unless a connector or helper is given its own."""
        return randomness.default.value

    @rng.setter
    def rng(self, value: Any) -> None:
        randomness.default.assign(value)

    @rng.deleter
    def rng(self) -> None:
        randomness.default.assign(None)

    @property
    def report_name(self) -> Any:
        """File of the CSV connection report, unless a connector is given its own."""
        return assigned.report_name

    @report_name.setter
    def report_name(self, value: Any) -> None:
        given = REPORT_NAME if value is None else value
        assigned.report_name = checked_report_name(given, "report_name of bmtool_connectors")

    @report_name.deleter
    def report_name(self) -> None:
        assigned.report_name = REPORT_NAME

    @property
    def infeasible(self) -> Any:
        """What connectors draw of pairs whose joint probability is not feasible."""
        return bernoulli.default.infeasible

    @infeasible.setter
    def infeasible(self, value: Any) -> None:
        bernoulli.default.infeasible = bernoulli.checked_infeasible(
            bernoulli.INFEASIBLE[0] if value is None else value, "infeasible of bmtool_connectors"
        )

    @infeasible.deleter
    def infeasible(self) -> None:
        bernoulli.default.infeasible = bernoulli.INFEASIBLE[0]
