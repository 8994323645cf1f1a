"""The same draw by this package and by its peers: time and memory against the number of cells.

Laws: one probability p = min(0.1, 100 / N) for all pairs, and a Gaussian of distance (at most 0.1,
standard deviation 100 um, cut at 300 um) among cells in a slab 250 um thick at 3.3e-5 per um^3;
alone, since no peer can, the same Gaussian with reciprocal pairs twice as likely as by chance; and
p = 0.02 among 50,000 cells, a realistic in-degree. Autapses are allowed wherever they can be.

Every point is a process of its own: imports, nodes and one draw among 300 cells (which compiles
what is compiled) come first and are not timed. Time is CPU time of the process with all its
threads, the median of 3 draws up to 5 s each, else of one. Memory is the peak of the resident set
during the first draw above the state right before it. A peer goes up in size until a draw takes, or
is bound to take, more than the limits (or twice the time by the clock on the wall). Edges must be
as many as the law expects, within 1 % plus four standard deviations; else the point is an error,
not a number. Linux only.

Install what there is, ``pip install nest-simulator brian2 cython braintools brainpy csa pynn
matplotlib`` and ``pip install --no-deps bmtool==0.8.7``; what is missing is left out with a line.
Brian2 2.9.0 needs ``numpy<2.4``, so an environment of its own: ``--python Brian2=PATH``.

Run with ``python benchmarks/peers``; ``--help`` tells the options.
"""

from __future__ import annotations

import argparse
import csv
import ctypes
import gc
import json
import math
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from plot import draw_pictures
from setups import CONSTANT, DEGREE, GAUSS, OURS, PEERS, RATE, expected, probability

IMAGES = Path(__file__).parents[1] / "images"
SIZES = [300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000]


@dataclass(frozen=True)
class Point:
    """One row of the table; `peak` in MB."""

    package: str
    law: str
    cells: int
    edges: int
    seconds: float
    peak: float

    @property
    def ns(self) -> float:
        """Nanoseconds per edge."""
        return 1e9 * self.seconds / self.edges


