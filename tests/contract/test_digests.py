"""The predecessor's networks, kept as digests: equality without having bmtool.

The cases are those of ``test_peer.py``. The table is written by
``make_digests.py``, which says what is in it.
"""

from __future__ import annotations

import pytest
from cases import CASES, digest, run
from conftest import BOTH_BUILDERS

import bmtool_connectors

pytestmark = BOTH_BUILDERS

BY_NAME = {case.name: case for case in CASES}

#: Entries, and digest, of the edges that the predecessor builds.
DIGESTS = {
    "unidirection, constant": (167, "d24d25960c452cf6"),
    "unidirection, all to all": (1147, "58c1a7dabc8ffe69"),
    "unidirection, gaussian": (424, "ffb9c29be8f35175"),
    "unidirection, gaussian with a reach, from ptotal": (115, "3f52b4202d102a74"),
    "unidirection, cylindrical gaussian off centre, from ptotal": (231, "132fbd371f49b087"),
    "unidirection, gaussian with an unused range": (260, "aa15e1de5267c6e5"),
    "unidirection, uniform in a ring": (188, "d9de78342c52923b"),
    "unidirection, user law and argument": (488, "3615d77e0497eca5"),
    "unidirection, np.vectorize": (325, "94b9f3ccd2bb4630"),
    "unidirection, argument a number": (236, "77cfefcf1881e308"),
    "unidirection, random synapses": (399, "edcec56458277fbb"),
    "unidirection, synapses from the helpers": (227, "0092c8c446112782"),
    "unidirection within, constant": (210, "93d5f5b16950474e"),
    "unidirection within, gaussian": (505, "0f23e7905df76d42"),
    "unidirection within, random synapses": (481, "bf678b88e7bfbfed"),
    "reciprocal, pr": (398, "6928792839516bc8"),
    "reciprocal, pr estimated": (706, "6c509d6f66e21783"),
    "reciprocal, pr 0": (633, "fbb16e6f9eddee1f"),
    "reciprocal, rho": (673, "02b3d1722b67f870"),
    "reciprocal, rho from pr": (541, "2043243306d707f7"),
    "reciprocal, pr from rho": (572, "3ec3f43dabc28d32"),
    "reciprocal, distances, pr estimated": (702, "41ace020376f2bc1"),
    "reciprocal, distances, forward range": (678, "b4c1f953c1d16039"),
    "reciprocal, mixed distances, rho 0": (509, "e11cad99ddcf0ba0"),
    "reciprocal, mixed distances, rho": (600, "2dd67ee8ddd1569e"),
    "reciprocal, uniform, backward range": (697, "1a6c324aa14601a6"),
    "reciprocal, both ranges": (665, "f9a47296a761c1d3"),
    "reciprocal, without cache": (627, "b62a5836c76cb8b0"),
    "reciprocal, pr a function": (592, "4f60eea541427b45"),
    "reciprocal, pr a function of p0_arg": (525, "32bba3692894c269"),
    "reciprocal, pr a gaussian": (930, "7a6e879129604dcb"),
    "reciprocal, NRR": (506, "737d3a4e84dfe4c0"),
    "reciprocal, NRR a Python function": (541, "640795812a7e3a19"),
    "reciprocal, user laws": (147, "3eeca6685a91b5a1"),
    "reciprocal, arguments are numbers": (643, "d474c5f0c634bbb5"),
    "reciprocal, synapses": (673, "dbf9edf4fde4d69c"),
    "reciprocal, random synapses": (706, "cb17e6d1549b1cb8"),
    "reciprocal, synapses from the helpers": (496, "ee396d7c1e092240"),
    "reciprocal, autapses": (708, "12dfe79321a87833"),
    "reciprocal, pr a function of p1_arg": (518, "16d7d7924d776f9b"),
    "reciprocal, user argument that is not symmetric": (658, "85513b69ebe0c9d9"),
    "reciprocal, forward never": (565, "a50673b4aa87a130"),
    "reciprocal within, pr": (176, "f9624f89e0aa66d5"),
    "reciprocal within, pr estimated": (285, "14c36e4c708fb450"),
    "reciprocal within, pr 0": (389, "3a5db1ee40a0d257"),
    "reciprocal within, rho": (408, "5bfbb22289253b87"),
    "reciprocal within, rho from pr": (424, "901901ad6d38a917"),
    "reciprocal within, pr from rho": (412, "aa0d272a7d8ec369"),
    "reciprocal within, distances, pr estimated": (391, "9b6ee565b98ac2bd"),
    "reciprocal within, distances, forward range": (391, "2cb9dedeca13c844"),
    "reciprocal within, mixed distances, rho 0": (303, "5bc37df63ca550bf"),
    "reciprocal within, mixed distances, rho": (333, "1305453c4532a5f2"),
    "reciprocal within, uniform, backward range": (414, "c1be5490575b1e34"),
    "reciprocal within, both ranges": (373, "2ceec8076557b145"),
    "reciprocal within, without cache": (383, "406dc1fe010ab0b1"),
    "reciprocal within, pr a function": (410, "e8f4c693284c7ddc"),
    "reciprocal within, pr a function of p0_arg": (326, "ee08b397990493be"),
    "reciprocal within, pr a gaussian": (536, "33c90f7d99f71f68"),
    "reciprocal within, NRR": (309, "579c55f6c16b4321"),
    "reciprocal within, NRR a Python function": (315, "1b30e589a7fbb274"),
    "reciprocal within, user laws": (86, "41c2e8d78409f7e7"),
    "reciprocal within, arguments are numbers": (406, "75fd9dcc2d4085aa"),
    "reciprocal within, synapses": (373, "c3fbd7e63fc5e5ac"),
    "reciprocal within, random synapses": (366, "ae4af2e32785bd58"),
    "reciprocal within, synapses from the helpers": (326, "692fd3ae99c4a14e"),
    "reciprocal within, autapses": (405, "f9967f4bac959658"),
    "cortex": (784, "94c246e2bf357203"),
    "interleaved": (695, "2c5f227310e9379b"),
    "two networks": (412, "85d8ba7e5782a4a0"),
    "one after the other": (622, "c0631c77dc17ce28"),
    "own generators": (438, "6762dfcb5e54ad8a"),
    "generator taken at construction": (329, "3e6d3a8ba49386f9"),
    "two sources of counts": (529, "595bf123458586e1"),
    "reused within one population": (246, "2b8424ee38c4b31b"),
    "connector from a function": (467, "c37a9e6e075ad2ba"),
    "infeasible, pr too high": (783, "fb5a0f1c70a3df3c"),
    "infeasible, pr too high, of the pair": (665, "f0851bbd8ae8f11c"),
    "infeasible, pr 0": (1390, "4dc320b2087bc0db"),
    "infeasible within, pr 0": (990, "cbf08aefd9fc82aa"),
    "infeasible, rho": (780, "b14e6a955e478e2b"),
    "infeasible, rho below 0": (770, "ad59f7ab898b98a8"),
    "infeasible within, rho below 0": (501, "6afb2ca5d25e6f4b"),
    "infeasible, pr estimated": (693, "982978d1eac4cee3"),
    "infeasible, pr estimated, forward range": (709, "f4c5af899b5abf49"),
    "infeasible, pr estimated, random synapses": (703, "386a4101fa854640"),
    "infeasible, pr negative": (1012, "a1d48a5241597ea1"),
    "infeasible within, pr negative": (590, "db460cca5bb5cd69"),
    "infeasible, pr below its bound": (1729, "de50f897dcf1c3d4"),
    "infeasible within, pr below its bound": (1092, "c6884763b674c236"),
    "infeasible, NRR too high": (738, "985767452ad2a060"),
    "infeasible within, NRR too high": (482, "c2e7a2b05ce22f70"),
    "infeasible and on": (1772, "2cdbe8223e98e4d1"),
    "pr omitted": (395, "15f235894cce8ab2"),
    "differing p1": (276, "66d04006d256b34f"),
}


def test_every_case_has_a_digest() -> None:
    assert list(DIGESTS) == list(BY_NAME)
    assert len(DIGESTS) >= 30
    assert len({found for _, found in DIGESTS.values()}) > 30, "cases that are too much alike"


@pytest.mark.parametrize("name", DIGESTS)
def test_same_network(name: str) -> None:
    rows = run(BY_NAME[name], bmtool_connectors, warns=True).rows
    assert (len(rows), digest(rows)) == DIGESTS[name]


def test_digest_sees_every_number() -> None:
    rows = [(0, 100, 1, 2, 1), (0, 100, 1, 3, 1), (0, 101, 4, 2, 2)]
    seen = {digest(rows), digest(rows[:2]), digest(rows[::-1])}
    assert len(seen) == 2, "depends on the order, or not on the rows"
    for k in range(5):
        changed = [rows[0], rows[1], tuple(n + (i == k) for i, n in enumerate(rows[2]))]
        assert digest(changed) not in seen
