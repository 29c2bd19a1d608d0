"""From a path to a folder of a run's results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from venoseg.angiography import Venogram, VenogramOptions, measure_run, run_of
from venoseg.angiography.bands import Bands
from venoseg.angiography.fiducials import parse_fiducial
from venoseg.angiography.shaft_search import Shaft
from venoseg.angiography.stent_table import ANY_VESSEL
from venoseg.dicom import Study, read_study
from venoseg.dicom.angiogram import Angiogram
from venoseg.dicom.calibration import Calibration
from venoseg.dicom.header import read_header
from venoseg.errors import MeasurementError, OutputError, SeriesError, UsageError
from venoseg.interchange.angio_seeds import read_angio_seeds
from venoseg.interchange.documents import to_json
from venoseg.interchange.sr_out import write_structured_report
from venoseg.interchange.venogram_document import venogram_document
from venoseg.interchange.venogram_reports import venogram_reports
from venoseg.output import output_folder
from venoseg.reporting.venogram_page import render_venogram

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class AngioOptions:
    """What `angio_path` needs to know besides the run.

    Attributes
    ----------
    seeds
        File of points; None: the main vessel is found.
    frames
        First and last frame to use, counted from 1; None: all.
    calibration
        ``auto``: an object in the picture of which the header states the size, else the best the
        header allows; or an object in the picture, as `parse_fiducial` reads it.
    tracking_root
        What the tracking UIDs of the report follow from; None: the frame of reference.
    stents_nominal_mm
        Diameters that stents were made for, by vessel; `ANY_VESSEL`: of all.
    nominal_mm
        A diameter to give stenoses against, besides the vein's own.
    """

    seeds: Path | None = None
    frames: tuple[int, int] | None = None
    calibration: str = "auto"
    tracking_root: str | None = None
    stents_nominal_mm: Mapping[str, float] = field(default_factory=dict)
    nominal_mm: float | None = None


def angio_path(
    path: Path,
    out: Path,
    options: AngioOptions,
    *,
    force: bool = False,
    say: Say = lambda _: None,
) -> tuple[Venogram, dict[str, Any]]:
    """Read a run, measure it, write every result into ``out``; return it and its document.

    Raises
    ------
    VenosegError
        One of its children: what, where, and what to do.
    """
    with output_folder(out, force=force) as scratch:
        say("reading the run")
        run = the_run(read_study(path), path)
        found, document = measure_angiogram(run, scratch, options, say=say)
        _check_stents(found)
    return found, document


def measure_angiogram(
    angiogram: Angiogram, folder: Path, options: AngioOptions, *, say: Say = lambda _: None
) -> tuple[Venogram, dict[str, Any]]:
    """Measure a run, write every result into an existing folder; return it and its document.

    Raises
    ------
    VenosegError
        One of its children: what, where, and what to do.
    """
    settings = VenogramOptions(
        ways=() if options.seeds is None else read_angio_seeds(options.seeds),
        frames=_frames(options.frames, angiogram),
        fiducial=None if options.calibration == "auto" else parse_fiducial(options.calibration),
        stated=stated_objects(angiogram),
        calibration=header_calibration(angiogram),
        stents_nominal_mm=options.stents_nominal_mm,
        nominal_mm=options.nominal_mm,
    )
    found = measure_run(run_of(angiogram), settings, say=say)
    missing = _write_report(found, angiogram, folder / "measurements.sr.dcm", options.tracking_root)
    of_header = [w for w in _header_warnings(angiogram) if not any(w in s for s in found.warnings)]
    warnings = (*found.warnings, *of_header, *missing)
    found = replace(found, warnings=warnings)
    document = venogram_document(found, angiogram)
    say("writing the results")
    found.projection_table.to_csv(folder / "projection.csv")
    found.lesion_table.to_csv(folder / "lesions.csv")
    found.stent_table.to_csv(folder / "stents.csv")
    found.flow_table.to_csv(folder / "flow.csv")
    results = (("angiogram.json", to_json(document)), ("report.html", render_venogram(found)))
    for name, text in results:
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return found, document


def _check_stents(found: Venogram) -> None:
    """Refuse nominal diameters of stents where no stent is seen.

    Raises
    ------
    MeasurementError
        When none is seen in a vein whose stent's diameter was given.
    """
    seen = {p.vessel for p, stents in zip(found.projections, found.stents, strict=True) if stents}
    for vessel in found.stents_nominal_mm:
        if not (seen if vessel == ANY_VESSEL else vessel in seen):
            raise MeasurementError(
                f"no stent is seen along {vessel or 'any vein'}",
                remedy="seeds must lead along the stent, and the run needs frames before contrast "
                "medium in which it is not hidden",
            )


def _write_report(
    found: Venogram, angiogram: Angiogram, path: Path, tracking_root: str | None
) -> tuple[str, ...]:
    """Write the structured report; return why there is none, in words."""
    reports = venogram_reports(found)
    header = read_header(angiogram.image.location)
    if not reports or header is None:
        return ("no structured report: no diameter was measured",)
    try:
        write_structured_report(reports, [header], path, tracking_root=tracking_root)
    except OutputError as error:
        return (f"no structured report: {error.what}",)
    return ()


def the_run(study: Study, path: Path) -> Angiogram:
    """Return the one run of what was read from a file or folder.

    Raises
    ------
    SeriesError
        When it holds none that can be measured.
    UsageError
        When it holds several.
    """
    runs = study.angiograms()
    if not runs:
        raise SeriesError(
            "there is no angiographic run",
            where=path.name,
            remedy="`venoseg scan` lists what is there",
        )
    usable = [run for run in runs if run.usable]
    if not usable:
        raise SeriesError("; ".join(runs[0].problems), where=runs[0].name)
    if len(usable) > 1:
        raise UsageError(
            f"there are {len(usable)} runs here",
            where=path.name,
            remedy="name the file of the one to measure",
        )
    return usable[0]


def header_calibration(angiogram: Angiogram) -> Calibration:
    """Return the best calibration of the header, or none where it contradicts itself."""
    against = [words for words in angiogram.problems if "contradict" in words]
    if against:
        return Calibration("none", None, None, "", None, f"refused: {against[0]}")
    return angiogram.calibration


def stated_objects(angiogram: Angiogram) -> tuple[Bands | Shaft, ...]:
    """Return what the header says can be measured in the picture, marker bands first."""
    bands = [Bands(d.marker_mm) for d in angiogram.devices if d.marker_mm is not None]
    shafts = [Shaft(d.diameter_mm) for d in angiogram.devices if d.diameter_mm is not None]
    return (*bands, *shafts)


def _frames(frames: tuple[int, int] | None, angiogram: Angiogram) -> tuple[int, int] | None:
    if frames is None:
        return None
    first, last = frames
    if not 1 <= first <= last <= angiogram.frame_count:
        raise UsageError(
            f"frames {first} to {last} do not exist in a run of {angiogram.frame_count}",
            where="--frames",
        )
    return first - 1, last - 1


def _header_warnings(angiogram: Angiogram) -> list[str]:
    words = [words for words in angiogram.problems if not words.startswith("lengths in mm")]
    if angiogram.lossy:
        words.append("the pixels were compressed with loss: edges may be displaced")
    return words
