"""Levels of whole bodies in which soft tissue moved against the bones between two scans.

Every vessel, organ and muscle moves along the body, and the bones stay; then the patient is laid
down elsewhere, and the second scan has other slices. The same twins without organs follow: veins
in one gray ground, with and without bones, where hardly anything tells how far a vein has moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from venoseg.followup.levels import Match
from venoseg.followup.matching import match_visits, sight_of
from venoseg.lumen import Measurements, measure
from venoseg.phantom import Scanner, Scene, ideal_mask, iliocaval_y, render
from venoseg.phantom.scene import Layer
from venoseg.phantom.skeleton import CORTEX_HU, skeleton
from venoseg.phantom.surroundings import MUSCLE_HU, in_body
from venoseg.volume import FloatArray, Grid

Lowering = Callable[[FloatArray], FloatArray]

_EXTENT_MM = (330.0, 230.0, 300.0)
_MIDDLE_MM = np.array([0.0, 15.0, -10.0])
_NOISE_HU = 12.0
_BONE_HU = 150.0

# How far soft tissue at a height (mm, the confluence is near 0) lies lower at the second scan.
_MOVEMENTS: dict[str, Lowering] = {
    "no movement": lambda z: np.zeros_like(z),
    "all 8 mm lower": lambda z: np.full_like(z, 8.0),
    "up to 15 mm lower towards the heart": lambda z: 15.0 * np.clip((z + 120.0) / 260.0, 0.0, 1.0),
    "cava drawn out by 10 %": lambda z: 0.1 * np.clip(z, 0.0, 140.0),
}

# Slices and pixels of the first and of the second scan, in mm.
_SPACINGS = (
    ((2.0, 1.5, 1.5), (3.0, 1.8, 1.8)),
    ((1.5, 1.5, 1.5), (5.0, 1.5, 1.5)),
    ((3.0, 1.8, 1.8), (1.5, 1.5, 1.5)),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Twin:
    """A patient as soft tissue and bones, which are scanned apart."""

    soft: Scene
    bones: Scene | None

    @classmethod
    def in_body(cls, seed: int) -> _Twin:
        body = in_body(iliocaval_y(seed, stenosis_percent=40), seed)
        hard = [n for n, layer in enumerate(body.before) if layer.hu == CORTEX_HU]
        # The spongy inside of every bone follows its cortex.
        first, stop = hard[0], hard[-1] + len(hard) + 1
        soft = replace(body, before=(*body.before[:first], *body.before[stop:]))
        return cls(soft, cls._bare(body, body.before[first:stop]))

    @classmethod
    def without_organs(cls, seed: int, *, bones: bool) -> _Twin:
        scene = replace(iliocaval_y(seed, stenosis_percent=40), background_hu=20.0)
        hard = skeleton(np.random.default_rng(seed))
        return cls(scene, cls._bare(scene, hard) if bones else None)

    @staticmethod
    def _bare(scene: Scene, layers: tuple[Layer, ...]) -> Scene:
        return replace(scene, before=layers, lumen_hu=0.0, background_hu=0.0)


def breathing(first_seed: int, count: int) -> None:
    """Print the error of levels, and how often a level's own doubt holds it.

    Parameters
    ----------
    first_seed
        Of the first patient.
    count
        How many; the slices differ from patient to patient.
    """
    print(f"{'':<62}{'residual':>9}{'median':>8}{'95 %':>7}{'most':>7}{'held':>7}")
    for seed in range(first_seed, first_seed + count):
        random = np.random.default_rng(seed)
        spacings = _SPACINGS[seed % len(_SPACINGS)]
        for kind, twin in _twins(seed):
            first = _scan(twin, np.eye(4), spacings[0], _MOVEMENTS["no movement"], seed)
            sight = sight_of(first)
            for name, lowering in _MOVEMENTS.items():
                motion = np.eye(4)
                turn = random.uniform(-6, 6, 3)
                motion[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
                motion[:3, 3] = random.uniform(-30, 30, 3)
                second = _scan(twin, motion, spacings[1], lowering, seed + 5000)
                match = match_visits(first, second, 6.0, (sight, sight_of(second)))
                error, held = level_errors(match, first, second, motion, lowering)
                print(
                    f"{f'seed {seed}, {kind}, {name}':<62}{match.residual_mm or 0:9.1f}"
                    f"{np.median(error):8.2f}{np.quantile(error, 0.95):7.2f}{error.max():7.2f}"
                    f"{100 * held.mean():6.0f} %",
                    flush=True,
                )


def _twins(seed: int) -> Iterator[tuple[str, _Twin]]:
    yield "body", _Twin.in_body(seed)
    yield "bones, no organs", _Twin.without_organs(seed, bones=True)
    yield "veins alone", _Twin.without_organs(seed, bones=False)


def _scan(
    twin: _Twin,
    motion: FloatArray,
    spacing: tuple[float, float, float],
    lowering: Lowering,
    seed: int,
) -> Measurements:
    """Scan a patient who was moved, and whose soft tissue lies lower than it was made."""
    middle = motion[:3, :3] @ _MIDDLE_MM + motion[:3, 3]
    origin = middle - np.array(_EXTENT_MM)[::-1] / 2.0
    shape = [round(e / s) for e, s in zip(_EXTENT_MM, spacing, strict=True)]
    grid = Grid.from_axes(shape, spacing_mm=spacing, origin_lps_mm=tuple(origin))
    seen = Grid(grid.shape, np.linalg.inv(motion) @ grid.affine)
    made = render(twin.soft, seen, Scanner(noise_hu=0))
    index = np.indices(grid.shape).reshape(3, -1).T.astype(np.float64)
    place = seen.to_lps(index)
    place[:, 2] += lowering(place[:, 2])
    source = seen.to_index(place).T
    soft = ndimage.map_coordinates(
        made.image.voxels.astype(np.float32), source, order=1, cval=-1000
    )
    # Labels are taken from thin slices: those of the scan itself would move by whole slices only.
    thin = _thin(seen)
    drawn = ideal_mask(twin.soft, thin).labels
    labels = ndimage.map_coordinates(drawn, thin.to_index(place).T, order=0)
    voxels = soft.reshape(grid.shape)
    if twin.bones is not None:
        hard = render(twin.bones, seen, Scanner(noise_hu=0)).image.voxels
        labelled = labels.reshape(grid.shape) > 0
        voxels = np.where((hard > _BONE_HU) & ~labelled, np.maximum(hard, MUSCLE_HU), voxels)
    voxels = voxels + _NOISE_HU * np.random.default_rng(seed).standard_normal(grid.shape)
    image = replace(made.image, voxels=np.rint(voxels).astype(np.int16), grid=grid)
    segmentation = replace(made.segmentation, labels=labels.reshape(grid.shape), grid=grid)
    return measure(image, segmentation, step_mm=2.0)


def _thin(grid: Grid) -> Grid:
    """Return the same place in slices of at most a millimetre."""
    parts = int(np.ceil(grid.spacing_mm[0] - 1e-6))
    affine = grid.affine.copy()
    affine[:3, 0] /= parts
    affine[:3, 3] -= 0.5 * (parts - 1) * affine[:3, 0]
    slices, rows, columns = grid.shape
    return Grid((slices * parts, rows, columns), affine)


def level_errors(
    match: Match,
    first: Measurements,
    second: Measurements,
    motion: FloatArray,
    lowering: Lowering,
) -> tuple[FloatArray, FloatArray]:
    """Return how far matched levels lie from the truth, and whether their doubt holds that."""
    back = np.linalg.inv(motion)
    errors, held = [np.zeros(0)], [np.zeros(0)]
    for vessel, one in match.vessels.items():
        here, there = (m.tree.branch(vessel).curve for m in (first, second))
        shown = np.isfinite(one.to_mm)
        points = np.stack(
            [
                np.interp(one.to_mm[shown], there.position_mm, there.points_lps_mm[:, axis])
                for axis in range(3)
            ],
            axis=1,
        )
        # Where that tissue lay at the first scan.
        returned = points @ back[:3, :3].T + back[:3, 3]
        returned[:, 2] += lowering(returned[:, 2])
        apart = returned - here.points_lps_mm[shown]
        error = np.abs(np.einsum("ij,ij->i", apart, here.tangents[shown]))
        doubt = np.full(len(error), match.residual_mm or 0.0)
        if one.doubt_mm is not None:
            doubt = one.doubt_mm[shown]
        errors.append(error)
        held.append(error <= doubt)
    return np.concatenate(errors), np.concatenate(held)
