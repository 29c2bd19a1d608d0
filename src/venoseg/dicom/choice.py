"""Which CT series is measured when the user names none, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from venoseg.dicom.series import Series
from venoseg.errors import SeriesError

Kernel = Literal["soft", "sharp"]

PHASE_RANK = {"venous": 0, "delayed": 1, "": 2, "arterial": 3, "native": 4}
# Shorter series cannot hold the veins from the kidneys to the groin.
COVER_MM = 250.0
FEW_IMAGES = 10
# Slices up to this thick serve diameters equally well.
THIN_MM = 1.5


@dataclass(frozen=True, slots=True)
class Choice:
    """The series chosen, and the reason in one line."""

    series: Series
    reason: str


def choose_series(series: Sequence[Series], kernel: Kernel | None = None) -> Choice:
    """Choose the CT series to measure.

    In this order: a stack of images rather than a few; in Hounsfield units; covering the veins (at
    least 250 mm) rather than less; venous before delayed, unknown, arterial and native phase;
    without gaps; axial before other planes; the kernel asked for (soft by default); thin before
    thick (all up to 1.5 mm alike); not resampled; the longer one; the lower series number.

    Raises
    ------
    SeriesError
        When none can be used; the message names each fault.
    """
    usable = [s for s in series if s.kind == "ct" and s.usable]
    if not usable:
        faults = [f"{s.name}: {'; '.join(s.problems)}" for s in series if s.kind == "ct"]
        if not faults:
            raise SeriesError("there is no CT series in the study")
        raise SeriesError(f"no CT series can become a volume: {' | '.join(faults[:5])}")
    wanted = kernel or "soft"
    ranked = sorted(usable, key=lambda s: _rank(s, wanted))
    best = ranked[0]
    return Choice(best, _reason(best, ranked[1:]))


def kernel_class(kernel: str) -> Kernel | None:
    """Tell a soft from a sharp reconstruction kernel by its name; None when unknown.

    Siemens numbers (B30f, Br40, Qr40) up to 49 are soft; GE, Philips, Canon by name.
    """
    name = kernel.split("\\")[0].strip().upper()
    numbered = re.match(r"[A-Z]{1,2}(\d\d)", name)
    if numbered:
        return "soft" if int(numbered.group(1)) < 50 else "sharp"
    if re.match(r"(STANDARD|SOFT|DETAIL|FC0|FC1|FC2|A$|B$|C$|SA|SB|IMR1)", name):
        return "soft"
    if re.match(r"(BONE|LUNG|EDGE|ULTRA|CHST|FC3|FC5|FC8|D$|E$|YC|YD|L$)", name):
        return "sharp"
    return None


def _rank(series: Series, kernel: Kernel) -> tuple[object, ...]:
    found = kernel_class(series.kernel)
    stack = series.stack
    if stack is None:
        return ()
    length = float(stack.offsets_mm[-1])
    axial = abs(float(stack.grid.directions[2, 0])) > 0.7
    thickness = series.thickness_mm or series.spacing_mm[0] or 99.0
    return (
        series.images < FEW_IMAGES,
        series.unit != "HU",
        length < COVER_MM,
        PHASE_RANK.get(series.phase, 2),
        bool(stack.gaps),
        not axial,
        {kernel: 0, None: 1}.get(found, 2),
        max(thickness, THIN_MM),
        stack.slots is None,
        -length,
        series.number if series.number is not None else 10**9,
        series.part or 0,
    )


def _reason(best: Series, others: Sequence[Series]) -> str:
    if best.file is not None:
        return "the volume of the file"
    if not others:
        return "the only CT series that can become a volume"
    assert best.stack is not None
    words = [f"{best.phase} phase" if best.phase else "phase not stated"]
    words.append(f"{best.stack.offsets_mm[-1]:.0f} mm long")
    if best.thickness_mm:
        words.append(f"{best.thickness_mm:g} mm slices")
    found = kernel_class(best.kernel)
    words.append(f"{found} kernel" if found else "kernel not known")
    return f"preferred to {len(others)} other CT series: {', '.join(words)}"
