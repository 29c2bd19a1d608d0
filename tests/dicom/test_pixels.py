"""Stored pixels and values: every encoding gives the same numbers, or a refusal."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, generate_frames

from venoseg.dicom import assemble, read_study
from venoseg.dicom.header import read_image
from venoseg.dicom.pixels import open_frames
from venoseg.dicom.sources import Location
from venoseg.errors import DecodeError, InputError, SeriesError

SYNTAX_FOLDER = "ct_one_image_15_syntaxes"
LOSSLESS = [
    "CTImage.dcm_BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2.dcm",
    "CTImage.dcm_DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm",
    "CTImage.dcm_JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm",
    "CTImage.dcm_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm",
    "CTImage.dcm_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm",
    "CTImage.dcm_JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57.dcm",
    "CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm",
    "CTImage.dcm_LittleEndianImplicitTransferSyntax_1.2.840.10008.1.2.dcm",
    "CTImage.dcm_RLELosslessTransferSyntax_1.2.840.10008.1.2.5.dcm",
]
# Mean difference from the reference in HU that the encoder's own loss explains.
LOSSY = {
    "CTImage.dcm_JPEG2000TransferSyntax_1.2.840.10008.1.2.4.91.dcm": 1.0,
    "CTImage.dcm_JPEGLSLossyTransferSyntax_1.2.840.10008.1.2.4.81.dcm": 1.0,
    "CTImage.dcm_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm": 4.0,
    "CTImage.dcm_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm": 4.0,
    "CTImage.dcm_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm": 4.0,
    "CTImage.dcm_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm": 20.0,
}


def column(n: int, step: float = 1.5) -> list[tuple[float, ...]]:
    return [(-40.0, -30.0, 10.0 + k * step) for k in range(n)]


def image_of(path):
    image = read_image(Location(str(path), None, 0, path.stat().st_size))
    assert image is not None
    return image


def stored(path, frame: int = 0) -> np.ndarray:
    with open_frames(image_of(path)) as reader:
        return reader.read(frame)


@pytest.mark.shared
@pytest.mark.parametrize("name", LOSSLESS)
def test_every_lossless_syntax_equals_the_reference_bit_by_bit(shared_data, name, capfd):
    reference = dcmread(shared_data / SYNTAX_FOLDER / "CTImage.dcm").pixel_array
    found = stored(shared_data / SYNTAX_FOLDER / name)
    assert found.dtype == reference.dtype == np.int16
    np.testing.assert_array_equal(found, reference)
    assert capfd.readouterr().err == ""


@pytest.mark.shared
@pytest.mark.parametrize(("name", "limit_hu"), LOSSY.items())
def test_every_lossy_syntax_is_close_to_the_reference(shared_data, name, limit_hu, capfd):
    reference = dcmread(shared_data / SYNTAX_FOLDER / "CTImage.dcm").pixel_array - 1024.0
    plane = image_of(shared_data / SYNTAX_FOLDER / name).planes[0]
    hu = stored(shared_data / SYNTAX_FOLDER / name) * plane.slope + plane.intercept
    assert np.abs(hu - reference).mean() < limit_hu
    # A decoder's own words about a file that it reads well are no user's business.
    assert capfd.readouterr().err == ""


@pytest.mark.shared
@pytest.mark.parametrize("plugin", ["gdcm", "pylibjpeg", "pyjpegls"])
def test_a_second_decoder_agrees_wherever_there_is_one(shared_data, plugin):
    from pydicom.pixels import get_decoder

    compared = 0
    for path in sorted((shared_data / SYNTAX_FOLDER).glob("*.dcm")):
        dataset = dcmread(path)
        try:
            decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
            other, _ = decoder.as_array(dataset, decoding_plugin=plugin, raw=True)
        except (NotImplementedError, ValueError, RuntimeError):
            continue
        frame = other if other.ndim == 2 else other[0]
        np.testing.assert_array_equal(stored(path), frame)
        compared += 1
    assert compared >= 2


@pytest.mark.shared
def test_an_enhanced_image_of_fragments_without_a_table_gives_both_frames(shared_data):
    path = shared_data / SYNTAX_FOLDER / "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm"
    reference = shared_data / "pydicom_tricky" / "eCT_Supplemental.dcm"
    for frame in (0, 1):
        found = stored(path, frame).astype(int)
        # The same perfusion map as the uncompressed sibling, up to the loss of the encoder.
        expected = stored(reference, frame).astype(int)
        assert found.shape == expected.shape
    assert not np.array_equal(stored(path, 0), stored(path, 1))


@pytest.mark.shared
@pytest.mark.parametrize("name", ["693_J2KR.dcm", "J2K_pixelrep_mismatch.dcm", "bad_sequence.dcm"])
def test_signs_and_odd_headers_are_read_as_pydicom_reads_them(shared_data, name):
    path = shared_data / "pydicom_tricky" / name
    np.testing.assert_array_equal(stored(path), dcmread(path).pixel_array)


@pytest.mark.shared
def test_a_frame_that_is_too_short_is_refused_and_the_file_named(shared_data):
    path = shared_data / "pydicom_tricky" / "MR_truncated.dcm"
    with pytest.raises(DecodeError, match=r"MR_truncated\.dcm: its pixels need 8192 bytes"):
        stored(path)


def compress(path, syntax: str) -> None:
    """Compress a file in place with pydicom's own encoders."""
    dataset = dcmread(path)
    dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(path)