def status(key: str) -> int:
    """Return a line of this process's status, bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


def child(name: str, law: str, n: int, limits: tuple[float, float]) -> dict[str, Any]:
    """Draw in this process; return what was measured."""
    peer = PEERS[name]
    try:
        prepare, _ = peer.setup(law, 300, probability(law, n))
    except ModuleNotFoundError as error:
        return {"missing": str(error)}
    prepare()()
    if n >= 10_000:
        # On a virtual machine the first touch of a page costs the host's time: not the draw's.
        np.ones(1 << 29).sum()
    prepare, count = peer.setup(law, n, probability(law, n))
    allowed = status("VmData") + int(1e9 * limits[1])
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
    times: list[float] = []
    edges, peak = 0, 0
    while not times or (len(times) < 3 and times[0] <= 5):
        gc.collect()
        draw = prepare()
        # Memory freed before would hide what the draw takes.
        ctypes.CDLL(None).malloc_trim(0)
        # Writing 5 sets the peak (VmHWM) to the present.
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS")
        # SIGALRM ends the process. A timer of CPU time would make the clock of CPU time coarse.
        signal.setitimer(signal.ITIMER_REAL, 2 * limits[0])
        start = time.process_time()
        result = draw()
        times.append(time.process_time() - start)
        signal.setitimer(signal.ITIMER_REAL, 0)
        peak = peak or status("VmHWM") - before
        edges = count(result)
        del draw, result
    return {
        "seconds": statistics.median(times),
        "edges": edges,
        "peak": max(peak, 0) / 1e6,
        "version": version(peer.distribution),
    }


def measure(
    python: str, name: str, law: str, n: int, limits: tuple[float, float]
) -> dict[str, Any]:
    """Draw in a process of its own; return what it measured, or {'failed': why}."""
    threads = ("OMP", "MKL", "OPENBLAS", "NUMBA", "NUMEXPR")
    env = os.environ | {f"{library}_NUM_THREADS": "1" for library in threads}
    spec = json.dumps([name, law, n, limits])
    done = subprocess.run(
        [python, __file__, "--child", spec], capture_output=True, text=True, env=env, check=False
    )
    if done.returncode == -signal.SIGALRM:
        return {"failed": f"more than {2 * limits[0]:g} s"}
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        if any(sign in done.stderr for sign in ("MemoryError", "bad_alloc", "out of memory")):
            return {"failed": f"more than {limits[1]:g} GB"}
        return {"failed": lines[-1]}
    # Packages greet on stdout.
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def bound_to_exceed(points: list[Point], n: int, edges: float, limits: tuple[float, float]) -> str:
    """Return why a draw would take too much, judged by the last two sizes, or nothing.

    A cost that grows with the cells faster than to the power of 1.5 is taken to go with the pairs,
    and else with the edges.
    """
    if not points:
        return ""
    last, before = points[-1], points[-2] if len(points) > 1 else points[-1]
    for what, unit, scale, limit in (
        ("seconds", "s", 1.0, limits[0]),
        ("peak", "GB", 1e-3, limits[1]),
    ):
        value, power = getattr(last, what) * scale, 1.0
        if 0 < getattr(before, what) < getattr(last, what):
            growth = getattr(last, what) / getattr(before, what)
            power = math.log(growth) / math.log(last.cells / before.cells)
        factor = (n / last.cells) ** min(power, 2) if power > 1.5 else edges / last.edges
        if value * factor > limit:
            return f"would take about {value * factor:.0f} {unit}"
    return ""


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), metavar="NAME")
    parser.add_argument("--seconds", type=float, default=30.0, help="CPU time of one draw, at most")
    parser.add_argument("--gigabytes", type=float, default=8.0, help="memory of one draw, at most")
    parser.add_argument(
        "--degree",
        type=float,
        nargs=2,
        default=[90.0, 12.0],
        metavar=("SECONDS", "GIGABYTES"),
        help="the limits at 50,000 cells and in-degree 1,000; 0 0 leaves the point out",
    )
    parser.add_argument(
        "--python", action="append", default=[], metavar="NAME=PATH", help="of a peer"
    )
    parser.add_argument("--images", type=Path, default=IMAGES, help="folder of pictures and CSV")
    parser.add_argument("--child", type=json.loads, help=argparse.SUPPRESS)
    return parser.parse_args()


def behind(points: list[Point]) -> list[str]:
    """Return where another package is as quick as ours, from 10,000 cells on."""
    lines = []
    for mine in points:
        if not mine.package.startswith(OURS) or mine.cells < 10_000:
            continue
        for other in points:
            same = (other.law, other.cells) == (mine.law, mine.cells)
            if same and OURS not in other.package and other.seconds <= mine.seconds:
                lines.append(
                    f"- {mine.law}, {mine.cells} cells: {other.package} {other.seconds:.3f} s, "
                    f"{mine.package} {mine.seconds:.3f} s"
                )
    return lines


def main() -> None:
    """Print the tables; write CSV and pictures."""
    args = parse()
    if args.child:
        print(json.dumps(child(*args.child)))
        return
    pythons = dict(entry.split("=", 1) for entry in args.python)
    peers, versions, points, gone = (
        list(args.peers),
        {},
        list[Point](),
        dict[tuple[str, str], str](),
    )
    work = [(law, n) for n in args.sizes for law in (CONSTANT, GAUSS, RATE)]
    if args.degree[0]:
        work.append((DEGREE, 50_000))
    print(
        f"{date.today()}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}\n"
    )
    print("| package | law | cells | edges | s | ns per edge | peak MB |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for law, n in work:
        limits = tuple(args.degree) if law == DEGREE else (args.seconds, args.gigabytes)
        wanted = expected(law, n)
        for name in [name for name in peers if law in PEERS[name].laws]:
            like = CONSTANT if law == DEGREE else law
            history = [p for p in points if (p.package, p.law) == (name, like)]
            if law != DEGREE and (name, law) in gone:
                continue
            answer: dict[str, Any] = {"failed": bound_to_exceed(history, n, wanted, limits)}
            if not answer["failed"]:
                answer = measure(pythons.get(name, sys.executable), name, law, n, limits)
            if "missing" in answer:
                peers.remove(name)
                gone[name, "all laws"] = answer["missing"]
                continue
            edges = answer.get("edges", 0)
            # Four standard deviations of a sum of independent pairs, and 1 %.
            if edges and abs(edges - wanted) > 0.01 * wanted + 4 * wanted**0.5:
                answer = {"failed": f"error: {edges} edges, not about {wanted:.0f}"}
            if "failed" in answer:
                gone[name, law] = f"{n} cells: {answer['failed']}"
                continue
            versions[name] = answer["version"]
            point = Point(name, law, n, edges, answer["seconds"], answer["peak"])
            points.append(point)
            print(
                f"| {name} | {law} | {n} | {edges} | {point.seconds:.3g} | {point.ns:.0f} "
                f"| {point.peak:.0f} |",
                flush=True,
            )
    print("\n| package | version | the time contains | left out from |\n|---|---|---|---|")
    for name in args.peers:
        stops = [f"{law}, {why}" for (peer, law), why in gone.items() if peer == name]
        print(
            f"| {name} | {versions.get(name, '')} | {PEERS[name].contains} | {'; '.join(stops)} |"
        )
    lines = behind(points) or ["- nowhere"]
    print("\nWhere a peer is as quick, from 10,000 cells on:\n\n" + "\n".join(lines))
    args.images.mkdir(exist_ok=True)
    with open(args.images / "peers.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(Point.__annotations__))
        writer.writeheader()
        writer.writerows(asdict(point) for point in points)
    draw_pictures(args.images)


if __name__ == "__main__":
    main()
