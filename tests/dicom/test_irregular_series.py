"""Tilt, uneven steps, gaps, copies, phases and localizers: made right, or refused with a reason."""

from __future__ import annotations

import numpy as np
import pytest

from venoseg.dicom import read_study
from venoseg.errors import SeriesError


def column(n: int, step: float = 1.5) -> list[tuple[float, ...]]:
    return [(-40.0, -30.0, 10.0 + k * step) for k in range(n)]


def at(heights) -> list[tuple[float, ...]]:
    return [(-40.0, -30.0, float(z)) for z in heights]


def all_points(volume) -> np.ndarray:
    index = np.stack(np.meshgrid(*map(np.arange, volume.grid.shape), indexing="ij"), axis=-1)
    return volume.grid.to_lps(index)


def measured(volume) -> np.ndarray:
    return np.ones(volume.voxels.shape, bool) if volume.missing is None else ~volume.missing


def assert_true_everywhere(volume, truth, atol=1.13) -> None:
    """Every measured voxel holds the value of its own place.

    The tolerance is that of rounding alone: half a unit when stored, at most 1.25 times as much
    through the cubic's weights, and half a unit in the result.
    """
    found, expected = volume.voxels, truth(all_points(volume))
    inside = measured(volume)
    assert inside.any()
    np.testing.assert_allclose(found[inside], expected[inside], atol=atol)


@pytest.mark.parametrize("degrees", [-20, -2.8, 5, 20])
def test_a_tilted_gantry_is_straightened_and_flagged(ct, truth, degrees):
    angle = np.radians(degrees)
    orientation = (1, 0, 0, 0, np.cos(angle), -np.sin(angle))
    ct.series(column(30, 2.0), orientation=orientation, shape=(40, 30))
    volume = read_study(ct.folder).ct()
    assert volume.source.flags == ("tilt_corrected",)
    assert volume.source.sop_instance_uids == ()
    np.testing.assert_allclose(
        volume.grid.directions.T @ volume.grid.directions, np.eye(3), atol=1e-9
    )
    np.testing.assert_allclose(volume.grid.spacing_mm[0], 2.0 * np.cos(angle))
    assert_true_everywhere(volume, truth)
    # No slice lost more than the pixel at either end that a shift by a fraction costs.
    assert measured(volume).sum() >= 30 * 38 * 30


def test_a_tilt_too_small_to_matter_leaves_the_voxels_alone_and_reports_the_residual(ct, truth):
    angle = np.radians(0.1)
    ct.series(column(20), orientation=(1, 0, 0, 0, np.cos(angle), -np.sin(angle)))
    volume = read_study(ct.folder).ct()
    assert volume.source.flags == ()
    assert 0.02 < volume.source.geometry_residual_mm <= 0.1
    assert_true_everywhere(volume, truth, atol=1.0)


def test_blocks_of_one_and_three_millimetres_become_evenly_spaced(ct, truth):
    heights = [*range(10), *range(12, 40, 3), *range(40, 50)]
    ct.series(at(heights))
    volume = read_study(ct.folder).ct()
    assert volume.source.flags == ("resampled_uneven_slices",)
    assert volume.grid.spacing_mm[0] == pytest.approx(1.0)
    assert volume.grid.to_lps((0, 0, 0))[2] == pytest.approx(0.0)
    assert volume.voxels.shape[0] == 50
    assert volume.source.gaps == ()
    assert_true_everywhere(volume, truth)


def test_uneven_and_tilted_at_once(ct, truth):
    angle = np.radians(18.5)
    heights = [*np.arange(0, 40, 4.22), *np.arange(45, 90, 7.38)]
    ct.series(at(heights), orientation=(1, 0, 0, 0, np.cos(angle), -np.sin(angle)))
    volume = read_study(ct.folder).ct()
    assert volume.source.flags == ("tilt_corrected", "resampled_uneven_slices")
    assert_true_everywhere(volume, truth)


