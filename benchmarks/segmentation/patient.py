"""Patients who never were: real anatomy, bent at random, with painted contrast.

The labelled organs of one unenhanced CT of abdomen and pelvis (TotalSegmentator's example) are
warped smoothly, and blood and organs are given the grey values of a phase. What that CT's labels
lack, and what veins are mistaken for, is drawn: renal, hepatic and internal iliac veins, and the
arteries beside them. Everything is drawn from one seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from benchmarks.segmentation.blood import AVERAGED, KIDNEYS, PHASES, enhanced_in
from scipy import ndimage

from venoseg.dicom import read_study
from venoseg.segmentation.working import upright
from venoseg.volume import BoolArray, FloatArray, Grid, Volume

Float32Array = np.ndarray

AORTA, CAVA, PORTAL = 52, 63, 64
ARTERIES, VEINS = (65, 66), (67, 68)
VESSELS = ("ivc", "left", "right", "artery", "portal", "branch")
CROPS = ("whole", "upper", "pelvis")
# A slice is the average over its thickness, of so many millimetres each.
_THIN_MM = 1.5
_LEVEL_MM = 3.0
# The cava and both iliac veins come first among the vessels; between them labels may be missing.
VEIN_PARTS = 3
_GAP_SLICES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """The anatomy that is painted, upright on 3 mm voxels.

    Attributes
    ----------
    image
        (slices, rows, columns) HU, not enhanced.
    labels
        The model's organs.
    parts
        (6, slices, rows, columns) how much of each voxel is in each of `VESSELS`.
    grid
        Their place.
    """

    image: Float32Array
    labels: np.ndarray
    parts: Float32Array
    grid: Grid

    def middles(self, values: tuple[int, ...]) -> FloatArray:
        """Return (n, 3) index of the middle of some organs in each slice that holds them."""
        held = np.isin(self.labels, values)
        return np.array(
            [(k, *np.argwhere(held[k]).mean(axis=0)) for k in np.flatnonzero(held.any((1, 2)))]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """One painted patient.

    Attributes
    ----------
    volume
        The CT.
    truth
        (slices, rows, columns) number in `VESSELS` plus 1.
    words
        What was drawn.
    """

    volume: Volume
    truth: np.ndarray
    words: str

    def mask(self, vessel: str) -> BoolArray:
        """Return the voxels of one of `VESSELS`."""
        return self.truth == VESSELS.index(vessel) + 1


def anatomy_in(folder: Path) -> Anatomy:
    """Read the CT and its labels, and draw the vessels that the labels lack."""
    volume = read_study(folder / "example_ct.nii.gz").ct()
    labels = sitk.GetArrayFromImage(
        sitk.ReadImage(str(folder / "example_seg_fast_force_split.nii.gz"))
    )
    image, grid = upright(volume.voxels.astype(np.float32), volume.grid)
    labels, _ = upright(labels.astype(np.float32), volume.grid)
    labels = _joined(labels.astype(np.int16))
    bare = Anatomy(image, labels, np.zeros((len(VESSELS), *image.shape), np.float32), grid)
    named = {
        "ivc": (CAVA,),
        "left": VEINS[:1],
        "right": VEINS[1:],
        "artery": (AORTA, *ARTERIES),
        "portal": (PORTAL,),
    }
    for vessel, values in named.items():
        held = np.isin(labels, values).astype(np.float32)
        bare.parts[VESSELS.index(vessel)] = ndimage.gaussian_filter(held, 0.6)
    # Where one vein goes over into the next both share a voxel, which is a vein all the same.
    veins = np.isin(labels, (CAVA, *VEINS)).astype(np.float32)
    shares = bare.parts[:VEIN_PARTS]
    shares *= ndimage.gaussian_filter(veins, 0.6) / np.maximum(shares.max(axis=0), 1e-3)
    for vessel, points, radii in _drawn(bare):
        part = bare.parts[VESSELS.index(vessel)]
        np.maximum(part, _tube(bare.grid.shape, points, radii), out=part)
    bare.parts[-1] *= (bare.parts[:3] < 0.5).all(axis=0)
    return bare


def _joined(labels: np.ndarray) -> np.ndarray:
    """Join the cava to the iliac veins: the model's labels shrink to nothing between the two."""
    values = (CAVA, *VEINS)
    veins = np.isin(labels, values)
    reach = (2 * _GAP_SLICES + 1, 1, 1)
    closed = ndimage.binary_closing(np.pad(veins, _GAP_SLICES), np.ones(reach))
    inner = slice(_GAP_SLICES, -_GAP_SLICES)
    filled = closed[inner, inner, inner] & ~veins & ~np.isin(labels, (AORTA, *ARTERIES))
    nearest = ndimage.distance_transform_edt(
        ~veins, sampling=(_LEVEL_MM,) * 3, return_distances=False, return_indices=True
    )
    out = labels.copy()
    out[filled] = labels[tuple(nearest[:, filled])]
    return out


