"""A CT scanner for digital twins: partial volume, blur, slice profile, noise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from venoseg.errors import UsageError
from venoseg.phantom.coverage import Box, Share, coverage
from venoseg.phantom.kernels import KERNELS, Kernel, blurred, grain
from venoseg.phantom.scene import GreyValue, Layer, Scene
from venoseg.phantom.truth import Truth, truth_of
from venoseg.segmentation import Segmentation
from venoseg.segmentation.model import LabelArray
from venoseg.volume import BoolArray, FloatArray, Grid, Source, Volume

FloatImage = npt.NDArray[np.float32]

_SLAB = 32


@dataclass(frozen=True, slots=True)
class Scanner:
    """How the scanner sees.

    Attributes
    ----------
    blur_mm
        Standard deviation of the Gaussian point spread in the plane, on top of the voxel's size.
    slice_thickness_mm
        Width of the slice profile; at least the slice spacing. None is the slice spacing.
    noise_hu
        Standard deviation of the noise; 0 for none.
    seed
        Of the noise. The same seed and scene give the same bytes.
    kernel
        One of `venoseg.phantom.kernels.KERNELS`; ``white`` is a plain Gaussian with white noise.
    breath
        The patient breathes during the scan: above the first number (z in mm) everything lies
        lower by the second (mm). The truth is that of the patient below the step.
    grain_mm
        Standard deviation of a Gaussian that smooths the noise in the plane, its strength as
        before, in place of the kernel's own grain; None for that.
    """

    blur_mm: float = 0.6
    slice_thickness_mm: float | None = None
    noise_hu: float = 12.0
    seed: int = 0
    kernel: str = "white"
    breath: tuple[float, float] | None = None
    grain_mm: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """What came out of the scanner, and what is true.

    Attributes
    ----------
    image
        int16 HU.
    segmentation
        The ideal mask: voxels at least half filled by a vein's lumen, one label per vein.
    truth
        The veins' exact figures.
    """

    image: Volume
    segmentation: Segmentation
    truth: Truth


def fit_grid(scene: Scene, spacing_mm: tuple[float, float, float], margin_mm: float = 15.0) -> Grid:
    """Return an axial grid around a scene's veins; spacing along (slice, row, column)."""
    low, high = scene.lumen().bounds()
    low, high = low - margin_mm, high + margin_mm
    shape = np.ceil((high - low)[::-1] / spacing_mm).astype(int) + 1
    # A hundredth of a millimetre survives every file format without rounding.
    origin = np.round(low, 2).tolist()
    return Grid.from_axes(shape.tolist(), spacing_mm=spacing_mm, origin_lps_mm=origin)


def render(scene: Scene, grid: Grid, scanner: Scanner | None = None) -> Rendering:
    """Scan a scene.

    Works through the grid in slabs of slices, so that the memory needed beyond the results stays
    small.

    Raises
    ------
    UsageError
        When the slices are thinner than their spacing.
    """
    scanner = scanner or Scanner()
    image = np.empty(grid.shape, dtype=np.int16)
    labels = np.empty(grid.shape, dtype=np.uint8)
    metal = np.empty(grid.shape, dtype=bool) if scene.stents else None
    for start, stop in _slabs(grid, scanner):
        image[start:stop], labels[start:stop], wire = scan_slices(scene, grid, scanner, start, stop)
        if metal is not None:
            metal[start:stop] = wire
    thickness = scanner.slice_thickness_mm or float(grid.spacing_mm[0])
    name = kernel_of(scanner).dicom_name
    source = Source(modality="CT", slice_thickness_mm=thickness, convolution_kernel=name)
    volume = Volume(image, grid, source=source)
    return Rendering(volume, _segmentation(scene, labels, grid, metal), truth_of(scene))


def scan_slices(
    scene: Scene, grid: Grid, scanner: Scanner, start: int, stop: int
) -> tuple[npt.NDArray[np.int16], LabelArray, BoolArray]:
    """Return HU, labels and metal of the slices ``start`` to ``stop`` of a scan.

    No breathing step of the scanner may lie between them.
    """
    along, across = _blur_px(scanner, grid)
    halo = int(np.ceil(4 * along))
    around = (max(start - halo, 0), min(stop + halo, grid.shape[0]))
    part = _breathed(grid.crop(_slices(grid, around)), grid, start, scanner)
    inner = slice(start - around[0], stop - around[0])
    sharp, share = paint(scene, part)
    seen = blurred(sharp, kernel_of(scanner), along, across)[inner]
    seen += _noise(scanner, grid, (start, stop))
    image = np.clip(np.rint(seen), -1024, 3071).astype(np.int16)
    return image, _labelled(scene, part, share)[inner], _metal(scene, part)[inner]


def kernel_of(scanner: Scanner) -> Kernel:
    """Return a scanner's kernel; raises `UsageError` when there is no such one."""
    if scanner.kernel not in KERNELS:
        raise UsageError(
            f"there is no kernel {scanner.kernel!r}", remedy=f"use one of {', '.join(KERNELS)}"
        )
    return KERNELS[scanner.kernel]


def _metal(scene: Scene, grid: Grid) -> BoolArray:
    """Mark the voxels of which wire fills at least a fiftieth."""
    metal = np.zeros(grid.shape, dtype=bool)
    for stent in scene.stents:
        box, share = coverage(stent.wires, grid)
        metal[box] |= share >= 0.02
    return metal


def _breathed(part: Grid, grid: Grid, start: int, scanner: Scanner) -> Grid:
    """Return where the patient's slices really lie who has breathed in between."""
    if scanner.breath is None or grid.to_lps((start, 0, 0))[2] < scanner.breath[0]:
        return part
    affine = part.affine.copy()
    affine[2, 3] += scanner.breath[1]
    return Grid(part.shape, affine)


