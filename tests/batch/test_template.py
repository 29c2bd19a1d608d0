"""Whatever a study does to its process, the others go on."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from venoseg.batch.job import SINGLE_THREADED, Limits, Outcome, StudyJob
from venoseg.batch.settings import BatchSettings
from venoseg.processes import Child

# In place of a study's measurement: each part does what its name says.
HOOKED = """
import ctypes, os, sys, time
import venoseg.batch.template as template

def measure(job, tell):
    tell({"selection": [{"kind": "ct", "reason": job.name}]})
    for part in job.name.split(","):
        if part in job.settled:
            continue
        tell({"begin": part})
        tell({"stage": "measuring"})
        if part == "crash":
            ctypes.string_at(0)
        if part == "abort":
            os.abort()
        if part == "exit":
            os._exit(7)
        if part == "hang":
            while True:
                pass
        if part == "hoard":
            held = []
            while True:
                held.append(bytearray(2**24))
        if part == "map":
            import mmap
            held = mmap.mmap(-1, 2**30, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
            for place in range(0, 2**30, 4096):
                held[place] = 1
            time.sleep(60)
        if part == "sleep":
            time.sleep(60)
        if part == "raise":
            raise KeyError("Doe^Jane")
        if part == "print":
            print("Doe^Jane"); print("Doe^Jane", file=sys.stderr)
        tell({"done": {"part": part, "lost": []}})

def serve():
    template.measure_study = measure
    template.serve()
"""
LIMITS = Limits(time_s=60.0, memory_mib=700)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hooked")
    (folder / "hooked_template.py").write_text(HOOKED)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        child = Child("hooked_template:serve", SINGLE_THREADED)
    yield child
    child.close()


def outcome_of(template: Child, parts: str, limits: Limits = LIMITS) -> Outcome:
    template.send((StudyJob(parts, (), Path("none"), BatchSettings()), limits))
    outcome = template.receive()
    assert isinstance(outcome, Outcome)
    return outcome


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("crash", "the process died (SIGSEGV)"),
        ("abort", "the process died (SIGABRT)"),
        ("exit", "the process died (exit status 7)"),
        ("hoard", "it needs more memory than the limit of 700 MiB"),
        ("map", "it needs more memory than the limit of 700 MiB"),
    ],
)
def test_a_lost_part_is_named_and_the_others_are_measured(template, part, reason):
    outcome = outcome_of(template, f"a,{part},z")
    assert [one["part"] for one in outcome.parts] == ["a", "z"]
    (failure,) = outcome.failures
    assert (failure["part"], failure["stage"]) == (part, "measuring")
    assert failure["reason"] == reason
    assert outcome.selection[0]["reason"] == f"a,{part},z"


def test_an_endless_part_is_stopped_at_its_limit(template):
    outcome = outcome_of(template, "hang,z", Limits(1.0, 700))
    assert [one["part"] for one in outcome.parts] == ["z"]
    assert outcome.failures[0]["reason"] == "it took longer than the limit of 1 s"
    assert outcome.cost.wall_s >= 1.0


def test_a_defect_is_named_by_its_place_and_not_by_its_words(template):
    (failure,) = outcome_of(template, "a,raise").failures
    assert "KeyError" in failure["reason"]
    assert "Doe" not in failure["reason"]


def test_what_a_study_prints_goes_nowhere(template, capfd):
    assert outcome_of(template, "print").parts
    said = capfd.readouterr()
    assert "Doe" not in said.out + said.err


def test_the_study_ends_when_nobody_waits_for_it_any_more(tmp_path):
    (tmp_path / "hooked_template.py").write_text(HOOKED)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path))
        other = Child("hooked_template:serve", SINGLE_THREADED)
    other.send((StudyJob("sleep", (), Path("none"), BatchSettings()), LIMITS))
    deadline = time.monotonic() + 250
    while not (studies := psutil.Process(other.pid).children()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(other.pid, signal.SIGKILL)
    other.close()
    gone, alive = psutil.wait_procs(studies, timeout=20)
    assert gone
    assert not alive
