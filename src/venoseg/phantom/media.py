"""Exports on media: a DICOMDIR beside the files, or everything in one ZIP."""

from __future__ import annotations

import zipfile
from pathlib import Path

from pydicom import dcmread
from pydicom.fileset import FileSet

_FIXED = (2024, 1, 1, 0, 0, 0)


def write_dicomdir(files: list[Path], folder: Path, name: str = "TWIN") -> None:
    """Copy DICOM files into a new folder under a DICOMDIR, in the layout of a burnt disc."""
    files_on_disc = FileSet()
    files_on_disc.ID = name
    files_on_disc.UID = dcmread(files[0], stop_before_pixels=True).StudyInstanceUID + ".1"
    for path in files:
        files_on_disc.add(path)
    folder.mkdir(parents=True, exist_ok=True)
    files_on_disc.write(folder)
    # pydicom leaves its staging folder to the garbage collector, which complains about it.
    files_on_disc._stage["t"].cleanup()


def write_zip(folder: Path, path: Path) -> None:
    """Pack a folder's files into a ZIP whose bytes depend on nothing but their content."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in sorted(item for item in folder.rglob("*") if item.is_file()):
            entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), _FIXED)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes())
