"""The laws that every connector keeps, to be tried on connectors of one's own.

::

    from bmtool_connectors.testing import check_connector

    def test_my_connector():
        check_connector(MyConnector(p=0.2))
"""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np

from bmtool_connectors.edges import EdgeList
from bmtool_connectors.errors import ConnectivityWarning, NodeError
from bmtool_connectors.generators import get_state
from bmtool_connectors.patterns.base import BaseConnector
from bmtool_connectors.randomness import Seed

__all__ = ["BrokenLawError", "check_connector"]

Edges = dict[str, EdgeList]


class BrokenLawError(AssertionError):
    """A connector breaks one of the laws; the message names it and says what to do."""


class Trial:
    """A connector, and where it is tried: within population A, or from A to B.

    Every ``new`` connector is a copy with streams of its own.
    """

    def __init__(self, connector: BaseConnector, sizes: tuple[int, int], target: str) -> None:
        self.connector, self.sizes, self.target = connector, sizes, target
        self.label = "within a population" if target == "A" else "between two populations"
        self.network()

    def network(self, *make: Any) -> None:
        """Begin a network anew, with the builder if one is given."""
        from bmtool_connectors.builder.small import small_network  # BMTK, only when needed

        self.net = small_network(*self.sizes, *make)

    def copied(self, rng: Any) -> BaseConnector:
        """Return a copy that draws from `rng`, and so does what it depends on."""
        made = copy.deepcopy(self.connector)
        for each in (made, *_references(made)):
            each._randomness, each._default_seed = rng, False
            each.verbose = each.save_report = False
        return made

    def set_up(self, made: BaseConnector) -> BaseConnector:
        """Set a connector up, after those that it depends on."""
        for each in _references(made):
            every = self.net.nodes()
            each.setup_nodes(source=every, target=every)
        pools = [self.net.nodes(pop_name=name) for name in ("A", self.target)]
        if self.target == "A":
            pools = pools[:1] * 2
        made.setup_nodes(source=pools[0], target=pools[1])
        return made

    def new(self, seed: int = 1) -> BaseConnector:
        """Return a copy that is set up, with a private seed."""
        return self.set_up(self.copied(Seed(seed)))

    def broken(self, law: str) -> BrokenLawError:
        """Return the error for a law."""
        return BrokenLawError(f"{type(self.connector).__name__} {self.label}: {law}.")


def _references(made: BaseConnector) -> list[BaseConnector]:
    """Return the connectors on whose edges the law of another one depends."""
    return [cast(BaseConnector, reference.connector) for reference in made._references()]


def edges_of(made: BaseConnector) -> Edges:
    """Return the edges by direction, drawn if they have not been."""
    drawn = made.connectivity
    found = {"forward": drawn.forward}
    if drawn.backward is not None:
        found["backward"] = drawn.backward
    return found


def equal(one: Edges, other: Edges) -> bool:
    """Whether two connectors connect the same pairs with as many synapses."""
    return one.keys() == other.keys() and all(
        np.array_equal(getattr(edges, name), getattr(other[key], name))
        for key, edges in one.items()
        for name in ("source", "target", "n_syn")
    )


# ---------------------------------------------------------------------- the laws
def _canonical(trial: Trial) -> None:
    for key, edges in edges_of(trial.new()).items():
        i, j, n_syn = (getattr(edges, name) for name in ("source", "target", "n_syn"))
        for name, index, n in zip(("source", "target"), (i, j), edges.shape, strict=True):
            if len(index) and not 0 <= index.min() <= index.max() < n:
                raise trial.broken(
                    f"{name} of the {key} edges holds positions from {index.min()} to "
                    f"{index.max()} in a pool of {n} nodes; give positions, not node ids"
                )
        number = i.astype(np.int64) * edges.shape[1] + j
        if (np.diff(number) <= 0).any():
            raise trial.broken(
                f"{key} edges are not sorted by source and target, each pair once; make them with "
                "EdgeList.from_arrays()"
            )
        if len(n_syn) and n_syn.min() < 1:
            raise trial.broken(f"{key} edges have {n_syn.min()} synapses; leave such pairs out")


