"""Reconstruction kernels: how sharp the image is, and what grain the noise has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.volume import FloatArray


@dataclass(frozen=True, slots=True)
class Kernel:
    """A point spread made of Gaussians, and whether the noise has the grain of a reconstruction.

    Attributes
    ----------
    gaussians
        Pairs of weight and width, the width in units of the scanner's blur. Weights add up to 1; a
        negative one enhances edges.
    grainy
        Whether noise is filtered as by filtered back-projection: little at low frequencies (the
        ramp), none beyond the kernel's reach. Otherwise it is white.
    dicom_name
        What a header calls it.
    """

    gaussians: tuple[tuple[float, float], ...]
    grainy: bool
    dicom_name: str


KERNELS: dict[str, Kernel] = {
    "white": Kernel(((1.0, 1.0),), grainy=False, dicom_name="SMOOTH"),
    "smooth": Kernel(((1.0, 1.25),), grainy=True, dicom_name="STANDARD"),
    "sharp": Kernel(((1.6, 0.7), (-0.6, 1.5)), grainy=True, dicom_name="SHARP"),
}


def blurred(
    image: npt.NDArray[np.float32], kernel: Kernel, along_px: float, across_px: FloatArray
) -> FloatArray:
    """Return an image (slices, rows, columns) as a scanner with this kernel sees it.

    ``along_px`` is the standard deviation along the slices, ``across_px`` that in the plane
    (row, column) which the kernel's widths multiply.
    """
    from scipy.ndimage import gaussian_filter

    total = np.zeros(image.shape)
    for weight, width in kernel.gaussians:
        sigma = (along_px, width * across_px[0], width * across_px[1])
        total += weight * gaussian_filter(image, sigma, mode="nearest", truncate=4.0)
    return total


def grain(
    kernel: Kernel,
    white: FloatArray,
    blur_mm: float,
    spacing_mm: FloatArray,
    smoothed_mm: float | None = None,
) -> FloatArray:
    """Return noise of unit strength: a white (rows, columns) slice filtered as the kernel does.

    Or smoothed by a Gaussian of a standard deviation of ``smoothed_mm``, whatever the kernel.
    """
    if smoothed_mm is None and not kernel.grainy:
        return white
    rows = np.fft.fftfreq(white.shape[0], spacing_mm[0])[:, None]
    columns = np.fft.rfftfreq(white.shape[1], spacing_mm[1])[None, :]
    frequency = np.hypot(rows, columns)

    def gaussian(width_mm: float) -> FloatArray:
        return np.asarray(np.exp(-2 * (np.pi * width_mm * frequency) ** 2))

    if smoothed_mm is None:
        reach = sum(weight * gaussian(width * blur_mm) for weight, width in kernel.gaussians)
        transfer = np.sqrt(frequency) * reach
    else:
        transfer = gaussian(smoothed_mm)
    filtered: FloatArray = np.fft.irfft2(np.fft.rfft2(white) * transfer, s=white.shape)
    # Power of the whole plane from its half: columns but the first stand for two.
    power = 2 * float((transfer**2).sum()) - float((transfer[:, 0] ** 2).sum())
    unit: FloatArray = filtered / np.sqrt(power / white.size)
    return unit
