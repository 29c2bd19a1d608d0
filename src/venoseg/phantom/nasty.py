"""CT series as they come from real archives: every fault and oddity a reader must survive.

Each variant takes the clean CT of a scene and returns the datasets of the spoiled one, so that the
truth beside it stays the same unless the variant's text says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from venoseg.phantom.ct import Scanner, render
from venoseg.phantom.ct_dicom import CtSeries, ct_datasets, decimals, store_pixels
from venoseg.phantom.identity import Visit
from venoseg.phantom.scene import Scene
from venoseg.volume import FloatArray, Grid, Volume

Maker = Callable[[Scene, Grid, Scanner, Visit], list[Dataset]]

_TILT_DEG = 12.0


def _plain(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    return list(ct_datasets(render(scene, grid, scanner).image, visit, CtSeries()))


def _missing(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    clean = _plain(scene, grid, scanner, visit)
    middle = len(clean) // 2
    return [*clean[:middle], *clean[middle + 1 :]]


def _duplicated(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    clean = _plain(scene, grid, scanner, visit)
    again = deepcopy(clean[len(clean) // 3])
    again.SOPInstanceUID = visit.uid("ct", "duplicate")
    return [*clean, again]


def _two_phases(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    """Give a second acquisition without contrast medium in the same series."""
    clean = _plain(scene, grid, scanner, visit)
    native = Scene(scene.name, scene.tubes, lumen_hu=42.0, background_hu=scene.background_hu)
    other = _plain(native, grid, Scanner(scanner.blur_mm, seed=scanner.seed + 1), visit)
    for dataset in other:
        dataset.SOPInstanceUID = visit.uid("ct", "native", int(dataset.InstanceNumber))
        dataset.InstanceNumber = int(dataset.InstanceNumber) + len(clean)
        dataset.AcquisitionNumber = 2
        dataset.AcquisitionTime = "101200"
    return [*clean, *other]


def _with_localizer(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    image = render(scene, grid, scanner).image
    clean = list(ct_datasets(image, visit, CtSeries()))
    shadow = image.voxels.astype(np.float64).mean(axis=1)[::-1]
    scout = deepcopy(clean[0])
    store_pixels(scout, np.rint(shadow).astype(np.int16))
    scout.SOPInstanceUID = visit.uid("ct", "localizer")
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    scout.ImageOrientationPatient = ["1", "0", "0", "0", "0", "-1"]
    top = grid.to_lps((grid.shape[0] - 1, grid.shape[1] // 2, 0))
    scout.ImagePositionPatient = decimals(top)
    scout.PixelSpacing = decimals([grid.spacing_mm[0], grid.spacing_mm[2]])
    scout.InstanceNumber = 0
    return [scout, *clean]


def _rescaled(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    """Give every slice its own slope and intercept, as PET and some vendors' CT do."""
    image = render(scene, grid, scanner).image
    datasets = list(ct_datasets(image, visit, CtSeries()))
    for number, (dataset, hounsfield) in enumerate(zip(datasets, image.voxels, strict=True)):
        slope, intercept = (0.5, 1.0, 2.0)[number % 3], -1024.0 - 8.0 * (number % 5)
        stored = np.rint((hounsfield - intercept) / slope)
        dataset.RescaleSlope, dataset.RescaleIntercept = f"{slope:g}", f"{intercept:g}"
        dataset.BitsStored, dataset.HighBit = 16, 15
        dataset.PixelData = stored.astype("<u2").tobytes()
    return datasets


