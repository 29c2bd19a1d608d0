"""How far repeated scans of one state spread, and how often true changes are called changed.

Small twins of veins in fat with walls of their own: `count` scans that differ in noise, `count`
that differ in noise and pose, then the same patient with every lumen narrower. Breathing and
filling count as recorded and equal, so that nothing but the intervals decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from venoseg.followup.case import Conditions
from venoseg.followup.change import ct_changes
from venoseg.followup.matching import match_visits
from venoseg.followup.rules import Rules
from venoseg.followup.visit import CtVisit
from venoseg.lumen import Measurements, measure
from venoseg.phantom import Scanner, Scene, iliocaval_y, render
from venoseg.phantom.body import Grown, Union
from venoseg.phantom.scene import Layer
from venoseg.phantom.tube import Tube
from venoseg.tables import Row
from venoseg.volume import FloatArray, Grid

NARROWER = (15.0, 20.0, 25.0)
FAT_HU, WALL_HU = -100.0, 45.0


def repeat(first_seed: int, count: int, patients: int) -> None:
    """Print spreads and verdicts of some patients.

    Parameters
    ----------
    first_seed
        Of the first patient and of all noise.
    count
        Scans of each patient with other noise, and as many in other poses.
    patients
        How many; each has a wall of its own thickness.
    """
    rows: dict[str, list[Row]] = {}
    for patient in range(first_seed, first_seed + patients):
        random = np.random.default_rng(patient)
        wall_mm = float(np.clip(random.normal(0.9, 0.35), 0.2, 1.8))
        scene = iliocaval_y(patient, stenosis_percent=50)
        first = _scan(scene, wall_mm, np.eye(4), 1000 * patient)
        print(f"patient {patient}: wall of {wall_mm:.2f} mm", flush=True)
        for kind in ("noise", "pose"):
            for n in range(1, count + 1):
                pose = np.eye(4)
                if kind == "pose":
                    turn = random.uniform(-3, 3, 3)
                    pose[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
                    pose[:3, 3] = random.uniform(-3, 3, 3)
                again = _scan(scene, wall_mm, pose, 1000 * patient + n)
                rows.setdefault(f"other {kind}", []).extend(_changes(first, again))
        for percent in NARROWER:
            thinner = replace(scene, tubes=tuple(_thinner(t, percent) for t in scene.tubes))
            for n in range(2):
                after = _scan(thinner, wall_mm, np.eye(4), 1000 * patient + 500 + n)
                rows.setdefault(f"{percent:g} % narrower", []).extend(_changes(first, after))
    for name, found in rows.items():
        _print(name, found)


def _scan(scene: Scene, wall_mm: float, pose: FloatArray, seed: int) -> Measurements:
    """Measure a hand's breadth around the confluence of a patient who lies in a pose."""
    wall = Layer(Grown(Union(scene.tubes, scene.fillet_mm), wall_mm), WALL_HU)
    scene = replace(scene, before=(wall,), background_hu=FAT_HU)
    grid = Grid.from_axes((75, 70, 110), spacing_mm=(2.0, 1.0, 1.0), origin_lps_mm=(-60, -35, -85))
    seen = Grid(grid.shape, np.linalg.inv(pose) @ grid.affine)
    made = render(scene, seen, Scanner(noise_hu=15, seed=seed))
    return measure(replace(made.image, grid=grid), replace(made.segmentation, grid=grid))


def _thinner(tube: Tube, percent: float) -> Tube:
    scale = np.sqrt(1.0 - percent / 100.0)
    first, second = tube.profile.first_mm * scale, tube.profile.second_mm * scale
    return replace(tube, profile=replace(tube.profile, first_mm=first, second_mm=second))


def _changes(before: Measurements, after: Measurements) -> list[Row]:
    same = Conditions("same", "same", "same")
    visits = [CtVisit(t, t, 0, m, same) for t, m in (("a", before), ("b", after))]
    rows = ct_changes(*visits, match_visits(before, after, 6.0), Rules())
    return [row for row in rows if row["change_low"] is not None]


def _print(name: str, rows: Sequence[Row]) -> None:
    """Print the spread of changes beside their intervals, and the share called changed."""
    for quantity in sorted({str(row["quantity"]) for row in rows}):
        chosen = [row for row in rows if row["quantity"] == quantity]
        change, low, high = (
            np.array([float(row[column] or 0.0) for row in chosen])
            for column in ("change", "change_low", "change_high")
        )
        called = [row["verdict"] == "changed" for row in chosen]
        print(
            f"{name:<16}{quantity:<44}{len(chosen):6d} changes, middle {np.median(change):+7.2f}, "
            f"95 % within {np.quantile(np.abs(change - np.median(change)), 0.95):6.2f}, "
            f"stated {np.median(high - low) / 2.0:6.2f}, changed {100 * np.mean(called):5.1f} %"
        )
