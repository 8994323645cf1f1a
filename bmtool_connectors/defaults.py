"""The assignable defaults: one of each, however the module is called that they are assigned to."""

from __future__ import annotations

import types
from typing import Any

from bmtool_connectors import bernoulli, randomness, report

__all__ = ["ModuleWithDefaults"]


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
        return report.default.name

    @report_name.setter
    def report_name(self, value: Any) -> None:
        report.default.name = report.checked_file(
            report.DEFAULT_FILE if value is None else value, "report_name of bmtool_connectors"
        )

    @report_name.deleter
    def report_name(self) -> None:
        report.default.name = report.DEFAULT_FILE

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
