"""Fixtures that more than one room's tests use."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from pydicom.datadict import dictionary_VR, tag_for_keyword
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


MARKER = "Zzyzx"
MARKED_DATE = "19330405"
# Attributes of PS3.15 table E.1-1 that can name a patient, those about them, or the place.
IDENTIFYING = [
    "AccessionNumber",
    "AcquisitionComments",
    "ActualHumanPerformersSequence",
    "AdditionalPatientHistory",
    "AdmissionID",
    "AdmittingDiagnosesDescription",
    "Allergies",
    "AttendingPhysicianName",
    "BranchOfService",
    "CountryOfResidence",
    "CurrentPatientLocation",
    "CurrentObserverTrial",
    "DetectorID",
    "DeviceSerialNumber",
    "DeviceDescription",
    "DistributionName",
    "EthnicGroup",
    "FrameComments",
    "GantryID",
    "HumanPerformerName",
    "HumanPerformerOrganization",
    "IdentifyingComments",
    "ImageComments",
    "ImagePresentationComments",
    "InstitutionAddress",
    "InstitutionName",
    "InstitutionalDepartmentName",
    "InterpretationAuthor",
    "IssuerOfPatientID",
    "MedicalAlerts",
    "MedicalRecordLocator",
    "MilitaryRank",
    "NameOfPhysiciansReadingStudy",
    "Occupation",
    "OperatorsName",
    "OtherPatientIDs",
    "OtherPatientNames",
    "PatientAddress",
    "PatientBirthName",
    "PatientComments",
    "PatientID",
    "PatientMotherBirthName",
    "PatientName",
    "PatientReligiousPreference",
    "PatientTelephoneNumbers",
    "PerformedProcedureStepDescription",
    "PerformedProcedureStepID",
    "PerformedStationName",
    "PerformingPhysicianName",
    "PersonName",
    "PhysiciansOfRecord",
    "PlateID",
    "ProtocolName",
    "ReasonForTheRequestedProcedure",
    "ReferringPhysicianAddress",
    "ReferringPhysicianName",
    "ReferringPhysicianTelephoneNumbers",
    "RegionOfResidence",
    "RequestedProcedureDescription",
    "RequestedProcedureID",
    "RequestingPhysician",
    "ResponsibleOrganization",
    "ResponsiblePerson",
    "ReviewerName",
    "ScheduledProcedureStepDescription",
    "ScheduledPerformingPhysicianName",
    "SeriesDescription",
    "SpecialNeeds",
    "StationName",
    "StudyComments",
    "StudyDescription",
    "StudyID",
    "TextComments",
    "TextString",
    "TopicTitle",
    "VisitComments",
    "AcquisitionProtocolDescription",
    "AcquisitionDeviceProcessingDescription",
    "DerivationDescription",
    "ContrastBolusAgent",
]


@pytest.fixture(scope="session")
def marked() -> Callable[[Dataset], Dataset]:
    """Write a marker into every identifying attribute of a header, nested and private ones too."""

    def mark(dataset: Dataset) -> Dataset:
        inner = Dataset()
        for keyword in IDENTIFYING:
            tag = tag_for_keyword(keyword)
            if tag is None or dictionary_VR(tag) == "SQ":
                continue
            text = f"{MARKER}^Quux" if dictionary_VR(tag) == "PN" else f"{MARKER} 4711"
            setattr(dataset, keyword, text)
            setattr(inner, keyword, text)
        dataset.PatientBirthDate = inner.PatientBirthDate = MARKED_DATE
        dataset.RequestAttributesSequence = [inner]
        dataset.ReferencedImageSequence = [deepcopy(inner)]
        dataset.private_block(0x0011, f"{MARKER} CO", create=True).add_new(1, "LO", MARKER)
        dataset.private_block(0x0019, "ACME", create=True).add_new(2, "SQ", [deepcopy(inner)])
        dataset.add_new(0x60000022, "LO", MARKER)
        return dataset

    return mark


@pytest.fixture(scope="session")
def traces() -> Callable[[Path], list[str]]:
    """Return where the marker, or the marked date of birth, is found below a folder."""

    def search(folder: Path) -> list[str]:
        words = [MARKER, MARKED_DATE, "1933-04-05"]
        forms = [w.encode(code) for w in words for code in ("utf-8", "utf-16-le")]
        found = []
        for path in sorted(folder.rglob("*")):
            content = path.name.encode(errors="replace")
            if path.suffix == ".parquet":
                content += str(parquet.read_table(path).to_pydict()).encode()
            if path.is_file():
                content += path.read_bytes()
            low = content.lower()
            found += [f"{path.name}: {form!r}" for form in forms if form.lower() in low]
        return found

    return search
