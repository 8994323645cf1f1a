"""The predecessor's networks, kept as digests: equality without having bmtool.

The cases are those of ``test_peer.py``. The table is written by
``make_digests.py``, which says what is in it.
"""

from __future__ import annotations

import pytest
from cases import CASES, digest, run

import bmtool_connectors

BY_NAME = {case.name: case for case in CASES}

#: Entries, and digest, of the edges that the predecessor builds.
DIGESTS = {
    "unidirection, constant": (170, "0ec49fb19dbcaf97"),
    "unidirection, all to all": (1147, "58c1a7dabc8ffe69"),
    "unidirection, gaussian": (448, "37795471798d7157"),
    "unidirection, gaussian with a reach, from ptotal": (141, "21983379b2a665b0"),
    "unidirection, cylindrical gaussian off centre, from ptotal": (222, "2267e757c1de0655"),
    "unidirection, gaussian with an unused range": (255, "dbea2622c006b643"),
    "unidirection, uniform in a ring": (202, "ecbd4e2e6fe5aaf7"),
    "unidirection, user law and argument": (476, "987fe1f75e524231"),
    "unidirection, np.vectorize": (356, "864c5ceb6dcb5a3b"),
    "unidirection, argument a number": (233, "653ab3c4d0d6fe2e"),
    "unidirection, random synapses": (404, "cc154a7abc78a99c"),
    "unidirection, synapses from the helpers": (226, "68ec1f39066f886c"),
    "unidirection within, constant": (175, "73f9dff755d26896"),
    "unidirection within, gaussian": (506, "98d1affa431cea45"),
    "unidirection within, random synapses": (528, "6c0acfdbbed1066e"),
    "reciprocal, pr": (374, "0b772d389d015856"),
    "reciprocal, pr estimated": (638, "96a76c2e36c19d05"),
    "reciprocal, pr 0": (650, "c73199d4f67d6017"),
    "reciprocal, rho": (729, "4619053305ce9d14"),
    "reciprocal, rho from pr": (536, "f80d1e05e320156b"),
    "reciprocal, pr from rho": (562, "78670fccc1eb8565"),
    "reciprocal, distances, pr estimated": (664, "b7811f0bafb5845b"),
    "reciprocal, distances, forward range": (722, "7107a24f39ea5076"),
    "reciprocal, mixed distances, rho 0": (488, "0d45ac81b83a4095"),
    "reciprocal, mixed distances, rho": (607, "6e54183800ac3a43"),
    "reciprocal, uniform, backward range": (685, "037614528239230c"),
    "reciprocal, both ranges": (654, "232a7ce87a135c85"),
    "reciprocal, without cache": (648, "1cf7692ea3e25962"),
    "reciprocal, pr a function": (591, "047b683cad692fb5"),
    "reciprocal, pr a function of p0_arg": (544, "dfec8515616a7054"),
    "reciprocal, pr a gaussian": (904, "a01a82c400d09252"),
    "reciprocal, NRR": (510, "d424765992c117d1"),
    "reciprocal, NRR a Python function": (524, "4feb7b81c159b39c"),
    "reciprocal, user laws": (176, "6fc1a1521d0a9e5c"),
    "reciprocal, arguments are numbers": (651, "8da29888dcf56b65"),
    "reciprocal, synapses": (648, "38353ab314229298"),
    "reciprocal, random synapses": (692, "e6e2f669da8976b5"),
    "reciprocal, synapses from the helpers": (525, "b07f2fc6b2004376"),
    "reciprocal, autapses": (666, "5cbaae561084adb9"),
    "reciprocal, pr a function of p1_arg": (507, "50e45bba9c62b1bf"),
    "reciprocal, user argument that is not symmetric": (639, "da0921711dddfa7e"),
    "reciprocal, forward never": (574, "a2fd1c779dacc37a"),
    "reciprocal within, pr": (192, "c30819da13f2ab41"),
    "reciprocal within, pr estimated": (335, "4803ec4d37398b04"),
    "reciprocal within, pr 0": (379, "d823b7a2dfb9e5bd"),
    "reciprocal within, rho": (419, "01b056b457c9edd8"),
    "reciprocal within, rho from pr": (392, "949aff82b9430768"),
    "reciprocal within, pr from rho": (396, "0bd2c39901e43c63"),
    "reciprocal within, distances, pr estimated": (386, "305b1362f5cc7687"),
    "reciprocal within, distances, forward range": (388, "f5217dc329515806"),
    "reciprocal within, mixed distances, rho 0": (315, "c972a9473784fe89"),
    "reciprocal within, mixed distances, rho": (334, "a24a6dcb4aab42d8"),
    "reciprocal within, uniform, backward range": (378, "9cb3fc170c4421cc"),
    "reciprocal within, both ranges": (346, "4f0d3f24bb6d8a0c"),
    "reciprocal within, without cache": (370, "7238c4c86fc372fe"),
    "reciprocal within, pr a function": (396, "a94353b339966302"),
    "reciprocal within, pr a function of p0_arg": (336, "60d51e3faa7d1f55"),
    "reciprocal within, pr a gaussian": (559, "b8e3215554aac2ce"),
    "reciprocal within, NRR": (357, "559f65371e2accd3"),
    "reciprocal within, NRR a Python function": (338, "937073705589986d"),
    "reciprocal within, user laws": (82, "b7164547bc3ee72e"),
    "reciprocal within, arguments are numbers": (402, "8f38451be7f269c4"),
    "reciprocal within, synapses": (362, "5df8cbb376e024a3"),
    "reciprocal within, random synapses": (363, "7559e6f615922ea0"),
    "reciprocal within, synapses from the helpers": (313, "9dae6f47ec1f297a"),
    "reciprocal within, autapses": (395, "d7c3fe06bfdf4b7c"),
    "cortex": (792, "0e32bab206a11ee3"),
    "interleaved": (729, "3eb802503697eb6e"),
    "two networks": (428, "9aa8469dea9a600a"),
    "one after the other": (580, "5aa2ac2631c01c80"),
    "own generators": (437, "d4b088149c7ec84e"),
    "generator taken at construction": (341, "0765c0a439b43d80"),
    "reused within one population": (267, "308b918c97d993d4"),
    "connector from a function": (490, "279bf8dfa9d5deda"),
    "pr omitted": (413, "f841cee4ca44c63a"),
    "differing p1": (244, "b7845b6cadc56989"),
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
