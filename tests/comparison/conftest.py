"""Two small studies of one synthetic patient."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pydicom
import pytest

from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.ct import Scanner
from venoseg.phantom.export import CtOptions, write_ct_twin

MANIFEST = """
patient = "p1"
[[timepoints]]
label = "before"
day = 0
studies = ["first"]
labels = "labels.seg.nrrd"
villalta = { side = "left", total = 22 }
[[timepoints]]
label = "after"
day = 30
studies = ["second"]
labels = "labels.seg.nrrd"
villalta = { side = "left", total = 1 }
"""


@pytest.fixture(scope="session")
def twin(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("twin") / "y"
    options = CtOptions(
        seed=2, spacing_mm=(5.0, 2.5, 2.5), margin_mm=6.0, scanner=Scanner(noise_hu=15), seg=False
    )
    write_ct_twin(TWINS["iliocaval-y"], out, options)
    return out


class CaseFolder:
    """A case to be changed: its folder, and how to write its studies."""

    def __init__(self, folder: Path, twin: Path) -> None:
        self.folder = folder
        slices = [pydicom.dcmread(path) for path in sorted((twin / "ct").iterdir())]
        # A hand's breadth around the confluence is enough.
        self.slices = [one for one in slices if -60 < float(one.ImagePositionPatient[2]) < 40]
        labels = (twin / "truth" / "labels.seg.nrrd").read_bytes()
        (folder / "labels.seg.nrrd").write_bytes(labels)
        self.manifest(MANIFEST)

    def manifest(self, text: str) -> None:
        (self.folder / "case.toml").write_text(text)

    def study(self, name: str, date: str, **values: str) -> None:
        """Write one study; ``values`` replace elements of every header."""
        (self.folder / name).mkdir()
        root = f"1.2.3.{len(name)}"
        for number, dataset in enumerate(self.slices):
            one = deepcopy(dataset)
            one.StudyInstanceUID, one.SeriesInstanceUID = root, f"{root}.1"
            one.FrameOfReferenceUID = f"{root}.2"
            uid = f"{root}.1.{number}"
            one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = uid
            one.StudyDate = one.AcquisitionDate = date
            for keyword, value in values.items():
                setattr(one, keyword, value)
            one.save_as(self.folder / name / f"{number}.dcm")


@pytest.fixture
def case_folder(tmp_path: Path, twin: Path) -> CaseFolder:
    folder = tmp_path / "case"
    folder.mkdir()
    return CaseFolder(folder, twin)
