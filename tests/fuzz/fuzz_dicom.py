"""Fuzz the DICOM door: every damaged file is a correct volume or a `VenosegError`.

    python tests/fuzz/fuzz_dicom.py --cases 20000

Every case is made from its number alone, so that a failure can be repeated:

    python tests/fuzz/fuzz_dicom.py --case 1234

The cases run in a child process that is watched: a crash of a decoder, a case that takes longer
than 10 s and one that needs more than 1 GB are failures just as another exception is.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from pathlib import Path
from types import FrameType
from unittest.mock import patch

import numpy as np
from pydicom import config, dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence

from venoseg.dicom import scan
from venoseg.errors import VenosegError

SECONDS_LIMIT = 10
MEMORY_LIMIT_KIB = 2**20
UNCOMPRESSED = "1.2.840.10008.1.2.1"
SYNTAXES = (
    UNCOMPRESSED,
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
)
CT, XA = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.12.1"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
SIZE = 64
NASTY = (
    "", "0", "-1", "1e308", "nan", "inf", "-inf", "999999999999", "0.0000001", "\\", "1\\2\\3",
    "A" * 300, "\x00", "1.2.840.10008.1.2.4.50", "99999", "-99999", "1\\", "é", "''",
)  # fmt: skip


# --- seeds -------------------------------------------------------------------------------------


def base(sop_class: str, modality: str, number: int) -> Dataset:
    """Return a header with everything but pixels and geometry."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class, f"1.2.3.9.{number}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.1", "1.2.3.2"
    dataset.FrameOfReferenceUID = "1.2.3.3"
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = modality, 1, number + 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.Rows = dataset.Columns = SIZE
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    return dataset


def ct_slice(number: int) -> Dataset:
    """Return one slice of the classic series."""
    dataset = base(CT, "CT", number)
    dataset.SeriesInstanceUID = "1.2.3.2.1"
    dataset.ImagePositionPatient = [0, 0, 2.0 * number]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing, dataset.SliceThickness = [0.8, 0.8], 2
    dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = 1, -1024, "HU"
    dataset.PixelPaddingValue = 4000
    dataset.AcquisitionNumber, dataset.ConvolutionKernel = 1, "B30f"
    return dataset


def enhanced_ct() -> Dataset:
    """Return a small enhanced CT of four frames."""
    dataset = base(ENHANCED_CT, "CT", 0)
    dataset.SeriesInstanceUID, dataset.NumberOfFrames = "1.2.3.2.2", 4
    shared, frames = Dataset(), []
    measures, orientation, rescale = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [0.8, 0.8], 2
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = 1, -1024, "HU"
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.PixelValueTransformationSequence = Sequence([rescale])
    for k in range(4):
        frame, place, content = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, 2.0 * k]
        content.StackID, content.InStackPositionNumber = "1", k + 1
        frame.PlanePositionSequence = Sequence([place])
        frame.FrameContentSequence = Sequence([content])
        frames.append(frame)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    return dataset


def run_xa() -> Dataset:
    """Return a short run."""
    dataset = base(XA, "XA", 0)
    dataset.SeriesInstanceUID, dataset.NumberOfFrames, dataset.FrameTime = "1.2.3.2.3", 3, 100
    dataset.ImagerPixelSpacing = [0.3, 0.3]
    dataset.DistanceSourceToDetector, dataset.DistanceSourceToPatient = 1200, 800
    dataset.PositionerPrimaryAngle, dataset.PositionerSecondaryAngle = 10, 0
    mask = Dataset()
    mask.MaskOperation, mask.MaskFrameNumbers, mask.ApplicableFrameRange = "AVG_SUB", [1], [2, 3]
    dataset.MaskSubtractionSequence = Sequence([mask])
    dataset.ShutterShape, dataset.ShutterLeftVerticalEdge = "RECTANGULAR", 1
    dataset.ShutterRightVerticalEdge, dataset.ShutterUpperHorizontalEdge = SIZE, 1
    dataset.ShutterLowerHorizontalEdge = SIZE
    return dataset


