"""How a volume lies on the screen.

napari draws axis 1 downwards and axis 2 to the right, and in its coronal and sagittal views axis 0
downwards. With axis 0 towards the feet, axis 1 towards the back and axis 2 towards the patient's
left, all three views look as on a radiologist's screen: head or front up, the patient's left on
the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from venoseg.volume import Grid

# Sign of the LPS axes (z, y, x) along the axes of the display.
_DISPLAY_SIGNS = (-1, 1, 1)


@dataclass(frozen=True, slots=True)
class Turn:
    """How to turn arrays of one grid for the display.

    Attributes
    ----------
    axes
        Array axis that becomes each display axis.
    flipped
        Display axes that run against their array axis.
    grid
        The grid of a turned array.
    """

    axes: tuple[int, int, int]
    flipped: tuple[int, ...]
    grid: Grid

    def __call__(self, array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Return a view of an array of the original grid, turned for the display."""
        turned: npt.NDArray[np.generic] = np.flip(array.transpose(self.axes), self.flipped)
        return turned


def turn_for_display(grid: Grid) -> Turn:
    """Return the turn that brings a grid nearest to the display's directions.

    Only whole axes are exchanged or mirrored, so that no voxel is interpolated; an oblique grid
    stays as oblique as it is.
    """
    # Cosines of (z, y, x) with the array's axes.
    cosines = grid.directions[::-1]
    axes = _nearest_axes(np.abs(cosines))
    flipped = tuple(
        display
        for display, axis in enumerate(axes)
        if cosines[display, axis] * _DISPLAY_SIGNS[display] < 0
    )
    affine = np.eye(4)
    affine[:, :3] = grid.affine[:, axes]
    last = np.zeros(3)
    for display in flipped:
        affine[:3, display] *= -1
        last[axes[display]] = grid.shape[axes[display]] - 1
    affine[:3, 3] = grid.to_lps(last)
    shape = (grid.shape[axes[0]], grid.shape[axes[1]], grid.shape[axes[2]])
    return Turn(axes, flipped, Grid(shape, affine))


def _nearest_axes(cosines: npt.NDArray[np.float64]) -> tuple[int, int, int]:
    """Return for each display axis the array axis that runs most along it, each one once."""
    left = cosines.copy()
    chosen = {}
    for _ in range(3):
        display, axis = divmod(int(left.argmax()), 3)
        chosen[display] = axis
        left[display, :] = left[:, axis] = -1.0
    return chosen[0], chosen[1], chosen[2]
