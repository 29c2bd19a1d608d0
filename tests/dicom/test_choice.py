"""Which CT series is measured when the user names none."""

from __future__ import annotations

import pytest

from venoseg.dicom import read_study
from venoseg.dicom.choice import kernel_class
from venoseg.dicom.phase import phase_of
from venoseg.errors import SeriesError


def column(n: int, step: float) -> list[tuple[float, ...]]:
    return [(-40.0, -30.0, 10.0 + k * step) for k in range(n)]


def chosen(ct, **kwargs) -> str:
    choice = read_study(ct.folder).choose_ct(**kwargs)
    assert choice.reason
    return choice.series.description


def test_the_venous_phase_goes_before_the_arterial(ct):
    ct.series(column(30, 10), SeriesDescription="ARTERIAL", SeriesNumber=1)
    ct.series(column(30, 10), SeriesDescription="Venous 90s", SeriesNumber=2)
    assert chosen(ct) == "Venous 90s"


def test_thin_slices_go_before_thick_ones(ct):
    ct.series(column(60, 5), SeriesDescription="thick", SliceThickness=5, SeriesNumber=1)
    ct.series(column(300, 1), SeriesDescription="thin", SliceThickness=1, SeriesNumber=2)
    assert chosen(ct) == "thin"


def test_a_series_that_covers_the_veins_goes_before_a_thinner_piece(ct):
    ct.series(column(60, 5), SeriesDescription="whole", SliceThickness=5, SeriesNumber=1)
    ct.series(column(40, 1), SeriesDescription="piece", SliceThickness=1, SeriesNumber=2)
    assert chosen(ct) == "whole"


def test_the_kernel_is_the_one_asked_for_and_soft_otherwise(ct):
    ct.series(column(30, 10), SeriesDescription="sharp", ConvolutionKernel="B70f", SeriesNumber=1)
    ct.series(column(30, 10), SeriesDescription="soft", ConvolutionKernel="B30f", SeriesNumber=2)
    assert chosen(ct) == "soft"
    assert chosen(ct, kernel="sharp") == "sharp"


def test_hounsfield_units_go_before_derived_maps(ct):
    ct.series(column(30, 10), SeriesDescription="iodine", RescaleType="MGML", SeriesNumber=1)
    ct.series(column(30, 10), SeriesDescription="plain ct", SeriesNumber=2)
    assert chosen(ct) == "plain ct"


def test_an_axial_series_goes_before_its_reformats(ct):
    positions = [(-40.0, 10.0 + 10 * k, -30.0) for k in range(30)]
    coronal = (1, 0, 0, 0, 0, -1)
    ct.series(positions, orientation=coronal, SeriesDescription="coronal", SeriesNumber=1)
    ct.series(column(30, 10), SeriesDescription="axial", SeriesNumber=2)
    assert chosen(ct) == "axial"


def test_without_a_usable_series_every_fault_is_named(ct):
    ct.series(column(1, 1), SeriesNumber=5)
    with pytest.raises(SeriesError, match=r"series 5 .*single image"):
        read_study(ct.folder).choose_ct()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("B30f", "soft"), ("Br40d\\3", "soft"), ("Qr59", "sharp"), ("I70f", "sharp"),
        ("STANDARD", "soft"), ("BONE", "sharp"), ("FC08", "soft"), ("FC52", "sharp"),
        ("LUNG", "sharp"), ("YC", "sharp"), ("", None), ("whatever", None),
    ],
)  # fmt: skip
def test_kernels_are_told_apart_by_the_names_of_the_makers(name, found):
    assert kernel_class(name) == found


@pytest.mark.parametrize(
    ("description", "phase"),
    [
        ("ABD PORTAL VENOUS 1.0", "venous"),
        ("PV 70s", "venous"),
        ("Art. Phase", "arterial"),
        ("CTA abdomen", "arterial"),
        ("NATIV", "native"),
        ("w/o contrast", "native"),
        ("Spaetphase", "delayed"),
        ("delayed 5 min", "delayed"),
        ("THIN SOFT", ""),
        ("party", ""),
    ],
)
def test_phases_are_read_from_the_words_of_radiographers(ct, description, phase):
    ct.series(column(2, 1), SeriesDescription=description)
    assert phase_of(read_study(ct.folder).series[0].slices) == phase


@pytest.mark.parametrize(("clock", "phase"), [("101025", "arterial"), ("101120", "venous")])
def test_a_phase_without_words_is_read_from_the_clock(ct, clock, phase):
    ct.series(column(2, 1), AcquisitionTime=clock, ContrastBolusStartTime="101000")
    assert read_study(ct.folder).series[0].phase == phase