def _same_seed(trial: Trial) -> None:
    if not equal(edges_of(trial.new()), edges_of(trial.new())):
        raise trial.broken(
            "the same seed gives other edges the second time; draw from nothing but the rng that "
            "draw() gets"
        )


def _second_use(trial: Trial) -> None:
    made = trial.new()
    first = edges_of(made)
    try:
        trial.set_up(made)
    except NodeError:  # partitions: the next one would be another
        return
    if not equal(first, edges_of(made)):
        raise trial.broken(
            "another use with the same pools and seed gives other edges; let draw() keep nothing "
            "in the connector"
        )


def _chance(trial: Trial) -> None:
    if not trial.connector.is_random and not equal(edges_of(trial.new(1)), edges_of(trial.new(2))):
        raise trial.broken("is_random is False and the seed changes the edges; set it to True")


def _drawn_once(trial: Trial) -> None:
    made = trial.new()
    calls, draw = [], made.draw

    def counted(*args: Any) -> Any:
        calls.append(args)
        return draw(*args)

    made.draw = counted  # type: ignore[assignment,method-assign]
    for _ in range(2):
        edges_of(made)
        made.edge_params()
        _ = made.conn_prop
    if len(calls) != 1:
        raise trial.broken(f"edges were drawn {len(calls)} times in one use; they are drawn once")


def _verbosity(trial: Trial) -> None:
    made = trial.new()
    made.verbose = True
    with contextlib.redirect_stdout(io.StringIO()):
        found = edges_of(made)
    if not equal(found, edges_of(trial.new())):
        raise trial.broken("verbose=True changes the edges; print, and draw nothing for it")


def _copies(trial: Trial) -> None:
    made = trial.new()
    found = edges_of(made)
    twins = [copy.deepcopy(made)]
    # Functions defined in a function cannot be pickled, and need not be.
    with contextlib.suppress(pickle.PicklingError, AttributeError, TypeError):
        twins.append(pickle.loads(pickle.dumps(made)))
    if not all(equal(found, edges_of(twin)) for twin in twins):
        raise trial.broken("a copy has other edges; keep nothing that cannot be copied")


def _autapses(trial: Trial) -> None:
    made = trial.new()
    if not made.allow_autapses and trial.target == "A":
        edges = edges_of(made)["forward"]
        n = int((edges.source == edges.target).sum())
        if n:
            raise trial.broken(
                f"{n} nodes connect to themselves and allow_autapses is False; leave pairs of one "
                "node out before the draw"
            )


def _counts(trial: Trial) -> None:
    drawn = trial.new().connectivity
    connected, possible = list(drawn.connected), list(drawn.possible)
    fits = all(c <= p for c, p in zip(connected, possible, strict=True))
    if not fits or max(possible, default=0) > drawn.pairs:
        raise trial.broken(
            f"{connected} connected pairs of {possible} possible ones of {drawn.pairs}; count each "
            "pair of the report in the next"
        )


def _report(trial: Trial) -> None:
    made = trial.new()
    with tempfile.TemporaryDirectory() as folder:
        made.save_report, made.report_name = True, str(Path(folder) / "conn.csv")
        texts = []
        for _ in range(2):
            edges_of(made)
            texts.append(Path(made.report_name).read_text(encoding="utf-8"))
    n, again = (len(text.splitlines()) - 1 for text in texts)
    if not 1 <= n == again <= max(len(made.use.parts), 1):
        raise trial.broken(
            f"the report has {n} rows after one draw and {again} when it is looked at again; it "
            "has one, or one for each part of the pools"
        )


def _restored(trial: Trial) -> None:
    rng = np.random.default_rng(5)
    made = trial.set_up(trial.copied(rng))
    for each in _references(made):  # is drawn for good
        each.initial_all_to_all()
    state, draw = get_state(rng), made.draw

    def failing(*args: Any) -> Any:
        draw(*args)
        raise ZeroDivisionError

    made.draw = failing  # type: ignore[assignment,method-assign]
    with contextlib.suppress(ZeroDivisionError):
        made.initial_all_to_all()
    if get_state(rng) != state:
        raise trial.broken("a draw that fails leaves a shared generator moved; put it back")