def encode(dataset: Dataset, syntax: str, seed: int) -> bytes:
    """Return the bytes of a file with smooth, noisy pixels in a transfer syntax."""
    frames = int(dataset.get("NumberOfFrames", 1))
    noise = np.random.default_rng(seed).integers(0, 30, (frames, SIZE, SIZE))
    y, x = np.mgrid[:SIZE, :SIZE]
    stored = (1000 + 5 * x + 3 * y + noise).astype(">u2" if syntax.endswith(".2.2") else "<u2")
    dataset.PixelData = stored.tobytes()
    dataset["PixelData"].VR = "OW"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    native = syntax if len(syntax) < 22 or syntax.endswith(".99") else UNCOMPRESSED
    meta.TransferSyntaxUID = native if not syntax.endswith("1.2.5") else UNCOMPRESSED
    file = FileDataset("", dataset, file_meta=meta, preamble=bytes(128))
    if syntax.endswith(".2.2"):
        file = FileDataset("", dataset, file_meta=meta, preamble=bytes(128), is_little_endian=False)
    if syntax.endswith(".70"):
        return _jpeg_lossless(file)
    if meta.TransferSyntaxUID != syntax:
        file.compress(syntax, generate_instance_uid=False)
    target = io.BytesIO()
    file.save_as(target, enforce_file_format=True)
    return target.getvalue()


def _jpeg_lossless(file: FileDataset) -> bytes:
    """Compress with GDCM, the only permissive encoder of JPEG lossless."""
    import gdcm

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "a"), Path(folder, "b")
        file.save_as(source, enforce_file_format=True)
        reader = gdcm.ImageReader()
        reader.SetFileName(str(source))
        reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        kind = gdcm.TransferSyntax.GetTSType("1.2.840.10008.1.2.4.70")
        change.SetTransferSyntax(gdcm.TransferSyntax(kind))
        change.SetInput(reader.GetImage())
        change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(target))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.Write()
        return target.read_bytes()


class Seeds:
    """Healthy files to damage, and the intact company they keep in the folder."""

    def __init__(self) -> None:
        self.slices = {s: [encode(ct_slice(k), s, k) for k in range(3)] for s in SYNTAXES}
        self.single = [encode(make(), s, 7) for make in (enhanced_ct, run_xa) for s in SYNTAXES]

    def pick(self, rng: random.Random) -> tuple[bytes, list[bytes]]:
        """Return a file to damage and the files beside it."""
        if rng.random() < 0.6:
            files = self.slices[rng.choice(SYNTAXES)]
            chosen = rng.randrange(3)
            return files[chosen], [f for k, f in enumerate(files) if k != chosen]
        return rng.choice(self.single), []


# --- damage ------------------------------------------------------------------------------------


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    """Flip some bits, most often in the header."""
    out = bytearray(data)
    span = len(out) if rng.random() < 0.4 else min(len(out), 1600)
    for _ in range(rng.choice((1, 1, 2, 5, 30))):
        out[rng.randrange(span)] ^= 1 << rng.randrange(8)
    return bytes(out)


def truncate(data: bytes, rng: random.Random) -> bytes:
    """Cut the file off."""
    return data[: rng.randrange(len(data))]


def shift_block(data: bytes, rng: random.Random) -> bytes:
    """Insert, delete or repeat a block of bytes."""
    at, size = rng.randrange(len(data)), rng.choice((1, 2, 3, 8, 100))
    middle = rng.choice((b"", rng.randbytes(size), data[at : at + size] * 2))
    return data[:at] + middle + data[at + (size if not middle else 0) :]


def huge_length(data: bytes, rng: random.Random) -> bytes:
    """Declare an element or fragment to be enormous."""
    at = rng.randrange(132, min(len(data) - 8, 2000))
    value = rng.choice((0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 0x10000000, 0))
    return data[:at] + struct.pack("<I", value) + data[at + 4 :]


