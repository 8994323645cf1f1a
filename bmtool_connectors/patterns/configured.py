"""What a connector was constructed with, and what may be assigned to it afterwards.

``verbose``, ``save_report``, ``report_name`` and ``rng`` may be assigned; all other parameters
are fixed, and ``replace`` makes a connector with others.
"""

from __future__ import annotations

import inspect
import os
from abc import ABCMeta
from collections import OrderedDict
from collections.abc import Callable, Mapping
from copy import copy
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

import numpy as np

from bmtool_connectors import randomness
from bmtool_connectors.bernoulli import INFEASIBLE
from bmtool_connectors.checks import flag
from bmtool_connectors.defaults import checked_report_name
from bmtool_connectors.errors import ParameterError, warn
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.randomness import RngLike, Seed, SharedGenerator
from bmtool_connectors.sampling.choice import checked_sampler

__all__ = ["Configured", "ConnectorType"]

Self = TypeVar("Self", bound="Configured")

#: What may be assigned, and how it is checked; the setter of ``rng`` checks for itself.
ASSIGNABLE: Mapping[str, Callable[[Any, str], Any] | None] = {
    "verbose": lambda value, own: flag(value, f"verbose of {own}"),
    "save_report": lambda value, own: flag(value, f"save_report of {own}"),
    "report_name": checked_report_name,
    "rng": None,
}
#: Methods that look up edges, which old scripts could override to make some.
LOOK_UPS = ("make_connection", "make_forward_connection", "make_backward_connection")
_PACKAGE = __name__.partition(".")[0]


class ConnectorType(ABCMeta):
    """The type of connectors, which remembers the arguments of the constructor."""

    if not TYPE_CHECKING:  # checkers shall see the signature of the constructor

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            made = super().__call__(*args, **kwargs)
            given = cls.__signature__.bind(*args, **kwargs).arguments
            for name in cls._not_kept:
                given.pop(name, None)
            made._arguments = given
            return made

    @property
    def __signature__(cls) -> inspect.Signature:
        init = inspect.signature(cls.__init__)  # type: ignore[misc]
        return init.replace(parameters=list(init.parameters.values())[1:])


class FixedVars(dict[str, Any]):
    """The ``vars`` of a connector: a dict that nothing can be assigned to."""

    def __init__(self, values: Mapping[str, Any], owner: str) -> None:
        super().__init__(values)
        self._owner = owner

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        names = args[0] if args and isinstance(args[0], Mapping) else kwargs or args[:1]
        raise _fixed(next(iter(names), "..."), self._owner)

    __setitem__ = __delitem__ = __ior__ = _refuse
    update = pop = popitem = clear = setdefault = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)  # a copy is the user's own


def _fixed(name: Any, owner: str) -> ParameterError:
    return ParameterError(
        f"{name} of {owner} cannot be assigned: parameters are fixed once a connector is made; "
        f"take the new connector that connector.replace({name}=...) returns."
    )


def _names_in_order(cls: type) -> list[str]:
    """Return the parameters of the constructor to which classes with ``*args`` pass these on."""
    found = (inspect.signature(each.__init__).parameters for each in cls.__mro__)  # type: ignore[misc]
    star = inspect.Parameter.VAR_POSITIONAL
    return list(next(own for own in found if star not in {each.kind for each in own.values()}))[1:]


def _overridden(name: str, owner: str) -> TypeError:
    return TypeError(
        f"{name} of {owner} would never be called for the edges: it looks them up, and they are "
        "drawn before. Override draw(source, target, rng) to connect other pairs."
    )


