"""From an item of the worklist to what a session needs: the image and labels to begin with."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from venoseg.errors import InputError, VenosegError
from venoseg.interchange import read_labels, read_seeds
from venoseg.review.session import CaseFolder
from venoseg.review.vein_values import LABEL_NAMES
from venoseg.review.worklist import WorkItem
from venoseg.segmentation import Seed, Segmentation
from venoseg.volume import Grid, Source, Volume

Say = Callable[[str], None]

NO_LABELS = "there are no labels yet: set ends, or draw"


class Cancelled(VenosegError):  # noqa: N818 - it is no error, but the user's wish
    """The user stopped what was being loaded."""


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """What a case begins with.

    Attributes
    ----------
    image, labels
        On the same grid; the labels may be empty.
    seeds
        Ends and waypoints that the case's manifest names.
    message
        What the reviewer must know about labels and seeds; empty when all is as it should be.
    """

    image: Volume
    labels: Segmentation
    message: str = ""
    seeds: tuple[Seed, ...] = ()


def load(
    item: WorkItem,
    folder: CaseFolder,
    labels: Path | None = None,
    *,
    say: Say = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Loaded:
    """Read an item's image, from the copy that an earlier opening left when there is one.

    Parameters
    ----------
    item
        What to open.
    folder
        Where its review, and the copy of its image, are kept.
    labels
        A label map, or a folder of results by `venoseg measure` or `venoseg batch` among which
        those of this series are looked for; None: those that the case's manifest names.
    say
        Is told in words what is being done.
    cancelled
        Asked between the steps and after each slice; when it says yes, `Cancelled` is raised.

    Raises
    ------
    VenosegError
        When the image cannot be read.
    """

    def step(words: str) -> None:
        if cancelled():
            raise Cancelled("stopped by the user")
        say(words)

    if item.problem:
        raise InputError(item.problem, where=item.title, remedy="open another series of the study")
    step("reading the image")
    image = read_copy(folder)
    if image is None:
        image = item.series.read(lambda done, of: step(f"reading the image: {done} of {of} slices"))
        step("keeping a copy that opens faster")
        keep_copy(image, folder)
    step("reading the labels")
    segmentation, message = _labels(image, labels or item.labels)
    seeds, doubt = _seeds(item.seeds)
    step("opening")
    return Loaded(image, segmentation, "; ".join(w for w in (message, doubt) if w), seeds)


def empty_labels(grid: Grid) -> Segmentation:
    """Return labels without any vein."""
    return Segmentation(np.zeros(grid.shape, dtype=np.uint8), grid, LABEL_NAMES, "manual")


def keep_copy(image: Volume, folder: CaseFolder) -> None:
    """Keep a copy of an image that opens fast; when there is no room for it, do without."""
    facts = {
        "affine": image.grid.affine.tolist(),
        "unit": image.unit,
        "missing": image.missing is not None,
        "source": asdict(image.source),
    }
    made: list[Path] = []
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        for name, array in (("image.npy", image.voxels), ("missing.npy", image.missing)):
            if array is not None:
                made.append(folder.path / f".{name}.part")
                with made[-1].open("wb") as file:
                    np.save(file, array)
                made[-1].replace(folder.path / name)
        made.append(folder.path / ".image.json.part")
        made[-1].write_text(json.dumps(facts), encoding="utf-8")
        made[-1].replace(folder.path / "image.json")
    except OSError:
        for path in (*made, folder.path / "image.npy", folder.path / "missing.npy"):
            with suppress(OSError):
                path.unlink()


def read_copy(folder: CaseFolder) -> Volume | None:
    """Return the image that `keep_copy` kept; None when there is none that is whole."""
    try:
        facts = json.loads((folder.path / "image.json").read_text(encoding="utf-8"))
        voxels = np.load(folder.path / "image.npy", allow_pickle=False)
        missing = (
            np.load(folder.path / "missing.npy", allow_pickle=False) if facts["missing"] else None
        )
        stated = facts["source"] | {
            "sop_instance_uids": tuple(facts["source"]["sop_instance_uids"]),
            "gaps": tuple((int(a), int(b)) for a, b in facts["source"]["gaps"]),
            "flags": tuple(facts["source"]["flags"]),
        }
        source = Source(**{field.name: stated[field.name] for field in fields(Source)})
        grid = Grid(voxels.shape, np.array(facts["affine"]))
        return Volume(voxels, grid, facts["unit"], missing, source)
    except (OSError, ValueError, KeyError, TypeError, EOFError, InputError):
        return None


def _labels(image: Volume, path: Path | None) -> tuple[Segmentation, str]:
    """Return the labels to begin with, and what is wrong with those that were named."""
    if path is not None and path.is_dir():
        path = _results_of(image, path) or path
    if path is None:
        return empty_labels(image.grid), NO_LABELS
    try:
        return read_labels(path, image), ""
    except VenosegError as error:
        return empty_labels(image.grid), f"the labels were not used: {error}"


def _seeds(path: Path | None) -> tuple[tuple[Seed, ...], str]:
    """Return the seeds that were named, and what is wrong with them."""
    if path is None:
        return (), ""
    try:
        return read_seeds(path), ""
    except VenosegError as error:
        return (), f"the seeds were not used: {error}"


def _results_of(image: Volume, folder: Path) -> Path | None:
    """Return the labels among results that were made from the same series."""
    for document in sorted(folder.glob("**/measurements.json")):
        with suppress(OSError, ValueError, KeyError):
            source = json.loads(document.read_text(encoding="utf-8"))["source"]
            if source["series_instance_uid"] == image.source.series_instance_uid:
                found = document.with_name("segmentation.seg.nrrd")
                return found if found.is_file() else None
    return None
