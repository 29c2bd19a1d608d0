"""`venoseg measure` on public scans of people."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import venoseg
from venoseg.cli import main

pytestmark = pytest.mark.shared

AORTA, IVC = 52, 63


def measured(out: Path, *words: str | Path) -> dict[str, list[dict[str, str]]]:
    """Run `venoseg measure` and return the stations by vein."""
    assert main(["measure", *map(str, words), "-o", str(out), "--quiet"]) == 0
    veins: dict[str, list[dict[str, str]]] = {}
    with (out / "cross_sections.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            veins.setdefault(row["vessel"], []).append(row)
    return veins


def figures(stations: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in stations if row[name]])


@pytest.fixture(scope="module", params=["example_seg_fast_force_split.nii.gz", "seg_v1"])
def pelvis(request, shared_data, tmp_path_factory) -> tuple[dict, Path]:
    folder = shared_data / "ts_example_ct_iliac"
    out = tmp_path_factory.mktemp("pelvis") / "out"
    image = folder / "example_ct.nii.gz"
    return measured(out, image, "--labels", folder / request.param, "--step=2"), out


def test_the_pelvis_has_three_veins_joined_in_a_tree(pelvis):
    veins, out = pelvis
    assert list(veins) == ["ivc", "left_iliac_vein", "right_iliac_vein"]
    tree = json.loads((out / "centerline.json").read_text())
    assert {b["vessel"]: b["parent"] for b in tree["branches"]} == {
        "ivc": None,
        "left_iliac_vein": "ivc",
        "right_iliac_vein": "ivc",
    }
    assert tree["branches"][0]["central_end"] == "open"


def test_right_is_on_the_patients_right_and_veins_run_downwards(pelvis):
    veins, out = pelvis
    confluence = json.loads((out / "centerline.json").read_text())["confluence_lps_mm"]
    left, right = (figures(veins[f"{side}_iliac_vein"], "x_mm") for side in ("left", "right"))
    assert right[-1] < confluence[0] - 20
    assert left[-1] > confluence[0] + 20
    assert right[-1] < figures(veins["ivc"], "x_mm").mean() < left[-1]
    for stations in veins.values():
        heights = figures(stations, "z_mm")
        assert heights[0] > heights[-1] + 50


def test_veins_have_the_calibre_of_veins(pelvis):
    veins, _ = pelvis
    assert 14 < np.median(figures(veins["ivc"], "equivalent_diameter_mm")) < 28
    for side in ("left", "right"):
        assert 9 < np.median(figures(veins[f"{side}_iliac_vein"], "equivalent_diameter_mm")) < 18


def test_the_gray_boundary_is_refused_because_nothing_is_enhanced(pelvis):
    veins, _ = pelvis
    for stations in veins.values():
        for row in stations:
            if row["lumen_area_mm2"]:
                assert "gray_refused_not_enhanced" in row["flags"].split()


@pytest.fixture(scope="module")
def abdomen(shared_data) -> Path:
    return shared_data / "ts_example_ct_dicom"


@pytest.fixture(scope="module")
def labels(abdomen) -> Path:
    return abdomen / "example_seg_dicom.nii.gz"


def label_centre_lps(path: Path, value: int) -> np.ndarray:
    """Centre of a label by ITK, which knows nothing of this software's axes."""
    image = sitk.ReadImage(str(path))
    index = np.argwhere(sitk.GetArrayFromImage(image) == value).mean(axis=0)
    return np.array(image.TransformContinuousIndexToPhysicalPoint(index[::-1].tolist()))


def test_nifti_labels_lie_where_the_dicom_ct_shows_the_vessels(abdomen, labels):
    """The aorta is the brightest tube of an arterial phase: only the right way round fits."""
    ct = venoseg.read_study(abdomen).ct()
    aorta = venoseg.read_labels(labels, ct, {AORTA: "ivc"}).mask("ivc")
    values = ct.voxels.astype(np.float64)
    # It runs along the slices: turned over, it still overlaps itself and loses less.
    for axis, loss_hu in ((0, 15), (1, 60), (2, 60)):
        assert values[aorta].mean() > values[np.flip(aorta, axis)].mean() + loss_hu


def test_the_cava_is_found_to_the_right_of_the_aorta(abdomen, labels, tmp_path):
    stations = measured(tmp_path / "out", abdomen, "--labels", labels)["ivc"]
    centre = [figures(stations, f"{axis}_mm").mean() for axis in "xyz"]
    aorta, ivc = (label_centre_lps(labels, value) for value in (AORTA, IVC))
    assert aorta[0] - ivc[0] > 20
    assert np.hypot(centre[0] - ivc[0], centre[1] - ivc[1]) < 5
    assert centre[0] < aorta[0] - 20
    diameters = figures(stations, "equivalent_diameter_mm")
    assert len(diameters) > 20
    assert 12 < diameters.min() < diameters.max() < 30


def test_the_tip_of_a_vein_inside_the_confluence_is_no_stenosis(pelvis):
    veins, _ = pelvis
    for side in ("left", "right"):
        assert figures(veins[f"{side}_iliac_vein"], "equivalent_diameter_mm").min() > 8
