"""What passes between a batch and the processes that measure: light to load, plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from venoseg.batch.plans import Guide
from venoseg.batch.settings import BatchSettings
from venoseg.followup.case import Case
from venoseg.processes import CORES, Child

# What a study's process tells its supervisor, as plain data.
Message = dict[str, Any]

# Libraries that would start threads of their own.
SINGLE_THREADED = {
    CORES: "1",
    **dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "NUMEXPR_NUM_THREADS",
            "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
        ),
        "1",
    ),
    "MPLBACKEND": "agg",
}


@dataclass(frozen=True, slots=True)
class StudyJob:
    """What a process needs to know to measure a study.

    Attributes
    ----------
    name
        What the study is called in outputs.
    images
        Its headers, as `Catalogue.packed_images` gives them.
    folder
        Where its results go, one folder for each part.
    settings
        How to measure.
    settled
        Parts that are measured or lost already, when an earlier process died on the way.
    same_as
        Name of the study that it is a copy of: it is set aside; empty when it is none.
    guides
        What a manifest says of its images.
    tracking_root
        Of the case that it belongs to; None: it belongs to none.
    visits
        Where what a comparison needs of it is kept; None: none needs it.
    """

    name: str
    images: tuple[bytes, ...]
    folder: Path
    settings: BatchSettings
    settled: frozenset[str] = frozenset()
    same_as: str = ""
    guides: tuple[Guide, ...] = ()
    tracking_root: str | None = None
    visits: Path | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """A visit of a case as it was measured, or why it was not.

    Attributes
    ----------
    label, timepoint, day
        As `venoseg.followup.visit.CtVisit` has them.
    study, part
        Name of the study, and which part of it.
    images, guides
        The study's headers, and what the manifest says of them.
    kept
        What a comparison needs of it; None when it was not measured.
    reason
        Why it was not; empty when it was.
    """

    label: str
    timepoint: str
    day: int
    study: str
    part: str
    images: tuple[bytes, ...] = ()
    guides: tuple[Guide, ...] = ()
    kept: Path | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CaseJob:
    """What a process needs to know to compare the visits of a case.

    Attributes
    ----------
    name
        What the case is called in outputs.
    origin
        What pairs its studies: ``manifest`` or ``dates``.
    case
        With one planned study for each visit.
    visits
        In the order of time.
    warnings
        Of identifiers and dates.
    folder
        Where its results go.
    settings, settled
        As those of a study.
    """

    name: str
    origin: str
    case: Case
    visits: tuple[Measured, ...]
    warnings: tuple[str, ...]
    folder: Path
    settings: BatchSettings
    settled: frozenset[str] = frozenset()


Job = StudyJob | CaseJob


@dataclass(frozen=True, slots=True)
class Limits:
    """What one part of a study may take: seconds from its beginning, and memory."""

    time_s: float
    memory_mib: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a study took: CPU seconds, seconds, and the most memory at a time."""

    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mib: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.cpu_s + other.cpu_s,
            self.wall_s + other.wall_s,
            max(self.peak_mib, other.peak_mib),
        )


@dataclass(slots=True)
class Outcome:
    """What became of a study: its series, the parts measured, the failures, what it took."""

    selection: list[Message] = field(default_factory=list)
    parts: list[Message] = field(default_factory=list)
    failures: list[Message] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)


def refused_outcome(reason: str) -> Outcome:
    """Return the outcome of a study that must not be measured."""
    return Outcome(failures=[{"part": "", "stage": "selection", "reason": reason, "remedy": ""}])


def lost_outcome() -> Outcome:
    """Return the outcome of a study whose workers were killed from outside."""
    failure = {
        "part": "",
        "stage": "worker",
        "reason": "its worker was killed from outside, three times",
        "remedy": "run again with --resume --retry-failed",
    }
    return Outcome(failures=[failure])


def visit_file(visits: Path, part: str) -> Path:
    """Return the file that keeps what a comparison needs of a part of a study."""
    return visits / f"{part}.visit"


def start_template(keep: tuple[int, ...] = (), *, bound: bool = False) -> Child:
    """Start a template; send it (job, limits), receive an `Outcome`."""
    return Child("venoseg.batch.template:serve", SINGLE_THREADED, keep, bound=bound)
