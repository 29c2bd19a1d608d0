"""The output folder of a batch: its lock, its records, and what they were made with.

::

    OUT/studies/NAME/PART/...     as `measure` and `angio` write them
    OUT/.batch/lock               held by the run and by every process it starts
    OUT/.batch/run.json           settings and versions
    OUT/.batch/records/NAME.json  what became of a study, written last and whole
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from venoseg.batch.job import Outcome
from venoseg.errors import OutputError, UsageError
from venoseg.output import replace_file

STATE = ".batch"
# A run that was killed gives its lock back when the last of its processes has noticed.
_PATIENCE_S = 10.0


class Store:
    """An output folder that this process alone may write to.

    Parameters
    ----------
    out
        The folder.
    print_
        Settings and versions, as `fingerprint` gives them.
    resume
        Go on with what is there.
    force
        Throw away what is there.

    Raises
    ------
    UsageError
        When the folder exists and neither is given, another run holds it, or its results were made
        with other settings or versions.
    OutputError
        When it cannot be written.
    """

    def __init__(
        self, out: Path, print_: dict[str, Any], *, resume: bool = False, force: bool = False
    ) -> None:
        self.out = out
        self._print = print_
        if out.exists() and not (resume or force):
            raise UsageError(
                "the output folder exists",
                where=str(out),
                remedy="add --resume to go on with it, --force to begin anew, or choose another",
            )
        if out.is_dir() and any(out.iterdir()) and not (out / STATE).is_dir():
            raise UsageError("the folder holds something else than a batch", where=str(out))
        try:
            (out / STATE / "records").mkdir(parents=True, exist_ok=True)
            self.lock = _lock(out / STATE / "lock")
        except OSError as error:
            raise _refused(out, error) from error
        try:
            self._begin(resume=resume)
        except BaseException as error:
            self.release()
            if isinstance(error, OSError) and not isinstance(error, OutputError):
                raise _refused(out, error) from error
            raise

    def _begin(self, *, resume: bool) -> None:
        kept = self.out / STATE / "run.json"
        if not resume:
            for folder in (self.out / STATE / "records", self.out / "studies"):
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
        elif kept.exists():
            changed = _changes(json.loads(kept.read_text(encoding="utf-8")), self._print)
            if changed:
                raise UsageError(
                    f"its results were made with other {', '.join(changed)}",
                    where=str(self.out),
                    remedy="choose another folder, or add --force to measure all again",
                )
        (self.out / "studies").mkdir(exist_ok=True)
        replace_file(kept, _json(self._print))

    def folder(self, name: str) -> Path:
        """Return where the results of a study go."""
        return self.out / "studies" / name

    def write_record(self, name: str, content: str, outcome: Outcome) -> None:
        """Write what became of a study; from then on it is settled."""
        write_record(self.out, name, content, outcome)

    def is_settled(self, name: str, content: str, *, retry_failed: bool = False) -> bool:
        """Tell whether a study is measured, or failed, with the images it has now."""
        record = read_record(self.out, name)
        if record is None or record["content"] != content:
            return False
        if record["failures"] and retry_failed:
            return False
        return all(_is_whole(self.folder(name), part) for part in record["parts"])

    def release(self) -> None:
        """Let another run have the folder."""
        os.close(self.lock)


def write_record(out: Path, name: str, content: str, outcome: Outcome) -> None:
    """Write what became of a study, whole or not at all."""
    record = {"study": name, "content": content, **asdict(outcome)}
    replace_file(out / STATE / "records" / f"{name}.json", _json(record))


def read_record(out: Path, name: str) -> dict[str, Any] | None:
    """Return what became of a study; None when it is not settled."""
    path = out / STATE / "records" / f"{name}.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _is_whole(folder: Path, part: dict[str, Any]) -> bool:
    """Tell whether every file of a part is there in its full length."""
    try:
        return all(
            (folder / part["part"] / name).stat().st_size == size
            for name, size in part["files"].items()
        )
    except OSError:
        return False


def _refused(out: Path, error: OSError) -> OutputError:
    return OutputError(f"it cannot be written ({error.strerror})", where=str(out))


def _lock(path: Path) -> int:
    """Take the lock, which ends with the last process that inherited it, however that ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    last = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < last:
                time.sleep(0.1)
                continue
            os.close(descriptor)
            raise UsageError(
                "another run is writing to the folder",
                where=str(path.parents[1]),
                remedy="wait for its end",
            ) from None
        return descriptor


def _changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Name what differs between two fingerprints, settings one by one."""
    before, now = dict(old), dict(new)
    ours, theirs = before.pop("settings", {}), now.pop("settings", {})
    return [n for n in theirs if ours.get(n) != theirs[n]] + [
        f"version of {n}" if n != "code" else "code of venoseg"
        for n in now
        if before.get(n) != now[n]
    ]


def _json(content: object) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