COMPRESSED = ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"]


@pytest.mark.parametrize("syntax", COMPRESSED)
@pytest.mark.parametrize("dtype", ["<i2", "<u2"])
def test_compressed_slices_equal_the_uncompressed_ones(ct, syntax, dtype):
    ct.series(column(3), dtype=dtype, shape=(64, 64))
    plain = read_study(ct.folder).ct()
    for path in ct.folder.iterdir():
        compress(path, syntax)
    np.testing.assert_array_equal(read_study(ct.folder).ct().voxels, plain.voxels)


def test_slices_decoded_by_several_processes_equal_those_of_one(ct, monkeypatch):
    def hole(points):
        return np.where(points[..., 0] < -38, -3000.0, points[..., 2])

    ct.series(column(20), hu=hole, PixelPaddingValue=-1976, dtype="<i2")
    for path in ct.folder.iterdir():
        compress(path, COMPRESSED[1])
    alone = read_study(ct.folder).ct()
    monkeypatch.setattr(assemble, "SHARED_PIXELS", 10)
    monkeypatch.setattr(assemble, "usable_cores", lambda: 2)
    together = read_study(ct.folder).ct()
    np.testing.assert_array_equal(together.voxels, alone.voxels)
    np.testing.assert_array_equal(together.missing, alone.missing)
    assert together.missing.any()


def test_a_failure_in_another_process_still_names_the_file(ct, monkeypatch):
    ct.series(column(20))
    for path in ct.folder.iterdir():
        compress(path, COMPRESSED[1])
    broken = sorted(ct.folder.iterdir())[13]
    broken.write_bytes(broken.read_bytes()[:-40])
    monkeypatch.setattr(assemble, "SHARED_PIXELS", 10)
    monkeypatch.setattr(assemble, "usable_cores", lambda: 2)
    with pytest.raises(DecodeError, match=broken.name):
        read_study(ct.folder).ct()


def damage_frame(path, change) -> None:
    dataset = dcmread(path)
    frames = list(generate_frames(dataset.PixelData, number_of_frames=1))
    dataset.PixelData = encapsulate([change(frames[0])])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)


