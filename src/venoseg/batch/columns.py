"""The columns of a batch's tables: those of a study's own tables behind the study they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from venoseg.angiography.lesions import LESION_COLUMNS as PROJECTED_LESION_COLUMNS
from venoseg.angiography.projection import PROJECTION_COLUMNS
from venoseg.batch.selection import SELECTION_COLUMNS
from venoseg.lumen.lesions import LESION_COLUMNS
from venoseg.lumen.records import CROSS_SECTION_COLUMNS, SEGMENT_COLUMNS
from venoseg.lumen.stent_records import STENT_COLUMNS
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

FAILURE_COLUMNS: tuple[Column, ...] = (
    Column("study", "UID of the study, or its pseudonym; of a damaged file, a digest of it"),
    Column("part", "ct, or angio and the number of the run; empty: the study as a whole"),
    Column("stage", "what was being done"),
    Column("reason", "why it failed"),
    Column("remedy", "what can be done about it"),
)

__all__ = [
    "BATCH_LESION_COLUMNS",
    "BATCH_PROJECTED_LESION_COLUMNS",
    "BATCH_PROJECTION_COLUMNS",
    "BATCH_STENT_COLUMNS",
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
}
_TRUTH = {"covered", "occluded", "chosen"}


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
