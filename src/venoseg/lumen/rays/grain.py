"""The grain of an image's noise: over how much of it neighbouring voxels err alike.

Reconstruction filters noise. What neighbouring rays see then has more in common than white noise
would leave it, and averages over a wall take less of it away. The grain is read where nothing else
is to be seen: in blocks of even tissue around the veins, passed through the filter that an edge is
found with. How far what comes out differs from its neighbours, by their distance, tells what they
share (a variogram); a mean taken off beforehand would hide part of it.

Tissue is never quite even. What is left of it goes on from slice to slice and from pixel to pixel,
so that the grain within slices is read from what each differs by from the two beside it, and that
across them from what each pixel differs by from the two beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from venoseg.interpolation import Float32Array
from venoseg.lumen.rays.smoothing import WALL_SMOOTHING_MM
from venoseg.volume import FloatArray, Grid, Volume

# Blocks of so many mm in the plane and along the slices, of so many slices, are taken from this far
# around the veins.
_BLOCK_MM, _THROUGH_MM, _SLICES = 13.0, 8.0, (3, 8)
_AROUND_MM = 25.0
_BLOCKS = 400

# Of the even ones no more are needed.
_MOST_BLOCKS = 150

# With fewer of them than this, noise is taken for white.
_LEAST_BLOCKS = 20

# Tissue and blood; beyond lie air, where values end, and bone and metal.
_TISSUE_HU = (-150.0, 350.0)

# Even are blocks whose variance, and that of the means of 4 by 4 tiles of them, are at most so many
# times those which a fifth of all stay below. Anatomy shows in the means, noise hardly.
_EVEN, _EVEN_TILES, _EVENEST = 1.5, 3.0, 0.2
_TILES = 4

# Images with less noise than this hold none that tells its grain.
_LEAST_NOISE_HU = 1.0

# Noise this far apart has nothing in common.
_APART_MM = 4.5

# Of noise alike over far more than a wall is averaged over at least this share (variance) is seen.
_LEAST_SEEN = 0.2

# What edges are found with reaches so many of its widths.
_REACH = 2.5

_SEED = 20_260_102


@dataclass(frozen=True, slots=True)
class Grain:
    """What has filtered the noise.

    Attributes
    ----------
    in_plane_mm, through_plane_mm
        Standard deviations of the Gaussian that would leave white noise with as much in common;
        0 for white noise.
    """

    in_plane_mm: float = 0.0
    through_plane_mm: float = 0.0

    def along_axes_mm(self, grid: Grid) -> FloatArray:
        """Return (3,) the standard deviations along the axes of a grid."""
        along = np.full(3, self.in_plane_mm)
        along[grid.through_axis] = self.through_plane_mm
        return along

    def on(self, grid: Grid) -> NoiseDraws:
        """Return how much of an image on a grid shares one draw of the noise."""
        along_mm = self.along_axes_mm(grid)
        # The integral of what a Gaussian of deviation g leaves in common is 2 sqrt(pi) g.
        lengths = np.hypot(grid.spacing_mm, 2.0 * np.sqrt(np.pi) * along_mm)
        # Of neighbours with a share c in common, linear interpolation leaves (2 + c) / 3 of the
        # variance on average.
        common = np.exp(-0.25 * (grid.spacing_mm / np.maximum(along_mm, 1e-2)) ** 2)
        left = float(np.prod((2.0 + common) / 3.0))
        return NoiseDraws(float(np.prod(lengths)), left)


@dataclass(frozen=True, slots=True)
class NoiseDraws:
    """What averages and interpolation meet of noise on a grid.

    Attributes
    ----------
    alike_mm3
        Volume that shares one draw: a voxel's, if the noise is white.
    left
        Share of a voxel's variance that is left where rays read between voxels.
    """

    alike_mm3: float
    left: float


def measure_grain(volume: Volume, points_lps_mm: FloatArray, edge_mm: float) -> Grain:
    """Read the grain of the noise around veins.

    Parameters
    ----------
    volume
        The image.
    points_lps_mm
        (n, 3) the stations of all veins: the noise is one and the same.
    edge_mm
        Standard deviation of the filter that edges are found with, in the plane.

    Returns
    -------
    Grain
        White where the image shows too little even tissue.
    """
    blocks = _even_blocks(volume, points_lps_mm)
    if len(blocks) < _LEAST_BLOCKS:
        return Grain()
    through_mm, pixel_mm = volume.grid.slice_and_pixel_mm
    beside, across = _shared(blocks, pixel_mm, through_mm, edge_mm)
    along_mm, around_mm = WALL_SMOOTHING_MM
    in_plane = _deviation_mm(beside, pixel_mm, around_mm)
    through = _deviation_mm(across, through_mm, along_mm)
    return Grain(round(in_plane, 2), round(through, 2))


def _even_blocks(volume: Volume, points_lps_mm: FloatArray) -> Float32Array:
    """Return (k, slices, rows, columns) blocks of tissue that show next to nothing but noise."""
    grid = volume.grid
    through_mm, pixel_mm = grid.slice_and_pixel_mm
    voxels = np.moveaxis(volume.voxels, grid.through_axis, 0)
    slices = int(np.clip(round(_THROUGH_MM / through_mm), *_SLICES))
    size = np.minimum([slices, *[round(_BLOCK_MM / pixel_mm)] * 2], voxels.shape)
    if size[0] < _SLICES[0] or size[1:].min() < _TILES:
        return np.empty((0, *size), dtype=np.float32)
    starts = _places(grid, points_lps_mm, size, np.array(voxels.shape))
    windows = np.lib.stride_tricks.sliding_window_view(voxels, tuple(size.tolist()))
    blocks: Float32Array = windows[tuple(starts.T)].astype(np.float32)
    mean, variance = blocks.mean(axis=(1, 2, 3)), blocks.var(axis=(1, 2, 3))
    usable = (mean > _TISSUE_HU[0]) & (mean < _TISSUE_HU[1])
    if volume.missing is not None:
        missing = np.moveaxis(volume.missing, grid.through_axis, 0)
        gaps = np.lib.stride_tricks.sliding_window_view(missing, tuple(size.tolist()))
        usable &= ~gaps[tuple(starts.T)].any(axis=(1, 2, 3))
    evenest = np.quantile(variance[usable], _EVENEST) if usable.any() else 0.0
    if evenest < _LEAST_NOISE_HU**2:
        return blocks[:0]
    tiles = _tile_variances(blocks)
    usable &= tiles <= _EVEN_TILES * np.quantile(tiles[usable], _EVENEST)
    even = np.flatnonzero(usable & (variance <= _EVEN * evenest))
    chosen: Float32Array = blocks[even[:: 1 + (len(even) - 1) // _MOST_BLOCKS]]
    return chosen


def _tile_variances(blocks: Float32Array) -> Float32Array:
    """Return (k,) how much the means of tiles differ, each over all slices, within blocks."""
    high, wide = (side // _TILES for side in blocks.shape[2:])
    tiled = blocks[:, :, : _TILES * high, : _TILES * wide].mean(axis=1)
    means = tiled.reshape(len(blocks), _TILES, high, _TILES, wide).mean(axis=(2, 4))
    variances: Float32Array = means.var(axis=(1, 2))
    return variances


def _places(
    grid: Grid, points_lps_mm: FloatArray, size: npt.NDArray[np.int64], shape: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Return (k, 3) where blocks begin, the slices first: always the same for the same veins."""
    random = np.random.default_rng(_SEED)
    station = np.linspace(0, len(points_lps_mm) - 1, _BLOCKS).round().astype(np.int64)
    index = grid.to_index(points_lps_mm[station])
    away = random.uniform(-_AROUND_MM, _AROUND_MM, (_BLOCKS, 3)) / grid.spacing_mm
    away[:, grid.through_axis] = 0.0
    middle = np.moveaxis(index + away, -1, 0)
    order = [grid.through_axis, *(a for a in range(3) if a != grid.through_axis)]
    starts = middle[order].T - size / 2.0
    return np.clip(starts.round(), 0, shape - size).astype(np.int64)


