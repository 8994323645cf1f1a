"""What a connector was constructed with, and what may be assigned to it afterwards.

``verbose``, ``save_report``, ``report_name`` and ``rng`` may be assigned; all other parameters
are fixed, and ``replace`` makes a connector with others.
"""

from __future__ import annotations

import inspect
import os
from abc import ABCMeta
from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

import numpy as np

from bmtool_connectors import randomness
from bmtool_connectors.defaults import checked_report_name
from bmtool_connectors.errors import ParameterError, warn
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns.parameters import REQUIRED, Parameter, parameter
from bmtool_connectors.patterns.projection import Projection
from bmtool_connectors.randomness import RngLike, Seed, SharedGenerator
from bmtool_connectors.sampling.choice import checked_sampler

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):
        """Tell type checkers only: fields of a class are arguments of its constructor."""
        return lambda cls: cls


__all__ = ["OPTIONS", "Configured", "ConnectorType"]

Self = TypeVar("Self", bound="Configured")

#: Methods that look up edges, which old scripts could override to make some.
LOOK_UPS = ("make_connection", "make_forward_connection", "make_backward_connection")
#: What bmtool's connectors take by position, after the parameters of their own.
OPTIONS: tuple[str, ...] = ("verbose", "save_report", "report_name", "rng")
_PACKAGE = __name__.partition(".")[0]


@dataclass_transform(eq_default=False, field_specifiers=(parameter,))
class ConnectorType(ABCMeta):
    """The type of connectors, which remembers the arguments of the constructor."""

    if not TYPE_CHECKING:  # checkers shall see the signature of the constructor

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            made = super().__call__(*args, **kwargs)
            given = inspect.signature(cls).bind(*args, **kwargs).arguments
            for name in cls._not_kept:
                given.pop(name, None)
            made._arguments = given
            return made


def _fields_of(cls: type) -> dict[str, Parameter]:
    """Return the parameters that a class declares, then those of its bases, the nearest first."""
    names = dict.fromkeys(
        name
        for each in cls.__mro__
        for name, value in vars(each).items()
        if isinstance(value, Parameter)
    )
    nearest = {name: inspect.getattr_static(cls, name) for name in names}
    return {name: value for name, value in nearest.items() if isinstance(value, Parameter)}


def _signature_of(
    fields: Mapping[str, Parameter], positional: tuple[str, ...]
) -> inspect.Signature:
    """Return the signature of a constructor; `positional` are the last names before the ``*``."""
    kinds = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY
    taken = {each.argument: each for each in fields.values() if each.init}
    named = [name for name, each in taken.items() if not each.kw_only] + list(positional)
    ordered = {name: taken[name] for name in named} | taken
    return inspect.Signature(
        [
            inspect.Parameter(
                name,
                kinds[name not in named],
                default=each.default,
                annotation=each.annotation,
            )
            for name, each in ordered.items()
        ]
    )


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


def _names_in_order(cls: type[Configured]) -> list[str]:
    """Return the parameters of the constructor to which classes with ``*args`` pass these on."""
    for each in cls.__mro__:
        if each.__init__ is Configured.__init__:  # type: ignore[misc]
            break
        own = inspect.signature(each.__init__).parameters  # type: ignore[misc]
        if inspect.Parameter.VAR_POSITIONAL not in {value.kind for value in own.values()}:
            return list(own)[1:]
    return list(cls._constructor.parameters)


def _overridden(name: str, owner: str) -> TypeError:
    return TypeError(
        f"{name} of {owner} would never be called for the edges: it looks them up, and they are "
        "drawn before. Override draw(source, target, rng) to connect other pairs."
    )