def odd_type(data: bytes, rng: random.Random) -> bytes:
    """Replace a value type by another one."""
    types = (b"US", b"DS", b"UI", b"OW", b"SQ", b"LO", b"FD", b"CS", b"IS", b"SH")
    known = [data.find(t, rng.randrange(132, 1500)) for t in types]
    places = [place for place in known if place >= 0]
    if not places:
        return data
    at = rng.choice(places)
    return (
        data[:at] + rng.choice((b"UN", b"SQ", b"OB", b"FL", b"XX", b"UL", b"AT")) + data[at + 2 :]
    )


def nested(data: bytes, rng: random.Random) -> bytes:
    """Put a deep nest of sequences before the rest of the header."""
    start = 144 + int.from_bytes(data[140:144], "little")
    depth = rng.choice((3, 50, 900, 5000))
    level = b"\x08\x00\x05\x10SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    return data[:start] + level * depth + data[start:]


def nasty_values(data: bytes, rng: random.Random) -> bytes:
    """Write impossible values into elements of the header."""
    with warnings.catch_warnings(), patch.object(config, "replace_un_with_known_vr", False):
        warnings.simplefilter("ignore")
        dataset = dcmread(io.BytesIO(data))
        known = [e for e in dataset if e.VR not in ("SQ", "OW", "OB")]
        for element in rng.sample(known, rng.choice((1, 1, 2, 4))):
            if element.VR in ("US", "SS", "UL"):
                raw = struct.pack("<H", rng.choice((0, 1, 3, 7, 8, 255, 32767, 65535)))
            else:
                raw = rng.choice(NASTY).encode("utf-8")
            dataset.add_new(element.tag, "UN", raw + b" " * (len(raw) % 2))
        target = io.BytesIO()
        dataset.save_as(target)
    return target.getvalue()


def splice(data: bytes, rng: random.Random) -> bytes:
    """Swap two halves of the file."""
    at = rng.randrange(len(data))
    return data[at:] + data[:at]


DAMAGES = (
    flip_bits, flip_bits, truncate, shift_block, huge_length, odd_type, nested, nasty_values,
    nasty_values, nasty_values, splice,
)  # fmt: skip


# --- one case ----------------------------------------------------------------------------------


def write_case(folder: Path, rng: random.Random, seeds: Seeds) -> str:
    """Write the files of a case; return the name of the damage."""
    data, company = seeds.pick(rng)
    damage = rng.choice(DAMAGES)
    try:
        damaged = damage(data, rng)
    except Exception:  # noqa: BLE001 - counted as a finding
        # The damage itself may be more than pydicom agrees to write.
        damaged = flip_bits(data, rng)
    (folder / "damaged").write_bytes(damaged)
    for k, other in enumerate(company):
        (folder / f"intact{k}").write_bytes(other)
    if rng.random() < 0.05:
        with zipfile.ZipFile(folder / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.glob("*d*")):
                archive.write(path, path.name)
        (folder / "all.zip").write_bytes(flip_bits((folder / "all.zip").read_bytes(), rng))
    return damage.__name__


def run_case(folder: Path) -> str:
    """Read everything in the folder; return what became of it.

    Raises
    ------
    AssertionError
        When a volume or a run is not what it claims to be.
    """
    outcomes = set()
    archive = folder / "all.zip"
    for path in (folder, archive) if archive.exists() else (folder,):
        try:
            found = scan(path)
        except VenosegError:
            outcomes.add("refused")
            continue
        outcomes |= {"unreadable"} if found.unreadable else set()
        for study in found.studies:
            for series in study.series:
                outcomes.add(_read_series(series))
            try:
                runs = study.angiograms()
            except VenosegError:
                outcomes.add("refused")
                continue
            outcomes |= {_read_run(run) for run in runs}
    return "+".join(sorted(outcomes)) or "nothing"


