"""Fixtures that more than one room's tests use."""

from __future__ import annotations

import base64
import io
import os
import re
import zlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pyarrow import parquet
from pydicom.config import disable_value_validation
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset

from venoseg.phantom import Rendering, Scanner, Scene, fit_grid, iliocaval_y, render, shape
from venoseg.volume import Grid


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data beside the checkout; the test is skipped where there is none."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("VENOSEG_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip("no public data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def tilted_scene() -> Scene:
    """One round vein, 14.3 mm wide and 80 mm long, askew to the slices."""
    return shape("tilted", seed=3)


@pytest.fixture(scope="session")
def tilted(tilted_scene) -> Rendering:
    """The tilted vein at 0.78 x 0.78 x 1 mm with 20 HU of noise."""
    grid = fit_grid(tilted_scene, (1.0, 0.78, 0.78), margin_mm=10.0)
    return render(tilted_scene, grid, Scanner(noise_hu=20, seed=3))


@pytest.fixture(scope="session")
def y_scene() -> Scene:
    """Cava and iliac veins with internal stumps of one healthy patient."""
    return iliocaval_y(1, internal=True)


@pytest.fixture(scope="session")
def y_twin(y_scene) -> Rendering:
    """The Y from 60 mm above to 115 mm below the confluence, 1 x 1 x 2 mm, 15 HU of noise."""
    grid = fit_grid(y_scene, (2.0, 1.0, 1.0), margin_mm=8.0)
    bottom, top = (round(grid.to_index((0.0, 0.0, z))[0]) for z in (-115.0, 60.0))
    part = grid.crop((slice(bottom, top), slice(0, grid.shape[1]), slice(0, grid.shape[2])))
    return render(y_scene, part, Scanner(noise_hu=15, seed=1))


Store = Callable[..., tuple[Grid, Callable[[np.ndarray], np.ndarray]]]


@pytest.fixture(scope="session")
def stored() -> Store:
    """Store a grid otherwise: ``stored(grid, order, flips)`` -> (grid, array -> array)."""

    def store(
        grid: Grid, order: tuple[int, int, int], flips: tuple[bool, bool, bool]
    ) -> tuple[Grid, Callable[[np.ndarray], np.ndarray]]:
        back = np.zeros((4, 4))
        back[3, 3] = 1.0
        for new, old in enumerate(order):
            back[old, new] = -1.0 if flips[new] else 1.0
            back[old, 3] = grid.shape[old] - 1 if flips[new] else 0.0
        made = Grid(tuple(grid.shape[old] for old in order), grid.affine @ back)
        turned = tuple(slice(None, None, -1 if flip else None) for flip in flips)

        def apply(array: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(array.transpose(order)[turned])

        return made, apply

    return store


# So long that no picture in base64 holds it by chance.
MARKER = "Zzyzxqvb"
# In attributes that do not name the patient themselves: nothing in the header gives it away.
HIDDEN = "Qwyjibo"
MARKED_DATE = "19330405"
# Technical terms and coded words of the acquisition: no table of identifying attributes has them.
TECHNICAL = {
    "CodeMeaning",
    "CodeValue",
    "CodingSchemeDesignator",
    "CodingSchemeVersion",
    "ConvolutionKernel",
    "FilterType",
    "LongCodeValue",
    "Manufacturer",
    "ManufacturerModelName",
    "RescaleType",
    "SegmentAlgorithmName",
    "SegmentLabel",
    "SoftwareVersions",
    "StackID",
    "URNCodeValue",
}
# When the study was made; every other date is marked.
DATES = {
    "AcquisitionDate",
    "AcquisitionDateTime",
    "ContentDate",
    "FrameAcquisitionDateTime",
    "FrameReferenceDateTime",
    "SeriesDate",
    "StudyDate",
}
# Groups that say how the pixels are read.
READING = (0x0028, 0x5200, 0x5400, 0x7FE0)


def marked_value(tag: int, keyword: str, representation: str) -> object:
    """Return what marks an attribute of the dictionary of the standard, None where nothing can."""
    group = tag >> 16
    if not keyword or group in (*READING, 0x0000, 0x0002, 0x0004) or keyword in TECHNICAL:
        return None
    if representation == "PN":
        return f"{MARKER}^Quux={MARKER}"
    if representation in ("LO", "LT", "SH", "ST", "UC", "UT", "UR"):
        naming = group == 0x0010 or keyword in ("AccessionNumber", "StudyID", "InstitutionName")
        return f"{MARKER} 4711" if naming else f"{HIDDEN} 4711"
    if representation == "AE":
        return HIDDEN.upper()
    if representation == "DA" and keyword not in DATES:
        return MARKED_DATE
    if representation == "DT" and keyword not in DATES:
        return f"{MARKED_DATE}120000"
    if representation in ("OB", "UN"):
        return f"{HIDDEN} 4711".encode().ljust(16)
    return None


@pytest.fixture(scope="session")
def marked() -> Callable[[Dataset], Dataset]:
    """Write a marker into every attribute of the standard that can hold a name, number or text.

    Those of the Basic profile (PS3.15 table E.1-1) are among them, in the header itself, in the
    items of sequences, in private ones, and in the meta header of the file.
    """
    values = {
        tag: (entry[0], value)
        for tag, entry in DicomDictionary.items()
        if (value := marked_value(tag, entry[4], entry[0])) is not None
    }
    sequences = [
        tag
        for tag, entry in DicomDictionary.items()
        if entry[0] == "SQ" and tag >> 16 not in (0x0018, *READING)
    ]

    inner, small, items = Dataset(), Dataset(), Dataset()
    with disable_value_validation():
        for tag, (representation, value) in values.items():
            inner.add_new(tag, representation, value)
        small.PatientName, small.PatientBirthDate = f"{MARKER}^Quux", MARKED_DATE
        small.TextValue = HIDDEN
        for tag in sequences:
            items.add_new(tag, "SQ", [small])

    def mark(dataset: Dataset) -> Dataset:
        present = set(dataset.keys())
        dataset.update(inner)
        dataset.update({tag: items[tag] for tag in items.keys() - present})
        dataset.RequestAttributesSequence = [deepcopy(inner)]
        dataset.ReferencedImageSequence = [deepcopy(small)]
        creator = dataset.private_block(0x0011, f"{HIDDEN} CO", create=True)
        creator.add_new(1, "LO", HIDDEN)
        creator.add_new(2, "PN", f"{HIDDEN}^Quux")
        creator.add_new(3, "UN", HIDDEN.encode().ljust(8))
        dataset.private_block(0x0019, "ACME", create=True).add_new(2, "SQ", [deepcopy(small)])
        dataset.add_new(0x60000022, "LO", HIDDEN)
        dataset.add_new(0x60003000, "OB", HIDDEN.encode().ljust(8))
        dataset.add_new(0x50000022, "LO", HIDDEN)
        meta = getattr(dataset, "file_meta", None)
        if meta is not None:
            for keyword in ("Source", "Sending", "Receiving"):
                setattr(meta, f"{keyword}ApplicationEntityTitle", HIDDEN)
            meta.PrivateInformationCreatorUID = "1.2.3"
            meta.PrivateInformation = HIDDEN.encode().ljust(8)
        return dataset

    return mark


@pytest.fixture(scope="session")
def traces() -> Callable[[Path], list[str]]:
    """Return where a marker, or the marked date of birth, is found below a folder."""

    def search(folder: Path) -> list[str]:
        words = [MARKER, HIDDEN, MARKED_DATE, "1933-04-05"]
        forms = [w.encode(code) for w in words for code in ("utf-8", "utf-16-le")]
        found = []
        for path in sorted(folder.rglob("*")):
            low = b"\n".join(contents(path)).lower()
            found += [f"{path.name}: {form!r}" for form in forms if form.lower() in low]
        return found

    return search


def contents(path: Path) -> Iterator[bytes]:
    """Yield a file's name and all it holds, packed parts and what pictures say of themselves."""
    yield path.name.encode(errors="replace")
    if not path.is_file():
        return
    content = path.read_bytes()
    yield content
    if path.suffix == ".parquet":
        yield str(parquet.read_table(path).to_pydict()).encode()
    if path.suffix == ".visit":
        yield zlib.decompress(content)
    pictures = [content] if path.suffix == ".png" else []
    inside = re.findall(rb"data:image/png;base64,([A-Za-z0-9+/=]+)", content)
    pictures += [base64.b64decode(packed) for packed in inside]
    for picture in pictures:
        yield picture
        with Image.open(io.BytesIO(picture)) as opened:
            opened.load()
            yield str(opened.info).encode()
