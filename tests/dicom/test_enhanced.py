"""Enhanced CT and Legacy Converted Enhanced CT: many frames in one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import generate_uid

from venoseg.dicom import read_study
from venoseg.errors import SeriesError

ENHANCED = "1.2.840.10008.5.1.4.1.1.2.1"
LEGACY = "1.2.840.10008.5.1.4.1.1.2.2"


def group(**elements) -> Items:
    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return Items([dataset])


@pytest.fixture
def enhanced(ct, truth):
    """A function that writes one enhanced file with the frames at the heights given."""

    def write(
        heights: Sequence[float],
        *,
        sop_class: str = ENHANCED,
        own: Callable[[int, Dataset], None] | None = None,
        hu: Callable[[np.ndarray], np.ndarray] = truth,
        rescale: Sequence[tuple[float, float]] | None = None,
        **elements,
    ) -> None:
        dataset = ct._header(generate_uid(), 0, (0, 0, 0), (1, 0, 0, 0, 1, 0), (1, 1), (12, 10))
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
            delattr(dataset, keyword)
        dataset.SOPClassUID, dataset.NumberOfFrames = sop_class, len(heights)
        shared, frames, stored = Dataset(), [], []
        shared.PixelMeasuresSequence = group(PixelSpacing=[0.8, 0.7], SliceThickness=2)
        shared.PlaneOrientationSequence = group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
        if rescale is None:
            shared.PixelValueTransformationSequence = group(
                RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU"
            )
        j, i = np.mgrid[:12, :10]
        for n, z in enumerate(heights):
            frame = Dataset()
            frame.PlanePositionSequence = group(ImagePositionPatient=[-40, -30, z])
            slope, intercept = rescale[n] if rescale else (1, -1024)
            if rescale:
                frame.PixelValueTransformationSequence = group(
                    RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="HU"
                )
            frame.FrameContentSequence = group(StackID="1", InStackPositionNumber=n + 1)
            if own:
                own(n, frame)
            frames.append(frame)
            points = np.stack([-40 + 0.7 * i, -30 + 0.8 * j, np.full(i.shape, z)], axis=-1)
            stored.append(np.rint((hu(points) - intercept) / slope).astype("<i2"))
        dataset.SharedFunctionalGroupsSequence = Items([shared])
        dataset.PerFrameFunctionalGroupsSequence = Items(frames)
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
        ct._pixels(dataset, np.array(stored), "1.2.840.10008.1.2.1")
        ct.save(dataset, "1.2.840.10008.1.2.1")

    write.folder = ct.folder
    return write


def assert_true(volume, truth) -> None:
    index = np.stack(np.meshgrid(*map(np.arange, volume.grid.shape), indexing="ij"), axis=-1)
    np.testing.assert_allclose(volume.voxels, truth(volume.grid.to_lps(index)), atol=0.51)


@pytest.mark.parametrize("sop_class", [ENHANCED, LEGACY])
def test_frames_in_any_order_become_one_volume(enhanced, truth, sop_class):
    enhanced([4, 0, 6, 2, 8], sop_class=sop_class)
    study = read_study(enhanced.folder)
    volume = study.ct()
    assert volume.voxels.shape == (5, 12, 10)
    assert volume.unit == "HU"
    np.testing.assert_allclose(volume.grid.spacing_mm, (2, 0.8, 0.7))
    assert_true(volume, truth)
    assert len(study.series[0].headers()) == 1


def test_a_rescale_of_each_frame_goes_before_the_shared_one(enhanced, truth):
    enhanced([0, 2, 4], rescale=[(1, -1024), (2, 0), (1, 100)])
    volume = read_study(enhanced.folder).ct()
    index = np.stack(np.meshgrid(*map(np.arange, volume.grid.shape), indexing="ij"), axis=-1)
    np.testing.assert_allclose(volume.voxels, truth(volume.grid.to_lps(index)), atol=1.01)


def test_temporal_positions_at_the_same_places_are_phases(enhanced):
    def phase(n, frame):
        frame.FrameContentSequence[0].TemporalPositionIndex = 1 + n // 4

    enhanced(
        [0, 2, 4, 6, 0, 2, 4, 6],
        own=phase,
        hu=lambda p: 0 * p[..., 0] + 50,
    )
    study = read_study(enhanced.folder)
    assert [s.images for s in study.series] == [4, 4]


def test_two_stacks_of_different_orientation_are_parts(enhanced, truth):
    def second(n, frame):
        if n >= 4:
            frame.PlaneOrientationSequence = group(ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
            frame.PlanePositionSequence = group(ImagePositionPatient=[-40, -30 + 2.0 * n, 50])

    enhanced([0, 2, 4, 6, 0, 0, 0], own=second)
    study = read_study(enhanced.folder)
    assert [s.images for s in study.series] == [4, 3]
    assert_true(study.series[0].read(), truth)


def test_a_missing_frame_is_a_gap(enhanced):
    enhanced([0, 2, 4, 8, 10])
    assert read_study(enhanced.folder).ct().source.gaps == ((2, 4),)


def test_frames_without_descriptions_are_refused(enhanced):
    enhanced([0, 2, 4], NumberOfFrames=2)
    found = read_study_or_error(enhanced.folder)
    assert "no DICOM image" in found or "damaged" in found


def read_study_or_error(folder) -> str:
    from venoseg.errors import InputError

    try:
        read_study(folder).ct()
    except (InputError, SeriesError) as error:
        return str(error)
    return ""


def test_a_parametric_map_is_not_called_hounsfield_units(enhanced):
    def unspecified(_, frame):
        frame.PixelValueTransformationSequence = group(
            RescaleSlope=1, RescaleIntercept=-1024, RescaleType="US"
        )

    enhanced([0, 2, 4], own=unspecified)
    assert read_study(enhanced.folder).ct().unit == "arbitrary"


@pytest.mark.shared
def test_the_public_enhanced_ct_is_a_volume_without_hounsfield_units(shared_data):
    source = shared_data / "pydicom_tricky" / "eCT_Supplemental.dcm"
    volume = read_study(source).ct()
    assert volume.voxels.shape == (2, 512, 512)
    assert volume.unit == "arbitrary"
    assert volume.grid.spacing_mm[0] == pytest.approx(10.0)
