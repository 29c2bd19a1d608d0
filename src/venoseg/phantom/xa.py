"""An angiography system for digital twins: a run of frames while contrast passes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from venoseg.errors import UsageError
from venoseg.phantom.bolus import Flow, concentration, instant_flow, network_tubes, solve_flow
from venoseg.phantom.ct import paint
from venoseg.phantom.scene import Scene
from venoseg.phantom.xa_devices import Catheter, Ruler, catheter_image
from venoseg.phantom.xa_geometry import Carm
from venoseg.phantom.xa_paths import Image, tube_paths, volume_image, wire_image
from venoseg.volume import FloatArray, Grid, Volume

Relationship = Literal["LIN", "LOG", "DISP"]
Frames = npt.NDArray[np.uint16]

_STENT_PER_MM = 1.0
_TOP = 4095
_BIN_S = 0.1
_NEVER_S = 120.0
_KERNEL_PX = 10


@dataclass(frozen=True, slots=True)
class XaSettings:
    """How a run is made.

    Attributes
    ----------
    carm
        Geometry.
    frames, frames_per_s, mask_frames
        Length of the run; the first ``mask_frames`` are taken before contrast is injected.
    injected_s
        Duration of the injection, which begins after the mask frames.
    contrast_per_mm
        Attenuation of undiluted contrast medium.
    photons
        Per pixel behind typical tissue: the fewer, the noisier. 0 gives no noise.
    scatter
        Scattered intensity as a share of the primary.
    blur_px
        Standard deviation of the detector's blur, the extent of its pixels included.
    relationship
        Of the stored pixels to intensity, as DICOM's PixelIntensityRelationship. Less X-ray is
        always a lower pixel.
    motion_px
        (column, row) by which the patient lies elsewhere in the mask frames.
    table_mm
        How far the table has moved to the head since the first frame, frame by frame: the picture
        moves to the feet. Empty for a table at rest. Mask frames only fit frames at their place.
    catheter_rays
        Through each pixel with a catheter, from side to side and from top to bottom; odd. With 1
        the width of a thin shaft cannot be told from the picture to better than some percent.
    seed
        Of the noise.
    """

    carm: Carm = field(default_factory=Carm)
    frames: int = 24
    frames_per_s: float = 3.0
    mask_frames: int = 2
    injected_s: float = 4.0
    contrast_per_mm: float = 0.06
    photons: float = 4000.0
    scatter: float = 0.25
    blur_px: float = 0.6
    relationship: Relationship = "LIN"
    motion_px: tuple[float, float] = (0.0, 0.0)
    table_mm: tuple[float, ...] = ()
    catheter_rays: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.table_mm and len(self.table_mm) != self.frames:
            raise UsageError("the table's way needs one number a frame")

    def carm_at(self, table_mm: float) -> Carm:
        """Return the geometry, in the patient's coordinates, after the table has moved."""
        x, y, z = self.carm.isocenter_lps_mm
        return replace(self.carm, isocenter_lps_mm=(x, y, z - table_mm))


@dataclass(frozen=True, slots=True, eq=False)
class XaRun:
    """A run of frames.

    Attributes
    ----------
    pixels
        (frames, rows, columns), 12 bits.
    times_s
        (frames,) since the injection began; negative for mask frames.
    flow
        The solved network, whose arrival times the run shows.
    settings
        How it was made.
    main_opacity, collateral_opacity
        (frames,) mean share of full contrast in the open veins and in the collaterals.
    """

    pixels: Frames
    times_s: FloatArray
    flow: Flow
    settings: XaSettings
    main_opacity: FloatArray
    collateral_opacity: FloatArray


def run_xa(
    scene: Scene,
    settings: XaSettings,
    *,
    catheter: Catheter | None = None,
    ruler: Ruler | None = None,
) -> XaRun:
    """Image a scene with a C-arm while contrast medium is injected.

    An iliocaval scene (its first three tubes are the cava and both iliac axes) is injected from
    both legs; the vessels of any other scene fill at once.
    """
    flow = solve_flow(scene) if len(scene.tubes) >= 3 else instant_flow(scene)
    times = (np.arange(settings.frames) - settings.mask_frames) / settings.frames_per_s
    table = np.array(settings.table_mm or (0.0,) * settings.frames)
    pixels = np.empty((settings.frames, settings.carm.rows, settings.carm.columns), np.uint16)
    reference: float | None = None
    for place in dict.fromkeys(table.tolist()):
        carm = settings.carm_at(place)
        device = None
        if catheter is not None:
            device = catheter_image(catheter, carm, settings.catheter_rays, settings.blur_px)
        still = _still(scene, carm, device, ruler)
        reference = reference or float(np.exp(-np.median(still)))
        filled = _filled_lengths(scene, flow, carm)
        for number in np.flatnonzero(table == place).tolist():
            attenuation = _attenuation(still, filled, float(times[number]), settings)
            pixels[number] = _detected(attenuation, reference, settings, number)
    main, collateral = _opacities(scene, flow, times, settings.injected_s)
    return XaRun(pixels, times, flow, settings, main, collateral)


def _attenuation(
    still: Image, filled: tuple[Any, FloatArray], time_s: float, settings: XaSettings
) -> Image:
    if time_s < 0:
        return _moved(still, settings.motion_px)
    lengths, delays = filled
    share = concentration(np.full(len(delays), time_s), delays, settings.injected_s)
    contrast: Image = settings.contrast_per_mm * (lengths @ share).reshape(still.shape)
    return still + contrast


