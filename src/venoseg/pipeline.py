"""From a path to a folder of results: the way a command, a batch worker and a script all go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.dataset import Dataset

from venoseg.dicom import Series, read_study
from venoseg.errors import OutputError, UsageError
from venoseg.interchange import (
    read_labels,
    read_seeds,
    write_dicom_seg,
    write_seg_nrrd,
    write_structured_report,
)
from venoseg.interchange.documents import centerline_document, measurements_document, to_json
from venoseg.interchange.source_headers import odd_headers_refused, source_headers
from venoseg.interchange.vein_reports import vein_reports
from venoseg.lumen import Measurements, ReferenceRule, find_collaterals, measure
from venoseg.lumen.profile import Boundary
from venoseg.lumen.stents.sizes import StentSizes
from venoseg.lumen.tables.stenosis import ReferenceKind
from venoseg.output import output_folder
from venoseg.reporting import write_report
from venoseg.segmentation import Segmentation, segment
from venoseg.volume import Volume

Say = Callable[[str], None]

_DICOM_RESULTS = ("segmentation.seg.dcm", "measurements.sr.dcm")


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """What `measure_path` needs to know besides the image.

    Attributes
    ----------
    labels
        The label map; None: the veins are segmented.
    label_names
        Label value to vein, for a label map that does not name its labels itself.
    series_uid
        The CT series to take; None: the best one of the study.
    boundary
        Where the lumen's edge is taken from.
    step_mm
        Distance of the stations.
    reference
        What stenoses are measured against.
    stent_nominal_mm
        Diameter that the stents were made for, or that of each vein that holds any.
    identified
        Whether the DICOM results name the patient.
    seeds
        A file of seed points. With labels they limit a vein or lead through a shut one; without
        labels they guide the segmentation, which is automatic when there are none.
    segmenter
        The outside segmenter to use; None: venoseg's own.
    tracking_root
        What the tracking UIDs of the DICOM results follow from; None: the frame of reference.
    """

    labels: Path | None = None
    label_names: Mapping[int, str] | None = None
    series_uid: str | None = None
    boundary: Boundary = "gray"
    step_mm: float = 1.0
    reference: ReferenceKind = "expected_normal"
    stent_nominal_mm: StentSizes | None = None
    identified: bool = False
    seeds: Path | None = None
    segmenter: str | None = None
    tracking_root: str | None = None


def measure_path(
    path: Path,
    out: Path,
    options: MeasureOptions,
    *,
    force: bool = False,
    say: Say = lambda _: None,
) -> Measurements:
    """Read an image, read or make its labels, measure the veins, write every result into ``out``.

    Parameters
    ----------
    path
        DICOM, NIfTI or NRRD.
    out
        The folder to make; nothing of it remains when something fails.
    options
        How to measure.
    force
        Write into ``out`` though it exists.
    say
        Is told in words what is being done.

    Raises
    ------
    VenosegError
        One of its children: what, where, and what to do.
    """
    check_options(options)
    with output_folder(out, force=force) as scratch:
        say("reading the image")
        series = read_study(path).ct_series(options.series_uid)
        return measure_series(series, scratch, options, say=say)


def check_options(options: MeasureOptions) -> None:
    """Refuse options that contradict one another.

    Raises
    ------
    UsageError
        When they do.
    """
    if options.labels is not None and options.segmenter is not None:
        raise UsageError("labels and a segmenter were given", remedy="leave out one of them")


def measure_series(
    series: Series, folder: Path, options: MeasureOptions, *, say: Say = lambda _: None
) -> Measurements:
    """Read a series, read or make its labels, measure, write into an existing folder.

    Raises
    ------
    VenosegError
        One of its children: what, where, and what to do.
    """
    volume = series.read()
    segmentation = veins_of(volume, options, say)
    # Without labels the seeds are in the segmentation and its courses already.
    own = options.seeds if options.labels is not None else None
    seeds = () if own is None else read_seeds(own)
    say("measuring")
    found = measure(
        volume,
        segmentation,
        boundary=options.boundary,
        seeds=seeds,
        step_mm=options.step_mm,
        reference=ReferenceRule(options.reference),
        stent_nominal_mm=options.stent_nominal_mm,
    )
    say("looking for collaterals")
    collaterals = find_collaterals(volume, found.segmentation).table
    found = replace(found, collaterals=collaterals)
    say("writing the results")
    if volume.source.kind == "DICOM":
        headers = series.headers()
        found = with_dicom_results(
            found,
            headers,
            folder,
            identified=options.identified,
            tracking_root=options.tracking_root,
        )
    write_results(found, folder)
    return found


def veins_of(volume: Volume, options: MeasureOptions, say: Say = lambda _: None) -> Segmentation:
    """Read the labels that the options name, or segment the veins."""
    if options.labels is not None:
        say("reading the labels")
        return read_labels(options.labels, volume, options.label_names)
    seeds = None if options.seeds is None else read_seeds(options.seeds)
    say("segmenting the veins")
    return segment(volume, seeds, options.segmenter)


def with_dicom_results(
    found: Measurements,
    headers: Sequence[Dataset],
    folder: Path,
    *,
    identified: bool = False,
    tracking_root: str | None = None,
) -> Measurements:
    """Write the DICOM results; headers too poor to refer to are a warning, not a failure."""
    try:
        write_dicom_results(
            found, headers, folder, identified=identified, tracking_root=tracking_root
        )
    except OutputError as error:
        for name in _DICOM_RESULTS:
            (folder / name).unlink(missing_ok=True)
        warning = f"no DICOM SEG and SR were written: {error.what}"
        return replace(found, warnings=(*found.warnings, warning))
    return found


def report(found: Measurements, out: str | Path, *, force: bool = False) -> Path:
    """Write every result of a measurement into a new folder and return the report's path.

    Raises
    ------
    UsageError
        When ``out`` exists and ``force`` is not given.
    OutputError
        When it cannot be written.
    """
    folder = Path(out)
    with output_folder(folder, force=force) as scratch:
        write_results(found, scratch)
    return folder / "report.html"


def write_results(found: Measurements, folder: Path) -> None:
    """Write tables, documents, labels and the report into an existing folder."""
    found.cross_sections.to_csv(folder / "cross_sections.csv")
    found.segments.to_csv(folder / "segments.csv")
    found.lesions.to_csv(folder / "lesions.csv")
    found.lumens.to_csv(folder / "lumens.csv")
    found.stents.to_csv(folder / "stents.csv")
    found.collaterals.to_csv(folder / "collaterals.csv")
    for name, document in (
        ("measurements.json", measurements_document(found)),
        ("centerline.json", centerline_document(found.tree)),
    ):
        (folder / name).write_text(to_json(document), encoding="utf-8", newline="")
    write_seg_nrrd(found.segmentation, folder / "segmentation.seg.nrrd")
    write_report(found, folder / "report.html")


def write_dicom_results(
    found: Measurements,
    headers: Sequence[Dataset],
    folder: Path,
    *,
    identified: bool = False,
    tracking_root: str | None = None,
) -> None:
    """Write the labels as DICOM SEG and the figures as a TID 1500 report on them.

    Parameters
    ----------
    found
        What was measured.
    headers
        Of all images of the series, without pixels.
    folder
        An existing folder.
    identified
        Whether the objects name the patient.
    tracking_root
        What the tracking UIDs follow from; None: the frame of reference.
    """
    seg_name, sr_name = _DICOM_RESULTS
    with odd_headers_refused(seg_name):
        sources = source_headers(headers, identified=identified)
    segmentation = write_dicom_seg(
        found.segmentation,
        sources,
        folder / seg_name,
        identified=identified,
        tracking_root=tracking_root,
    )
    reports = vein_reports(found)
    if reports:
        write_structured_report(
            reports,
            sources,
            folder / sr_name,
            segmentation=segmentation,
            identified=identified,
            tracking_root=tracking_root,
        )
