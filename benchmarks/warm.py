"""
What benchmarks of gridded processes share: a warm process a tool, what a run of it takes, and a table of it.

A process imports what its tool needs, then carries out what is asked on its standard input. Time is that of the run alone;
processor time is that of the process and of the programs that it starts, and says more than time where others use the machine too.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

type Step = Callable[..., None]
"""Takes source, target, and whatever else JSON can carry."""


@dataclass(kw_only=True)
class Measure:
    """What one tool took for one task."""

    times_s: list[float] = field(default_factory=list)
    processor_times_s: list[float] = field(default_factory=list)
    peak_bytes: int = 0

    @property
    def least_s(self) -> float:
        """The shortest time."""
        return min(self.times_s)

    @property
    def least_processor_s(self) -> float:
        """The shortest processor time."""
        return min(self.processor_times_s)


def serve(step: Step, *, is_program: bool = False) -> None:
    """
    Carry out what is asked on the standard input, one line of JSON a run, and answer with its time and memory.

    Parameters
    ----------
    step : callable
        One run of the tool.
    is_program : bool
        Whether it starts a program, whose memory counts then.
    """
    for line in sys.stdin:
        asked = json.loads(line)
        source, target = Path(asked["source"]), Path(asked["target"])
        start, start_processor = perf_counter(), _processor_s()
        step(source, target, *asked["others"])
        if asked["synced"]:
            _sync(target)
        answer = {
            "time_s": perf_counter() - start,
            "processor_s": _processor_s() - start_processor,
            "peak_bytes": _peak_bytes(is_program=is_program),
        }
        print(json.dumps(answer), flush=True)


def _processor_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _peak_bytes(*, is_program: bool) -> int:
    if is_program:
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) * 1024


@contextmanager
def serving(program: str, tools: Collection[str]) -> Iterator[dict[str, "subprocess.Popen[str]"]]:
    """Start a process of a benchmark for each tool (`--serve TOOL`), and end them."""
    places = os.pathsep.join(str(ROOT / room) for room in ("processes", "workers", "config"))
    environment = {**os.environ, "PYTHONPATH": places}
    started = {
        tool: subprocess.Popen(
            [sys.executable, program, "--serve", tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment,
        )
        for tool in tools
    }  # fmt: skip
    try:
        yield started
    finally:
        for process in started.values():
            assert process.stdin is not None
            process.stdin.close()
            process.wait(timeout=60)


def ask(process: "subprocess.Popen[str]", source: Path, target: Path, *others: Any, synced: bool = False) -> Any:
    """Let a tool do a task, and give its time, processor time and memory."""
    assert process.stdin is not None
    assert process.stdout is not None
    question = {"source": str(source), "target": str(target), "others": others, "synced": synced}
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def measure(
    program: str, source: Path, targets: dict[str, Path], *others: Any, rounds: int, synced: bool = False
) -> dict[str, Measure]:
    """Time every tool on one task, from tool to tool in each round; the first round only warms up."""
    found = {tool: Measure() for tool in targets}
    with serving(program, targets) as processes:
        for round_ in range(rounds + 1):
            for tool, target in targets.items():
                answer = ask(processes[tool], source, target, *others, synced=synced)
                if round_:
                    found[tool].times_s.append(answer["time_s"])
                    found[tool].processor_times_s.append(answer["processor_s"])
                found[tool].peak_bytes = answer["peak_bytes"]
    return found


def table(results: dict[str, dict[str, Measure]], *, beside: str, peers: Collection[str]) -> list[str]:
    """
    Write a table: a row a tool, and the tasks side by side.

    Parameters
    ----------
    results : dict
        By task, then by tool.
    beside : str
        What the ratios are of, in words.
    peers : collection of str
        The tools of which the best is meant.
    """
    heads = " | ".join(f"{task}: s, least (median)" for task in results)
    lines = [
        f"| tool | {heads} | processor s | peak MB | of {beside} | by processor time |",
        "| --- " * (len(results) + 5) + "|",
    ]
    for tool in next(iter(results.values())):
        own = [each[tool] for each in results.values()]
        cells = " | ".join(f"{each.least_s:.3f} ({statistics.median(each.times_s):.3f})" for each in own)
        processor = ", ".join(f"{each.least_processor_s:.3f}" for each in own)
        peaks = ", ".join(f"{each.peak_bytes / 1e6:.0f}" for each in own)
        ratios = ", ".join(f"{each[tool].least_s / best(each, peers)[0]:.2f}" for each in results.values())
        by_processor = ", ".join(
            f"{each[tool].least_processor_s / best(each, peers)[1]:.2f}" for each in results.values()
        )
        lines.append(f"| {tool} | {cells} | {processor} | {peaks} | {ratios} | {by_processor} |")
    return lines


def best(measures: dict[str, Measure], peers: Collection[str]) -> tuple[float, float]:
    """Give the least time and the least processor time of some tools; not a number where none was measured."""
    there = [each for tool, each in measures.items() if tool in peers]
    nothing = float("nan")
    return (
        min((each.least_s for each in there), default=nothing),
        min((each.least_processor_s for each in there), default=nothing),
    )


def kept(share: float, most: float) -> str:
    """Say of a ratio whether it is at most what is asked."""
    return f"{share:.2f} ({'kept' if share <= most else '**not kept**'}: at most {most})"


def worst(results: dict[str, dict[str, Measure]], peers: Collection[str], most: float) -> str:
    """Say what the largest of the ratios of ours is, by time and by processor time."""
    of_time, of_processor = (
        max(ours / best(each, peers)[at] for each in results.values() for ours in [_ours(each)[at]]) for at in (0, 1)
    )
    return f"At worst: {kept(of_time, most)} by time, {kept(of_processor, most)} by processor time."


def _ours(measures: dict[str, Measure]) -> tuple[float, float]:
    return measures["gaia"].least_s, measures["gaia"].least_processor_s


def load_words() -> str:
    """Say how busy the machine was, for whoever reads the figures."""
    return f"The load of the machine at the end was {os.getloadavg()[1]:.0f} (5 minutes), with {os.cpu_count()} cores."
