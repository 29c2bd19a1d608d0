"""The columns of a batch's tables: those of a study's own tables behind the study they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venoseg.angiography.lesions import LESION_COLUMNS as PROJECTED_LESION_COLUMNS
from venoseg.angiography.projection import PROJECTION_COLUMNS
from venoseg.batch.selection import SELECTION_COLUMNS
from venoseg.followup.change import CHANGE_COLUMNS
from venoseg.followup.clinical import CLINICAL_COLUMNS
from venoseg.followup.patency import PATENCY_COLUMNS
from venoseg.lumen.stents.records import STENT_COLUMNS
from venoseg.lumen.tables.lesions import LESION_COLUMNS
from venoseg.lumen.tables.records import CROSS_SECTION_COLUMNS, SEGMENT_COLUMNS
from venoseg.tables import Column

if TYPE_CHECKING:
    import pyarrow

_STUDY = Column("study", "UID of the study, or its pseudonym")
_SERIES = Column("series_uid", "the series that was measured")
_RUN = Column("run", "which angiographic run of the study, from 1; empty for a CT")

RESULT_COLUMNS: tuple[Column, ...] = (
    _STUDY,
    Column("kind", "ct or angiogram"),
    _SERIES,
    _RUN,
    *SEGMENT_COLUMNS,
    Column("projected_minimum_diameter_px", "of an angiogram: smallest diameter", 3),
    Column("projected_minimum_diameter_mm", "of an angiogram: the same, where calibrated", 3),
    Column("length_kind", "of an angiogram: calibrated, isocentre, detector or pixel"),
    Column(
        "projected_diameter_stenosis_percent",
        "of an angiogram: largest stenosis against the computer-calculated reference",
        2,
    ),
)

SECTION_COLUMNS: tuple[Column, ...] = (_STUDY, _SERIES, *CROSS_SECTION_COLUMNS)

BATCH_LESION_COLUMNS: tuple[Column, ...] = (_STUDY, _SERIES, *LESION_COLUMNS)

BATCH_STENT_COLUMNS: tuple[Column, ...] = (_STUDY, _SERIES, *STENT_COLUMNS)

BATCH_PROJECTED_LESION_COLUMNS: tuple[Column, ...] = (
    _STUDY,
    _SERIES,
    _RUN,
    *PROJECTED_LESION_COLUMNS,
)

BATCH_PROJECTION_COLUMNS: tuple[Column, ...] = (_STUDY, _SERIES, _RUN, *PROJECTION_COLUMNS)

_CASE = Column("case", "the case: that of its first study, `case-STUDY`")

CASE_COLUMNS: tuple[Column, ...] = (
    _CASE,
    Column("origin", "what pairs its studies: manifest or dates"),
    Column("patient", "as in the manifest; empty where dates pair the studies"),
    Column("timepoint", "label of the timepoint; that of a date counts the days from the first"),
    Column("visit", "label of the visit, as the tables of changes name it"),
    Column("day", "days since the case's day 0"),
    Column("study", "UID of the study, or its pseudonym"),
    Column("part", "which part of it is compared: ct, or angio and the number of the run"),
    Column("compared", "whether it is"),
    Column("reason", "why not"),
)

BATCH_CHANGE_COLUMNS: tuple[Column, ...] = (_CASE, *CHANGE_COLUMNS)

BATCH_PATENCY_COLUMNS: tuple[Column, ...] = (_CASE, *PATENCY_COLUMNS)

BATCH_CLINICAL_COLUMNS: tuple[Column, ...] = (_CASE, *CLINICAL_COLUMNS)

FAILURE_COLUMNS: tuple[Column, ...] = (
    Column("study", "the study, by its UID or pseudonym, or the case; of a file, a digest of it"),
    Column("part", "ct, or angio and the number of the run; empty: the study or case as a whole"),
    Column("stage", "what was being done"),
    Column("reason", "why it failed"),
    Column("remedy", "what can be done about it"),
)

__all__ = [
    "BATCH_CHANGE_COLUMNS",
    "BATCH_CLINICAL_COLUMNS",
    "BATCH_LESION_COLUMNS",
    "BATCH_PATENCY_COLUMNS",
    "BATCH_PROJECTED_LESION_COLUMNS",
    "BATCH_PROJECTION_COLUMNS",
    "BATCH_STENT_COLUMNS",
    "CASE_COLUMNS",
    "FAILURE_COLUMNS",
    "RESULT_COLUMNS",
    "SECTION_COLUMNS",
    "SELECTION_COLUMNS",
    "schema_of",
]

# Columns that hold neither text nor figures with decimals.
_WHOLE = {
    "lumen_components",
    "run",
    "series_number",
    "images",
    "stent",
    "fracture_candidates",
    "day",
    "days",
}
_TRUTH = {
    "covered",
    "occluded",
    "chosen",
    "compared",
    "primary",
    "primary_assisted",
    "secondary",
}


def schema_of(columns: tuple[Column, ...]) -> pyarrow.Schema:
    """Return the types of a table, the same whatever its rows hold, with every column's meaning."""
    import pyarrow

    def kind(column: Column) -> Any:
        if column.decimals is not None:
            return pyarrow.float64()
        if column.name in _WHOLE:
            return pyarrow.int64()
        return pyarrow.bool_() if column.name in _TRUTH else pyarrow.string()

    return pyarrow.schema(
        [
            pyarrow.field(column.name, kind(column), metadata={"meaning": column.meaning})
            for column in columns
        ]
    )
