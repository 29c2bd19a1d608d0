"""How far the figures of one stent spread over repeated scans, against their intervals and truth.

A stent, pressed flat in the middle and lined by tissue that is thickest off the middle, is scanned
with other noise, then with other noise in other poses. Spread: 95 % of the figures lie so near to
their middle; stated: half the interval of one; held: how often that interval holds the truth.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from venoseg.lumen import measure
from venoseg.phantom import (
    Curve,
    Layer,
    Profile,
    Scanner,
    Scene,
    Span,
    Tube,
    fit_grid,
    render,
)
from venoseg.phantom.stents import Lattice, stented
from venoseg.phantom.variants import part_of_stent
from venoseg.tables import Row
from venoseg.volume import FloatArray, Grid

_START_MM, _STOP_MM = 10.0, 52.0

# Columns of ``stents.csv``: the figure, and both ends of its interval.
_FIGURES = {
    "smallest stent area, mm2": "minimum_area{}_mm2",
    "length, mm": "length{}_mm",
    "in-stent stenosis, %": "in_stent_area_stenosis{}_percent",
}


def stents(first_seed: int, count: int) -> None:
    """Print the spread of a stent's figures over noise and over poses.

    Parameters
    ----------
    first_seed
        Of the stent, of the noise and of the poses.
    count
        Scans with other noise, and as many in other poses.
    """
    random = np.random.default_rng(first_seed)
    scene, true = _stent(random)
    for kind in ("noise", "pose"):
        rows = []
        for n in range(count):
            pose = np.eye(4)
            if kind == "pose":
                turn = random.uniform(-3, 3, 3)
                pose[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix()
                pose[:3, 3] = random.uniform(-3, 3, 3)
            rows.append(_scan(scene, pose, 1000 * first_seed + n))
        for name, column in _FIGURES.items():
            _print(f"other {kind}", name, [_interval(row, column) for row in rows], true[name])


def _stent(random: np.random.Generator) -> tuple[Scene, dict[str, float]]:
    """Return a stent in a vein, and its true figures."""
    curve = Curve.through([(0.0, 0.0, 0.0), (5.0, 2.0, -30.0), (14.0, 0.0, -61.0)])
    at = curve.positions_mm
    radius = float(random.uniform(6.5, 8.5))
    host = Profile.along(curve, 0.0, radius - 1.0, radius - 1.0)
    tube = Tube(curve, host, (Span("left_common_iliac_vein", 0.0, curve.length_mm),))

    def bump(middle_mm: float, reach_mm: float) -> FloatArray:
        result: FloatArray = np.cos(np.clip((at - middle_mm) / reach_mm, -1, 1) * np.pi / 2) ** 2
        return result

    pressed = 0.25 * bump(25.0, 15.0)
    shape = replace(host, first_mm=radius * (1 + 0.3 * pressed), second_mm=radius * (1 - pressed))
    tissue = 1.5 + 1.2 * bump(38.0, 12.0)
    woven = Lattice(2.0 * radius, 0.25)
    opened, stent = stented(tube, shape, _START_MM, _STOP_MM, woven, tissue)
    lining = (Layer(part_of_stent(stent), 55.0),)
    scene = Scene("stent", (opened,), stents=(stent,), before=lining)
    within = (at >= _START_MM) & (at <= _STOP_MM)
    area = np.pi * shape.first_mm * shape.second_mm
    lumen = np.pi * opened.profile.first_mm * opened.profile.second_mm
    return scene, {
        "smallest stent area, mm2": float(area[within].min()),
        "length, mm": _STOP_MM - _START_MM,
        "in-stent stenosis, %": float(100.0 * (1.0 - lumen / area)[within].max()),
    }


def _scan(scene: Scene, pose: FloatArray, seed: int) -> Row:
    """Return the row of the stent, measured on a scan of a patient who lies in a pose."""
    grid = fit_grid(scene, (1.5, 0.9, 0.9), margin_mm=10.0)
    made = render(scene, Grid(grid.shape, np.linalg.inv(pose) @ grid.affine), Scanner(seed=seed))
    bare = replace(made.segmentation, grid=grid, stent=None)
    return measure(replace(made.image, grid=grid), bare).stents.rows[0]


def _interval(row: Row, column: str) -> tuple[float, float, float]:
    value, low, high = (row[column.format(part)] for part in ("", "_low", "_high"))
    known = [np.nan if one is None else float(one) for one in (value, low, high)]
    return known[0], known[1], known[2]


def _print(kind: str, name: str, found: list[tuple[float, float, float]], true: float) -> None:
    value, low, high = np.array(found).T
    told = np.isfinite(value)
    near = np.abs(value[told] - np.median(value[told]))
    held = (low[told] <= true) & (true <= high[told])
    print(
        f"{kind:<12}{name:<26}{told.sum():3d} of {len(value)} told, middle "
        f"{np.median(value[told]):7.2f}, truth {true:7.2f}, spread {np.quantile(near, 0.95):5.2f}, "
        f"stated {np.median(high[told] - low[told]) / 2:5.2f}, held {100 * held.mean():5.1f} %",
        flush=True,
    )