class Configured(metaclass=ConnectorType):
    """A connector's parameters; see :class:`BaseConnector` for those that all share."""

    #: Constructor parameters shown by ``repr``, in order; each an attribute or an item of vars.
    parameter_names: ClassVar[tuple[str, ...]] = ()
    #: What parameters are at first whose default None is a default of the module.
    module_defaults: ClassVar[Mapping[str, Any]] = MappingProxyType({"infeasible": INFEASIBLE[0]})
    #: Whether the edges are random, so that drawing them moves a shared generator.
    is_random: ClassVar[bool] = True
    #: Arguments that would keep much memory, and have to be given again to ``replace``.
    _not_kept: ClassVar[tuple[str, ...]] = ()
    #: Parameters that cannot be assigned, besides the items of ``vars``.
    _fixed_names: ClassVar[frozenset[str]] = frozenset(
        {"allow_autapses", "name", "sampler", "vars"}
    )
    #: The arguments of the constructor; None until it has ended.
    _arguments: Mapping[str, Any] | None = None

    report_name: str | os.PathLike[str]
    _rng: RngLike
    _randomness: Seed | SharedGenerator
    #: Whether ``rng`` is the module's.
    _default_seed: bool

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        is_ours = cls.__module__.partition(".")[0] == _PACKAGE
        for name in LOOK_UPS:
            if name in cls.__dict__ and not is_ours:
                raise _overridden(name, cls.__name__)
        # A user's class may have parameters that it changes itself, unless it names them.
        names = {*cls.parameter_names, *(cls.__signature__.parameters if is_ours else ())}
        cls._fixed_names = cls._fixed_names | names - ASSIGNABLE.keys()

    def __init__(
        self,
        *,
        verbose: bool = True,
        save_report: bool = True,
        report_name: str | os.PathLike[str] | None = None,
        rng: RngLike = None,
        name: str | None = None,
        sampler: str = "auto",
    ) -> None:
        own = type(self).__name__
        self.sampler = checked_sampler(sampler, own)
        self._vars: dict[str, Any] = {}
        self._warned: set[tuple[str, tuple[str, str] | None]] = set()
        self.verbose = verbose
        self.save_report = save_report
        self.report_name = report_name  # type: ignore[assignment]  # checked
        if name is not None and not isinstance(name, str):
            raise ParameterError(f"name of {own} is {name!r}; allowed is a str or None.")
        self.name = name
        self.rng = rng

    def __repr__(self) -> str:
        shown = []
        defaults = inspect.signature(type(self)).parameters
        given = getattr(self, "_given", self._vars)  # vars also shows what a use makes of it
        for name in self.parameter_names:
            value: Any = given.get(name, getattr(self, name, None))
            default: Any = defaults[name].default if name in defaults else inspect.Parameter.empty
            default = self.module_defaults.get(name, default)
            # A connector that was pickled has copies of the defaults.
            copied = type(value) is type(default) and np.array_equal(value, default)
            if value is not default and not copied:
                shown.append(f"{name}={getattr(value, '__name__', None) or repr(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"

    # ------------------------------------------------------------------ what may be assigned
    def __setattr__(self, name: str, value: Any) -> None:
        own, is_made = type(self).__name__, self._arguments is not None
        if is_made and name in LOOK_UPS:
            raise _overridden(name, own)
        if is_made and (name in self._fixed_names or name in self._vars):
            raise _fixed(name, own)
        if name in ASSIGNABLE:
            check = ASSIGNABLE[name]
            value = value if check is None else check(value, own)
        super().__setattr__(name, value)
        if is_made and name in ASSIGNABLE:
            self._arguments = {**(self._arguments or {}), name: value}

    @property
    def vars(self) -> dict[str, Any]:
        """The parameters of the law by name, as the current use takes them; read-only."""
        return self._vars if self._arguments is None else FixedVars(self._vars, type(self).__name__)

    @vars.setter
    def vars(self, values: Mapping[str, Any]) -> None:
        self._vars = dict(values)

    @property
    def rng(self) -> RngLike:
        """Where the numbers come from; may be assigned until the edges are drawn."""
        return self._rng

    @rng.setter
    def rng(self, value: RngLike) -> None:
        own = f"rng of {type(self).__name__}"
        # Taken now: reassigning the module's default later does not move this connector.
        source = randomness.default.source if value is None else randomness.as_source(value, own)
        is_assigned = self._arguments is not None
        if is_assigned:
            self._check_rng_counts()
        before = self._randomness if is_assigned else source
        self._randomness = source
        if is_assigned:
            try:
                self.check_stream()
            except ParameterError:
                self._randomness = before
                raise
        self._rng, self._default_seed = value, value is None
        if before is not source:
            self._rng_assigned()

    def check_stream(self) -> None:
        """Refuse a source of random numbers that does not go with the other parameters."""

    def _check_rng_counts(self) -> None:
        """Refuse to take another ``rng`` when nothing will be drawn from it."""
        if not self.is_random:
            raise ParameterError(
                f"rng of {type(self).__name__} cannot be assigned: nothing about its edges is "
                "random; leave the line out."
            )

    def _rng_assigned(self) -> None:
        """Take over another ``rng`` than that of the constructor."""

    # ------------------------------------------------------------------ other connectors like it
    def replace(self: Self, **changes: Any) -> Self:
        """Return a new connector with other parameters, that has not been set up.

        Parameters
        ----------
        **changes
            Parameters of the constructor. All others are as they were given, or assigned, to
            this connector, which is left as it is. A shared generator is shared with it.

        Returns
        -------
        BaseConnector
            Of the same class.

        Raises
        ------
        ParameterError
            If the class has no such parameter, or it is not allowed; if a `matrix` is not given
            again, which is not kept.

        Examples
        --------
        >>> connector = UnidirectionConnector(p=0.1, n_syn=2, verbose=False)
        >>> connector.replace(p=0.2)
        UnidirectionConnector(p=0.2, n_syn=2)
        """
        own, signature = type(self).__name__, inspect.signature(type(self))
        bound = inspect.BoundArguments(signature, OrderedDict(self._arguments or {}))
        kinds = {each.kind: name for name, each in signature.parameters.items()}
        others = kinds.get(inspect.Parameter.VAR_KEYWORD)
        passed_on = kinds.get(inspect.Parameter.VAR_POSITIONAL)
        if passed_on in bound.arguments and others is not None:
            values = bound.arguments.pop(passed_on)  # by name, so that each can be replaced
            named = dict(zip(_names_in_order(type(self)), values, strict=False))
            bound.arguments[others] = {**named, **bound.arguments.get(others, {})}
        for name, value in changes.items():
            if name in signature.parameters and name != others:
                bound.arguments[name] = value
            elif others is not None:
                bound.arguments[others] = {**bound.arguments.get(others, {}), name: value}
            else:
                raise ParameterError(
                    f"replace() of {own} got {name!r}; allowed are "
                    f"{', '.join(signature.parameters)}."
                )
        for name in self._not_kept:
            if name not in bound.arguments:
                raise ParameterError(
                    f"{name} of {own} is not kept, to save memory; pass it to replace(), too."
                )
        return type(self)(*bound.args, **bound.kwargs)

    def _unused(self: Self, **attributes: Any) -> Self:
        """Return a connector with these parameters, but for some, that has not been set up."""
        made = copy(self)
        made.__dict__.update(_vars=dict(self._vars), _warned=set(), **attributes)
        return made

    # ------------------------------------------------------------------ warnings
    def warn_once(
        self, key: str, message: str, ends: tuple[NodeArrays, NodeArrays] | None = None
    ) -> None:
        """Warn of this connector between two pools, once per key and pools."""
        labels = None if ends is None else (ends[0].label, ends[1].label)
        if (key, labels) not in self._warned:
            self._warned.add((key, labels))
            own = repr(self) if self.name is None else f"{self!r}, {self.name!r}"
            own = own if len(own) <= 200 else f"{own[:150]} ... {own[-46:]}"
            where = ""
            if labels is not None:
                same = labels[0] == labels[1]
                where = f", within {labels[0]}" if same else ", from {} to {}".format(*labels)
            warn(f"{message} Connector: {own}{where}.")