def _drawn(anatomy: Anatomy) -> Iterator[tuple[str, FloatArray, FloatArray]]:
    """Give vessels that have no label: what they are, their points (index) and radii (mm)."""
    cava, aorta = anatomy.middles((CAVA,)), anatomy.middles((AORTA,))
    near = {int(k): (j, i) for k, j, i in cava}
    before = {int(k): (j, i) for k, j, i in aorta}
    for kidney in KIDNEYS:
        k, j, i = anatomy.middles((kidney,)).mean(axis=0).round().astype(int)
        (cj, ci), (aj, ai) = near[k], before[k]
        inward = np.sign(ci - i)
        hilum = (k, j, i + 4 * inward)
        over = [(k, aj - 5.5, ai)] if inward < 0 else []
        yield "branch", np.array([(k, cj, ci), *over, hilum]), np.array([4.5, 4.0])
        yield (
            "artery",
            np.array([(k + 1, aj, ai), (k + 1, max(aj, cj) + 3, ci), (k, j + 1, i)])
            if (inward > 0)
            else np.array([(k + 1, aj, ai), (k, j + 1, i)]),
            np.array([3.0, 2.5]),
        )
    top = cava[-5]
    for down, back, left in ((-8, 4, -20), (-10, -14, -12), (-5, -12, 6)):
        yield "branch", np.array([top, top + np.array([down, back, left])]), np.array([5.0, 2.5])
    for values, vessel, high in ((VEINS, "branch", 0.62), (ARTERIES, "artery", 0.7)):
        for value, outward in zip(values, (1, -1), strict=True):
            middles = anatomy.middles((value,))
            start = middles[round(high * (len(middles) - 1))]
            ends = [start + np.array([-8, 7, -outward]), start + np.array([-18, 11, 0])]
            yield vessel, np.array([start, *ends]), np.array([4.5, 3.5])


def _tube(shape: tuple[int, ...], points: FloatArray, radii_mm: FloatArray) -> Float32Array:
    """Return how much of each voxel lies in a tube through points, thinner towards its end."""
    steps = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1)))
    at = np.linspace(0.0, steps[-1], int(steps[-1] * 4) + 2)
    line = np.stack([np.interp(at, steps, points[:, n]) for n in range(3)], axis=1)
    line = ndimage.gaussian_filter1d(line, 6.0, axis=0, mode="nearest")
    radius = np.interp(at, steps[[0, -1]], radii_mm) / _LEVEL_MM
    out = np.zeros(shape, np.float32)
    for point, r in zip(line, radius, strict=True):
        low = np.maximum(np.floor(point - r - 2), 0).astype(int)
        high = np.minimum(np.ceil(point + r + 3), shape).astype(int)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        away = np.sqrt(sum((axis - p) ** 2 for axis, p in zip(np.ogrid[box], point, strict=True)))
        np.maximum(out[box], np.clip(0.5 + r - away, 0.0, 1.0), out=out[box])
    return out


