"""One study of a case, measured as a visit of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from venoseg.dicom import Study
from venoseg.followup.case import Conditions, PlannedStudy, Timepoint
from venoseg.followup.sides import refuse_swapped_sides
from venoseg.followup.visit import CtVisit, RunVisit, Visit
from venoseg.output import output_folder
from venoseg.pipeline import MeasureOptions, measure_series
from venoseg.venography import AngioOptions, measure_angiogram, the_run

Say = Callable[[str], None]


def visit_label(timepoint: Timepoint, planned: PlannedStudy) -> str:
    """Return what a visit is called: the timepoint, and the study where it has several."""
    return f"{timepoint.label}/{planned.name}" if planned.name else timepoint.label


def measure_visit(
    timepoint: Timepoint,
    planned: PlannedStudy,
    study: Study,
    scratch: Path,
    root: str,
    stent_sizes: Mapping[str, float | None],
    say: Say,
) -> Visit:
    """Measure one study as `measure` or `angio` does, into its own folder.

    Parameters
    ----------
    timepoint, planned
        When it was taken, and how it is to be measured.
    study
        Its headers.
    scratch
        The folder in which its own is made.
    root
        What the tracking UIDs follow from.
    stent_sizes
        Nominal diameters of the stents by then, as `Case.stents_by` gives them.
    say
        Is told in words what is being done.

    Raises
    ------
    VenosegError
        One of its children: what, where, and what to do.
    """
    label = visit_label(timepoint, planned)
    out = scratch / label

    def of_visit(words: str) -> None:
        say(f"{label}: {words}")

    if any(series.kind == "ct" for series in study.series):
        options = MeasureOptions(
            labels=planned.labels,
            seeds=planned.seeds,
            series_uid=planned.series_uid,
            stent_nominal_mm=stent_sizes or None,
            tracking_root=root,
        )
        series = study.ct_series(planned.series_uid)
        with output_folder(out) as folder:
            of_visit("reading the image")
            found = measure_series(series, folder, options, say=of_visit)
        refuse_swapped_sides(found.segmentation, label)
        conditions = timepoint.conditions
        phase = conditions.phase or series.phase or None
        known = Conditions(conditions.respiration, conditions.volume, phase)
        return CtVisit(label, timepoint.label, timepoint.day, found, known, timepoint.landmarks)
    angio = AngioOptions(
        seeds=planned.seeds,
        calibration=planned.calibration,
        tracking_root=root,
        stents_nominal_mm={v: mm for v, mm in stent_sizes.items() if mm is not None},
    )
    with output_folder(out) as folder:
        of_visit("reading the run")
        run, _ = measure_angiogram(the_run(study, planned.path), folder, angio, say=of_visit)
    return RunVisit(label, timepoint.label, timepoint.day, run)