def _read_series(series) -> str:
    if series.kind != "ct":
        return "listed"
    try:
        volume = series.read()
    except VenosegError:
        return "refused"
    assert volume.voxels.shape == volume.grid.shape
    assert np.isfinite(volume.voxels).all()
    assert volume.grid.spacing_mm.min() > 0
    assert volume.missing is None or volume.missing.shape == volume.grid.shape
    return "volume"


def _read_run(run) -> str:
    try:
        frames = run.read(range(min(run.frame_count, 4)))
        run.open_area()
    except VenosegError:
        return "refused"
    assert frames.shape[1:] == (run.rows, run.columns)
    return "run"


# --- the watch ---------------------------------------------------------------------------------


def work(first: int, last: int) -> None:
    """Run cases and print one JSON line for each: the child's side."""
    seeds = Seeds()

    def too_long(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal calls it
        raise TimeoutError(f"longer than {SECONDS_LIMIT} s")

    signal.signal(signal.SIGALRM, too_long)
    folder = Path(tempfile.mkdtemp())
    for number in range(first, last):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        damage = write_case(folder, random.Random(number), seeds)
        print(json.dumps({"case": number, "damage": damage}), flush=True)
        started, failure, outcome = time.monotonic(), "", ""
        signal.alarm(SECONDS_LIMIT)
        try:
            outcome = run_case(folder)
        except BaseException:  # noqa: BLE001 - counted as a finding
            failure = traceback.format_exc()
        signal.alarm(0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if peak > MEMORY_LIMIT_KIB and not failure:
            failure = f"the process has needed {peak // 1024} MiB"
        report = {
            "done": number,
            "outcome": outcome,
            "failure": failure,
            "seconds": time.monotonic() - started,
            "peak_mib": peak // 1024,
        }
        print(json.dumps(report), flush=True)
        if peak > MEMORY_LIMIT_KIB:
            break
    shutil.rmtree(folder, ignore_errors=True)


def watch(first: int, last: int) -> tuple[Counter[str], list[dict[str, object]], float, int]:
    """Run cases in a child, again after each crash; return outcomes, failures, worst time, peak."""
    outcomes: Counter[str] = Counter()
    failures: list[dict[str, object]] = []
    slowest, peak, number = 0.0, 0, first
    while number < last:
        child = subprocess.Popen(
            [sys.executable, __file__, "--work", str(number), str(last)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert child.stdout is not None
        current: dict[str, object] = {"case": number, "damage": "none"}
        finished = True
        for line in child.stdout:
            report = json.loads(line)
            if "case" in report:
                current, finished = report, False
                continue
            finished = True
            number = report["done"] + 1
            slowest, peak = max(slowest, report["seconds"]), max(peak, report["peak_mib"])
            outcomes[report["outcome"] or "failed"] += 1
            if report["failure"]:
                failures.append({**current, "failure": report["failure"]})
        child.wait()
        if not finished or (child.returncode and number < last):
            crash = f"the process died with status {child.returncode}"
            failures.append({**current, "failure": crash})
            number = int(str(current["case"])) + 1
    return outcomes, failures, slowest, peak


def main() -> int:
    """Run the cases asked for and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--case", type=int, help="run a single case here, with its traceback")
    parser.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(*arguments.work)
        return 0
    if arguments.case is not None:
        with tempfile.TemporaryDirectory() as folder:
            damage = write_case(Path(folder), random.Random(arguments.case), Seeds())
            print(damage, run_case(Path(folder)))
        return 0
    started = time.monotonic()
    outcomes, failures, slowest, peak = watch(arguments.first, arguments.first + arguments.cases)
    for failure in failures:
        print(f"case {failure['case']} ({failure['damage']}): {failure['failure']}")
    for outcome, count in outcomes.most_common():
        print(f"{count:7} {outcome}")
    print(
        f"{sum(outcomes.values())} cases in {time.monotonic() - started:.0f} s, slowest "
        f"{slowest:.2f} s, peak {peak} MiB, {len(failures)} failures"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