@pytest.mark.parametrize("renumbered", [False, True])
def test_a_missing_slice_is_listed_and_nothing_is_invented_in_its_place(ct, truth, renumbered):
    kept = [k for k in range(20) if k not in (7, 12, 13)]

    def numbers(dataset, i):
        dataset.InstanceNumber = i + 1 if renumbered else kept[i] + 1

    ct.series(at(1.25 * np.array(kept)), edit=numbers)
    study = read_study(ct.folder)
    volume = study.ct()
    assert volume.voxels.shape[0] == 20
    assert volume.source.gaps == ((6, 8), (11, 14))
    assert volume.source.flags == ("missing_slices",)
    assert [k for k in range(20) if volume.missing[k].all()] == [7, 12, 13]
    assert volume.source.sop_instance_uids[7] == ""
    assert volume.source.sop_instance_uids[8] != ""
    assert_true_everywhere(volume, truth)
    assert any("3 slices are missing in 2 gaps" in p for p in study.series[0].problems)


def test_every_other_slice_missing_in_a_stretch_is_gaps_when_the_numbers_jump(ct):
    kept = [0, 1, 2, 3, 4, 6, 8, 9, 10, 11]

    def numbers(dataset, i):
        dataset.InstanceNumber = kept[i] + 1

    ct.series(at(kept), edit=numbers)
    assert read_study(ct.folder).ct().source.gaps == ((4, 6), (6, 8))


def test_more_slices_missing_than_there_are_is_refused(ct):
    ct.series(at([0, 1, 2, 50, 51, 52]))
    with pytest.raises(SeriesError, match="missing"):
        read_study(ct.folder).ct()


def test_slices_shifted_sideways_are_refused(ct):
    positions = column(6)
    positions[3] = (-30.0, -30.0, positions[3][2])
    ct.series(positions)
    with pytest.raises(SeriesError, match="sideways"):
        read_study(ct.folder).ct()


def test_two_different_slices_at_one_place_are_refused(ct):
    uid = ct.series(column(3))
    ct.series(column(1), series_uid=uid, hu=lambda p: 0 * p[..., 0])
    with pytest.raises(SeriesError, match="same position and differ"):
        read_study(ct.folder).ct()


def test_the_same_file_twice_is_used_once_and_remarked(ct):
    ct.series(column(4))
    for path in sorted(ct.folder.iterdir())[:2]:
        (ct.folder / f"copy-{path.name}").write_bytes(path.read_bytes())
    study = read_study(ct.folder)
    assert study.ct().voxels.shape[0] == 4
    assert any("2 images are in the export twice" in p for p in study.series[0].problems)


def test_a_copy_under_another_name_of_its_own_is_used_once(ct):
    uid = ct.series(column(4))
    ct.series(column(2), series_uid=uid)
    study = read_study(ct.folder)
    assert study.ct().voxels.shape[0] == 4
    assert any("twice" in p for p in study.series[0].problems)


def test_two_different_images_with_one_identifier_are_refused(ct):
    def same(dataset, number):
        dataset.SOPInstanceUID = f"1.2.3.{number}"

    uid = ct.series(column(4), edit=same)
    ct.series(column(4), edit=same, series_uid=uid, hu=lambda p: 0 * p[..., 0] + 77)
    with pytest.raises(SeriesError, match="differ"):
        read_study(ct.folder).ct()


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("AcquisitionNumber", (1, 2)),
        ("TemporalPositionIdentifier", (1, 2)),
        ("AcquisitionTime", ("101500", "101630")),
        ("KVP", (80, 140)),
    ],
)
def test_two_phases_at_the_same_places_are_told_apart(ct, keyword, values):
    uid = None
    for value, hu in zip(values, (50, 150), strict=True):
        uid = ct.series(
            column(5),
            series_uid=uid,
            hu=lambda p, hu=hu: 0 * p[..., 0] + hu,
            **{keyword: value},
        )
    study = read_study(ct.folder)
    assert [s.part for s in study.series] == [1, 2]
    assert sorted(int(s.read().voxels.mean()) for s in study.series) == [50, 150]


