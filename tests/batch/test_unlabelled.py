"""Studies without label maps: segmented, or named with what they need; none is lost."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from venoseg.batch import BatchSettings, Machinery, run_batch
from venoseg.batch.labels import seeds_of
from venoseg.dicom import read_study
from venoseg.errors import InputError
from venoseg.phantom.catalogue import TWINS
from venoseg.phantom.ct import Scanner
from venoseg.phantom.export import CtOptions, write_ct_twin


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory) -> Path:
    """Two veins without bones around them, one of them with seed points."""
    root = tmp_path_factory.mktemp("unlabelled")
    for seed in (1, 2):
        made = root / "made" / str(seed)
        options = CtOptions(
            seed=seed,
            spacing_mm=(4.0, 2.0, 2.0),
            margin_mm=10.0,
            scanner=Scanner(noise_hu=10),
            seg=False,
        )
        write_ct_twin(TWINS["straight"], made, options)
        shutil.copytree(made / "ct", root / "export" / str(seed) / "ct")
    seeds = root / "made" / "2" / "truth" / "seeds.json"
    shutil.copy(seeds, root / "export" / "2" / "seeds.json")
    return root / "export"


def test_what_cannot_be_segmented_says_what_it_needs_and_seeds_help(unlabelled, tmp_path):
    out = tmp_path / "out"
    settings = BatchSettings(seeds="../seeds.json", boundary="mask", step_mm=5.0)
    result = run_batch(unlabelled, out, settings, Machinery(workers=1, quiet=True))
    helped = read_study(unlabelled / "2").study_uid
    alone = read_study(unlabelled / "1").study_uid
    assert (result.studies, result.failed) == (2, 1)
    assert {row["study"] for row in rows(out / "results.csv")} == {helped}
    (failure,) = rows(out / "failures.csv")
    assert (failure["study"], failure["stage"]) == (alone, "segmenting the veins")
    assert "no lumbar spine" in failure["reason"]
    assert "seed points" in failure["remedy"]


def test_several_files_of_seeds_are_refused(unlabelled, tmp_path):
    series = read_study(unlabelled / "2").ct_series()
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(InputError, match="2 files of seeds"):
        seeds_of(series, BatchSettings(seeds=str(tmp_path / "*.json")))
    assert seeds_of(series, BatchSettings(seeds=str(tmp_path / "none.json"))) is None
    assert seeds_of(series, BatchSettings()) is None
