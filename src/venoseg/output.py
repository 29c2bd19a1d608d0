"""Folders of results that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from venoseg.errors import OutputError, UsageError


@contextmanager
def output_folder(out: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a scratch folder whose files become ``out`` when the block succeeds.

    When the block fails, nothing is left behind. With ``force`` the files go into an existing
    ``out``, each in one step, over files of the same name; other files there stay.

    Raises
    ------
    UsageError
        When ``out`` exists and ``force`` is not given.
    OutputError
        When something cannot be written.
    """
    try:
        _refuse_existing(out, force)
        made = _make_parents(out)
    except OSError as error:
        raise _refused(out, error) from error
    scratch: Path | None = None
    try:
        scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=".venoseg-"))
        yield scratch
        _publish(scratch, out)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise _refused(out, error) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        _remove_empty(made)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, also when the power fails.

    Raises
    ------
    OutputError
        When it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        settle(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise _refused(path, error) from error


def settle(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_existing(out: Path, force: bool) -> None:
    if out.exists() and not (force and out.is_dir()):
        raise UsageError(
            "the output folder exists" if out.is_dir() else "a file of that name exists",
            where=str(out),
            remedy="choose another one" + (" or add --force" if out.is_dir() else ""),
        )


def _make_parents(out: Path) -> list[Path]:
    """Make the folders above ``out`` and return those that were not there, the innermost first."""
    missing = [folder for folder in out.parents if not folder.exists()]
    out.parent.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _publish(scratch: Path, out: Path) -> None:
    if not out.exists():
        scratch.chmod(0o755)
        scratch.rename(out)
        return
    for made in sorted(path for path in scratch.rglob("*") if path.is_file()):
        target = out / made.relative_to(scratch)
        target.parent.mkdir(parents=True, exist_ok=True)
        made.replace(target)


def _refused(out: Path, error: OSError) -> OutputError:
    return OutputError(
        f"the results cannot be written ({error.strerror or 'no space or no permission'})",
        where=str(out),
        remedy="choose a folder you may write to, on a disk with room",
    )