def _still(scene: Scene, carm: Carm, device: Image | None, ruler: Ruler | None) -> Image:
    """Return the attenuation of all that does not change: body, stents and devices."""
    still = np.zeros((carm.rows, carm.columns))
    if scene.background_hu < -500:
        empty = replace(scene, lumen_hu=45.0, collateral_hu=42.0, stents=())
        spacing = (3.0, 3.0, 3.0)
        grid = Grid.from_axes((160, 84, 116), spacing_mm=spacing, origin_lps_mm=(-174, -102, -290))
        still += volume_image(Volume(paint(empty, grid)[0], grid), carm)
    for stent in scene.stents:
        still += _STENT_PER_MM * wire_image(stent.wires, carm)
    if device is not None:
        still += device
    if ruler is not None:
        still += ruler.image(carm)
    return still


def _filled_lengths(scene: Scene, flow: Flow, carm: Carm) -> tuple[Any, FloatArray]:
    """Return a sparse (pixels, delays) matrix of ray lengths in mm, and the delays in s."""
    from scipy.sparse import csr_array

    tubes = network_tubes(scene)
    pixels, bins, lengths = [], [], []
    for number, tube in enumerate(tubes):
        own_veins = number < len(scene.tubes)
        deeper = tuple(scene.tubes[:number]) if own_veins else scene.tubes
        paths = tube_paths(tube, carm, deeper)
        inside = np.clip(paths.positions_mm, 0.0, tube.curve.length_mm)
        delay = np.minimum(flow.arrival(number, inside), _NEVER_S)
        pixels.append(paths.pixels)
        bins.append(np.rint(delay / _BIN_S).astype(np.int64))
        lengths.append(paths.lengths_mm)
    shape = (carm.rows * carm.columns, int(_NEVER_S / _BIN_S) + 1)
    entries = np.concatenate(lengths), (np.concatenate(pixels), np.concatenate(bins))
    delays = np.arange(shape[1], dtype=np.float64) * _BIN_S
    delays[-1] = np.inf
    return csr_array(entries, shape=shape), delays


def _moved(image: Image, motion_px: tuple[float, float]) -> Image:
    from scipy.ndimage import shift

    if motion_px == (0.0, 0.0):
        return image.copy()
    column, row = motion_px
    moved: Image = shift(image, (row, column), order=1, mode="nearest")
    return moved


def _detected(attenuation: Image, reference: float, settings: XaSettings, number: int) -> Frames:
    """Turn attenuation into stored pixels: primary, scatter, noise, blur, characteristic curve."""
    from scipy.ndimage import gaussian_filter

    primary = np.exp(-attenuation)
    wide = max(settings.carm.rows, settings.carm.columns) / 12
    seen = primary + settings.scatter * gaussian_filter(primary, wide, mode="nearest")
    seen /= reference * (1.0 + settings.scatter)
    if settings.photons > 0:
        stream = np.random.PCG64([settings.seed, 7, number])
        grain = np.random.Generator(stream).standard_normal(seen.shape)
        seen = seen + np.sqrt(seen / settings.photons) * grain
    seen = np.maximum(_blurred(np.maximum(seen, 1e-4), settings.blur_px), 1e-4)
    return np.clip(np.rint(_stored(seen, settings.relationship)), 0, _TOP).astype(np.uint16)


def _blurred(seen: Image, blur_px: float) -> Image:
    """Blur by a Gaussian of which the kernel holds all frequencies up to that of the pixels.

    The values of a narrow Gaussian at the pixels are another kernel: too weak and not bell-shaped.
    """
    from scipy.ndimage import convolve1d

    if blur_px <= 0:
        return seen
    at = np.arange(-_KERNEL_PX, _KERNEL_PX + 1)
    frequency = np.linspace(0.0, np.pi, 1025)
    passed = np.exp(-0.5 * (blur_px * frequency) ** 2)
    kernel = np.trapezoid(passed * np.cos(at[:, None] * frequency), frequency, axis=1)
    kernel /= kernel.sum()
    blurred: Image = seen
    for axis in (0, 1):
        blurred = convolve1d(blurred, kernel, axis=axis, mode="nearest")
    return blurred


def _stored(seen: Image, relationship: Relationship) -> Image:
    """Return pixels for intensities relative to typical tissue."""
    if relationship == "LIN":
        return 1000.0 * seen
    if relationship == "LOG":
        log: Image = 2400.0 + 700.0 * np.log(seen)
        return log
    display: Image = 1500.0 * seen**0.6
    return display


def _opacities(
    scene: Scene, flow: Flow, times_s: FloatArray, injected_s: float
) -> tuple[FloatArray, FloatArray]:
    groups: tuple[list[FloatArray], list[FloatArray]] = ([], [])
    for number, tube in enumerate(network_tubes(scene)):
        at = np.arange(0.0, tube.curve.length_mm, 1.0)
        delay = flow.arrival(number, at)
        groups[number >= len(scene.tubes)].append(delay)
    means: list[FloatArray] = []
    for group in groups:
        delay = np.concatenate([np.zeros(0), *group])
        share = concentration(times_s[:, None], delay[None], injected_s)
        means.append(share.mean(axis=1) if len(delay) else np.zeros(len(times_s)))
    return means[0], means[1]
