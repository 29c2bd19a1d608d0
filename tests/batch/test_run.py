"""A whole batch: complete, the same bytes whatever happens on the way, one run at a time."""

from __future__ import annotations

import csv
import io
import shutil
import signal
import time
from pathlib import Path

import pandas
import pyarrow
import pytest
from pyarrow import parquet

from venoseg.batch import Limits, Machinery, plan_batch, run_batch
from venoseg.batch.settings import BatchSettings
from venoseg.batch.store import STATE, Store
from venoseg.batch.workers import Task, run_local
from venoseg.cli import main
from venoseg.errors import UsageError
from venoseg.lumen.tables.records import CROSS_SECTION_COLUMNS, SEGMENT_COLUMNS


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_every_good_study_is_measured_and_every_broken_one_is_named(export, undisturbed):
    measured = {row["study"] for row in rows(undisturbed / "results.csv")}
    assert measured == set(export.good)
    failures = rows(undisturbed / "failures.csv")
    assert export.broken in {row["study"] for row in failures}
    assert not measured & {row["study"] for row in failures}
    assert all(row["reason"] and row["stage"] for row in failures)


def test_the_figures_are_those_that_measure_writes(undisturbed):
    found = rows(undisturbed / "results.csv")
    for row in found:
        folder = undisturbed / "studies" / row["study"] / "ct"
        (own,) = rows(folder / "segments.csv")
        assert {name: row[name] for name in own} == own
        assert {"report.html", "cross_sections.csv", "measurements.json"} <= {
            path.name for path in folder.iterdir()
        }


def test_the_tables_have_the_columns_of_the_contract_and_one_type_each(export, undisturbed):
    results = parquet.read_table(undisturbed / "results.parquet")
    sections = parquet.read_table(undisturbed / "sections.parquet")
    assert results.schema.names[:4] == ["study", "kind", "series_uid", "run"]
    assert [c.name for c in SEGMENT_COLUMNS] == results.schema.names[4 : 4 + len(SEGMENT_COLUMNS)]
    assert [c.name for c in CROSS_SECTION_COLUMNS] == sections.schema.names[2:]
    assert results.schema.field("covered").type == pyarrow.bool_()
    assert sections.schema.field("lumen_components").type == pyarrow.int64()
    assert sections.schema.field("lumen_area_mm2").metadata[b"meaning"]
    frame = pandas.read_parquet(undisturbed / "results.parquet")
    assert set(frame["study"]) == set(export.good)
    text = pandas.read_csv(undisturbed / "results.csv")
    assert text["mean_area_mm2"].tolist() == frame["mean_area_mm2"].tolist()


def test_every_series_is_listed_with_a_reason(export, undisturbed):
    listed = rows(undisturbed / "selection.csv")
    assert {row["study"] for row in listed} == {*export.good, export.broken}
    assert all(row["reason"] for row in listed)


def test_the_bytes_are_the_same_for_two_workers_and_another_order_of_files(
    export, undisturbed, tables_of, tmp_path
):
    other = tmp_path / "other"
    shutil.copytree(export.folder / "copies", other / "0")
    for path in sorted(export.folder.iterdir()):
        if path.name != "copies":
            target = other / f"z{path.name}"
            shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)
    out = other / "out"  # The results lie inside the exports and must not be taken for some.
    result = run_batch(other, out, export.settings, Machinery(workers=2, quiet=True))
    assert tables_of(out) == tables_of(undisturbed)
    assert (result.studies, result.failed) == (4, 1)


def test_a_killed_run_goes_on_to_the_same_bytes(
    export, undisturbed, tables_of, start_batch, tmp_path
):
    out = tmp_path / "out"
    run = start_batch(export, out, "--workers=1")
    deadline = time.monotonic() + 280
    kept, wanted = out / STATE / "records", out / "studies"
    while len(list(kept.glob("*.json"))) < 1 or not list(wanted.glob("*/.venoseg-*")):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not (out / "results.csv").exists()
    assert start_batch(export, out, "--resume").wait(280) == 1
    assert tables_of(out) == tables_of(undisturbed)
    assert not list(out.rglob(".venoseg-*"))


