"""VMTK, and the way SlicerVMTK uses it: diameters are those of the circle of a section's area."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import vtk
from vmtk import vmtkscripts
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

# Slicer decimates the surface to so many points before it draws centerlines.
_SLICER_POINTS = 5000

Job = dict[str, Any]
Found = tuple[np.ndarray, np.ndarray]


def vmtk(mask: np.ndarray, job: Job, done: Callable[[str], None]) -> Found:
    """Follow VMTK's own tutorial: smoothed surface, centerlines, sections at every point."""
    surface = _surface(mask, job)
    done("surface")
    lines = _centerlines(surface, job)
    done("centerlines")
    sections = vmtkscripts.vmtkCenterlineSections()
    sections.Surface, sections.Centerlines = surface, lines
    sections.Execute()
    done("sections")
    area = _array(sections.Centerlines, "CenterlineSectionArea")
    return _points(sections.Centerlines), 2.0 * np.sqrt(np.where(area > 0, area, np.nan) / np.pi)


def slicer(mask: np.ndarray, job: Job, done: Callable[[str], None]) -> Found:
    """Emulate SlicerVMTK: decimated surface, centerlines, a plane cut out of the whole surface."""
    surface = _surface(mask, job)
    decimation = vtk.vtkQuadricDecimation()
    decimation.SetInputData(surface)
    decimation.SetTargetReduction(max(0.0, 1.0 - _SLICER_POINTS / surface.GetNumberOfPoints()))
    decimation.Update()
    done("surface")
    lines = _centerlines(decimation.GetOutput(), job)
    done("centerlines")
    points, area = _points(lines), []
    for number in range(lines.GetNumberOfCells()):
        ids = lines.GetCell(number).GetPointIds()
        along = points[[ids.GetId(n) for n in range(ids.GetNumberOfIds())]]
        if len(along) > 1:
            cut = _Cut(surface)
            area += [
                cut.area(*pair) for pair in zip(along, np.gradient(along, axis=0), strict=True)
            ]
        else:
            area.append(np.nan)
    done("sections")
    return points, 2.0 * np.sqrt(np.array(area) / np.pi)


class _Cut:
    """Planes cut out of a surface, as SlicerVMTK's cross-section analysis does it."""

    def __init__(self, surface: vtk.vtkPolyData) -> None:
        self.plane, self.cutter = vtk.vtkPlane(), vtk.vtkCutter()
        self.cutter.SetInputData(surface)
        self.cutter.SetCutFunction(self.plane)
        self.nearest = vtk.vtkConnectivityFilter()
        self.nearest.SetInputConnection(self.cutter.GetOutputPort())
        self.nearest.SetExtractionModeToClosestPointRegion()
        self.filled = vtk.vtkContourTriangulator()
        self.filled.SetInputConnection(self.nearest.GetOutputPort())

    def area(self, point: np.ndarray, normal: np.ndarray) -> float:
        """Return the area in mm2 of the lumen at a point; NaN where the plane cuts none."""
        self.plane.SetOrigin(*point)
        self.plane.SetNormal(*normal)
        self.nearest.SetClosestPoint(*point)
        self.filled.Update()
        section = self.filled.GetOutput()
        if section.GetNumberOfPolys() == 0:
            return float("nan")
        corners = vtk_to_numpy(section.GetPoints().GetData())
        a, b, c = corners[vtk_to_numpy(section.GetPolys().GetData()).reshape(-1, 4)[:, 1:].T]
        return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2.0)


def _surface(mask: np.ndarray, job: Job) -> vtk.vtkPolyData:
    """Return the smoothed surface of a mask: on the voxels' steps VMTK finds no centerline."""
    image = vtk.vtkImageData()
    image.SetDimensions(*mask.shape[::-1])
    image.SetSpacing(*job["spacing"])
    image.SetOrigin(*job["origin"])
    image.GetPointData().SetScalars(numpy_to_vtk(mask.ravel(), deep=False))
    cubes = vmtkscripts.vmtkMarchingCubes()
    cubes.Image, cubes.Level = image, 0.5
    cubes.Execute()
    smoothing = vmtkscripts.vmtkSurfaceSmoothing()
    smoothing.Surface, smoothing.Method = cubes.Surface, "taubin"
    smoothing.PassBand, smoothing.NumberOfIterations = 0.1, 30
    smoothing.Execute()
    return smoothing.Surface


def _centerlines(surface: vtk.vtkPolyData, job: Job) -> vtk.vtkPolyData:
    lines = vmtkscripts.vmtkCenterlines()
    lines.Surface, lines.SeedSelectorName = surface, "pointlist"
    lines.SourcePoints = job["source"]
    lines.TargetPoints = [value for target in job["targets"] for value in target]
    lines.AppendEndPoints, lines.Resampling, lines.ResamplingStepLength = 0, 1, 1.0
    lines.Execute()
    return lines.Centerlines


def _points(lines: vtk.vtkPolyData) -> np.ndarray:
    return np.array(vtk_to_numpy(lines.GetPoints().GetData()), dtype=np.float64)


def _array(lines: vtk.vtkPolyData, name: str) -> np.ndarray:
    return np.array(vtk_to_numpy(lines.GetPointData().GetArray(name)), dtype=np.float64)
