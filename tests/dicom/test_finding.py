"""Folders, archives, media and single files, and what `venoseg scan` says about them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.fileset import FileSet

from venoseg.cli import main
from venoseg.dicom import finding as finding_module
from venoseg.dicom import read_study, scan
from venoseg.errors import InputError


def column(n: int, step: float = 1.5) -> list[tuple[float, ...]]:
    return [(-40.0, -30.0, 10.0 + k * step) for k in range(n)]


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, Path("DOE^JANE") / path.relative_to(folder))
    return target


def write_medium(folder: Path, medium: Path) -> None:
    files = FileSet()
    for path in sorted(folder.iterdir()):
        files.add(path)
    staging = [files._stage["t"]]
    files.write(medium)
    for temporary in (*staging, files._stage["t"]):
        temporary.cleanup()


def test_an_archive_gives_the_volume_of_its_folder(ct, tmp_path_factory):
    ct.series(column(5))
    archive = zipped(ct.folder, tmp_path_factory.mktemp("zip") / "export.zip")
    before = set(archive.parent.rglob("*"))
    volume, plain = read_study(archive).ct(), read_study(ct.folder).ct()
    np.testing.assert_array_equal(volume.voxels, plain.voxels)
    np.testing.assert_array_equal(volume.grid.affine, plain.grid.affine)
    assert set(archive.parent.rglob("*")) == before


def test_a_medium_is_read_through_its_directory(ct, tmp_path_factory):
    ct.series(column(5))
    medium = tmp_path_factory.mktemp("cd")
    write_medium(ct.folder, medium)
    volume = read_study(medium / "DICOMDIR").ct()
    np.testing.assert_array_equal(volume.voxels, read_study(ct.folder).ct().voxels)
    missing = next(p for p in medium.rglob("*") if p.is_file() and p.name != "DICOMDIR")
    missing.unlink()
    found = scan(medium / "DICOMDIR")
    assert "not there" in found.unreadable[0].reason


def test_names_that_lead_out_of_an_archive_are_only_names(ct, tmp_path_factory):
    ct.series(column(3))
    target = tmp_path_factory.mktemp("zip") / "evil.zip"
    with zipfile.ZipFile(target, "w") as archive:
        for k, path in enumerate(sorted(ct.folder.iterdir())):
            archive.writestr(f"../../../escape{k}", path.read_bytes())
    assert read_study(target).ct().voxels.shape[0] == 3
    assert not list(target.parent.parent.glob("escape*"))


def test_a_member_that_would_swell_is_refused_without_being_unpacked(ct, tmp_path_factory):
    ct.series(column(3))
    target = zipped(ct.folder, tmp_path_factory.mktemp("zip") / "bomb.zip")
    with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(40 * 2**20))
    found = scan(target)
    assert [(u.path, "unpack to 40 MiB" in u.reason) for u in found.unreadable] == [("bomb", True)]
    assert found.studies[0].ct().voxels.shape[0] == 3


def test_an_archive_of_too_many_files_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(finding_module, "MEMBERS_LIMIT", 3)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for k in range(4):
            archive.writestr(f"{k}", b"x")
    with pytest.raises(InputError, match="4 files"):
        scan(tmp_path / "many.zip")


def test_damaged_and_empty_archives_are_refused(tmp_path):
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04" + bytes(200))
    with pytest.raises(InputError, match="archive is damaged"):
        scan(tmp_path / "cut.zip")
    with zipfile.ZipFile(tmp_path / "empty.zip", "w"):
        pass
    with pytest.raises(InputError, match="archive is empty"):
        scan(tmp_path / "empty.zip")


def test_a_deflated_file_that_unpacks_without_end_is_refused(ct, monkeypatch):
    from venoseg.dicom import sources

    monkeypatch.setattr(sources, "INFLATE_LIMIT_BYTES", 100)
    ct.series(column(1), syntax="1.2.840.10008.1.2.1.99")
    found = scan(ct.folder)
    assert "beyond any image" in found.unreadable[0].reason


def test_files_without_preamble_are_read_and_other_files_passed_over(ct):
    ct.series(column(3), syntax="1.2.840.10008.1.2")
    for path in sorted(ct.folder.iterdir()):
        data = path.read_bytes()
        start = 144 + int.from_bytes(data[140:144], "little")
        path.write_bytes(data[start:])
    (ct.folder / "picture.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(500))
    (ct.folder / "empty").write_bytes(b"")
    found = scan(ct.folder)
    assert found.not_dicom == 2
    assert found.studies[0].ct().voxels.shape[0] == 3


def test_scan_prints_the_contract_as_json(ct, capsys):
    ct.series(column(12), SeriesDescription="VENOUS 1.0", SeriesNumber=4)
    ct.series(column(12), SeriesDescription="ARTERIAL 1.0", SeriesNumber=2)
    assert main(["scan", str(ct.folder), "--json"]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert set(tree) >= {"studies", "unreadable"}
    series = tree["studies"][0]["series"]
    assert [(s["kind"], s["description"], s["used_by_default"]) for s in series] == [
        ("ct", "ARTERIAL 1.0", False),
        ("ct", "VENOUS 1.0", True),
    ]
    assert series[0]["spacing_mm"] == [1.5, 0.8, 0.7]
    assert set(series[0]) >= {
        "series_uid", "kind", "modality", "description", "images", "rows", "columns",
        "spacing_mm", "usable", "used_by_default", "problems",
    }  # fmt: skip


def test_scan_names_no_patient_and_no_folder(ct, capsys):
    folder = ct.folder
    ct.folder = folder / "DOE^JANE"
    ct.series(column(3))
    (ct.folder / "broken").write_bytes(
        bytes(128) + b"DICM" + b"\x02\x00\x10\x00XX\xff\xff" + b"y" * 9
    )
    assert main(["scan", str(folder)]) == 1
    written = capsys.readouterr()
    assert main(["scan", str(folder), "--json"]) == 1
    everything = written.out + written.err + capsys.readouterr().out
    assert "*/broken" in everything
    for secret in ("DOE", "Jane", "SECRET"):
        assert secret not in everything
    assert main(["scan", str(folder), "--identified"]) == 1
    assert "DOE^JANE/broken" in capsys.readouterr().out


def test_scan_of_nothing_is_one_line_and_status_three(tmp_path, capsys):
    assert main(["scan", str(tmp_path / "nothing")]) == 3
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "no such file" in error


def test_many_files_are_shared_out_and_come_back_in_order(ct, monkeypatch):
    from venoseg.dicom import scanning

    ct.series(column(12))
    alone = scan(ct.folder)
    monkeypatch.setattr(scanning, "WORTH_SHARING", 2)
    monkeypatch.setattr(scanning, "BATCH", 3)
    monkeypatch.setattr(scanning, "usable_cores", lambda: 2)
    told = []
    shared = scan(ct.folder, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (12, 12)
    assert [s.image for s in shared.studies[0].series[0].slices] == [
        s.image for s in alone.studies[0].series[0].slices
    ]


@pytest.mark.shared
@pytest.mark.parametrize(
    "name", ["DICOMDIR", "DICOMDIR-implicit", "DICOMDIR-bigEnd", "DICOMDIR-nooffset"]
)
def test_public_media_are_read_in_every_encoding(shared_data, name):
    found = scan(shared_data / "pydicom_dicomdir" / name)
    assert len(found.studies) == 6
    assert found.unreadable == ()
    assert sum(len(s.series) for s in found.studies) == 13


@pytest.mark.shared
def test_an_empty_medium_is_refused(shared_data):
    with pytest.raises(InputError, match="names no file"):
        scan(shared_data / "pydicom_dicomdir" / "DICOMDIR-empty.dcm")