def _shared(
    blocks: Float32Array, pixel_mm: float, through_mm: float, edge_mm: float
) -> tuple[FloatArray, FloatArray]:
    """Return what edges beside one another in the plane and along the slices have in common.

    As a share of their variance, at distances of 1, 2, ... pixels, and slices.
    """
    reach = int(_REACH * edge_mm / pixel_mm)
    reach = min(reach, (blocks.shape[2] - 1) // 2)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) * pixel_mm / edge_mm) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    # Differences do not feel the blocks' own levels, but sums in single precision do.
    blocks = blocks - blocks.mean(axis=(1, 2, 3), keepdims=True)
    beside, across = np.zeros((2, blocks.shape[3])), np.zeros((2, blocks.shape[1]))
    for rows_first in (blocks, np.swapaxes(blocks, 2, 3)):
        filtered = ndimage.convolve1d(rows_first, weights, axis=2)
        filtered = filtered[:, :, reach : filtered.shape[2] - reach]
        _count_squares(np.moveaxis(_uncommon(filtered, 1), 3, 0), beside)
        _count_squares(np.moveaxis(_uncommon(filtered, 3), 1, 0), across)
    return _common(beside, pixel_mm), _common(across, through_mm)


def _uncommon(values: Float32Array, axis: int) -> Float32Array:
    """Return what values differ by from the mean of their neighbours on either side."""
    along = np.moveaxis(values, axis, 0)
    differing: Float32Array = along[1:-1] - np.float32(0.5) * (along[:-2] + along[2:])
    return np.moveaxis(differing, 0, axis)


def _common(squares: FloatArray, step_mm: float) -> FloatArray:
    """Return which share of their variance neighbours have in common by (2, lags) sums and counts.

    What lies far apart has only what is not noise in common: anatomy goes on across slices.
    """
    variogram = squares[0, 1:] / np.maximum(squares[1, 1:], 1.0)
    apart = int(np.clip(np.ceil(_APART_MM / step_mm), 2, len(variogram))) - 1
    variance = squares[0, 1 + apart :].sum() / max(squares[1, 1 + apart :].sum(), 1.0)
    common: FloatArray = 1.0 - variogram[:apart] / max(variance, 1e-9)
    return common


def _count_squares(values: Float32Array, squares: FloatArray) -> None:
    """Add half the squares of differences along the first axis to (2, lags): sums and counts."""
    flat = values.reshape(len(values), -1)
    products = (flat @ flat.T).astype(np.float64)
    power = products.diagonal()
    for lag in range(1, squares.shape[1]):
        both = power[lag:].sum() + power[:-lag].sum()
        squares[0, lag] += 0.5 * both - products.diagonal(lag).sum()
        squares[1, lag] += (len(flat) - lag) * flat.shape[1]


def _deviation_mm(shared: FloatArray, step_mm: float, over_mm: float) -> float:
    """Return the Gaussian that leaves neighbours in steps with this in common: its deviation.

    Only as far as a wall's average over so much meets them: kernels that sharpen make noise farther
    apart unlike, of which the average sees little.
    """
    apart_mm = step_mm * np.arange(1, len(shared) + 1)
    met = np.exp(-0.25 * (apart_mm / over_mm) ** 2)
    length = step_mm * (1.0 + 2.0 * float(shared @ met))
    # White noise shares a step's length with itself.
    seen_mm = np.sqrt(max(length**2 - step_mm**2, 0.0)) / (2.0 * np.sqrt(np.pi))
    return float(seen_mm / np.sqrt(max(1.0 - (seen_mm / over_mm) ** 2, _LEAST_SEEN)))
