"""VMTK's way from a mask to centerline sections; run by a Python that has vmtk.

    python vmtk_peer.py MASK.npy POINTS

POINTS is JSON: {"source": [x, y, z], "targets": [[x, y, z], ...], "origin": ..., "spacing": ...}

Prints the seconds of each step as JSON.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import vtk
from vmtk import vmtkscripts
from vtk.util.numpy_support import numpy_to_vtk


def main() -> None:
    """Run and time the steps."""
    mask = np.load(sys.argv[1])
    points = json.loads(sys.argv[2])
    image = vtk.vtkImageData()
    image.SetDimensions(*mask.shape[::-1])
    image.SetSpacing(*points["spacing"])
    image.SetOrigin(*points["origin"])
    image.GetPointData().SetScalars(numpy_to_vtk(mask.ravel(), deep=False))
    seconds: dict[str, float] = {}
    start = time.perf_counter()

    surface = vmtkscripts.vmtkMarchingCubes()
    surface.Image = image
    surface.Level = 0.5
    surface.Execute()
    seconds["surface"] = time.perf_counter() - start

    lines = vmtkscripts.vmtkCenterlines()
    lines.Surface = surface.Surface
    lines.SeedSelectorName = "pointlist"
    lines.SourcePoints = points["source"]
    lines.TargetPoints = [value for target in points["targets"] for value in target]
    lines.AppendEndPoints = 0
    lines.Resampling = 1
    lines.ResamplingStepLength = 1.0
    lines.Execute()
    seconds["centerlines"] = time.perf_counter() - start - seconds["surface"]

    sections = vmtkscripts.vmtkCenterlineSections()
    sections.Surface = surface.Surface
    sections.Centerlines = lines.Centerlines
    sections.Execute()
    seconds["whole"] = time.perf_counter() - start
    seconds["sections"] = seconds["whole"] - seconds["surface"] - seconds["centerlines"]
    print()
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