@pytest.mark.parametrize("syntax", COMPRESSED[1:])
def test_a_frame_without_its_end_is_refused_not_padded(ct, syntax):
    ct.series(column(2), shape=(64, 64))
    path = min(ct.folder.iterdir())
    compress(path, syntax)
    damage_frame(path, lambda frame: frame[: len(frame) // 2])
    with pytest.raises(DecodeError, match=f"{path.name}: a compressed frame is cut off"):
        read_study(ct.folder).ct()


@pytest.mark.parametrize("syntax", COMPRESSED)
def test_a_frame_of_another_size_is_refused(ct, syntax):
    ct.series(column(2), shape=(64, 64))
    for path in ct.folder.iterdir():
        compress(path, syntax)
        dataset = dcmread(path)
        dataset.Rows = 70
        dataset.save_as(path)
    with pytest.raises(DecodeError):
        read_study(ct.folder).ct()


# --- values ------------------------------------------------------------------------------------


def constant(hu: float):
    return lambda points: 0 * points[..., 0] + hu


@pytest.mark.parametrize("dtype", ["<u1", "<i1", "<u2", "<i2", "<u4", "<i4"])
def test_every_depth_and_sign_gives_the_same_hounsfield_units(ct, dtype):
    ct.series(column(2), dtype=dtype, hu=lambda p: 10 + 0.9 * p[..., 1] + p[..., 2], intercept=-40)
    volume = read_study(ct.folder).ct()
    index = np.stack(np.meshgrid(*map(np.arange, volume.grid.shape), indexing="ij"), axis=-1)
    points = volume.grid.to_lps(index)
    np.testing.assert_allclose(volume.voxels, 10 + 0.9 * points[..., 1] + points[..., 2], atol=0.51)
    assert volume.voxels.dtype == np.int16


@pytest.mark.parametrize("ending", ["", ".2", ".1.99"])
def test_every_uncompressed_syntax_gives_the_same_volume(ct, truth, ending):
    ct.series(column(3), syntax="1.2.840.10008.1.2" + ending)
    volume = read_study(ct.folder).ct()
    index = np.stack(np.meshgrid(*map(np.arange, volume.grid.shape), indexing="ij"), axis=-1)
    np.testing.assert_allclose(volume.voxels, truth(volume.grid.to_lps(index)), atol=0.51)


def test_a_rescale_of_its_own_on_every_slice_is_applied_to_that_slice(ct, truth):
    def own(dataset, number):
        dataset.RescaleSlope = [1.0, 0.5, 0.25][number]
        dataset.RescaleIntercept = [-1024.0, -500.0, -100.5][number]

    ct.series(column(3), edit=own)
    volume = read_study(ct.folder).ct()
    index = np.stack(np.meshgrid(*map(np.arange, volume.grid.shape), indexing="ij"), axis=-1)
    assert volume.voxels.dtype == np.float32
    np.testing.assert_allclose(volume.voxels, truth(volume.grid.to_lps(index)), atol=0.51)


def test_values_beyond_int16_become_float_rather_than_wrap_round(ct):
    ct.series(column(2), dtype="<u2", hu=constant(40000), intercept=0)
    volume = read_study(ct.folder).ct()
    assert volume.voxels.dtype == np.float32
    assert (volume.voxels == 40000).all()


def test_declared_padding_is_missing(ct):
    def edge(points):
        return np.where(points[..., 0] < -38, -3024.0, 40.0)

    ct.series(column(2), hu=edge, PixelPaddingValue=-2000)
    volume = read_study(ct.folder).ct()
    assert volume.missing is not None
    assert set(np.unique(volume.voxels[~volume.missing])) == {40}
    assert volume.missing.any(axis=(1, 2)).all()


def test_padding_written_with_the_wrong_type_is_padding_all_the_same(ct):
    def wrong(dataset, _):
        dataset.add_new(0x00280120, "US", 65536 - 2000)

    ct.series(column(2), hu=lambda p: np.where(p[..., 0] < -38, -3024.0, 40.0), edit=wrong)
    volume = read_study(ct.folder).ct()
    assert volume.missing is not None
    assert set(np.unique(volume.voxels[~volume.missing])) == {40}


def test_a_range_of_padding_is_missing(ct):
    ct.series(
        column(2),
        hu=lambda p: np.where(p[..., 0] < -38, -3024.0, np.where(p[..., 0] < -36, -3020, 40.0)),
        PixelPaddingValue=-2000,
        PixelPaddingRangeLimit=-1990,
    )
    volume = read_study(ct.folder).ct()
    assert set(np.unique(volume.voxels[~volume.missing])) == {40}


def test_padding_outside_the_field_of_view_is_missing_even_when_nobody_declared_it(ct):
    ct.series(column(2), hu=lambda p: np.where(p[..., 0] < -38, -2048.0, 40.0))
    volume = read_study(ct.folder).ct()
    assert volume.missing is not None
    assert set(np.unique(volume.voxels[~volume.missing])) == {40}


def test_a_dark_streak_in_the_middle_is_a_value_not_padding(ct):
    def streak(points):
        return np.where(np.abs(points[..., 0] + 37) < 0.5, -1800.0, 40.0)

    ct.series(column(2), hu=streak)
    volume = read_study(ct.folder).ct()
    assert volume.missing is None
    assert volume.voxels.min() == -1800


def test_unused_bits_that_contradict_the_header_are_refused(ct):
    ct.series(column(2), hu=constant(4000), intercept=0, dtype="<u2", BitsStored=11, HighBit=10)
    with pytest.raises(DecodeError, match="states 11 bits"):
        read_study(ct.folder).ct()


def test_a_sign_in_the_middle_of_the_cell_is_extended(ct):
    def twelve_bits(dataset, _):
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.PixelRepresentation = 1

    ct.series(
        column(2), hu=lambda p: 0 * p[..., 0] + 0xF9C, intercept=0, dtype="<u2", edit=twelve_bits
    )
    assert np.unique(read_study(ct.folder).ct().voxels).tolist() == [-100]


@pytest.mark.parametrize(
    ("elements", "unit"),
    [
        ({}, "HU"),
        ({"RescaleType": "HU"}, "HU"),
        ({"RescaleType": "US"}, "arbitrary"),
        ({"RescaleType": "Z_EFF"}, "arbitrary"),
    ],
)
def test_hounsfield_units_only_where_the_header_allows_them(ct, elements, unit):
    ct.series(column(2), **elements)
    assert read_study(ct.folder).ct().unit == unit


def test_a_lookup_table_or_a_zero_slope_is_refused(ct):
    def table(dataset, _):
        from pydicom.dataset import Dataset

        item = Dataset()
        item.LUTDescriptor = [2, 0, 16]
        dataset.ModalityLUTSequence = [item]

    ct.series(column(2), edit=table)
    with pytest.raises(SeriesError, match="lookup table"):
        read_study(ct.folder).ct()


def test_colour_pixels_are_not_a_ct(ct):
    def colour(dataset, _):
        dataset.SamplesPerPixel = 3

    ct.series(column(2), edit=colour)
    with pytest.raises(InputError, match="colour"):
        read_study(ct.folder).ct()


def test_an_unknown_photometric_interpretation_does_not_end_the_process(ct):
    ct.series(column(2), shape=(64, 64))
    plain = read_study(ct.folder).ct()
    for path in ct.folder.iterdir():
        compress(path, COMPRESSED[2])
        dataset = dcmread(path)
        dataset.PhotometricInterpretation = "MONOCHROME9"
        dataset.save_as(path)
    np.testing.assert_array_equal(read_study(ct.folder).ct().voxels, plain.voxels)


@pytest.mark.shared
def test_a_jpeg_with_a_broken_segment_never_reaches_the_decoder(shared_data):
    from venoseg.dicom.codestream import read_jpeg_header

    path = shared_data / SYNTAX_FOLDER / LOSSLESS[4]
    frame = next(generate_frames(dcmread(path).PixelData, number_of_frames=1))
    header = read_jpeg_header(frame)
    assert (header.rows, header.columns, header.precision) == (512, 512, 16)
    assert header.complete
    second = frame.index(b"\xff\xc4")
    for broken in (
        frame[: second + 3] + b"\x7f" + frame[second + 4 :],
        frame[:second] + bytes(20) + frame[second:],
        frame[: second + 1] + b"\x30" + frame[second + 2 :],
        frame.replace(b"\xff\xc3", b"\xff\xc8", 1),
    ):
        assert read_jpeg_header(broken) is None


def test_a_drawing_in_the_unused_bits_is_no_part_of_the_values(ct):
    def drawn(dataset, _):
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.add_new(0x60000100, "US", 16)
        dataset.add_new(0x60000102, "US", 12)

    ct.series(column(2), hu=constant(0x1000 + 100), intercept=0, dtype="<u2", edit=drawn)
    assert np.unique(read_study(ct.folder).ct().voxels).tolist() == [100]


@pytest.mark.parametrize(("keyword", "value"), [("Rows", 0), ("Columns", 0), ("Rows", 65535)])
def test_an_impossible_size_is_refused_before_memory_is_taken_for_it(ct, keyword, value):
    ct.series(column(3), edit=lambda dataset, _: setattr(dataset, keyword, value))
    with pytest.raises(InputError, match=r"empty|needs? \d+ bytes"):
        read_study(ct.folder).ct()
