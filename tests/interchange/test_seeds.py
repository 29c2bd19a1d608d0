"""Seed points from JSON and from 3D Slicer."""

from __future__ import annotations

import json

import pytest

from venoseg.errors import InputError
from venoseg.interchange import read_seeds
from venoseg.segmentation import Seed


def saved(tmp_path, content, name="seeds.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def markups(system, *points, name="Points"):
    return {
        "markups": [
            {
                "type": "Fiducial",
                "name": name,
                "coordinateSystem": system,
                "controlPoints": [
                    {"label": label, "position": position, "positionStatus": status}
                    for label, position, status in points
                ],
            }
        ]
    }


def test_own_seeds_are_read(tmp_path):
    point = {"vessel": "ivc", "role": "central_end", "lps_mm": [1, -2.5, 3]}
    seeds = read_seeds(saved(tmp_path, {"points": [point]}))
    assert seeds == (Seed("ivc", "central_end", (1.0, -2.5, 3.0)),)


@pytest.mark.parametrize(
    ("system", "lps_mm"),
    [("LPS", (1, 2, 3)), ("RAS", (-1, -2, 3)), (0, (-1, -2, 3)), ("1", (1, 2, 3))],
)
def test_markups_of_either_coordinate_system_land_in_the_same_place(tmp_path, system, lps_mm):
    content = markups(system, ("ivc central_end", [1, 2, 3], "defined"))
    seeds = read_seeds(saved(tmp_path, content, "f.mrk.json"))
    assert seeds == (Seed("ivc", "central_end", lps_mm),)


def test_the_name_of_a_markups_list_may_name_the_vein(tmp_path):
    content = markups(
        "LPS",
        ("Peripheral end", [1, 2, 3], "defined"),
        ("F-2", [4, 5, 6], "defined"),
        ("F-3", [0, 0, 0], "undefined"),
        name="Left common iliac vein",
    )
    seeds = read_seeds(saved(tmp_path, content, "f.mrk.json"))
    assert seeds == (
        Seed("left_common_iliac_vein", "peripheral_end", (1, 2, 3)),
        Seed("left_common_iliac_vein", "waypoint", (4, 5, 6)),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "cannot be read as JSON"),
        ("[1]", "not a file of seed points"),
        ({"points": []}, "holds no seed point"),
        ({"points": [{"vessel": "ivc", "role": "central_end"}]}, "not a file of seed points"),
        (
            {"points": [{"vessel": "aorta", "role": "waypoint", "lps_mm": [0, 0, 0]}]},
            "'aorta' is not a vein",
        ),
        (
            {"points": [{"vessel": "ivc", "role": "proximal", "lps_mm": [0, 0, 0]}]},
            "'proximal' is not a role",
        ),
        (
            {"points": [{"vessel": "ivc", "role": "waypoint", "lps_mm": [0, 0]}]},
            "not a file of seed points",
        ),
        ('{"points": [{"vessel": "ivc", "role": "waypoint", "lps_mm": [0, 0, NaN]}]}', "finite"),
        (markups("LPS", ("F-1", [0, 0, 0], "defined")), "names no vein"),
        (markups("XYZ", ("ivc", [0, 0, 0], "defined")), "unknown coordinate system"),
    ],
)
def test_what_is_no_seed_file_is_refused_in_one_line(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read_seeds(saved(tmp_path, content))
    assert str(caught.value).startswith("seeds.json: ")
    assert "\n" not in str(caught.value)


def test_a_missing_seed_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such seed file"):
        read_seeds(tmp_path / "absent.json")
