"""The sample case: one synthetic patient at four timepoints.

A 46-year-old with post-thrombotic syndrome. At baseline the infrarenal cava and both common iliac
veins are chronically shut and collaterals carry the blood; the veins are then opened with stents,
checked by venography the next day, and seen again by CT after a year, when one limb holds some
tissue and both are a little pressed at the iliocaval end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from venoseg.phantom.ct import Scanner, render
from venoseg.phantom.ct_dicom import CtSeries, ct_datasets
from venoseg.phantom.encode import write_dicom
from venoseg.phantom.export import write_ct_truth
from venoseg.phantom.export_xa import XaOptions, write_run
from venoseg.phantom.identity import Visit
from venoseg.phantom.scene import Scene
from venoseg.phantom.surroundings import in_body
from venoseg.phantom.variants import StentState, chronic_occlusion, reconstructed
from venoseg.phantom.xa import XaSettings
from venoseg.phantom.xa_dicom import XaSeries
from venoseg.phantom.xa_geometry import Carm
from venoseg.volume import Grid

SEED = 7
TRANSFER_SYNTAX = "jpeg-ls"
DAYS = {"baseline": 0, "procedure": 30, "day1": 31, "one_year": 395}

_DATES = {
    "baseline": "20240103",
    "procedure": "20240202",
    "day1": "20240203",
    "one_year": "20250201",
}
_JUST_PLACED = StentState(expansion=0.9, crush_percent=12.0)
_DILATED = StentState()
_AFTER_A_YEAR = StentState(0.99, crush_percent=28.0, tissue_mm=0.3, focal_tissue_mm=1.5)


@dataclass(frozen=True, slots=True)
class Resolution:
    """How finely the case is imaged; the default is that of ``sample_data``.

    ``spacing_mm`` of the CTs along (slice, row, column), ``matrix`` and ``frames`` of the runs.
    """

    spacing_mm: tuple[float, float, float] = (1.5, 0.9, 0.9)
    matrix: int = 320
    frames: int = 18


def case_visit(key: str) -> Visit:
    """Return the study of a timepoint; all belong to one patient."""
    words = key.replace("_", " ")
    return Visit("sample-case", SEED, key, _DATES[key], f"Digital twin, {words}")


def case_scene(key: str) -> Scene:
    """Return what the patient looks like at ``baseline`` or ``one_year``."""
    veins = chronic_occlusion(SEED) if key == "baseline" else reconstructed(SEED, _AFTER_A_YEAR)
    # The published samples were made before there were renal veins; their bytes shall stay.
    return in_body(veins, SEED, renal=False)


def case_grid(key: str, resolution: Resolution) -> Grid:
    """Return the voxels of a CT: of another size and place at each visit."""
    extent = (378.0, 194.4, 257.4) if key == "baseline" else (369.0, 198.0, 261.0)
    origin = (-129.0, -110.0, -212.0) if key == "baseline" else (-131.5, -111.5, -208.0)
    shape = [round(e / s) + 1 for e, s in zip(extent, resolution.spacing_mm, strict=True)]
    return Grid.from_axes(shape, spacing_mm=resolution.spacing_mm, origin_lps_mm=origin)


def case_scanner(key: str) -> Scanner:
    """Return the scanner of a CT timepoint: the same protocol, other noise."""
    seed = SEED * 10 + (0 if key == "baseline" else 1)
    return Scanner(blur_mm=0.55, noise_hu=11.0, seed=seed, kernel="smooth")


def write_case(out: Path, resolution: Resolution | None = None) -> tuple[str, ...]:
    """Write the four timepoints into their own folders under ``out``; return their names."""
    resolution = resolution or Resolution()
    for key in ("baseline", "one_year"):
        _write_ct(out / key, key, resolution)
    occluded = in_body(chronic_occlusion(SEED), SEED, renal=False)
    placed = in_body(reconstructed(SEED, _JUST_PLACED), SEED, renal=False)
    dilated = in_body(reconstructed(SEED, _DILATED), SEED, renal=False)
    _write_run(out / "procedure", "procedure", 1, occluded, resolution)
    _write_run(out / "procedure", "procedure", 2, placed, resolution)
    _write_run(out / "day1", "day1", 1, dilated, resolution)
    (out / "case.toml").write_text(_MANIFEST, encoding="utf-8", newline="")
    return tuple(DAYS)


def _write_ct(folder: Path, key: str, resolution: Resolution) -> None:
    made = render(case_scene(key), case_grid(key, resolution), case_scanner(key))
    visit = case_visit(key)
    images = folder / "ct"
    images.mkdir(parents=True)
    for number, dataset in enumerate(ct_datasets(made.image, visit, CtSeries()), start=1):
        write_dicom(dataset, images / f"{number:04d}.dcm", TRANSFER_SYNTAX)
    about = {"twin": "sample-case", "timepoint": key, "days": DAYS[key], "seed": SEED}
    # The label map is there as NRRD; a DICOM SEG would add megabytes to the samples.
    write_ct_truth(made, folder / "truth", about, headers=())


def _write_run(folder: Path, key: str, number: int, scene: Scene, resolution: Resolution) -> None:
    carm = Carm(
        rows=resolution.matrix, columns=resolution.matrix, pixel_mm=416.0 / resolution.matrix
    )
    settings = XaSettings(
        carm=carm,
        frames=resolution.frames,
        frames_per_s=2.0,
        photons=6000.0,
        motion_px=(0.4, -0.3),
        seed=SEED * 100 + DAYS[key] + number,
    )
    words = {1: "Venogram, frontal", 2: "Venogram after stenting, frontal"}
    series = XaSeries(number, words[number])
    options = XaOptions(settings, transfer_syntax=TRANSFER_SYNTAX)
    write_run(replace(scene, name="sample-case"), folder, options, case_visit(key), series)


_MANIFEST = """\
# The sample case: one synthetic patient, four timepoints. No person was imaged.
patient = "twin-one"

