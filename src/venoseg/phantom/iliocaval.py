"""The iliocaval Y: inferior vena cava, common and external iliac, and femoral veins.

Courses are drawn after the anatomy atlas: the cava runs right of the midline, the confluence lies
before L5, the left common iliac vein is longer and lies flatter than the right one, both run back
along the sacrum's brim, and the external iliac veins then come forward to the groins. All lengths
in LPS mm with the confluence near z = 0 and the midline at x = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from venoseg.phantom.curve import Curve
from venoseg.phantom.lesions import Narrowing, narrowed
from venoseg.phantom.scene import Scene
from venoseg.phantom.tube import Profile, Span, Tube
from venoseg.volume import FloatArray

CONFLUENCE_LPS_MM = (-12.0, 2.0, 0.0)

_CAVA = ((-19.0, -4.0, 150.0), (-20.0, -3.0, 100.0), (-20.0, -1.0, 55.0), (-17.0, 1.0, 22.0))
_RIGHT = (
    (-20.0, 5.0, -17.0),
    (-33.0, 12.0, -40.0),
    (-48.0, 17.0, -66.0),
    (-60.0, 7.0, -96.0),
    (-66.0, -17.0, -126.0),
    (-65.0, -40.0, -152.0),
    (-61.0, -50.0, -190.0),
)
_LEFT = (
    (4.0, 5.0, -13.0),
    (23.0, 11.0, -33.0),
    (40.0, 18.0, -56.0),
    (54.0, 16.0, -78.0),
    (63.0, 3.0, -103.0),
    (67.0, -20.0, -129.0),
    (65.0, -40.0, -152.0),
    (61.0, -50.0, -190.0),
)
_RIGHT_INTERNAL = ((-39.0, 25.0, -66.0), (-40.0, 38.0, -84.0))
_LEFT_INTERNAL = ((45.0, 27.0, -78.0), (45.0, 40.0, -96.0))


@dataclass(frozen=True, slots=True, eq=False)
class IliocavalCourses:
    """Centrelines of one patient: cava, both iliac axes, and where the iliac veins change names."""

    cava: Curve
    left: Curve
    right: Curve
    left_marks_mm: tuple[float, float, float]
    right_marks_mm: tuple[float, float, float]


def iliocaval_courses(random: np.random.Generator, *, femoral: bool) -> IliocavalCourses:
    """Draw the courses of one patient; ``femoral`` adds the common femoral veins."""
    confluence = np.array(CONFLUENCE_LPS_MM) + random.uniform(-2, 2, 3)
    cava = Curve.through([*_jitter(random, _CAVA), confluence])
    left = Curve.through([confluence, *_jitter(random, _LEFT)])
    right = Curve.through([confluence, *_jitter(random, _RIGHT)])
    stop = None if femoral else -152.0
    return IliocavalCourses(
        cava,
        left,
        right,
        _marks(left, bifurcation_z_mm=-56.0 + random.uniform(-4, 4), groin_z_mm=stop),
        _marks(right, bifurcation_z_mm=-44.0 + random.uniform(-4, 4), groin_z_mm=stop),
    )


def _jitter(
    random: np.random.Generator, points: tuple[tuple[float, float, float], ...]
) -> FloatArray:
    moved: FloatArray = np.array(points) + random.uniform(-2.0, 2.0, (len(points), 3))
    return moved


def _marks(
    curve: Curve, *, bifurcation_z_mm: float, groin_z_mm: float | None
) -> tuple[float, float, float]:
    """Arc lengths at which the common, the external and the femoral vein end."""
    z = curve.points_lps_mm[:, 2]
    at = [float(curve.positions_mm[np.argmax(z < level)]) for level in (bifurcation_z_mm, -152.0)]
    return at[0], at[1], at[1] if groin_z_mm is not None else curve.length_mm


def iliocaval_y(
    seed: int = 0,
    *,
    stenosis_percent: float = 0.0,
    stenosed: str = "left_common_iliac_vein",
    compression_percent: float = 0.0,
    internal: bool = False,
    femoral: bool = False,
    fillet_mm: float = 2.0,
) -> Scene:
    """Return the iliocaval veins of one synthetic patient.

    Every seed is another patient: courses, calibres and ellipses vary naturally. Each vein's truth
    is that of its own tube; rows at the confluences carry the flag ``junction``.

    Parameters
    ----------
    seed
        The patient.
    stenosis_percent, stenosed
        Area lost in a focal round stenosis in the middle of that vein; 0 for none.
    compression_percent
        Area lost where the right common iliac artery presses the left common iliac vein flat, 15 to
        20 mm from the confluence (May-Thurner); 0 for none.
    internal, femoral
        Add stumps of the internal iliac veins, and the common femoral veins.
    fillet_mm
        How far the walls of joining veins blend; 0 for a sharp crotch.

    Examples
    --------
    >>> from venoseg.phantom import Scanner, fit_grid, iliocaval_y, render
    >>> scene = iliocaval_y(seed=1, stenosis_percent=70)
    >>> twin = render(scene, fit_grid(scene, (3.0, 1.5, 1.5)), Scanner(noise_hu=10, seed=1))
    >>> twin.truth.segments.rows[1]["vessel"]
    'left_common_iliac_vein'
    """
    random = np.random.Generator(np.random.PCG64(seed))
    courses = iliocaval_courses(random, femoral=femoral)
    calibre = random.uniform(0.92, 1.08)
    tubes = [
        _cava_tube(courses.cava, calibre),
        _iliac_tube("left", courses.left, courses.left_marks_mm, calibre, random),
        _iliac_tube("right", courses.right, courses.right_marks_mm, calibre, random),
    ]
    if compression_percent > 0:
        crossing = Narrowing(random.uniform(24, 28), 30.0, compression_percent, widening=1.3)
        tubes[1] = narrowed(tubes[1], crossing)
    if stenosis_percent > 0:
        length = random.uniform(18, 28)
        tubes = [_stenosed(tube, stenosed, stenosis_percent, length) for tube in tubes]
    scene = Scene("iliocaval-y", tuple(tubes), fillet_mm=fillet_mm)
    return with_internal_iliacs(scene) if internal else scene


def _cava_tube(curve: Curve, calibre: float) -> Tube:
    where = np.array([0.0, 0.55, 0.85, 1.0]) * curve.length_mm
    first = calibre * np.array([11.5, 10.8, 11.8, 13.5])
    second = calibre * np.array([9.2, 8.4, 8.0, 7.6])
    profile = Profile.along(curve, where, first, second)
    return Tube(curve, profile, (Span("ivc", 0.0, curve.length_mm),), peripheral_cap="round")


def _iliac_tube(
    side: str,
    curve: Curve,
    marks_mm: tuple[float, float, float],
    calibre: float,
    random: np.random.Generator,
) -> Tube:
    common, external, femoral = marks_mm
    where = np.array([0.0, 0.6 * common, common, 0.5 * (common + external), external])
    vary = random.uniform(0.95, 1.05, 5)
    first = calibre * vary * np.array([8.8, 8.6, 8.0, 7.3, 6.9])
    second = calibre * vary * np.array([7.2, 7.0, 7.0, 6.4, 6.3])
    profile = Profile.along(curve, where, first, second)
    spans = [
        Span(f"{side}_common_iliac_vein", 0.0, common),
        Span(f"{side}_external_iliac_vein", common, external),
    ]
    if femoral > external:
        spans.append(Span(f"{side}_common_femoral_vein", external, femoral))
    return Tube(curve, profile, tuple(spans), central_cap="round")


def _stenosed(tube: Tube, vessel: str, percent: float, length_mm: float) -> Tube:
    for span in tube.spans:
        if span.name == vessel:
            # Sixty percent along: clear of the confluence, where the lumens of two veins overlap.
            centre = span.start_mm + 0.6 * (span.stop_mm - span.start_mm)
            return narrowed(tube, Narrowing(centre, length_mm, percent))
    return tube


def with_internal_iliacs(scene: Scene) -> Scene:
    """Add stumps of the internal iliac veins, which open where the common iliac veins end."""
    stumps = [
        _internal_tube(side, tube, span)
        for side in ("left", "right")
        for tube in scene.tubes
        for span in tube.spans
        if span.name == f"{side}_common_iliac_vein"
    ]
    return replace(scene, tubes=(*scene.tubes, *stumps))


def _internal_tube(side: str, parent: Tube, common: Span) -> Tube:
    start = parent.curve.at(common.stop_mm)
    course = _LEFT_INTERNAL if side == "left" else _RIGHT_INTERNAL
    curve = Curve.through(np.array([start, *course]))
    profile = Profile.along(curve, [0.0, curve.length_mm], [5.0, 4.5], [4.6, 4.2])
    span = Span(f"{side}_internal_iliac_vein", 0.0, curve.length_mm)
    return Tube(curve, profile, (span,), central_cap="round")
