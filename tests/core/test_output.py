"""Folders of results: whole, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from venoseg.errors import OutputError, UsageError
from venoseg.output import output_folder


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_everything_appears_at_once_when_the_work_is_done(tmp_path):
    out = tmp_path / "new" / "out"
    with output_folder(out) as scratch:
        (scratch / "pictures").mkdir()
        (scratch / "pictures" / "a.png").write_text("a")
        assert not out.exists()
    assert tree(tmp_path) == {"new", "new/out", "new/out/pictures", "new/out/pictures/a.png"}


def fail_half_way(out: Path, failure: BaseException, *, force: bool = False) -> None:
    with output_folder(out, force=force) as scratch:
        (scratch / "table.csv").write_text("half")
        raise failure


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("parent", ["", "new/deep"])
def test_a_failure_half_way_leaves_nothing_behind(tmp_path, failure, parent):
    with pytest.raises(failure):
        fail_half_way(tmp_path / parent / "out", failure())
    assert tree(tmp_path) == set()


def test_an_existing_folder_is_refused_and_untouched(tmp_path):
    (tmp_path / "kept.txt").write_text("kept")
    with pytest.raises(UsageError, match=r"exists.*--force"), output_folder(tmp_path):
        pytest.fail("the work must not begin")
    assert tree(tmp_path) == {"kept.txt"}


def test_force_replaces_files_of_the_same_name_and_keeps_the_others(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "kept.txt").write_text("kept")
    (out / "table.csv").write_text("old")
    with output_folder(out, force=True) as scratch:
        (scratch / "table.csv").write_text("new")
    assert (out / "kept.txt").read_text() == "kept"
    assert (out / "table.csv").read_text() == "new"
    assert tree(tmp_path) == {"out", "out/kept.txt", "out/table.csv"}


def test_a_failure_with_force_leaves_the_folder_as_it_was(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "table.csv").write_text("old")
    with pytest.raises(RuntimeError):
        fail_half_way(out, RuntimeError(), force=True)
    assert (out / "table.csv").read_text() == "old"
    assert tree(tmp_path) == {"out", "out/table.csv"}


def test_a_file_in_the_way_is_refused_even_with_force(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UsageError, match="a file of that name exists"):
        output_folder(tmp_path / "out", force=True).__enter__()
    assert (tmp_path / "out").read_text() == "a file"


@pytest.mark.parametrize("name", ["file/out", "n" * 300])
def test_a_place_that_cannot_be_written_is_refused_in_one_line(tmp_path, name):
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        output_folder(tmp_path / name).__enter__()
    assert "\n" not in str(caught.value)
    assert tree(tmp_path) == {"file"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="Permission denied"):
            output_folder(tmp_path / "out").__enter__()
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_cannot_be_searched_is_refused(tmp_path, monkeypatch):
    def refuse(self: Path, **_: object) -> bool:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        output_folder(tmp_path / "out").__enter__()


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    with pytest.raises(OutputError, match="No space left"):
        fail_half_way(tmp_path / "out", OSError(28, "No space left on device"))
    assert tree(tmp_path) == set()
