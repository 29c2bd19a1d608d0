"""What a batch costs and what it survives, on digital twins.

    python -m benchmarks.batch throughput [--studies 40]     two workers against one
    python -m benchmarks.batch overhead   [--studies 20]     the machinery's own share
    python -m benchmarks.batch broken     [--studies 1000]   5 % broken in ten ways
    python -m benchmarks.batch kills      [--rounds 20]      SIGKILL at random moments
    python -m benchmarks.batch parent     [--studies 10000]  memory of the parent
    python -m benchmarks.batch scan       [--files 100000]   reading headers
    python -m benchmarks.batch size --made TWIN              one study of 512 x 512 x 600 voxels

Ratios need a quiet machine; CPU seconds do not.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil
from benchmarks.batch.exports import (
    BREAKAGES,
    break_study,
    enlarge,
    write_single_images,
    write_twins,
)

from venoseg.batch import BatchSettings, Machinery, run_batch
from venoseg.batch.catalogue import Catalogue, build_catalogue
from venoseg.batch.store import STATE
from venoseg.dicom import read_study

# Studies for what counts studies: one straight vein, few pixels, few stations.
SMALL = {"twin": "straight", "spacing": 5.0}
QUICK = {"boundary": "mask", "step_mm": 5.0}


def main() -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("which", choices=sorted(BENCHMARKS))
    parser.add_argument("--studies", type=int)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--twin", default="y-stenosis-50")
    parser.add_argument("--spacing", type=float, default=3.0, help="mm between slices")
    parser.add_argument("--made", type=Path, help="a twin as `venoseg phantom` writes it")
    parser.add_argument("--folder", type=Path, help="where to work (default: a temporary one)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        BENCHMARKS[arguments.which](Path(folder), arguments)


def throughput(folder: Path, arguments: argparse.Namespace) -> None:
    """Time the same studies with one worker and with several."""
    count = arguments.studies or 40
    settings, took = _twins(folder, arguments, count), {}
    for workers in (1, arguments.workers):
        started = time.perf_counter()
        out = folder / f"out{workers}"
        run_batch(folder / "export", out, settings, Machinery(workers=workers, quiet=True))
        took[workers] = time.perf_counter() - started
        print(f"{count} studies, {workers} workers: {took[workers]:.1f} s")
    _compare(folder / "out1", folder / f"out{arguments.workers}")
    print(f"ratio {took[1] / took[arguments.workers]:.2f}; tables identical")
    _print_costs(folder / "out1", folder / "export")


def overhead(folder: Path, arguments: argparse.Namespace) -> None:
    """Compare the CPU time of whole batches with that of the studies in them."""
    beside = {}
    for count in (1, arguments.studies or 20):
        here = folder / str(count)
        here.mkdir()
        settings = _twins(here, arguments, count)
        before = _cpu_s()
        run_batch(here / "export", here / "out", settings, Machinery(workers=1, quiet=True))
        costs = _costs(here / "out")
        study_s = sum(cost["cpu_s"] for cost in costs)
        beside[count] = _cpu_s() - before - study_s
        print(f"{count} studies: {study_s:.1f} CPU s in them, {beside[count]:.1f} beside them")
    (one, fixed), (many, total) = beside.items()
    each = (total - fixed) / (many - one)
    before = _cpu_s()
    for study in sorted((folder / str(many) / "export").iterdir()):
        read_study(study)
    headers = (_cpu_s() - before) / many
    alone = study_s / many + headers
    print(f"once {fixed - each:.1f} CPU s, then {each:.3f} beside each study; of these "
          f"{headers:.3f} to read its headers, as `measure` does too")  # fmt: skip
    print(f"overhead {100 * (each - headers) / alone:.2f} % of a study of {alone:.2f} CPU s")
    _print_costs(folder / str(many) / "out", folder / str(many) / "export")


def broken(folder: Path, arguments: argparse.Namespace) -> None:
    """Measure many small studies of which one in twenty is broken."""
    count = arguments.studies or 1000
    vars(arguments).update(SMALL)
    settings = replace(_twins(folder, arguments, count), **QUICK)
    export, bad = folder / "export", {}
    for n, study in enumerate(sorted(export.iterdir())[::20]):
        first = next(study.iterdir())
        uid = _study_uid(first)
        break_study(BREAKAGES[n % len(BREAKAGES)], study, folder / "labels" / f"{uid}.seg.nrrd")
        bad[uid] = BREAKAGES[n % len(BREAKAGES)]
    started = time.perf_counter()
    out = folder / "out"
    result = run_batch(export, out, settings, Machinery(workers=arguments.workers))
    took = time.perf_counter() - started
    measured = {row["study"] for row in _rows(out / "results.csv")}
    failed = {row["study"]: row["reason"] for row in _rows(out / "failures.csv")}
    print(f"{count} studies in {took:.0f} s; {len(measured)} measured, {len(failed)} failed")
    print(f"good ones not measured: {count - len(bad) - len(measured - set(bad))}")
    print(f"broken ones not named: {sorted(bad[uid] for uid in set(bad) - set(failed))}")
    print(f"lost: {count - len(measured | set(failed))}; status {1 if result.failed else 0}")
    for kind in BREAKAGES:
        reasons = {failed.get(uid, "NOT NAMED")[:110] for uid in bad if bad[uid] == kind}
        print(f"  {kind}: {'; '.join(sorted(reasons))}")


def kills(folder: Path, arguments: argparse.Namespace) -> None:
    """Kill runs at random moments, let them go on, and compare the bytes of the tables."""
    vars(arguments).update(SMALL)
    settings = replace(_twins(folder, arguments, arguments.studies or 6, visits=2), **QUICK)
    machinery = Machinery(workers=arguments.workers, quiet=True)
    started = time.perf_counter()
    run_batch(folder / "export", folder / "whole", settings, machinery)
    took = time.perf_counter() - started
    moments = random.Random(7)
    for n in range(arguments.rounds):
        out = folder / f"out{n}"
        run = _start(folder, out, settings, arguments.workers)
        moment = moments.uniform(0.0, took)
        time.sleep(moment)
        done = len(list(out.glob(".batch/records/*.json")))
        compared = len(list(out.glob(".batch/cases/*.json")))
        run.send_signal(signal.SIGKILL)
        alive = run.wait() == 0
        if _start(folder, out, settings, arguments.workers, "--resume").wait():
            raise SystemExit("the second run did not go on")
        _compare(folder / "whole", out)
        ended = "had ended" if alive else f"killed with {done} studies and {compared} cases done"
        print(f"{moment:6.2f} s: {ended}; tables identical", flush=True)
        shutil.rmtree(out)


def parent(folder: Path, arguments: argparse.Namespace) -> None:
    """Follow the memory of a batch's first process over many studies of one image each."""
    count = arguments.studies or 10_000
    write_single_images(folder / "export", count, count)
    run = _start(folder, folder / "out", BatchSettings(), arguments.workers)
    process, most, started = psutil.Process(run.pid), 0, time.perf_counter()
    while run.poll() is None:
        try:
            most = max(most, process.memory_info().rss)
        except psutil.NoSuchProcess:
            break
        time.sleep(0.1)
    took = time.perf_counter() - started
    failed = sum(1 for _ in _rows(folder / "out" / "failures.csv"))
    print(f"{count} studies in {took:.0f} s, {failed} named; parent at most {most / 1e6:.0f} MB")


