"""The C-arm: where a point of the patient falls on the detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from venoseg.volume import FloatArray


@dataclass(frozen=True, slots=True)
class Carm:
    """A C-arm in one position.

    Angles follow DICOM: at 0, 0 the detector is before the patient; a positive primary angle turns
    it to the patient's left, a positive secondary angle to the head.

    Attributes
    ----------
    source_to_detector_mm, source_to_isocenter_mm
        Along the central ray.
    primary_deg, secondary_deg
        Positioner angles.
    isocenter_lps_mm
        The point about which the arm turns; the image's middle.
    rows, columns
        Of the image.
    pixel_mm
        Pixel spacing on the detector.
    """

    source_to_detector_mm: float = 1100.0
    source_to_isocenter_mm: float = 750.0
    primary_deg: float = 0.0
    secondary_deg: float = 0.0
    isocenter_lps_mm: tuple[float, float, float] = (0.0, 0.0, -20.0)
    rows: int = 512
    columns: int = 512
    pixel_mm: float = 0.8

    @property
    def towards_detector(self) -> FloatArray:
        """Unit LPS vector from the source to the middle of the detector."""
        primary, secondary = np.radians([self.primary_deg, self.secondary_deg])
        level = np.cos(secondary)
        return np.array([np.sin(primary) * level, -np.cos(primary) * level, np.sin(secondary)])

    @property
    def right(self) -> FloatArray:
        """Unit LPS vector along which columns grow: the patient's left in a frontal view."""
        primary = np.radians(self.primary_deg)
        return np.array([np.cos(primary), np.sin(primary), 0.0])

    @property
    def down(self) -> FloatArray:
        """Unit LPS vector along which rows grow: to the feet in a frontal view."""
        return np.cross(self.right, self.towards_detector)

    @property
    def source_lps_mm(self) -> FloatArray:
        """Where the X-rays come from."""
        away = self.source_to_isocenter_mm * self.towards_detector
        return np.array(self.isocenter_lps_mm) - away

    def depth(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (...,) distances of (..., 3) points from the source along the central ray."""
        depth: FloatArray = (points_lps_mm - self.source_lps_mm) @ self.towards_detector
        return depth

    def magnification(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (...,) ratios of size on the detector to size in the patient."""
        return self.source_to_detector_mm / self.depth(points_lps_mm)

    def project(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (..., 2) image positions (column, row) of (..., 3) points.

        Counted from 0 at the centre of the first pixel; the middle of the image is the isocentre.
        """
        offset = points_lps_mm - np.array(self.isocenter_lps_mm)
        scale = self.magnification(points_lps_mm) / self.pixel_mm
        column = (offset @ self.right) * scale + (self.columns - 1) / 2
        row = (offset @ self.down) * scale + (self.rows - 1) / 2
        return np.stack([column, row], axis=-1)

    def rays(self, columns: FloatArray, rows: FloatArray) -> FloatArray:
        """Return (n, 3) LPS vectors from the source to image positions, of depth 1."""
        across = (columns - (self.columns - 1) / 2) * self.pixel_mm
        along = (rows - (self.rows - 1) / 2) * self.pixel_mm
        spread = across[:, None] * self.right + along[:, None] * self.down
        rays: FloatArray = self.towards_detector + spread / self.source_to_detector_mm
        return rays