def _text_or_none(value: Any, owner: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ParameterError(f"{owner} must be a str or None, got {value!r}.")


class Configured(metaclass=ConnectorType):
    """A connector's parameters, declared in the class body and fixed once it is made."""

    verbose: bool = parameter(default=True, kw_only=True, shown=False, assignable=True)
    save_report: bool = parameter(default=True, kw_only=True, shown=False, assignable=True)
    report_name: str | os.PathLike[str] | None = parameter(
        default=None, check=checked_report_name, kw_only=True, shown=False, assignable=True
    )
    #: Where the numbers come from; may be assigned until the edges are drawn.
    rng: RngLike = parameter(default=None, kw_only=True, shown=False, assignable=True)
    name: str | None = parameter(default=None, check=_text_or_none, kw_only=True, shown=False)
    sampler: str = parameter(default="auto", check=checked_sampler, kw_only=True)

    #: Parameters shown by ``repr`` and recipes, in order, by their names in the constructor.
    parameter_names: ClassVar[tuple[str, ...]] = ()
    #: Whether the edges are random, so that drawing them moves a shared generator.
    is_random: ClassVar[bool] = True
    #: Keyword-only parameters that this class takes by position, after those that are not.
    _positional: ClassVar[tuple[str, ...]] = ()
    #: Options of all connectors that this class does not take.
    _without: ClassVar[tuple[str, ...]] = ()

    _fields: ClassVar[Mapping[str, Parameter]] = MappingProxyType({})
    _constructor: ClassVar[inspect.Signature] = inspect.Signature()
    #: That of the class, which may have a constructor of its own.
    __signature__: ClassVar[inspect.Signature] = _constructor
    _not_kept: ClassVar[tuple[str, ...]] = ()
    _fixed_names: ClassVar[frozenset[str]] = frozenset()
    #: The arguments of the constructor; None until it has ended.
    _arguments: ClassVar[Mapping[str, Any] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        is_ours = cls.__module__.partition(".")[0] == _PACKAGE
        for name in LOOK_UPS:
            if name in cls.__dict__ and not is_ours:
                raise _overridden(name, cls.__name__)
        fields = _fields_of(cls)
        taken = {name: each for name, each in fields.items() if name not in cls._without}
        cls._fields = MappingProxyType(fields)
        cls._constructor = cls.__signature__ = _signature_of(taken, cls._positional)
        if cls.__init__ is not Configured.__init__:
            own = inspect.signature(cls.__init__)
            cls.__signature__ = own.replace(parameters=list(own.parameters.values())[1:])
        cls._not_kept = tuple(each.argument for each in taken.values() if not each.kept)
        if is_ours and cls._fields:
            cls.parameter_names = tuple(
                each.argument for each in taken.values() if each.init and each.shown
            )
        # A user's class may have parameters that it changes itself, unless it names them.
        fixed = {
            name
            for each in fields.values()
            for name in (each.name, each.argument)
            if not each.assignable
        }
        cls._fixed_names = frozenset(fixed | {*cls.parameter_names, "vars"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        own = type(self)
        try:
            bound = own._constructor.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{own.__name__}() {error}") from None
        bound.apply_defaults()
        #: The parameters as they were given, but for large ones.
        self._given: Mapping[str, Any] = {
            name: value for name, value in bound.arguments.items() if name not in own._not_kept
        }
        self._warned: set[tuple[str, tuple[str, str] | None]] = set()
        #: The projection that ``setup_nodes`` began last.
        self._use: Projection | None = None
        #: Projection and direction whose edges BMTK is being given, or was given last.
        self.serving: tuple[Projection, str] | None = None
        for name, each in own._fields.items():
            value = bound.arguments.get(each.argument, each.default)
            self.__dict__[name] = each.checked(value, own.__name__)
        self._vars: dict[str, Any] = {
            each.argument: self._given.get(each.argument, each.default)
            for each in own._fields.values()
            if each.in_vars
        }
        self._check()
        self._randomness: Seed | SharedGenerator
        #: Whether ``rng`` is the module's.
        self._default_seed: bool
        self._take_rng(self.rng)

    def _check(self) -> None:
        """Check parameters against each other, and make of them what the draw needs."""

    def __repr__(self) -> str:
        shown = []
        for name in self.parameter_names:
            value, default = self._as_given(name)
            # A connector that was pickled has copies of the defaults.
            copied = type(value) is type(default) and np.array_equal(value, default)
            if value is not default and not copied:
                shown.append(f"{name}={getattr(value, '__name__', None) or repr(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def _as_given(self, name: str) -> tuple[Any, Any]:
        """Return a parameter as it was given, and what ``repr`` leaves out as its default."""
        own = type(self)
        field = next((each for each in own._fields.values() if each.argument == name), None)
        if field is None:  # of a class of the user's
            defaults = inspect.signature(own).parameters
            default = defaults[name].default if name in defaults else inspect.Parameter.empty
            return self._vars.get(name, getattr(self, name, None)), default
        if field.usual is not REQUIRED:  # the default may have been another one of the module
            return getattr(self, field.name), field.usual
        return self._given.get(name), field.default

    # ------------------------------------------------------------------ what may be assigned
    def __setattr__(self, name: str, value: Any) -> None:
        own, is_made = type(self), self._arguments is not None
        field = own._fields.get(name)
        if is_made and name in LOOK_UPS:
            raise _overridden(name, own.__name__)
        if is_made and (name in own._fixed_names or name in self._vars):
            raise _fixed(name, own.__name__)
        if field is not None and field.assignable and "_randomness" in self.__dict__:
            value = field.checked(value, own.__name__)
            if name == "rng":
                self._take_rng(value)
            if is_made:
                super().__setattr__("_arguments", {**(self._arguments or {}), name: value})
        super().__setattr__(name, value)

    @property
    def vars(self) -> dict[str, Any]:
        """The parameters of the law by name, as the current use takes them; read-only."""
        if self._arguments is None:
            return self._vars
        return FixedVars({**self._vars, **self._used()}, type(self).__name__)

    @vars.setter
    def vars(self, values: Mapping[str, Any]) -> None:
        self._vars = dict(values)

    def _used(self) -> Mapping[str, Any]:
        """Return the items of ``vars`` that the current use takes otherwise than given."""
        return {}

    def _take_rng(self, value: RngLike) -> None:
        """Take numbers from `value` from now on; None is the module's default, read now."""
        own = f"rng of {type(self).__name__}"
        source = randomness.default.source if value is None else randomness.as_source(value, own)
        before = self.__dict__.get("_randomness", source)
        if self._arguments is not None:
            self._check_rng_counts()
        self.__dict__["_randomness"] = source
        try:
            self._check_stream()
        except ParameterError:
            self.__dict__["_randomness"] = before
            raise
        self.__dict__["_default_seed"] = value is None
        if before is not source:
            self._rng_assigned()

    def _check_stream(self) -> None:
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
                    f"keywords of replace() of {own} must be some of "
                    f"{', '.join(signature.parameters)}, got {name!r}."
                )
        for name in self._not_kept:
            if name not in bound.arguments:
                raise ParameterError(
                    f"{name} of {own} is not kept, to save memory; pass it to replace(), too."
                )
        return type(self)(*bound.args, **bound.kwargs)

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