def scan(folder: Path, arguments: argparse.Namespace) -> None:
    """Time the reading of headers for growing numbers of files."""
    for share in (0.1, 0.3, 1.0):
        count = round(arguments.files * share)
        write_single_images(folder / f"export{count}", count, max(count // 400, 1))
        told: list[int] = []
        before, started = _cpu_s(), time.perf_counter()
        catalogue = folder / f"catalogue{count}"
        build_catalogue(
            folder / f"export{count}",
            catalogue,
            folder / "out",
            settings=BatchSettings(),
            progress=told.append,
        )
        took, cpu = time.perf_counter() - started, _cpu_s() - before
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        studies = len(Catalogue(catalogue).studies())
        print(f"{count} files, {studies} studies: {took:.1f} s, {cpu:.1f} CPU s, at most "
              f"{most:.0f} MiB, {catalogue.stat().st_size / 1e6:.1f} MB of catalogue, "
              f"told {len(told)} times", flush=True)  # fmt: skip
        shutil.rmtree(folder / f"export{count}")


def size(folder: Path, arguments: argparse.Namespace) -> None:
    """Measure a twin of as many voxels as a scanner's CT, from labels and without."""
    label = folder / "veins.seg.nrrd"
    enlarge(arguments.made, folder / "export", label, (600, 512, 512))
    for name, labels in (("labels", str(label)), ("segmented", "")):
        out = folder / name
        machinery = Machinery(workers=1, quiet=True)
        run_batch(folder / "export", out, BatchSettings(labels=labels), machinery)
        print(f"{name}: ", end="")
        _print_costs(out, folder / "export")
        veins = [row for row in _rows(out / "results.csv") if row["minimum_area_mm2"]]
        reasons = [row["reason"] for row in _rows(out / "failures.csv")]
        print(
            f"  {len(veins)} veins measured; failures: {'; '.join(reasons) or 'none'}", flush=True
        )


def _twins(
    folder: Path, arguments: argparse.Namespace, count: int, visits: int = 1
) -> BatchSettings:
    export, labels = folder / "export", folder / "labels"
    write_twins(export, labels, count, arguments.twin, arguments.spacing, visits)
    return BatchSettings(labels=str(labels / "{study_uid}.seg.nrrd"))


def _start(
    folder: Path, out: Path, settings: BatchSettings, workers: int, *words: str
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "venoseg", "batch", str(folder / "export"), "-o", str(out)]
    labels = ["--labels", settings.labels] if settings.labels else []
    measuring = [f"--boundary={settings.boundary}", f"--step={settings.step_mm}"]
    options = [*labels, *measuring, f"--workers={workers}", "--quiet", *words]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen([*command, *options], env=environment)


def _compare(first: Path, second: Path) -> None:
    """Compare the bytes of all results but the DICOM objects, which are dated."""
    names = [path.relative_to(first) for path in sorted(first.rglob("*")) if path.is_file()]
    for name in names:
        if STATE in name.parts or name.suffix == ".dcm":
            continue
        if (first / name).read_bytes() != (second / name).read_bytes():
            raise SystemExit(f"{name} differs")


def _costs(out: Path) -> list[dict[str, float]]:
    records = sorted((out / ".batch" / "records").glob("*.json"))
    return [json.loads(record.read_text())["cost"] for record in records]


def _print_costs(out: Path, export: Path) -> None:
    costs = _costs(out)
    count = len(costs)
    written = sum(f.stat().st_size for f in (out / "studies").rglob("*") if f.is_file())
    read = sum(f.stat().st_size for f in export.rglob("*") if f.is_file())
    print(
        f"a study: {sum(c['cpu_s'] for c in costs) / count:.1f} CPU s, "
        f"{max(c['peak_mib'] for c in costs):.0f} MiB at most, "
        f"{read / count / 1e6:.1f} MB read, {written / count / 1e6:.1f} MB written"
    )


def _cpu_s() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, kinds))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _study_uid(file: Path) -> str:
    import pydicom

    return str(pydicom.dcmread(file, stop_before_pixels=True).StudyInstanceUID)


BENCHMARKS = {
    "throughput": throughput,
    "overhead": overhead,
    "broken": broken,
    "kills": kills,
    "parent": parent,
    "scan": scan,
    "size": size,
}

if __name__ == "__main__":
    main()
