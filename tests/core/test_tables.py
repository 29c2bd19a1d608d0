"""Tables: what a figure looks like when it leaves the program."""

from __future__ import annotations

import csv
import io
import math

import pytest

from venoseg.tables import Column, Table

COLUMNS = (
    Column("vessel", "name"),
    Column("area_mm2", "area", 2),
    Column("lumens", "count"),
    Column("covered", "yes or no"),
)


def table(**values: object) -> Table:
    row = {"vessel": "ivc", "area_mm2": 1.0, "lumens": 1, "covered": True} | values
    return Table.from_rows(COLUMNS, [row])


def cells(made: Table) -> list[str]:
    return list(csv.reader(io.StringIO(made.to_csv())))[1]


def test_floats_are_rounded_to_the_decimals_their_column_deserves():
    made = table(area_mm2=123.456789)
    assert made.rows[0]["area_mm2"] == 123.46
    assert cells(made) == ["ivc", "123.46", "1", "true"]


def test_every_cell_of_a_column_has_the_same_decimals():
    assert cells(table(area_mm2=100.0))[1] == "100.00"


def test_what_was_not_measured_is_an_empty_cell_not_a_zero():
    made = table(area_mm2=None)
    assert cells(made)[1] == ""
    assert made.column("area_mm2") == [None]


def test_there_is_no_minus_zero():
    assert cells(table(area_mm2=-0.001))[1] == "0.00"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_figure_that_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match="area_mm2 is not finite"):
        table(area_mm2=value)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_a_spreadsheet_would_run_is_disarmed(start):
    expected = f"'{start}1+1".replace("\r", " ")
    assert cells(table(vessel=f"{start}1+1"))[0] == expected


def test_a_negative_figure_stays_a_figure():
    assert cells(table(area_mm2=-12.5))[1] == "-12.50"


def test_commas_quotes_and_line_breaks_survive_the_way_through_a_file(tmp_path):
    words = 'a "wide", vein\nindeed'
    made = table(vessel=words)
    made.to_csv(tmp_path / "table.csv")
    raw = (tmp_path / "table.csv").read_bytes()
    assert b"\r" not in raw
    assert list(csv.reader(io.StringIO(raw.decode("utf-8"))))[1][0] == words


def test_a_row_with_other_columns_is_refused():
    with pytest.raises(ValueError, match=r"lacks \['covered'\] and has unknown \['colour'\]"):
        Table.from_rows(COLUMNS, [{"vessel": "", "area_mm2": 1.0, "lumens": 1, "colour": "blue"}])


def test_a_table_without_rows_still_has_its_heads():
    assert Table.from_rows(COLUMNS, []).to_csv() == "vessel,area_mm2,lumens,covered\n"


def test_a_data_frame_has_the_same_columns_and_values():
    frame = table(area_mm2=2.345).to_pandas()
    assert list(frame.columns) == [column.name for column in COLUMNS]
    assert frame.loc[0, "area_mm2"] == pytest.approx(2.35, abs=0.0051)