def painted(anatomy: Anatomy, seed: int, phase: str, crop: str) -> Painted:
    """Draw a patient.

    Parameters
    ----------
    anatomy
        Whose anatomy is bent.
    seed
        Of every random choice but the next two.
    phase
        One of `benchmarks.segmentation.blood.PHASES`.
    crop
        One of `CROPS`: all, from the diaphragm to the middle of the kidneys, or below the kidneys.
    """
    random = np.random.default_rng([seed, PHASES.index(phase), CROPS.index(crop)])
    thickness = float(random.choice([1.0, 1.5, 2.0, 2.5, 3.0, 5.0]))
    pixel, noise = float(random.uniform(0.75, 1.0)), float(random.uniform(8.0, 25.0))
    low, high = {"whole": (0.0, 1.0), "upper": (0.66, 1.0), "pelvis": (0.0, 0.62)}[crop]
    height = anatomy.grid.shape[0] * _LEVEL_MM
    shape = (
        int((high - low) * height / thickness) - 1,
        *(int(n * _LEVEL_MM / pixel) for n in anatomy.grid.shape[1:]),
    )
    origin = anatomy.grid.to_lps([low * anatomy.grid.shape[0], 0, 0])
    grid = Grid.from_axes(shape, spacing_mm=(thickness, pixel, pixel), origin_lps_mm=tuple(origin))
    offset, bend = _bend(anatomy, random)
    renal = float(anatomy.middles(KIDNEYS)[:, 0].mean())
    enhanced, blood = enhanced_in(anatomy.image, anatomy.labels, renal, phase, random)
    image, truth = np.empty(shape, np.float32), np.zeros(shape, np.uint8)
    thin = 2 * round(thickness / _THIN_MM / 2) + 1 if phase in AVERAGED else 1
    slab = max(1, int(2_000_000 / (thin * shape[1] * shape[2])))
    for start in range(0, shape[0], slab):
        box = (slice(start, min(start + slab, shape[0])), slice(0, shape[1]), slice(0, shape[2]))
        fine = _thinner(grid.crop(box), thin)
        drawn, vessels = _slab(anatomy, enhanced, blood, offset, fine)
        image[box] = drawn.reshape(-1, thin, *shape[1:]).mean(axis=1)
        truth[box] = vessels[thin // 2 :: thin]
    image += _noise(random, shape, noise)
    volume = Volume(np.clip(image, -1024, 3071).round().astype(np.int16), grid)
    turned, flips = random.permutation(3), random.random(3) < 0.5
    if random.random() < 0.5:
        volume, truth = _turned(volume, truth, turned, flips)
    words = f"{thickness:g} mm; {noise:.0f} HU; {bend}"
    return Painted(volume, truth, words)


def _thinner(grid: Grid, parts: int) -> Grid:
    """Return a grid of slices that each are one of an odd number of parts of a grid's slices."""
    affine = grid.affine.copy()
    affine[:3, 0] /= parts
    affine[:3, 3] -= affine[:3, 0] * (parts // 2)
    return Grid((grid.shape[0] * parts, *grid.shape[1:]), affine)


def _bend(anatomy: Anatomy, random: np.random.Generator) -> tuple[Float32Array, str]:
    """Draw a smooth warp: (3, slices, rows, columns) voxels from each point to where it was."""
    shape = anatomy.grid.shape
    width, depth, length = random.uniform([0.87, 0.87, 0.94], [1.15, 1.15, 1.08])
    flat = float(random.uniform(0.6, 1.3))
    tilt = np.deg2rad(random.uniform(-6.0, 6.0, 2))
    k, j, i = np.meshgrid(*[np.arange(n, dtype=np.float64) for n in shape], indexing="ij")
    middle = np.array(shape) / 2.0
    z, y, x = (axis - m for axis, m in zip((k, j, i), middle, strict=True))
    offset = np.stack([z * (1 / length - 1), y * (1 / depth - 1), x * (1 / width - 1)])
    offset[1] += np.sin(tilt[0]) * z
    offset[2] += np.sin(tilt[1]) * z
    for axis in range(3):
        rough = random.normal(size=shape)
        smooth = ndimage.gaussian_filter(rough, 11.0)
        offset[axis] += smooth / smooth.std() * (4.0 / _LEVEL_MM)
    cava = anatomy.middles((CAVA,))
    cj, ci = (np.interp(np.arange(shape[0]), cava[:, 0], cava[:, n])[:, None, None] for n in (1, 2))
    near = np.exp(-((j - cj) ** 2 + (i - ci) ** 2) / 2.0 / 6.0**2)
    offset[1] += near * (j - cj) * (1.0 / flat - 1.0)
    offset[2] += near * (i - ci) * (np.sqrt(flat) - 1.0)
    words = f"width x {width:.2f}; cava x {flat:.2f} deep"
    return offset.astype(np.float32), words


def _slab(
    anatomy: Anatomy, enhanced: Float32Array, blood: Float32Array, offset: Float32Array, fine: Grid
) -> tuple[Float32Array, np.ndarray]:
    """Resample a few slices and lay the vessels over the organs."""
    coarse = anatomy.grid
    corners = np.array([(0, 0, 0), np.array(fine.shape) - 1])
    first, last = coarse.to_index(fine.to_lps(corners))
    at = [np.linspace(a, b, n) for a, b, n in zip(first, last, fine.shape, strict=True)]
    where = [
        _between(offset[axis], at) + at[axis].reshape([-1 if n == axis else 1 for n in range(3)])
        for axis in range(3)
    ]
    picture = ndimage.map_coordinates(enhanced, where, order=1, cval=-1000.0)
    truth = np.zeros(fine.shape, np.uint8)
    held = np.nonzero(anatomy.parts.max(axis=0) > 0.05)
    low, high = np.min(held, axis=1) - 1, np.max(held, axis=1) + 1
    near = np.all([(w > a) & (w < b) for w, a, b in zip(where, low, high, strict=True)], axis=0)
    points = np.array([w[near] for w in where])
    if points.size == 0:
        return picture, truth
    parts = np.array([ndimage.map_coordinates(part, points, order=1) for part in anatomy.parts])
    best = parts.argmax(axis=0)
    most = parts.max(axis=0)
    hu = np.zeros(len(best), np.float32)
    for vessel in range(len(VESSELS)):
        own = (best == vessel) & (most > 0.02)
        hu[own] = ndimage.map_coordinates(blood[vessel], points[:, own], order=1, mode="nearest")
    # The edge of a vessel is as sharp as a CT's, about 1.5 mm, not as coarse labels are.
    share = np.clip(0.5 + (most - 0.5) * 2.2, 0.0, 1.0)
    picture[near] += share * (hu - picture[near])
    truth[near] = np.where(most > 0.5, best + 1, 0)
    return picture, truth


def _between(field: Float32Array, at: list[FloatArray]) -> Float32Array:
    """Interpolate a smooth field at the crossings of three axes."""
    out = field
    for axis, where in enumerate(at):
        below = np.clip(np.floor(where).astype(int), 0, field.shape[axis] - 2)
        share = np.clip(where - below, 0.0, 1.0).astype(np.float32)
        share = share.reshape([-1 if n == axis else 1 for n in range(3)])
        out = (1 - share) * out.take(below, axis) + share * out.take(below + 1, axis)
    return out


def _noise(random: np.random.Generator, shape: tuple[int, ...], sd_hu: float) -> Float32Array:
    grain = ndimage.gaussian_filter(random.normal(size=shape).astype(np.float32), (0.3, 0.7, 0.7))
    return grain * np.float32(sd_hu / grain.std())


def _turned(
    volume: Volume, truth: np.ndarray, order: np.ndarray, flips: np.ndarray
) -> tuple[Volume, np.ndarray]:
    """Store the same patient in another order of axes and directions."""
    axes = tuple(int(n) for n in order)
    flip = tuple(slice(None, None, -1 if f else None) for f in flips)
    affine = np.eye(4)
    affine[:3, :3] = volume.grid.affine[:3, :3][:, axes] * np.where(flips, -1.0, 1.0)
    first = np.zeros(3)
    for n, axis in enumerate(axes):
        first[axis] = volume.grid.shape[axis] - 1 if flips[n] else 0
    affine[:3, 3] = volume.grid.to_lps(first)
    voxels = np.ascontiguousarray(volume.voxels.transpose(axes)[flip])
    return Volume(voxels, Grid(voxels.shape, affine)), np.ascontiguousarray(
        truth.transpose(axes)[flip]
    )