def _signed(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    image = render(scene, grid, scanner).image
    datasets = list(ct_datasets(image, visit, CtSeries()))
    for dataset, hounsfield in zip(datasets, image.voxels, strict=True):
        _store_signed(dataset, hounsfield)
    return datasets


def _padded(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    """Fill the corners outside the round field of view with a padding value."""
    image = render(scene, grid, scanner).image
    rows, columns = np.indices(image.voxels.shape[1:])
    middle = np.array(image.voxels.shape[1:]) / 2 - 0.5
    outside = np.hypot((rows - middle[0]) / middle[0], (columns - middle[1]) / middle[1]) > 1.02
    datasets = list(ct_datasets(image, visit, CtSeries()))
    for dataset, hounsfield in zip(datasets, image.voxels, strict=True):
        _store_signed(dataset, np.where(outside, -2000, hounsfield).astype(np.int16))
        dataset.add_new("PixelPaddingValue", "SS", -2000)
    return datasets


def _store_signed(dataset: Dataset, hounsfield: npt.NDArray[np.int16]) -> None:
    dataset.PixelRepresentation = 1
    dataset.BitsStored, dataset.HighBit = 16, 15
    dataset.RescaleIntercept, dataset.RescaleSlope = "0", "1"
    dataset.PixelData = hounsfield.astype("<i2").tobytes()


def _uneven(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    """Double the slice distance in the upper half."""
    clean = _plain(scene, grid, scanner, visit)
    middle = len(clean) // 2
    return [*clean[:middle], *clean[middle::2]]


def _feet_last(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    """Count the slices from the head down and shuffle the files."""
    clean = _plain(scene, grid, scanner, visit)
    for dataset in clean:
        dataset.InstanceNumber = len(clean) + 1 - int(dataset.InstanceNumber)
    order = np.random.Generator(np.random.PCG64(scanner.seed)).permutation(len(clean))
    return [clean[index] for index in order]


def _tilted(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    """Tilt the gantry: slices lean by 12 degrees, but the table moves along z."""
    return list(_tilted_slices(scene, grid, scanner, visit))


def _tilted_slices(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> Iterator[Dataset]:
    lean = np.radians(_TILT_DEG)
    down = np.array([0.0, np.cos(lean), -np.sin(lean)])
    normal = np.cross([1.0, 0.0, 0.0], down)
    directions = np.stack([normal, down, np.array([1.0, 0.0, 0.0])], axis=1)
    for index in range(grid.shape[0]):
        place = grid.to_lps((index, grid.shape[1] / 2, 0)) - grid.shape[1] / 2 * (
            grid.spacing_mm[1] * down
        )
        leaning = Grid.from_axes(
            (1, *grid.shape[1:]),
            spacing_mm=grid.spacing_mm.tolist(),
            origin_lps_mm=place.tolist(),
            directions=directions,
        )
        image = render(scene, leaning, Scanner(scanner.blur_mm, None, scanner.noise_hu, index))
        dataset = next(ct_datasets(image.image, visit, CtSeries()))
        dataset.SOPInstanceUID = visit.uid("ct", "tilted", index)
        dataset.InstanceNumber = index + 1
        dataset.GantryDetectorTilt = f"{_TILT_DEG:g}"
        yield dataset


def _sagittal(scene: Scene, grid: Grid, scanner: Scanner, visit: Visit) -> list[Dataset]:
    """Reformat to sagittal images, read from the patient's right to the left."""
    image = render(scene, grid, scanner).image
    voxels = image.voxels[::-1].transpose(2, 0, 1)
    directions = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
    axes: FloatArray = np.stack([directions[2], -directions[0], -directions[1]], axis=1)
    turned = Grid.from_axes(
        voxels.shape,
        spacing_mm=grid.spacing_mm[[2, 0, 1]].tolist(),
        origin_lps_mm=grid.to_lps((grid.shape[0] - 1, 0, 0)).tolist(),
        directions=axes,
    )
    return list(ct_datasets(Volume(np.ascontiguousarray(voxels), turned), visit, CtSeries()))


NASTY: dict[str, tuple[str, Maker]] = {
    "missing": ("one slice is missing", _missing),
    "duplicated": ("one slice is there twice", _duplicated),
    "two-phases": ("two acquisitions in one series, the second without contrast", _two_phases),
    "localizer": ("the localizer is among the slices", _with_localizer),
    "rescaled": ("another slope and intercept on every slice", _rescaled),
    "signed": ("signed pixels, intercept 0", _signed),
    "padded": ("padding of -2000 outside the round field of view", _padded),
    "uneven": ("twice the slice distance in the upper half", _uneven),
    "shuffled": ("numbered from the head down, files in no order", _feet_last),
    "tilted": ("gantry tilt of 12 degrees, table along z", _tilted),
    "sagittal": ("sagittal images instead of axial ones", _sagittal),
}
"""Variants by name: what is odd, and how it is made."""
