"""From a case of several timepoints to a folder of results."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from venoseg.dicom import Study, read_study
from venoseg.dicom.identity import study_header, study_identity
from venoseg.errors import InputError, VenosegError
from venoseg.followup.belonging import check_belonging, tracking_root
from venoseg.followup.case import Case, PlannedStudy
from venoseg.followup.change import change_table, collateral_changes, ct_changes
from venoseg.followup.clinical import clinical_table
from venoseg.followup.compared import Comparison
from venoseg.followup.devices import stent_changes
from venoseg.followup.levels import Match
from venoseg.followup.matching import match_visits, sight_of
from venoseg.followup.patency import patency_table
from venoseg.followup.runs import run_changes
from venoseg.followup.sides import sides_in_the_picture, stents_on_the_other_side
from venoseg.followup.visit import CtVisit, RunVisit, Visit
from venoseg.interchange.case_document import case_document
from venoseg.interchange.case_manifest import MANIFEST, read_case
from venoseg.interchange.documents import to_json
from venoseg.interchange.found_case import find_case
from venoseg.interchange.pdf_out import write_encapsulated_pdf
from venoseg.output import output_folder
from venoseg.reporting.case_page import render_case
from venoseg.reporting.pdf import print_pdf
from venoseg.tables import Row
from venoseg.visits import measure_visit, visit_label

Say = Callable[[str], None]


def compare_case(
    path: Path,
    out: Path,
    *,
    force: bool = False,
    pdf: bool = False,
    say: Say = lambda _: None,
) -> Comparison:
    """Measure every study of a case, compare the visits, write every result into ``out``.

    Parameters
    ----------
    path
        A manifest, a folder with one, or a folder of studies that carry dates.
    out
        The folder to make; nothing of it remains when something fails.
    force
        Write into ``out`` though it exists.
    pdf
        Print the report as PDF, too; when that fails it is a failure of the result.
    say
        Is told in words what is being done.

    Raises
    ------
    VenosegError
        One of its children: what, where, and what to do. A study that cannot be measured while
        others can is a failure of the result and raises nothing.
    """
    with output_folder(out, force=force) as scratch:
        say("reading the case")
        case = _case(path)
        studies = read_studies(case)
        warnings = check_identities(case, studies)
        root = _tracking_root(case, studies)
        visits: list[Visit] = []
        failures: list[str] = []
        for timepoint in case.timepoints:
            for planned in timepoint.studies:
                try:
                    study = studies[planned]
                    sizes = case.stents_by(timepoint.day)
                    visit = measure_visit(timepoint, planned, study, scratch, root, sizes, say)
                    visits.append(visit)
                except VenosegError as error:
                    shutil.rmtree(scratch / visit_label(timepoint, planned), ignore_errors=True)
                    failures.append(f"{visit_label(timepoint, planned)}: {error}")
        if not visits:
            raise InputError(
                f"no study of the case could be measured: {failures[0] if failures else 'none'}",
                where=path.name,
            )
        found = compare_visits(case, visits, failures, warnings, say)
        say("writing the results")
        page = _write_page(found, scratch)
        if pdf:
            found = _printed(found, page, list(studies.values())[-1])
        _write_tables(found, scratch, {visit.label: visit.label for visit in visits})
    return found


def compare(case: str | Path, out: str | Path, *, force: bool = False) -> Comparison:
    """Measure and compare a case, and write every result into a new folder; see `compare_case`.

    Raises
    ------
    VenosegError
        One of its children: what, where, and what to do.
    """
    return compare_case(Path(case), Path(out), force=force)


def _case(path: Path) -> Case:
    if path.is_dir() and not (path / MANIFEST).is_file():
        return find_case(path)
    return read_case(path)


def check_identities(case: Case, studies: Mapping[PlannedStudy, Study]) -> list[str]:
    """Refuse studies of several patients, and days that the dates contradict.

    Parameters
    ----------
    case
        What is compared.
    studies
        What was planned, and what is there.

    Returns
    -------
    list
        What a reader must know of identifiers and dates, one sentence each.

    Raises
    ------
    InputError
        When they do.
    """
    return check_belonging(
        case,
        [
            (timepoint, study_identity(studies[planned]))
            for timepoint in case.timepoints
            for planned in timepoint.studies
        ],
    )


def read_studies(case: Case) -> dict[PlannedStudy, Study]:
    """Read the headers of every study, once."""
    planned = [study for timepoint in case.timepoints for study in timepoint.studies]
    return {one: read_study(one.path, series_uid=one.series_uid) for one in planned}


def _tracking_root(case: Case, studies: Mapping[PlannedStudy, Study]) -> str:
    first = next((study.study_uid for study in studies.values()), "")
    return tracking_root(case.patient, first)


def compare_visits(
    case: Case,
    visits: Sequence[Visit],
    failures: Sequence[str],
    warnings: Sequence[str],
    say: Say = lambda _: None,
) -> Comparison:
    """Compare the visits of a case that were measured.

    Parameters
    ----------
    case
        What is compared.
    visits
        In the order of time.
    failures, warnings
        What could not be measured, and what is known already, one sentence each.
    say
        Is told in words what is being done.
    """
    warnings = list(warnings)
    scans = [visit for visit in visits if isinstance(visit, CtVisit)]
    runs = [visit for visit in visits if isinstance(visit, RunVisit)]
    matches: dict[tuple[str, str], Match] = {}
    rows: list[Row] = []
    sights = {visit.label: sight_of(visit.found) for visit in scans} if len(scans) > 1 else {}
    for before, after in _pairs(scans):
        say(f"matching the levels of {before.label} and {after.label}")
        match = match_visits(
            before.found,
            after.found,
            case.rules.match_residual_limit_mm,
            (sights[before.label], sights[after.label]),
            (before.landmarks, after.landmarks),
        )
        matches[before.label, after.label] = match
        words = f"{before.label} to {after.label}"
        warnings += [f"{words}: {note}" for note in match.notes]
        rows += ct_changes(before, after, match, case.rules)
        rows += stent_changes(before, after, match, case)
        rows += collateral_changes(before, after)
    for before_run, after_run in pairwise(runs):
        rows += run_changes(before_run, after_run, case.rules)
    for visit in visits:
        warnings += [f"{visit.label}: {warning}" for warning in visit.found.warnings]
    for scan in scans:
        warnings += stents_on_the_other_side(case, scan)
    for run in runs:
        warnings += sides_in_the_picture(run)
    return Comparison(
        case,
        tuple(visits),
        matches,
        change_table(rows),
        patency_table(case, visits),
        clinical_table(case),
        tuple(failures),
        tuple(dict.fromkeys(warnings)),
    )


def _pairs(scans: Sequence[CtVisit]) -> list[tuple[CtVisit, CtVisit]]:
    """Return each scan with the one before it, and the last with the first."""
    pairs = list(pairwise(scans))
    return pairs if len(scans) < 3 else [*pairs, (scans[0], scans[-1])]


def _printed(found: Comparison, page: Path, last: Study) -> Comparison:
    """Print the report, also into a DICOM object; where that fails the result names it."""
    pdf = page.with_suffix(".pdf")
    try:
        print_pdf(page, pdf)
        header = study_header(last)
        if header is not None:
            write_encapsulated_pdf(pdf, header, page.with_suffix(".pdf.dcm"))
    except VenosegError as error:
        return replace(found, failures=(*found.failures, str(error)))
    return found


def write_comparison(found: Comparison, folder: Path, folders: Mapping[str, str]) -> None:
    """Write the tables, the document and the report of a case into an existing folder.

    Parameters
    ----------
    found
        The case.
    folder
        Where to.
    folders
        Label of a visit to the folder of its results, relative to ``folder``.
    """
    _write_page(found, folder)
    _write_tables(found, folder, folders)


def _write_page(found: Comparison, folder: Path) -> Path:
    page = folder / "report.html"
    page.write_text(render_case(found), encoding="utf-8", newline="\n")
    return page


def _write_tables(found: Comparison, folder: Path, folders: Mapping[str, str]) -> None:
    tables = {"changes": found.changes, "patency": found.patency, "clinical": found.clinical}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv")
    document = case_document(
        found.case,
        found.matches,
        tuple(tables.values()),
        folders,
        found.failures,
        found.warnings,
    )
    (folder / "case.json").write_text(to_json(document), encoding="utf-8", newline="")