def test_phases_are_told_apart_by_the_clock_of_every_single_slice(ct):
    uid = None
    for start, hu in ((100, 50), (200, 150)):

        def clock(dataset, number, start=start):
            dataset.ContentTime = f"1010{(start + number) // 10:02d}.{number}"

        uid = ct.series(
            column(5), series_uid=uid, edit=clock, hu=lambda p, hu=hu: 0 * p[..., 0] + hu
        )
    study = read_study(ct.folder)
    assert sorted(int(s.read().voxels.mean()) for s in study.series) == [50, 150]


def test_two_phases_half_a_step_apart_are_not_interleaved(ct):
    uid = ct.series(at(range(0, 20, 2)), AcquisitionNumber=1, hu=lambda p: 0 * p[..., 0] + 50)
    ct.series(
        at(range(1, 21, 2)), AcquisitionNumber=2, series_uid=uid, hu=lambda p: 0 * p[..., 0] + 150
    )
    study = read_study(ct.folder)
    assert [s.spacing_mm[0] for s in study.series] == [2.0, 2.0]


def test_step_and_shoot_with_a_number_for_every_turn_stays_one_series(ct):
    def turn(dataset, number):
        dataset.AcquisitionNumber = number // 4

    ct.series(column(16), edit=turn)
    assert len(read_study(ct.folder).series) == 1


def test_a_localizer_in_the_series_is_set_aside(ct, truth):
    uid = ct.series(column(5))
    ct.series(
        [(-100.0, -5.0, 60.0)],
        orientation=(1, 0, 0, 0, 0, -1),
        series_uid=uid,
        ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
    )
    study = read_study(ct.folder)
    assert [(s.kind, s.images) for s in study.series] == [("ct", 5), ("other", 1)]
    assert_true_everywhere(study.ct(), truth)


def test_two_orientations_two_sizes_two_kernels_in_one_series_are_parts(ct):
    uid = ct.series(column(5))
    ct.series([(-40.0, y, 50.0) for y in range(4)], orientation=(1, 0, 0, 0, 0, -1), series_uid=uid)
    ct.series(column(3), shape=(8, 8), series_uid=uid)
    ct.series(column(6), series_uid=uid, ConvolutionKernel="B70f")
    study = read_study(ct.folder)
    assert sorted(s.images for s in study.series if s.usable) == [3, 4, 5, 6]


def test_the_untouched_slices_stay_within_reach(ct, truth):
    angle = np.radians(15)
    orientation = (1, 0, 0, 0, np.cos(angle), -np.sin(angle))
    ct.series(column(4), orientation=orientation)
    originals = list(read_study(ct.folder).series[0].originals())
    assert len(originals) == 4
    for one in originals:
        j, i = np.mgrid[:12, :10]
        points = np.stack([j, i, np.ones_like(j)], axis=-1) @ one.affine.T
        np.testing.assert_allclose(one.values, truth(points), atol=0.5)


@pytest.mark.shared
def test_the_public_tilted_and_uneven_head_is_straightened(shared_data):
    study = read_study(shared_data / "ge_tilt_variable_spacing")
    volume = study.ct()
    assert volume.source.flags == ("tilt_corrected", "resampled_uneven_slices")
    originals = study.series[0].originals()
    # Where the grid meets an original slice (the first one), nothing but the shift was done to it.
    first = next(originals)
    corner = volume.grid.to_index(first.affine[:3, 2])
    assert corner[0] == pytest.approx(0, abs=1e-6)
    row, col = np.rint(corner[1:]).astype(int)
    np.testing.assert_allclose(corner[1:], (row, col), atol=1e-3)
    inside = ~volume.missing[0, row : row + 512, col : col + 512]
    found = volume.voxels[0, row : row + 512, col : col + 512]
    np.testing.assert_allclose(found[inside], first.values[inside])
