"""A case as it was found in an export: which studies, and what its manifest says of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from venoseg.followup.case import Case


@dataclass(frozen=True, slots=True)
class Guide:
    """How the images at one place are to be measured.

    Attributes
    ----------
    path
        A folder, archive or file, with all links resolved.
    labels, seeds, series_uid, calibration
        As `venoseg.followup.case.PlannedStudy` has them.
    stent_sizes
        Nominal diameters of the stents that lay there by then, as `Case.stents_by` gives them.
    """

    path: str
    labels: Path | None = None
    seeds: Path | None = None
    series_uid: str | None = None
    calibration: str = "auto"
    stent_sizes: Mapping[str, float | None] = field(default_factory=dict)

    def digest(self) -> str:
        """Return a digest of what it changes; the place itself changes nothing."""
        seeds = "" if self.seeds is None else self.seeds.read_bytes().hex()
        labels = ""
        if self.labels is not None:
            known = self.labels.stat()
            labels = f"{known.st_size} {known.st_mtime_ns}"
        sizes = sorted(self.stent_sizes.items())
        words = (labels, seeds, self.series_uid, self.calibration, sizes)
        return hashlib.sha256(repr(words).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """A study of a case.

    Attributes
    ----------
    timepoint, name
        Label of its timepoint, and what tells it from the others there; empty for the only one.
    study_uid
        As in the headers.
    guide
        What the manifest says of it; None where dates pair the studies.
    """

    timepoint: str
    name: str
    study_uid: str
    guide: Guide | None = None


@dataclass(frozen=True, slots=True)
class CasePlan:
    """A case that was found in an export.

    Attributes
    ----------
    origin
        What pairs its studies.
    case
        As the manifest or the dates say.
    entries
        Its studies in the order of time.
    warnings
        Of identifiers and dates, one sentence each.
    """

    origin: Literal["manifest", "dates"]
    case: Case
    entries: tuple[Entry, ...]
    warnings: tuple[str, ...] = ()


def guide_for(guides: Sequence[Guide], path: str) -> int | None:
    """Return the number of the guide that speaks of a file: the innermost of several."""
    real = os.path.realpath(path)
    known = [
        (len(guide.path), number)
        for number, guide in enumerate(guides)
        if real == guide.path or real.startswith(f"{guide.path}{os.sep}")
    ]
    return max(known)[1] if known else None
