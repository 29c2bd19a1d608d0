"""What the structured report of a venogram says of its calibration."""

from __future__ import annotations

from typing import get_args

import pytest

from venoseg.dicom.calibration import CalibrationKind
from venoseg.interchange.sr_codes import PRIVATE_SCHEME
from venoseg.interchange.venogram_reports import calibration_evaluations


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        ("isocentre", ["122486"]),
        ("geometry", ["122487"]),
        ("fiducial", ["122488"]),
        ("marker", ["122488"]),
        ("catheter", ["122488", "19923001"]),
        ("ruler", ["122488", "102304005"]),
        ("stent", ["122488", "65818007"]),
    ],
)
def test_a_calibration_is_named_by_the_codes_that_dicom_has(
    kind: CalibrationKind, codes: list[str]
) -> None:
    assert [one.value.value for one in calibration_evaluations(kind)] == codes


def test_only_what_has_no_code_is_private() -> None:
    private = {
        kind
        for kind in get_args(CalibrationKind)
        for one in calibration_evaluations(kind)
        if one.value.scheme == PRIVATE_SCHEME
    }
    assert private == {"object_spacing", "detector", "none"}
