"""Connections in both directions of a pair, correlated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt

from bmtool_connectors import lifting, report
from bmtool_connectors.edges import Connectivity, EdgeList, order_by
from bmtool_connectors.errors import NodeError, ParameterError
from bmtool_connectors.nodes import NodeArrays
from bmtool_connectors.patterns import parameters
from bmtool_connectors.patterns.base import BaseConnector, Use
from bmtool_connectors.randomness import RngLike, SharedGenerator
from bmtool_connectors.reciprocity import after_forward, bounds, deviation, without_forward
from bmtool_connectors.sampling import pairwise
from bmtool_connectors.sampling.blocks import Block, PairSpace
from bmtool_connectors.sampling.laws import BlockValues, Joint, Law, PairLaws

__all__ = ["ReciprocalConnector"]


class _NotPassed(float):
    """The default of a parameter, told apart from the same value passed by the user."""


_NO_PR = _NotPassed(0.0)


class ReciprocalConnector(BaseConnector):
    """Connect pairs forward with p0, backward with p1, and both ways with pr.

    Each pair is a bivariate Bernoulli variable with marginals p0 and p1 and joint probability
    pr, so its correlation is rho = (pr - p0 p1) / sqrt(p0 (1 - p0) p1 (1 - p1)).

    Parameters
    ----------
    p0, p1 : float or callable, default 1.0
        Forward and backward probability, or functions of the values of `p0_arg`, `p1_arg`.
    symmetric_p1 : bool, default False
        p1 is p0. Without `symmetric_p1_arg` the arguments must be both None or the same.
    p0_arg, p1_arg : float or callable, optional
        Arguments of p0 and p1: functions of two nodes, usually a distance (um). `p0_arg` is
        called with (source, target), `p1_arg` with (target, source).
    symmetric_p1_arg : bool, default False
        p1_arg is p0_arg.
    pr : float, callable or None, default 0.0
        Joint probability: a number, a function ``pr(pr_arg, p0, p1)``, or None for
        independence. The default means *no reciprocal pairs* (and warns when not passed).
    pr_arg : float, callable or str, optional
        First argument of `pr`: a number, a function of (source, target), or a string: with a
        '1' in it the value of p1_arg, else of p0_arg.
    estimate_rho : bool, default True
        For a constant `pr` and no `rho`: find the one rho for which the expected number of
        reciprocal pairs among the valid ones is `pr` times their number.
    rho : float, optional
        Correlation of all pairs, in [-1, 1]; `pr` then does not count.
    dist_range_forward, dist_range_backward : tuple of float, optional
        ``(low, high)``: the pairs whose p0_arg (p1_arg) lies within are the valid ones of the
        estimate; its rho applies to all pairs. Default: pairs with p0 > 0 and p1 > 0.
    n_syn0, n_syn1 : int or callable, default 1
        Synapses of a forward and of a backward connection; functions of (source, target) and
        of (target, source). 0 means no edge.
    autapses : bool, default False
        Whether a node may connect to itself (with probability p0).
    quick_pop_check : bool, default False
        Compare populations by network and filter only, and read no ids for it.
    cache_data : bool, default True
        Keep p and its argument from the estimate of rho for the draw (and in ``cache``).
        False: computed twice, less memory.
    verbose : bool, default True
        Print what is drawn.
    save_report : bool, default True
        Append a row to the CSV connection report.
    report_name : str or path, optional
        The report; default ``bmtool_connectors.report_name``.
    rng : Generator, RandomState, int, SeedSequence or None
        See :class:`BaseConnector`.
    name : str, optional
        Tells apart connectors with the same seed and populations.

    Raises
    ------
    ParameterError
        If a parameter is not allowed.

    Notes
    -----
    Within one population each unordered pair is looked at once, p1 is p0, p1_arg is p0_arg and
    n_syn1 is n_syn0.

    Per pair, in row-major order: one uniform number if p0 > 0, one if p1 > 0 (the backward
    probability is pr / p0 after a forward connection and (p1 - pr) / (1 - p0) without one),
    then whatever `n_syn0` and `n_syn1` draw. pr is first clipped to its feasible range
    max(0, p0 + p1 - 1) <= pr <= min(p0, p1), so p0 and p1 always hold exactly; the number of
    clipped pairs is reported. Time O(pairs), memory O(edges), and with `cache_data` 20 to 36
    bytes per pair within reach while rho is estimated and until ``free_memory()``.

    References
    ----------
    Song et al. 2005, PLoS Biol 3:e68, doi 10.1371/journal.pbio.0030068: reciprocal pairs are
    over-represented in cortex.

    Examples
    --------
    >>> c = ReciprocalConnector(p0=0.15, pr=0.06, estimate_rho=False, verbose=False)
    >>> c.vars['p0'], c.vars['pr']
    (0.15, 0.06)
    """

    parameter_names: ClassVar[tuple[str, ...]] = (
        *("p0", "p1", "symmetric_p1", "p0_arg", "p1_arg", "symmetric_p1_arg", "pr", "pr_arg"),
        *("estimate_rho", "rho", "dist_range_forward", "dist_range_backward"),
        *("n_syn0", "n_syn1", "autapses"),
    )
    iterators: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"forward": "one_to_all", "backward": "all_to_one"}
    )

    def __init__(
        self,
        p0: Any = 1.0,
        p1: Any = 1.0,
        symmetric_p1: bool = False,
        p0_arg: Any = None,
        p1_arg: Any = None,
        symmetric_p1_arg: bool = False,
        pr: Any = _NO_PR,
        pr_arg: Any = None,
        estimate_rho: bool = True,
        rho: float | None = None,
        dist_range_forward: Any = None,
        dist_range_backward: Any = None,
        n_syn0: Any = 1,
        n_syn1: Any = 1,
        autapses: bool = False,
        quick_pop_check: bool = False,
        cache_data: bool = True,
        verbose: bool = True,
        save_report: bool = True,
        report_name: str | None = None,
        rng: RngLike = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(
            verbose=verbose, save_report=save_report, report_name=report_name, rng=rng, name=name
        )
        self._given = {
            **{"p0": p0, "p0_arg": p0_arg, "p1": p1, "p1_arg": p1_arg, "pr": pr, "pr_arg": pr_arg},
            **{"n_syn0": n_syn0, "n_syn1": n_syn1},
        }
        self.vars = dict(self._given)
        self.symmetric_p1, self.symmetric_p1_arg = bool(symmetric_p1), bool(symmetric_p1_arg)
        self.estimate_rho = bool(estimate_rho) and rho is None and pr is not None
        self.estimate_rho = self.estimate_rho and not callable(pr)
        self._given_rho = rho
        self.dist_range_forward, self.dist_range_backward = dist_range_forward, dist_range_backward
        self.autapses, self.quick = bool(autapses), bool(quick_pop_check)
        self.cache_data = bool(cache_data)
        self._check()
        if pr is _NO_PR and rho is None:
            self.warn_once(
                "pr",
                "pr of ReciprocalConnector was not passed: the default 0.0 means no reciprocal "
                "pairs at all. Pass pr=0.0 if that is meant, or pr=None for independent "
                "directions.",
            )

    def _check(self) -> None:
        """Refuse parameters that are not allowed, before there are nodes."""
        own, given = type(self).__name__, self._given
        arg1 = given["p0_arg"] if self.symmetric_p1_arg else given["p1_arg"]
        if self.symmetric_p1 and arg1 is not given["p0_arg"]:
            raise ParameterError(
                f"symmetric_p1 of {own} is True with different p0_arg and p1_arg; pass "
                "symmetric_p1_arg=True as well, or the same function twice."
            )
        parameters.probability(given["p0"], f"p0 of {own}", given["p0_arg"], "p0_arg")
        if not self.symmetric_p1:
            # In a recurrent population p1_arg becomes p0_arg, so it is only missing between two.
            stand_in = arg1 if arg1 is not None else given["p0_arg"]
            parameters.probability(given["p1"], f"p1 of {own}", stand_in, "p1_arg")
        for which in ("n_syn0", "n_syn1"):
            parameters.synapses(given[which], f"{which} of {own}")
        rho, pr, pr_arg = self._given_rho, given["pr"], given["pr_arg"]
        if rho is not None:
            parameters.number(rho, f"rho of {own}", "a correlation in [-1, 1] or None", -1, 1)
        elif pr is not None and not callable(pr):
            allowed = "a probability in [0, 1], a function pr(pr_arg, p0, p1), or None"
            parameters.number(pr, f"pr of {own}", allowed, 0, 1)
        elif lifting.takes_distance(pr) and pr_arg is None:
            raise ParameterError(
                f"pr of {own} is {pr!r}, which depends on distance, and pr_arg is None; pass for "
                "example pr_arg='0' for the value of p0_arg."
            )
        self._check_ranges(own, arg1)

    def _check_ranges(self, own: str, arg1: Any) -> None:
        for name, limits, arg in (
            ("dist_range_forward", self.dist_range_forward, self._given["p0_arg"]),
            ("dist_range_backward", self.dist_range_backward, arg1),
        ):
            if limits is None:
                continue
            try:
                low, high = (float(limit) for limit in limits)
            except (TypeError, ValueError):
                low = high = np.nan
            if not low <= high:
                raise ParameterError(
                    f"{name} of {own} is {limits!r}; allowed are two numbers (low, high) or None."
                )
            arg_name = name.replace("dist_range_forward", "p0_arg").replace(
                "dist_range_backward", "p1_arg"
            )
            if arg is None and self.estimate_rho:
                raise ParameterError(
                    f"{name} of {own} is {limits!r}, but {arg_name} is None, so no pair has a "
                    f"value to compare; pass for example {arg_name}=spherical_dist."
                )

    # ------------------------------------------------------------------ uses
    def setup_nodes(self, source: Any = None, target: Any = None) -> None:
        """Begin a use, or go on to the backward direction of the current one.

        Parameters
        ----------
        source, target : NodePool
            What ``net.nodes(...)`` returns. Between two populations, once the forward edges
            were taken, the same pools swapped: the next ``edge_params()`` is backward.

        Raises
        ------
        NodeError
            If a pool is missing or empty, has no positions for a distance law, or other pools
            are given while the backward edges have not been taken.
        """
        if self._use is not None and not self._use.recurrent and self._use.taken == {"forward"}:
            if self._use.is_reversed(source, target, self.quick):
                return
            raise NodeError(
                f"setup_nodes of {type(self).__name__} got other pools while the backward edges "
                f"from {self._use.target.label} to {self._use.source.label} have not been taken; "
                "call edge_params() (or edge_params(direction='backward')) first, or make another "
                "connector."
            )
        self._begin(self._make_use(source, target, quick=self.quick))

    def _begin(self, use: Use) -> None:
        own, given = type(self).__name__, self._given
        self.vars = dict(given)
        if use.recurrent:
            self._warn_overwritten()
            self.vars["n_syn1"] = given["n_syn0"]
        if use.recurrent or self.symmetric_p1_arg:
            self.vars["p1_arg"] = given["p0_arg"]
        if use.recurrent or self.symmetric_p1:
            self.vars["p1"] = given["p0"]
        elif lifting.takes_distance(self.vars["p1"]) and self.vars["p1_arg"] is None:
            raise ParameterError(
                f"p1 of {own} is {self.vars['p1']!r}, which depends on distance, and p1_arg is "
                "None; pass p1_arg=spherical_dist, or symmetric_p1_arg=True."
            )
        args = {name: self.vars[name] for name in ("p0_arg", "p1_arg", "pr_arg")}
        parameters.require_positions(own, args, use.source, use.target)
        super()._begin(use)

    def _warn_overwritten(self) -> None:
        for name, default, other in (
            ("p1", 1.0, "p0"),
            ("p1_arg", None, "p0_arg"),
            ("n_syn1", 1, "n_syn0"),
        ):
            value, used = self._given[name], self._given[other]
            if value is not used and value != used and value is not default and value != default:
                self.warn_once(
                    name,
                    f"{name} of {type(self).__name__} is {value!r}, but source and target are one "
                    f"population: {other} ({used!r}) is used for both directions.",
                )

    def edge_params(self, direction: str | None = None) -> dict[str, Any]:  # type: ignore[override]
        """Return ``source``, ``target``, ``iterator`` and ``connection_rule`` for ``add_edges``.

        Parameters
        ----------
        direction : {'forward', 'backward'}, optional
            May be asked any number of times. Without it, a recurrent connector answers
            forward; one between two populations forward, then backward.

        Raises
        ------
        NodeError
            Before ``setup_nodes``; without `direction` when both directions were taken.
        ParameterError
            If `direction` is not one of the two, or backward is asked of one population.
        """
        use = self.use
        allowed = ("forward",) if use.recurrent else ("forward", "backward")
        if direction is None:
            left = [each for each in allowed if use.recurrent or each not in use.taken]
            if not left:
                raise NodeError(
                    f"edge_params of {type(self).__name__} was called for both directions already; "
                    "pass direction='forward' or 'backward', or call setup_nodes() for a new use."
                )
            direction = left[0]
        elif direction not in allowed:
            raise ParameterError(
                f"direction of {type(self).__name__}.edge_params() is {direction!r}; allowed here "
                f"is {' or '.join(map(repr, allowed))}."
            )
        return self._params(direction)

    def make_forward_connection(self, source: Any, targets: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the synapse counts from a source to a list of targets (or one target)."""
        return self._rule("forward")(source, targets)

    def make_backward_connection(self, targets: Any, source: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the synapse counts from a list of targets to a source, against the direction.

        Parameters
        ----------
        targets : node or list of nodes
            Of the second pool, where the backward edges start.
        source : node
            Of the first pool, where they end.
        """
        if self.use.recurrent:
            return self._rule("forward")(targets, source)
        return self._rule("backward")(targets, source)

    def make_connection(
        self, source: Any = None, target: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Return forward synapse counts: for a pair of nodes, or a node and a list of nodes."""
        if source is None or target is None:
            raise TypeError(
                f"{type(self).__name__}.make_connection() needs (source, target): edges are looked "
                "up by node and no longer counted off; use make_forward_connection(source, "
                "targets) for a row."
            )
        return super().make_connection(source, target)

    # ------------------------------------------------------------------ the draw
    def _laws(self) -> PairLaws:
        own, given = type(self).__name__, self.vars
        forward = Law(given["p0"], given["p0_arg"], f"p0 of {own}")
        backward = Law(given["p1"], given["p1_arg"], f"p1 of {own}", backward=True)
        recurrent = self.use.recurrent
        return PairLaws(
            _constant_as_float(forward),
            _constant_as_float(backward),
            same_arg=recurrent or self.symmetric_p1_arg,
            same_p=recurrent or self.symmetric_p1,
        )

    def _space(self, source: NodeArrays, target: NodeArrays) -> PairSpace:
        if source is target:
            return PairSpace(source, target, "upper and diagonal" if self.autapses else "upper")
        return PairSpace(source, target, autapses=self.autapses)

    def draw(self, source: NodeArrays, target: NodeArrays, rng: SharedGenerator) -> Connectivity:
        """Draw the edges of both directions."""
        own = type(self).__name__
        space, laws = self._space(source, target), self._laws()
        if source is not target and space.self_columns is not None:
            self.warn_once(
                "overlap",
                f"source and target of {own} ({source.label} and {target.label}) share nodes: a "
                "pair of shared nodes is drawn in both orders, once per direction. Use one "
                "population or two disjoint ones.",
            )
        rho, feasible, kept = self._correlation(space, laws)
        joint = Joint(rho, feasible, self.vars["pr"], self._pr_arg(), f"pr of {own}")
        n_syn = [
            pairwise.SynapseCounts(
                parameters.synapses(self.vars[name], name), f"{name} of {own}", backward
            )
            for name, backward in (("n_syn0", False), ("n_syn1", True))
        ]
        drawn = pairwise.draw(
            space, laws, joint, rng, (n_syn[0], n_syn[1]), kept=kept, show_progress=self.verbose
        )
        if drawn.clipping.count:
            self.warn_once(
                "clipped",
                f"pr of {own} was not feasible for {drawn.clipping.count} of "
                f"{int(drawn.possible[2])} pairs and was moved to the nearest feasible value, so "
                f"p0 and p1 hold; the largest change: {drawn.clipping.worst}. Choose pr (or rho) "
                "with max(0, p0 + p1 - 1) <= pr <= min(p0, p1).",
            )
        return self._assembled(space, drawn, rho, kept)

    def _pr_arg(self) -> Any:
        arg = self.vars["pr_arg"]
        if isinstance(arg, str):
            return "1" if "1" in arg else "0"
        return arg

    def _correlation(
        self, space: PairSpace, laws: PairLaws
    ) -> tuple[float | None, bool, list[BlockValues] | None]:
        """Return the rho to draw with, whether no pair clips, and what its estimate evaluated."""
        if not self.estimate_rho:
            independent = 0.0 if self.vars["pr"] is None else None
            rho = independent if self._given_rho is None else float(self._given_rho)
            return rho, False, None
        own, pr = type(self).__name__, float(self.vars["pr"])
        ranges = (self.dist_range_forward, self.dist_range_backward)
        timer = report.Timer()
        estimate, kept = pairwise.estimate_rho(
            space, laws, pr, ranges, keep=self.cache_data, show_progress=self.verbose
        )
        if not estimate.n:
            self.warn_once(
                "no valid pair",
                f"pr of {own} is {pr:.4g}, but no pair is valid for the estimate of rho (p0 > 0 "
                "and p1 > 0, or within dist_range_forward and dist_range_backward), so rho = 0 "
                "is used; check the ranges and the unit of the positions (um).",
            )
        elif estimate.reachable is not None:
            self.warn_once(
                "unreachable",
                f"pr of {own} is {pr:.4g}, which no correlation reaches with these p0 and p1; "
                f"rho = {estimate.rho:.4g} gives {estimate.reachable:.4g} among the "
                f"{estimate.n} valid pairs. Choose a pr that is feasible.",
            )
        if self.verbose:
            report.say(f"Estimated value of rho={estimate.rho:.3f}")
            timer.report("Time for estimating rho")
        return estimate.rho, estimate.feasible, kept

    def _assembled(
        self,
        space: PairSpace,
        drawn: pairwise.PairDraw,
        rho: float | None,
        kept: list[BlockValues] | None,
    ) -> Connectivity:
        shape = (len(space.source), len(space.target))
        n_forward, n_backward = (sum(map(len, part.i)) for part in (drawn.forward, drawn.backward))
        possible = drawn.possible.tolist()
        if space.source is space.target:
            forward, backward = _symmetric(drawn, shape[0]), None
            connected: tuple[int, ...] = (n_forward + n_backward - drawn.reciprocal,)
            possible = possible[:1] * 2
        else:
            forward, backward = _one_way(drawn.forward, shape), _swapped(drawn.backward, shape)
            connected = (n_forward, n_backward)
        return Connectivity(
            forward,
            backward,
            pairs=space.n_pairs,
            possible=tuple(possible),
            connected=(*connected, drawn.reciprocal),
            clipped=drawn.clipping.count,
            dropped=drawn.dropped,
            rho=rho,
            cache=_Kept(kept),
        )

    def _count_names(self, use: Use) -> tuple[str, ...]:
        return ("all", "reciprocal") if use.recurrent else ("forward", "backward", "reciprocal")

    def _opening(self, use: Use) -> str:
        return f"\nStart building connection between:\n  {use.source.label}\n  {use.target.label}"

    # ------------------------------------------------------------------ views
    @property
    def rho(self) -> float | None:
        """The correlation: as given, or, once drawn, as estimated (0 for independence)."""
        drawn = None if self._use is None else self._use.connectivity
        return self._given_rho if drawn is None else drawn.rho

    @property
    def conn_prop(self) -> list[Mapping[int, Any]]:
        """Values of p_arg by node ids, ``[forward, backward]``; backward ones start at the target.

        The second is empty for a recurrent population.
        """
        self._look()
        tables: list[Mapping[int, Any]] = list(self._tables(self.use))
        return tables if len(tables) == 2 else [*tables, {}]

    def add_conn_prop(self, src: int, trg: int, prop: Any, stage: int = 0) -> None:
        """Set what ``get_conn_prop`` returns for a pair; the edges stay as they are.

        Parameters
        ----------
        src, trg : int
            Positions in the source and the target pool.
        prop : object
            The value.
        stage : {0, 1}, default 0
            Direction: forward, or backward (from `trg` to `src`).
        """
        ids = int(self.use.source.ids[src]), int(self.use.target.ids[trg])
        sid, tid = ids[::-1] if stage else ids
        self.use.overlay[stage, sid, tid] = prop

    def calc_pair(self, i: int, j: int) -> tuple[Any, Any, float, float]:
        """Return ``(p0_arg, p1_arg, p0, p1)`` of the pair at positions (i, j); draws nothing."""
        space = PairSpace(self.use.source, self.use.target)
        values = self._laws().evaluate(Block(space, i, i + 1, j, j + 1), everything=True)
        columns = (values.arg0, values.arg1, values.p0, values.p1)
        first = [x[0] if isinstance(x, np.ndarray) else x for x in columns]
        return cast(
            tuple[Any, Any, float, float],
            tuple(x.item() if isinstance(x, np.generic) else x for x in first),
        )

    def iterate_pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the positions (i, j) of the pairs that are looked at, in order."""
        for block in self._space(self.use.source, self.use.target).blocks():
            i, j = block.of_rank(np.arange(block.n))
            yield from zip(i.tolist(), j.tolist(), strict=True)

    def setup_conditional_backward_probability(self) -> None:
        """Make ``cond_backward(forward, p0, p1, pr)``; draws nothing."""
        self.cond_backward = self._conditional_function()

    def _conditional_function(self) -> Callable[[bool, float, float, float], float]:
        rho = self.rho

        def cond_backward(forward: bool, p0: float, p1: float, pr: float) -> float:
            wanted = pr if rho is None else p0 * p1 + rho * deviation(p0, p1)
            low, high = bounds(p0, p1)
            joint = min(max(wanted, low), high)
            return float(after_forward(p0, joint) if forward else without_forward(p0, p1, joint))

        return cond_backward


def _constant_as_float(law: Law) -> Law:
    if callable(law.p):
        return law
    p = parameters.number(law.p, law.name, "a probability in [0, 1]", 0, 1)
    return Law(p, law.arg, law.name, law.backward)


def _one_way(part: pairwise.Drawn, shape: tuple[int, int]) -> EdgeList:
    i, j, n_syn, arg = part.arrays()
    return EdgeList.from_sorted(i, j, shape, n_syn, arg)


def _swapped(part: pairwise.Drawn, shape: tuple[int, int]) -> EdgeList:
    """Return edges j -> i of pairs that come in row-major order (i, j)."""
    i, j, n_syn, arg = part.arrays()
    order = order_by(j, shape[1])
    return EdgeList.from_sorted(
        j[order], i[order], shape[::-1], pairwise.taken(n_syn, order), pairwise.taken(arg, order)
    )


def _symmetric(drawn: pairwise.PairDraw, n: int) -> EdgeList:
    """Return the edges of one population: i -> j of the forward and j -> i of the backward part."""
    f, b = drawn.forward.arrays(), drawn.backward.arrays()
    # Sorted by target within each source already, if the backward part (j > i) comes first.
    source, target = np.concatenate([b[1], f[0]]), np.concatenate([b[0], f[1]])
    order = order_by(source, n)
    columns = []
    for back, forth in zip(b[2:], f[2:], strict=True):
        if isinstance(back, np.ndarray) or isinstance(forth, np.ndarray):
            parts = [np.broadcast_to(x, (k,)) for x, k in ((back, len(b[0])), (forth, len(f[0])))]
            columns.append(np.concatenate(parts)[order])
        else:
            columns.append(forth)
    return EdgeList.from_sorted(source[order], target[order], (n, n), columns[0], columns[1])


class _Kept(Mapping[str, "npt.NDArray[Any]"]):
    """What the estimate of rho kept, by parameter; blocks are joined when somebody looks."""

    def __init__(self, kept: list[BlockValues] | None) -> None:
        self._parts: dict[str, list[npt.NDArray[Any]]] = {}
        for name, attribute in (("p0_arg", "arg0"), ("p0", "p0"), ("p1_arg", "arg1"), ("p1", "p1")):
            parts = [getattr(values, attribute) for values in kept or ()]
            if parts and all(isinstance(part, np.ndarray) for part in parts):
                self._parts[name] = parts

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        array = np.concatenate(self._parts[name])
        array.flags.writeable = False
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)
