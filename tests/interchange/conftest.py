"""A small CT series that results refer to."""

from __future__ import annotations

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from venoseg.volume import Grid

CT_GRID = Grid.from_axes((6, 9, 11), spacing_mm=(2.5, 0.8, 0.8), origin_lps_mm=(-30, -40, 50))


@pytest.fixture
def ct_grid():
    """The grid of the CT series."""
    return CT_GRID


@pytest.fixture
def ct_headers():
    """Headers of the CT whose grid is `ct_grid`, the head first."""
    study, series, frame = (generate_uid() for _ in range(3))
    images = []
    for k in reversed(range(CT_GRID.shape[0])):
        ds = Dataset()
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.PatientID = ds.PatientName = ds.PatientBirthDate = ds.PatientSex = ""
        ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.StudyID = ""
        ds.ReferringPhysicianName = ds.PositionReferenceIndicator = ""
        ds.Modality = "CT"
        ds.InstanceNumber = k + 1
        ds.Rows, ds.Columns = CT_GRID.shape[1:]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.ImagePositionPatient = [float(v) for v in CT_GRID.to_lps((k, 0, 0))]
        ds.PixelSpacing = [0.8, 0.8]
        ds.SliceThickness = 2.5
        images.append(ds)
    return images
