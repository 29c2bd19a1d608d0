"""The collaterals of a chronic iliocaval occlusion: a network with loops.

Ascending lumbar veins run up beside the spine on both sides, doubled and joined like a ladder;
presacral veins cross the pelvis; epigastric veins run up in the abdominal wall and leave the
picture at the top. Calibres are 2 to 8 mm.
"""

from __future__ import annotations

import numpy as np

from venoseg.phantom.collateral import Link, Port
from venoseg.phantom.scene import Scene
from venoseg.phantom.tube import Tube
from venoseg.volume import FloatArray

Points = list[tuple[float, float, float]]

_LEVELS_MM = (105.0, 72.0, 40.0, 8.0, -24.0)
_DRAINS_AT_MM = 14.0


def collateral_network(scene: Scene, seed: int, entry_mm: dict[str, float]) -> tuple[Link, ...]:
    """Return the collaterals of an iliocaval scene (cava, left and right iliac axis first).

    Parameters
    ----------
    entry_mm
        For ``left`` and ``right`` the arc length on the iliac axis, peripheral to the occlusion,
        from which the collaterals are fed.
    """
    random = np.random.Generator(np.random.PCG64([seed, 3]))
    links: list[Link] = []
    for side, host in (("left", 1), ("right", 2)):
        links += _lumbar_ladder(scene, random, side, host, entry_mm[side])
        links.append(_epigastric(scene, random, side, host))
    return (*links, *_presacral(random))


def _lumbar_ladder(
    scene: Scene, random: np.random.Generator, side: str, host: int, entry_mm: float
) -> list[Link]:
    sign = 1.0 if side == "left" else -1.0
    inner = [(sign * 31.0 + _shake(random), 27.0 + _shake(random), z) for z in _LEVELS_MM]
    outer = [(sign * 51.0 + _shake(random), 50.0 + _shake(random), z - 10.0) for z in _LEVELS_MM]
    entry = scene.tubes[host].curve.at(entry_mm)
    drain = scene.tubes[0].curve.at(_DRAINS_AT_MM)
    feeder, top = Port(f"{side}_feeder", host, entry_mm), Port(f"{side}_drain", 0, _DRAINS_AT_MM)
    rows = [Port(f"{side}_inner_{level}") for level in range(len(inner))]
    edges = [Port(f"{side}_outer_{level}") for level in range(len(outer))]
    above = (drain + np.array([sign * 24.0, 22.0, 4.0])).tolist()
    links = [_link(random, f"{side}_lumbar_top", top, rows[0], [drain, above, inner[0]], 3.4)]
    for level in range(len(inner) - 1):
        name = f"{side}_lumbar_{level + 1}"
        links.append(
            _link(random, name, rows[level], rows[level + 1], inner[level : level + 2], 3.3)
        )
        name = f"{side}_paravertebral_{level + 1}"
        links.append(
            _link(random, name, edges[level], edges[level + 1], outer[level : level + 2], 1.9)
        )
    for level in range(len(inner)):
        pair = [inner[level], outer[level]]
        links.append(
            _link(random, f"{side}_rung_{level + 1}", rows[level], edges[level], pair, 1.4)
        )
    down = [inner[-1], (sign * 40.0, 30.0, -48.0), entry]
    return [*links, _link(random, f"{side}_iliolumbar", rows[-1], feeder, down, 3.6)]


def _epigastric(scene: Scene, random: np.random.Generator, side: str, host: int) -> Link:
    sign = 1.0 if side == "left" else -1.0
    tube = scene.tubes[host]
    start = tube.curve.length_mm - 12.0
    wall = [(sign * 62.0, -82.0, -110.0), (sign * 52.0, -92.0, -50.0), (sign * 47.0, -93.0, 20.0)]
    points = [(sign * 44.0, -92.0, 190.0), (sign * 46.0, -93.0, 90.0), *wall[::-1]]
    ends = Port(f"{side}_chest"), Port(f"{side}_epigastric_origin", host, start)
    return _link(random, f"{side}_epigastric", *ends, [*points, tube.curve.at(start)], 2.2)


def _presacral(random: np.random.Generator) -> list[Link]:
    upper: Points = [
        (40.0, 30.0, -48.0),
        (15.0, 36.0, -60.0),
        (-15.0, 36.0, -60.0),
        (-40.0, 30.0, -48.0),
    ]
    lower = [(x * 1.1, y + 18.0, z - 30.0) for x, y, z in upper]
    left, right = Port("left_inner_4"), Port("right_inner_4")
    deep = [(31.0, 27.0, -24.0), *lower, (-31.0, 27.0, -24.0)]
    near = [(31.0, 27.0, -24.0), *upper[1:3], (-31.0, 27.0, -24.0)]
    return [
        _link(random, "presacral_upper", left, right, near, 2.0),
        _link(random, "presacral_lower", left, right, deep, 1.5),
    ]


def _link(
    random: np.random.Generator,
    name: str,
    central: Port,
    peripheral: Port,
    points: list[FloatArray] | Points | list[object],
    radius_mm: float,
) -> Link:
    course = _tortuous(random, np.array([np.asarray(point, dtype=float) for point in points]))
    radius = radius_mm * random.uniform(0.8, 1.15, 4)
    tube = Tube.plain(course, radius.tolist(), (0.9 * radius).tolist(), cap="round")
    return Link(name, tube, central, peripheral)


def _tortuous(random: np.random.Generator, points: FloatArray) -> FloatArray:
    """Let a course wind: a point every 12 mm, moved sideways, the ends kept."""
    chords = np.linalg.norm(np.diff(points, axis=0), axis=1)
    arc = np.concatenate([[0.0], np.cumsum(chords)])
    along = np.linspace(0.0, arc[-1], max(round(arc[-1] / 12.0), 2) + 1)
    course = np.stack([np.interp(along, arc, points[:, axis]) for axis in range(3)], axis=1)
    course[1:-1] += random.uniform(-3.2, 3.2, (len(course) - 2, 3))
    return course


def _shake(random: np.random.Generator) -> float:
    return float(random.uniform(-2.5, 2.5))
