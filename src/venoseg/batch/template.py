"""A process that has every library loaded and makes a fresh copy of itself for each study.

Loading the libraries costs as much time as measuring a small study. A template loads them once; a
fork of it starts at once, shares their memory, and takes whatever happens to it along when it ends:
a crash of the interpreter, memory beyond the limit, an endless loop. The template runs no thread,
so that a fork of it is safe.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import select
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from venoseg.batch.comparing import compare_measured
from venoseg.batch.job import CaseJob, Cost, Job, Limits, Message, Outcome
from venoseg.batch.study import failure_of, measure_study
from venoseg.processes import die_with, pipes

_LOOK_S = 0.1
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class _Attempt:
    """What one process said before it ended, and how it ended."""

    outcome: Outcome
    begun: str = ""
    stage: str = "headers"
    ended: str = ""


def serve() -> None:
    """Answer jobs until there are no more; the child's side of `job.start_template`."""
    # Loaded for the children that are forked from here, which then need not load it each.
    import highdicom  # noqa: F401 - for the children

    import venoseg.reporting.page
    import venoseg.reporting.venogram_page  # noqa: F401 - for the children

    source, answers = pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            job, limits = pickle.load(source)
        except EOFError:
            return
        pickle.dump(supervise(job, limits, source.fileno()), answers)
        answers.flush()


def supervise(job: Job, limits: Limits, lifeline: int) -> Outcome:
    """Measure a study, or compare a case, in processes of their own until every part is settled.

    Parameters
    ----------
    job
        The study or case.
    limits
        What each part may take.
    lifeline
        A descriptor that becomes readable when nobody waits for the answer any more.
    """
    total = Outcome()
    settled: set[str] = set()
    while True:
        attempt = _attempt(replace(job, settled=frozenset(settled)), limits, lifeline)
        total.selection = attempt.outcome.selection or total.selection
        total.parts += attempt.outcome.parts
        total.failures += attempt.outcome.failures
        total.cost += attempt.outcome.cost
        if not attempt.ended:
            break
        total.failures.append(_lost(attempt, limits))
        settled = {str(one["part"]) for one in (*total.parts, *total.failures)}
        if "" in settled:
            break
    total.failures += [_unmeasured(part, vein) for part in total.parts for vein in part.pop("lost")]
    for kind in (total.parts, total.failures):
        kind.sort(key=lambda one: str(one["part"]))
    return total


def _unmeasured(part: Message, vein: str) -> Message:
    return {
        "part": part["part"],
        "stage": "measuring",
        "reason": f"{vein} could not be measured",
        "remedy": "see the report of the study",
    }


def _lost(attempt: _Attempt, limits: Limits) -> Message:
    reasons = {
        "time": (
            f"it took longer than the limit of {limits.time_s:g} s",
            "raise --time-limit, or look at the study alone",
        ),
        "memory": (
            f"it needs more memory than the limit of {limits.memory_mib} MiB",
            "raise --memory-limit on a machine that has it",
        ),
    }
    reason, remedy = reasons.get(
        attempt.ended,
        (f"the process died ({attempt.ended})", "report it with the study, which is a defect"),
    )
    return {"part": attempt.begun, "stage": attempt.stage, "reason": reason, "remedy": remedy}


def _attempt(job: Job, limits: Limits, lifeline: int) -> _Attempt:
    """Run a job in a forked process and follow it to its end."""
    reading, writing = os.pipe()
    template = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_the_study(job, limits, writing, template)
    os.close(writing)
    started = time.monotonic()
    try:
        attempt, usage = _follow(pid, reading, limits, lifeline)
    finally:
        os.close(reading)
    attempt.outcome.cost = Cost(
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=time.monotonic() - started,
        peak_mib=usage.ru_maxrss / 1024,
    )
    return attempt


def _follow(
    pid: int, reading: int, limits: Limits, lifeline: int
) -> tuple[_Attempt, resource.struct_rusage]:
    """Take in what a process says, hold it to its limits, and find out how it ended."""
    attempt = _Attempt(Outcome())
    over = _listen(pid, reading, limits, lifeline, attempt)
    if over:
        _kill(pid)
    _, status, usage = os.wait4(pid, 0)
    if over:
        attempt.ended = over
    elif os.WIFSIGNALED(status):
        attempt.ended = signal.Signals(os.WTERMSIG(status)).name
    elif os.WEXITSTATUS(status):
        attempt.ended = attempt.ended or f"exit status {os.WEXITSTATUS(status)}"
    return attempt, usage


def _listen(pid: int, reading: int, limits: Limits, lifeline: int, attempt: _Attempt) -> str:
    """Note what a process says until it ends; return the limit that it broke, if it did."""
    pending = b""
    begun = time.monotonic()
    while True:
        ready, _, _ = select.select([reading, lifeline], [], [], _LOOK_S)
        if lifeline in ready:
            _kill(pid)
            os._exit(0)
        if reading in ready:
            heard = os.read(reading, 65536)
            if not heard:
                return ""
            *lines, pending = (pending + heard).split(b"\n")
            if sum(_take(json.loads(line), attempt) for line in lines):
                begun = time.monotonic()
        if _resident_mib(pid) > limits.memory_mib:
            return "memory"
        if time.monotonic() - begun > limits.time_s:
            return "time"


def _take(message: dict[str, Any], attempt: _Attempt) -> bool:
    """Note what a process said; tell whether it began with a new part."""
    kind, content = next(iter(message.items()))
    if kind == "selection":
        attempt.outcome.selection = content
    elif kind == "done":
        attempt.outcome.parts.append(content)
        attempt.begun, attempt.stage = "", "headers"
    elif kind == "failed":
        attempt.outcome.failures.append(content)
        attempt.begun, attempt.stage = "", "headers"
    elif kind == "stage":
        attempt.stage = content
    elif kind == "begin":
        attempt.begun, attempt.stage = content, "labels"
    else:
        attempt.ended = kind
    return kind == "begin"


def _be_the_study(job: Job, limits: Limits, writing: int, template: int) -> None:
    """Measure, in the forked process; never returns."""
    status = 1
    try:
        os.setsid()
        die_with(template)
        _hold_down(limits)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            # What libraries print may name the patient.
            os.dup2(nothing, stream)

        def tell(message: Message) -> None:
            os.write(writing, json.dumps(message).encode() + b"\n")
            if "memory" in message:
                os._exit(1)

        try:
            if isinstance(job, CaseJob):
                compare_measured(job, tell)
            else:
                measure_study(job, tell)
            status = 0
        except MemoryError:
            tell({"memory": ""})
        except Exception as error:  # noqa: BLE001 - it is recorded
            # Nothing of a part was begun: the study as a whole failed, and says where.
            tell({"failed": failure_of("", "headers", error)})
            status = 0
    finally:
        os._exit(status)


def _hold_down(limits: Limits) -> None:
    """Limit the memory for data, and write no core file, which would hold the patient's images."""
    memory = limits.memory_mib * 2**20
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    if most == resource.RLIM_INFINITY or memory < most:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _resident_mib(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * _PAGE / 2**20


def _kill(pid: int) -> None:
    """Kill a process and those it started, which are in its session."""
    for kill in (os.killpg, os.kill):
        try:
            kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