[[timepoints]]
label = "baseline"
day = 0
studies = ["baseline/ct"]
labels = "baseline/truth/labels.seg.nrrd"
seeds = "baseline/truth/seeds.json"

[timepoints.villalta]
side = "worse limb"
pain = 3
cramps = 2
heaviness = 3
paraesthesia = 2
pruritus = 1
oedema = 3
induration = 2
hyperpigmentation = 2
redness = 1
ectasia = 1
compression_pain = 2
ulcer = false

[timepoints.claudication]
side = "both"
present = true
onset_distance_m = 80
stop_distance_m = 200
recovery_min = 10
relief_by_elevation = true
test = "history"

[[timepoints]]
label = "procedure"
day = 30

[[timepoints.studies]]
name = "before"
path = "procedure/xa/run1-xa.dcm"
seeds = "procedure/truth/run1-seeds.json"

[[timepoints.studies]]
name = "after"
path = "procedure/xa/run2-xa.dcm"
seeds = "procedure/truth/run2-seeds.json"

[[timepoints]]
label = "day1"
day = 31
studies = ["day1/xa"]
seeds = "day1/truth/run1-seeds.json"

[[timepoints]]
label = "one_year"
day = 395
studies = ["one_year/ct"]
labels = "one_year/truth/labels.seg.nrrd"

[timepoints.villalta]
side = "worse limb"
pain = 0
cramps = 0
heaviness = 0
paraesthesia = 0
pruritus = 0
oedema = 1
induration = 0
hyperpigmentation = 0
redness = 0
ectasia = 0
compression_pain = 0
ulcer = false

[timepoints.claudication]
side = "both"
present = false
test = "history"

[[stents]]
day = 30
from = "ivc"
to = "ivc"
nominal_diameter_mm = 22

[[stents]]
day = 30
from = "left_common_iliac_vein"
to = "left_external_iliac_vein"
nominal_diameter_mm = 16

[[stents]]
day = 30
from = "right_common_iliac_vein"
to = "right_external_iliac_vein"
nominal_diameter_mm = 16

[[events]]
day = 30
kind = ["recanalisation", "thrombectomy", "stent"]

[[events]]
day = 31
kind = "balloon_dilation"
"""
