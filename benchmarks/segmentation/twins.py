"""The digital twins that segmentation is judged on: six kinds of veins in each of many bodies.

A body is painted once and serves all six kinds, which makes twins several times cheaper. All have
renal and internal iliac veins, and are seen from the kidneys to the groins with their whole width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from venoseg.phantom import Scanner, render
from venoseg.phantom.coverage import coverage
from venoseg.phantom.ct import Rendering, paint_layers
from venoseg.phantom.iliocaval import iliocaval_y, with_internal_iliacs
from venoseg.phantom.scene import Layer, Scene
from venoseg.phantom.solids import Box
from venoseg.phantom.surroundings import AIR_HU, RENAL_Z_MM, RIGHT_LOWER_MM, body, placed_in
from venoseg.phantom.variants import chronic_occlusion, duplicated_cava, left_cava, reconstructed
from venoseg.segmentation import Seed
from venoseg.volume import BoolArray, FloatArray, Grid

# The whole trunk; above and below the veins go on.
LOW_MM, HIGH_MM = np.array([-178.0, -112.0, -182.0]), np.array([178.0, 152.0, 140.0])
_IN_VIEW_MM = 4.0
_ENDS = {
    "internal_iliac_junction": "common_iliac_vein",
    "inguinal_ligament": "external_iliac_vein",
}


def _pressed(seed: int) -> Scene:
    random = np.random.default_rng([seed, 9])
    percent = float(random.uniform(45.0, 75.0))
    return iliocaval_y(seed, compression_percent=percent, internal=True, femoral=True)


KINDS: Mapping[str, Callable[[int], Scene]] = MappingProxyType(
    {
        "healthy": lambda seed: iliocaval_y(seed, internal=True, femoral=True),
        "may-thurner": _pressed,
        "occluded": lambda seed: with_internal_iliacs(chronic_occlusion(seed)),
        "stented": lambda seed: with_internal_iliacs(reconstructed(seed)),
        "second-cava": lambda seed: with_internal_iliacs(duplicated_cava(seed)),
        "left-cava": lambda seed: with_internal_iliacs(left_cava(seed)),
    }
)
"""What is drawn of a seed, by name."""


@dataclass(frozen=True, slots=True, eq=False)
class _Painted:
    """Grey values that were painted before, looked up by place."""

    image: np.ndarray
    grid: Grid

    def __call__(self, points_lps_mm: FloatArray) -> FloatArray:
        """Return (n,) HU at the voxels that (n, 3) points are the middles of."""
        at = np.rint(self.grid.to_index(points_lps_mm)).astype(int)
        hu: FloatArray = self.image[tuple(at.T)].astype(np.float64)
        return hu


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """A body, painted on the grid that its twins are scanned on, and where its arteries are."""

    seed: int
    grid: Grid
    tissues: Layer
    arteries: BoolArray

    @classmethod
    def of(cls, seed: int, spacing_mm: tuple[float, float, float]) -> Patient:
        """Paint the body of a seed; ``spacing_mm`` along (slice, row, column)."""
        shape = np.ceil((HIGH_MM - LOW_MM)[::-1] / spacing_mm).astype(int)
        grid = Grid.from_axes(
            shape.tolist(), spacing_mm=spacing_mm, origin_lps_mm=tuple(LOW_MM.tolist())
        )
        image = np.full(grid.shape, AIR_HU, np.float32)
        layers = body(seed)
        paint_layers(layers, grid, image)
        # The lumen of the arteries is painted last.
        box, share = coverage(layers[-1].shape, grid)
        arteries = np.zeros(grid.shape, dtype=bool)
        arteries[box] = share >= 0.5
        everywhere = Box(tuple(LOW_MM - 20.0), tuple(HIGH_MM + 20.0))
        return cls(seed, grid, Layer(everywhere, _Painted(image, grid)), arteries)

    def twin(self, kind: str) -> Rendering:
        """Scan one of `KINDS` in this body."""
        scene = placed_in(KINDS[kind](self.seed), (self.tissues,))
        return render(scene, self.grid, Scanner(seed=self.seed))


def levels_of(twin: Rendering) -> dict[str, float]:
    """Return the height (LPS z, mm) of each level at which veins change their names.

    That of the renal veins is the lower one of their two mouths.
    """
    heights = {"renal_veins": RENAL_Z_MM - RIGHT_LOWER_MM}
    for side in ("left", "right"):
        for level, part in _ENDS.items():
            rows = twin.truth.cross_sections.rows
            own = [row for row in rows if row["vessel"] == f"{side}_{part}"]
            heights[f"{side}_{level}"] = float(own[-1]["z_mm"])
    return heights


def seeds_of(twin: Rendering) -> list[Seed]:
    """Return seed points in the middle of the veins: the cava's central end, and both groins."""
    rows = twin.truth.cross_sections.rows
    low, high = twin.image.grid.to_lps(np.array([(0, 0, 0), np.array(twin.image.grid.shape) - 1]))
    rows = [r for r in rows if low[2] + _IN_VIEW_MM <= r["z_mm"] <= high[2] - _IN_VIEW_MM]
    cava = next(row for row in rows if row["vessel"] == "ivc")
    seeds = [Seed("ivc", "central_end", (cava["x_mm"], cava["y_mm"], cava["z_mm"]))]
    for side in ("left", "right"):
        own = [r for r in rows if r["vessel"].startswith(side) and "internal" not in r["vessel"]]
        end = min(own, key=lambda row: row["z_mm"])
        where = (end["x_mm"], end["y_mm"], end["z_mm"])
        seeds.append(Seed(end["vessel"], "peripheral_end", where))
    return seeds