def _look_ups(trial: Trial) -> None:
    made = trial.new()
    for key, edges in edges_of(made).items():
        use, rule, dense = made.use, made.use.rule(key), edges.to_dense()
        pools = (use.source, use.target)[:: 1 if key == "forward" else -1]
        order = (np.arange(60) * 6151 % dense.size).tolist()  # anywhere, back and forth
        pairs = [divmod(k, dense.shape[1]) for k in order]
        found = [rule(pools[0].nodes[i], pools[1].nodes[j]) for i, j in pairs]
        rows = np.array([rule(node, pools[1].nodes) for node in pools[0].nodes[::-1]])[::-1]
        columns = np.array([rule(pools[0].nodes, node) for node in pools[1].nodes])
        same = found == [dense[pair] for pair in pairs]
        if not (same and np.array_equal(rows, dense) and np.array_equal(columns.T, dense)):
            raise trial.broken(
                f"looked up by node, the {key} edges are others; let a rule look up and do nothing "
                "else"
            )


def _built(trial: Trial) -> None:
    from bmtool_connectors.builder.small import BUILDERS, stored_edges

    for make in BUILDERS:
        trial.network(make)
        made, wanted = trial.new(), {}
        for number, (key, edges) in enumerate(edges_of(made).items(), 100):
            how = {"direction": key} if len(made.iterators) > 1 else {}
            trial.net.add_edges(edge_type_id=number, **made.edge_params(**how))
            use = made.use
            source, target = (use.source, use.target)[:: 1 if key == "forward" else -1]
            ends = (source.ids[edges.source].tolist(), target.ids[edges.target].tolist())
            for i, j, n in zip(*ends, edges.n_syn.tolist(), strict=True):
                wanted[number, i, j] = n
        trial.net.build()
        # Without pairs that have no synapses: another law forbids them.
        stored, drawn = (
            {pair: n for pair, n in edges.items() if n}
            for edges in (stored_edges(trial.net), wanted)
        )
        if stored != drawn:
            raise trial.broken(
                "BMTK stores other edges than were drawn; do not override edge_params()"
            )


LAWS: tuple[Callable[[Trial], None], ...] = (
    *(_canonical, _same_seed, _second_use, _chance, _drawn_once, _verbosity, _copies, _autapses),
    *(_counts, _report, _restored, _look_ups, _built),
)


def check_connector(connector: BaseConnector, sizes: tuple[int, int] = (14, 11)) -> None:
    """Try the laws that all connectors keep on one, within a population and between two.

    Parameters
    ----------
    connector : BaseConnector
        It is copied and left as it is.
    sizes : tuple of int, default (14, 11)
        Nodes of the populations A and B of the small BMTK network on which it is tried, for
        connectors that fit certain sizes only. Nodes have positions in a cube of 100 um.

    Raises
    ------
    BrokenLawError
        For the first law that is broken, an ``AssertionError`` whose message says what to do.

    Notes
    -----
    The laws: edges are sorted, each pair once, in range, with at least one synapse; they are a
    function of parameters, nodes and seed, not of earlier uses, ``verbose`` or global random
    state; without chance (``is_random = False``) not of the seed; drawn once per use; the same in
    a copy; without autapses where those are not allowed; counted and reported once; the same
    looked up by node, in any order, and in networks that BMTK's builder and ours have built. A
    draw that fails puts a shared generator back. Pools that ``setup_nodes`` refuses are left out.

    Examples
    --------
    >>> from bmtool_connectors.testing import check_connector
    >>> check_connector(UnidirectionConnector(p=0.2))
    """
    if not isinstance(connector, BaseConnector):
        raise BrokenLawError(
            f"{connector!r} is no connector; make a subclass of BaseConnector with a method draw."
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConnectivityWarning)
        for trial in _trials(connector, sizes):
            for law in LAWS:
                law(trial)


def _trials(connector: BaseConnector, sizes: tuple[int, int]) -> list[Trial]:
    """Return where the connector can be tried."""
    trials, refused = [], None
    for target in ("A", "B"):
        trial = Trial(connector, sizes, target)
        try:
            trial.new()
        except NodeError as error:
            refused = error
        else:
            trials.append(trial)
    if not trials:
        raise BrokenLawError(
            f"{type(connector).__name__} refuses populations of {sizes[0]} and {sizes[1]} nodes, "
            f"within the first and between them ({refused}); pass sizes that fit it."
        )
    return trials