def test_a_record_or_result_that_power_failure_tore_is_made_again(
    export, undisturbed, tables_of, tmp_path
):
    out = tmp_path / "out"
    shutil.copytree(undisturbed, out)
    (out / STATE / "records" / f"{export.good[0]}.json").write_bytes(b'{"study": ')
    (out / "studies" / export.good[1] / "ct" / "measurements.json").write_bytes(b"")
    (out / "results.parquet").write_bytes(b"PAR1")
    result = run_batch(
        export.folder, out, export.settings, Machinery(resume=True, quiet=True, workers=1)
    )
    assert result.already == 2
    assert tables_of(out) == tables_of(undisturbed)


def test_two_runs_exclude_each_other(export, undisturbed, monkeypatch):
    monkeypatch.setattr("venoseg.batch.store._PATIENCE_S", 0.2)
    held = Store(undisturbed, _print_of(undisturbed), resume=True)
    with pytest.raises(UsageError, match="another run is writing"):
        run_batch(export.folder, undisturbed, export.settings, Machinery(resume=True, quiet=True))
    held.release()


def _print_of(out: Path) -> dict[str, object]:
    import json

    found: dict[str, object] = json.loads((out / STATE / "run.json").read_text())
    return found


def test_results_of_other_settings_or_versions_are_not_mixed(export, undisturbed):
    other = BatchSettings(labels=export.settings.labels, boundary="gray", step_mm=5.0)
    with pytest.raises(UsageError, match="other boundary"):
        run_batch(export.folder, undisturbed, other, Machinery(resume=True, quiet=True))
    older = {**_print_of(undisturbed), "venoseg": "0.0.1"}
    with pytest.raises(UsageError, match="version of venoseg"):
        Store(undisturbed, older, resume=True)


def test_an_existing_folder_is_refused_unless_told_otherwise(export, undisturbed, tmp_path):
    with pytest.raises(UsageError, match="--resume"):
        run_batch(export.folder, undisturbed, export.settings)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(UsageError, match="something else"):
        run_batch(
            export.folder, tmp_path / "thesis", export.settings, Machinery(force=True, quiet=True)
        )
    assert (tmp_path / "thesis" / "chapter.txt").exists()


def test_a_dry_run_tells_the_studies_and_writes_nothing(export, tmp_path, capsys):
    words = [str(export.folder), "-o", str(tmp_path / "out"), "--dry-run"]
    assert main(["batch", *words]) == 0
    said = capsys.readouterr().out
    assert all(uid in said for uid in (*export.good, export.broken))
    assert not list(tmp_path.iterdir())
    tasks, facts, _ = plan_batch(export.folder, tmp_path / "out", export.settings)
    assert facts.not_dicom == 1
    assert len(tasks) == 4


def test_no_more_studies_run_at_a_time_than_memory_holds(monkeypatch):
    running: list[str] = []
    most: list[tuple[str, ...]] = []

    class Fake:
        """A template that answers when asked, to watch who runs with whom."""

        def __init__(self) -> None:
            import os

            self._read, self._write = os.pipe()

        def send(self, message: tuple[str, object]) -> None:
            import os

            self._name = message[0]
            running.append(self._name)
            most.append(tuple(running))
            os.write(self._write, b".")

        def fileno(self) -> int:
            return self._read

        def receive(self) -> object:
            import os

            os.read(self._read, 1)
            running.remove(self._name)
            from venoseg.batch.job import Outcome

            return Outcome()

        def close(self) -> None:
            import os

            os.close(self._read)
            os.close(self._write)

    monkeypatch.setattr("venoseg.batch.workers.start_template", lambda *_, **__: Fake())
    tasks = [Task(f"{size}-{n}", "", "", size) for size in (900, 600, 300) for n in range(3)]
    done = run_local(tasks, lambda t: t.name, Limits(1, 1), workers=4, memory_mib=800.0)
    assert sorted(task.name for task, _ in done) == sorted(task.name for task in tasks)
    for together in most:
        needed = sum(float(name.partition("-")[0]) for name in together)
        assert needed <= 800 or len(together) == 1
    assert max(map(len, most)) == 2
