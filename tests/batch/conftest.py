"""A small export of several patients, as it comes: folders, an archive, damage and other things."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from venoseg.batch import BatchSettings
from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.ct import Scanner
from venoseg.phantom.export import CtOptions, write_ct_twin
from venoseg.phantom.identity import Visit

TABLES = (
    "cases.csv",
    "cases.parquet",
    "changes.csv",
    "changes.parquet",
    "clinical.csv",
    "clinical.parquet",
    "failures.csv",
    "lesions.csv",
    "lesions.parquet",
    "patency.csv",
    "patency.parquet",
    "projected_lesions.csv",
    "projected_lesions.parquet",
    "projection.parquet",
    "results.csv",
    "results.parquet",
    "sections.parquet",
    "selection.csv",
    "station_changes.parquet",
    "stents.csv",
    "stents.parquet",
    "summary.html",
)


def write_small(out: Path, seed: int) -> str:
    """Write a small straight vein into ``out`` and return its study UID."""
    options = CtOptions(
        seed=seed,
        spacing_mm=(5.0, 2.5, 2.5),
        margin_mm=8.0,
        scanner=Scanner(noise_hu=15),
        seg=False,
    )
    write_ct_twin(TWINS["straight"], out, options)
    return Visit("straight", seed).uid("study")


@dataclass(frozen=True)
class Export:
    """An export: its folder, the folder of labels, and the studies in it."""

    folder: Path
    labels: Path
    good: tuple[str, ...]
    broken: str

    @property
    def settings(self) -> BatchSettings:
        """Quick settings that find the labels."""
        pattern = str(self.labels / "{study_uid}.seg.nrrd")
        return BatchSettings(labels=pattern, boundary="mask", step_mm=5.0)


@pytest.fixture(scope="session")
def export(tmp_path_factory) -> Export:
    """Three good studies (one in an archive, one twice) and one whose pixels are cut off."""
    root = tmp_path_factory.mktemp("pacs")
    folder, labels, made = root / "export", root / "labels", root / "made"
    labels.mkdir()
    uids = []
    for seed in (1, 2, 3, 4):
        uids.append(write_small(made / str(seed), seed))
        shutil.copy(made / str(seed) / "truth" / "labels.seg.nrrd", labels / f"{uids[-1]}.seg.nrrd")
    shutil.copytree(made / "1" / "ct", folder / "DOE JANE" / "a")
    shutil.copytree(made / "1" / "ct", folder / "copies" / "again")
    shutil.copytree(made / "2" / "ct", folder / "DOE JANE" / "b")
    with zipfile.ZipFile(folder / "third.zip", "w") as archive:
        for file in sorted((made / "3" / "ct").iterdir()):
            archive.write(file, f"x/{file.name}")
    (folder / "broken").mkdir()
    for file in (made / "4" / "ct").iterdir():
        content = file.read_bytes()
        (folder / "broken" / file.name).write_bytes(content[: len(content) * 2 // 3])
    (folder / "notes.txt").write_text("no image")
    return Export(folder, labels, tuple(uids[:3]), uids[3])


@pytest.fixture(scope="session")
def tables_of() -> Callable[[Path], dict[str, bytes]]:
    """Return the bytes of every table of a batch."""
    return lambda out: {name: (out / name).read_bytes() for name in TABLES}


@pytest.fixture(scope="session")
def start_batch() -> Callable[..., subprocess.Popen[bytes]]:
    """Start ``venoseg batch`` on an export in a process of its own."""

    def start(export: Export, out: Path, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "venoseg", "batch", str(export.folder), "-o", str(out)]
        settings = export.settings
        options = ["--labels", settings.labels, "--boundary=mask", "--step=5"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        return subprocess.Popen(
            [*command, *options, *words],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    return start


@pytest.fixture(scope="session")
def undisturbed(export, tmp_path_factory) -> Path:
    """The results of one worker that nobody disturbed."""
    from venoseg.batch import Machinery, run_batch

    out = tmp_path_factory.mktemp("undisturbed") / "out"
    run_batch(export.folder, out, export.settings, Machinery(workers=1, quiet=True))
    return out
