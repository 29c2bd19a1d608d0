"""A regular series becomes a volume with every voxel where it belongs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from venoseg.dicom import read_study, scan
from venoseg.errors import InputError, SeriesError


def column(n: int, step: float = 1.5, start=(-40.0, -30.0, 10.0)) -> list[tuple[float, ...]]:
    x, y, z = start
    return [(x, y, z + k * step) for k in range(n)]


def all_points(volume) -> np.ndarray:
    index = np.stack(np.meshgrid(*map(np.arange, volume.grid.shape), indexing="ij"), axis=-1)
    return volume.grid.to_lps(index)


def test_every_voxel_lies_where_the_header_puts_it(ct, truth):
    ct.series(column(5))
    volume = read_study(ct.folder).ct()
    assert volume.voxels.shape == (5, 12, 10)
    assert volume.voxels.dtype == np.int16
    assert volume.unit == "HU"
    assert volume.missing is None
    np.testing.assert_allclose(volume.grid.spacing_mm, (1.5, 0.8, 0.7))
    np.testing.assert_allclose(volume.voxels, truth(all_points(volume)), atol=0.5)
    assert volume.source.geometry_residual_mm < 1e-5
    assert volume.source.flags == ()


def test_files_in_any_order_and_folder_give_the_same_volume(ct):
    ct.series(list(reversed(column(4))))
    for k, path in enumerate(sorted(ct.folder.iterdir())):
        (ct.folder / f"sub{k % 2}").mkdir(exist_ok=True)
        path.rename(ct.folder / f"sub{k % 2}" / f"{9 - k}.jpg")
    (ct.folder / "notes.txt").write_text("not an image")
    volume = read_study(ct.folder).ct()
    assert volume.grid.to_lps((0, 0, 0)).tolist() == [-40, -30, 10]
    assert volume.grid.directions[2, 0] == 1


def test_slices_are_named_in_the_order_of_the_grid(ct):
    ct.series(list(reversed(column(4))))
    study = read_study(ct.folder)
    headers = study.series[0].headers()
    assert [h.SOPInstanceUID for h in headers] == list(study.ct().source.sop_instance_uids)
    assert [float(h.ImagePositionPatient[2]) for h in headers] == [10, 11.5, 13, 14.5]
    assert "PixelData" not in headers[0]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    flips=st.tuples(st.booleans(), st.booleans()),
    backwards=st.booleans(),
)
def test_any_orientation_and_flip_keeps_every_voxel_in_place(
    new_ct, truth, angles, flips, backwards
):
    ct = new_ct()
    row, down, normal = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    row, down = (row, -row)[flips[0]], (down, -down)[flips[1]]
    positions = [np.array([5.0, -8.0, 20.0]) + k * 2.0 * normal for k in range(4)]
    if backwards:
        positions.reverse()
    ct.series(positions, orientation=(*row, *down))
    volume = read_study(ct.folder).ct()
    np.testing.assert_allclose(volume.voxels, truth(all_points(volume)), atol=0.55)
    assert volume.source.geometry_residual_mm < 1e-4


def test_slices_closer_than_they_are_thick_are_a_regular_series(ct):
    ct.series(column(4, step=2.5), SliceThickness=3.0, SpacingBetweenSlices=3.0)
    volume = read_study(ct.folder).ct()
    assert volume.grid.spacing_mm[0] == pytest.approx(2.5)
    assert volume.source.slice_thickness_mm == 3.0


def test_positions_rounded_to_a_tenth_are_regular_and_their_residual_is_reported(ct):
    ct.series([(0, 0, round(k * 0.625, 1)) for k in range(40)])
    source = read_study(ct.folder).ct().source
    assert 0.02 < source.geometry_residual_mm <= 0.07
    assert source.flags == ()


def test_two_series_are_listed_and_each_can_be_named(ct):
    first = ct.series(column(3), hu=lambda p: 0 * p[..., 0] + 11, SeriesNumber=2)
    second = ct.series(column(5), hu=lambda p: 0 * p[..., 0] + 22, SeriesNumber=1)
    study = read_study(ct.folder)
    assert [s.series_uid for s in study.series] == [second, first]
    assert study.ct(first).voxels.max() == 11
    assert study.ct(second).voxels.max() == 22
    with pytest.raises(SeriesError, match=r"no series 1\.2\.3"):
        study.ct("1.2.3")


def test_a_frame_of_reference_of_its_own_on_every_slice_is_remarked_not_believed(ct):
    def own(dataset, number):
        dataset.FrameOfReferenceUID = f"1.2.3.{number}"

    ct.series(column(4), edit=own)
    study = read_study(ct.folder)
    assert study.ct().voxels.shape[0] == 4
    assert study.ct().source.frame_of_reference_uid is None
    assert any("frame of reference" in p for p in study.series[0].problems)


@pytest.mark.parametrize(
    "missing", ["ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"]
)
def test_geometry_that_is_not_stated_is_refused(ct, missing):
    ct.series(column(3), edit=lambda dataset, _: delattr(dataset, missing))
    with pytest.raises(SeriesError, match=r"series 3 \([\d.]+\): .*do not state"):
        read_study(ct.folder).series[0].read()


def test_a_single_image_is_refused(ct):
    ct.series(column(1))
    with pytest.raises(SeriesError, match="single image"):
        read_study(ct.folder).ct()


def test_no_name_or_identifier_of_the_patient_is_in_any_message(ct):
    folder = ct.folder / "DOE^JANE"
    ct.folder = folder
    ct.series(column(3))
    path = min(folder.iterdir())
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(InputError) as caught:
        read_study(folder.parent).ct()
    assert "DOE" not in str(caught.value)
    assert "IM00001" in str(caught.value)


def test_a_truncated_file_is_named(ct):
    ct.series(column(3))
    path = sorted(ct.folder.iterdir())[1]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="IM00002"):
        read_study(ct.folder).ct()


def test_no_such_path_empty_folder_and_folder_without_images_are_told_apart(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_study(tmp_path / "nothing")
    with pytest.raises(InputError, match="empty"):
        read_study(tmp_path)
    (tmp_path / "a.txt").write_text("words")
    with pytest.raises(InputError, match="no DICOM image"):
        read_study(tmp_path)


def test_several_studies_are_listed_but_not_mixed(ct):
    ct.series(column(3))
    ct.study = "1.2.3.4"
    ct.series(column(3))
    assert len(scan(ct.folder).studies) == 2
    with pytest.raises(InputError, match="2 studies"):
        read_study(ct.folder)