def ideal_mask(scene: Scene, grid: Grid) -> Segmentation:
    """Label the voxels that a vein's lumen fills at least by half.

    A voxel that several veins share belongs to the one in which it lies deepest.
    """
    labels = np.zeros(grid.shape, dtype=np.uint8)
    for start, stop in _slabs(grid, Scanner()):
        part = grid.crop(_slices(grid, (start, stop)))
        labels[start:stop] = _labelled(scene, part, coverage(scene.lumen(), part))
    return _segmentation(scene, labels, grid)


def _slabs(grid: Grid, scanner: Scanner) -> Iterator[tuple[int, int]]:
    """Give (start, stop) of pieces of slices, none of which contains a breathing step."""
    cuts = set(range(0, grid.shape[0], _SLAB)) | {grid.shape[0]}
    if scanner.breath is not None:
        z = grid.to_lps([(k, 0, 0) for k in range(grid.shape[0])])[:, 2]
        above = z >= scanner.breath[0]
        cuts |= set((np.flatnonzero(above[1:] != above[:-1]) + 1).tolist())
    yield from pairwise(sorted(cuts))


def _slices(grid: Grid, bounds: tuple[int, int]) -> Box:
    return slice(*bounds), slice(0, grid.shape[1]), slice(0, grid.shape[2])


def _blur_px(scanner: Scanner, grid: Grid) -> tuple[float, FloatArray]:
    """Return the standard deviations of the blur along the slices and in the plane."""
    spacing = grid.spacing_mm
    thickness = scanner.slice_thickness_mm or float(spacing[0])
    if thickness < spacing[0] - 1e-6:
        raise UsageError(
            f"slices of {thickness:g} mm every {spacing[0]:g} mm leave gaps",
            remedy="choose a slice thickness of at least the slice spacing",
        )
    # The voxel itself is already a box of one spacing; the Gaussian adds the rest of the variance.
    along = float(np.sqrt(max(thickness**2 - spacing[0] ** 2, 0.0) / 12) / spacing[0])
    return along, scanner.blur_mm / spacing[1:]


def _noise(scanner: Scanner, grid: Grid, slices: tuple[int, int]) -> FloatArray | float:
    if scanner.noise_hu == 0:
        return 0.0
    kernel = kernel_of(scanner)
    drawn = []
    for index in range(*slices):
        # Every slice has its own stream: noise does not depend on how the work is divided.
        stream = np.random.Generator(np.random.PCG64([scanner.seed, index]))
        white = stream.standard_normal(grid.shape[1:])
        spacing_mm = grid.spacing_mm[1:]
        drawn.append(grain(kernel, white, scanner.blur_mm, spacing_mm, scanner.grain_mm))
    noise: FloatArray = scanner.noise_hu * np.stack(drawn)
    return noise


def paint(scene: Scene, grid: Grid) -> tuple[FloatImage, Share]:
    """Return the grey values without blur or noise, and the share of the veins' lumen.

    Grey values are averages over the voxel; the share comes as `coverage` returns it.
    """
    image = np.full(grid.shape, scene.background_hu, dtype=np.float32)
    paint_layers(scene.surroundings(), grid, image)
    lumen = coverage(scene.lumen(), grid)
    _add(scene.lumen_hu, lumen, grid, image)
    paint_layers(scene.contents(), grid, image)
    return image, lumen


def paint_layers(layers: Iterable[Layer], grid: Grid, image: FloatImage) -> None:
    """Paint layers one over the other into the sharp image of a grid, in place."""
    for layer in layers:
        _add(layer.hu, coverage(layer.shape, grid, layer.part_mm), grid, image)


def _add(hu: GreyValue, covered: Share, grid: Grid, image: FloatImage) -> None:
    box, share = covered
    if share.size:
        target = image[box]
        target += share * (_grey(hu, grid.crop(box), share) - target)


def _grey(hu: GreyValue, grid: Grid, share: FloatImage) -> float | FloatImage:
    if not callable(hu):
        return hu
    grey = np.zeros(grid.shape, dtype=np.float32)
    voxels = np.argwhere(share > 0)
    grey[tuple(voxels.T)] = hu(grid.to_lps(voxels))
    return grey


def _label_values(scene: Scene) -> dict[str, int]:
    names = (span.name for tube in scene.tubes for span in tube.spans)
    return {name: value for value, name in enumerate(dict.fromkeys(names), start=1)}


def _segmentation(
    scene: Scene, labels: LabelArray, grid: Grid, metal: BoolArray | None = None
) -> Segmentation:
    names = {value: name for name, value in _label_values(scene).items()}
    return Segmentation(labels, grid, names, "automatic", metal, ("synthetic_truth",))


def _labelled(scene: Scene, grid: Grid, covered: Share) -> LabelArray:
    labels = np.zeros(grid.shape, dtype=np.uint8)
    box, share = covered
    inside = np.argwhere(share >= 0.5) + [s.start for s in box]
    points = grid.to_lps(inside)
    deepest = np.full(len(points), np.inf)
    chosen = np.zeros(len(points), dtype=np.uint8)
    values = _label_values(scene)
    for tube in scene.tubes:
        distance, position = tube.locate(points)
        ends = [span.stop_mm for span in tube.spans[:-1]]
        own = np.array([values[span.name] for span in tube.spans], dtype=np.uint8)
        nearer = distance < deepest
        chosen[nearer] = own[np.searchsorted(ends, position[nearer])]
        deepest[nearer] = distance[nearer]
    labels[tuple(inside.T)] = chosen
    return labels
