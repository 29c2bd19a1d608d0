"""Signing a case: a signed version, and everything that `venoseg measure` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydicom.dataset import Dataset

from venoseg.errors import OutputError
from venoseg.lumen import Measurements, measure
from venoseg.lumen.profile import Boundary
from venoseg.output import output_folder
from venoseg.pipeline import with_dicom_results, write_results
from venoseg.review.audit import audit_table, changes_table
from venoseg.review.contours import with_contours
from venoseg.review.session import Session
from venoseg.review.versions import Version

AUDIT = "audit.csv"


def sign_off(
    session: Session,
    before: Measurements | None,
    headers: Sequence[Dataset] = (),
    *,
    second_reader: bool = False,
    identified: bool = False,
    boundary: Boundary = "gray",
) -> tuple[Version, Measurements, Path]:
    """Measure the labels once more from the start, sign them, and write every result.

    Parameters
    ----------
    session
        The case.
    before
        What was measured on the parent version, for the trail.
    headers
        Of all images of the series, for the DICOM results; empty when the image is no DICOM.
    second_reader
        Whether a second reader is asked for.
    identified
        Whether the DICOM results name the patient.
    boundary
        Where the lumen's edge is taken from.

    Returns
    -------
    tuple
        The version, what was measured, and the folder of results.

    Raises
    ------
    MeasurementError
        When nothing can be measured; nothing is signed then.
    OutputError
        When the version or its results cannot be written; the message says which.
    """
    notes = session.notes
    whole = measure(session.image, session.segmentation, boundary=boundary, seeds=notes.seeds)
    found = with_contours(whole, notes.contours)
    version = session.save(changes_table(before, found), kind="signed", second_reader=second_reader)
    out = session.folder.path / "results" / version.name
    try:
        write_signed(session, found, headers, out, identified=identified)
    except OutputError as error:
        raise OutputError(
            f"{version.name} is signed, but its results were not written: {error.what}",
            where=error.where,
            remedy="free some space and sign again, or export the results to another folder",
        ) from error
    return version, found, out


def write_signed(
    session: Session,
    found: Measurements,
    headers: Sequence[Dataset],
    out: Path,
    *,
    identified: bool = False,
) -> None:
    """Write tables, documents, labels, report, DICOM SEG and SR, and the audit trail into ``out``.

    Raises
    ------
    OutputError
        When something cannot be written; nothing of ``out`` remains then.
    """
    with output_folder(out) as scratch:
        if headers:
            found = with_dicom_results(found, headers, scratch, identified=identified)
        write_results(found, scratch)
        audit_table(session.folder.versions).to_csv(scratch / AUDIT)
