"""One type for every column, whatever the rows hold."""

from __future__ import annotations

import pyarrow
import pytest

from venoseg.batch import columns
from venoseg.batch.columns import schema_of

TABLES = [getattr(columns, name) for name in columns.__all__ if name.endswith("_COLUMNS")]


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_named_once_and_figures_are_numbers(table):
    names = [column.name for column in table]
    assert len(set(names)) == len(names)
    schema = schema_of(table)
    for column in table:
        if column.decimals is not None:
            assert schema.field(column.name).type == pyarrow.float64()
    assert pyarrow.Table.from_pylist([], schema=schema).schema == schema


def test_whole_numbers_and_truths_are_no_texts():
    sections = schema_of(columns.SECTION_COLUMNS)
    assert sections.field("lumen_components").type == pyarrow.int64()
    stents = schema_of(columns.BATCH_STENT_COLUMNS)
    assert stents.field("stent").type == pyarrow.int64()
    assert schema_of(columns.RESULT_COLUMNS).field("covered").type == pyarrow.bool_()
