"""The output folder of a batch: its lock, its records, and what they were made with.

::

    OUT/studies/NAME/PART/...     as `measure` and `angio` write them
    OUT/cases/NAME/...            as `compare` writes them
    OUT/.batch/lock               held by the run and by every process it starts
    OUT/.batch/run.json           settings and versions
    OUT/.batch/records/NAME.json  what became of a study, written last and whole
    OUT/.batch/visits/NAME/...    what a comparison needs of a study
    OUT/.batch/cases/NAME.json    what became of a case
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from venoseg.batch.job import Outcome, visit_file
from venoseg.batch.workers import Task
from venoseg.errors import OutputError, UsageError
from venoseg.output import replace_file

STATE = ".batch"
Kind = Literal["studies", "cases"]
_RECORDS: dict[Kind, str] = {"studies": "records", "cases": "cases"}
# A run that was killed gives its lock back when the last of its processes is gone.
_PATIENCE_S = 30.0


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
            for folder in _RECORDS.values():
                (out / STATE / folder).mkdir(parents=True, exist_ok=True)
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
            state = (self.out / STATE / name for name in (*_RECORDS.values(), "visits"))
            for folder in (*state, *(self.out / kind for kind in _RECORDS)):
                shutil.rmtree(folder, ignore_errors=True)
            for name in _RECORDS.values():
                (self.out / STATE / name).mkdir()
        elif kept.exists():
            changed = _changes(json.loads(kept.read_text(encoding="utf-8")), self._print)
            if changed:
                raise UsageError(
                    f"its results were made with other {', '.join(changed)}",
                    where=str(self.out),
                    remedy="choose another folder, or add --force to measure all again",
                )
        for kind in _RECORDS:
            (self.out / kind).mkdir(exist_ok=True)
        for left in (self.out / "cases").glob(".venoseg-*"):
            shutil.rmtree(left, ignore_errors=True)
        replace_file(kept, _json(self._print))

    def folder(self, name: str, kind: Kind = "studies") -> Path:
        """Return where the results of a study or case go."""
        return self.out / kind / name

    def visits(self, name: str) -> Path:
        """Return where what a comparison needs of a study is kept."""
        return self.out / STATE / "visits" / name

    def record(self, name: str, kind: Kind = "studies") -> dict[str, Any] | None:
        """Return what became of a study or case; None when it is not settled."""
        return read_record(self.out, name, kind)

    def write_record(self, task: Task, outcome: Outcome, kind: Kind = "studies") -> None:
        """Write what became of a study or case; from then on it is settled."""
        record = {"name": task.name, "content": task.content, **asdict(outcome)}
        replace_file(_record(self.out, task.name, kind), _json(record))

    def is_settled(self, task: Task, kind: Kind = "studies", *, retry_failed: bool = False) -> bool:
        """Tell whether it is done, or failed, with what it depends on as it is now."""
        record = self.record(task.name, kind)
        if record is None or record["content"] != task.content:
            return False
        if record["failures"] and retry_failed:
            return False
        return all(self._is_whole(task.name, kind, part) for part in record["parts"])

    def _is_whole(self, name: str, kind: Kind, part: dict[str, Any]) -> bool:
        """Tell whether every file of a part is there in its full length."""
        wanted = {
            self.folder(name, kind) / part["part"] / file: size
            for file, size in part["files"].items()
        }
        if part.get("visit_bytes") is not None:
            wanted[visit_file(self.visits(name), part["part"])] = part["visit_bytes"]
        try:
            return all(path.stat().st_size == size for path, size in wanted.items())
        except OSError:
            return False

    def release(self) -> None:
        """Let another run have the folder."""
        os.close(self.lock)


def read_record(out: Path, name: str, kind: Kind = "studies") -> dict[str, Any] | None:
    """Return what became of a study or case; None when it is not settled."""
    try:
        record = json.loads(_record(out, name, kind).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _record(out: Path, name: str, kind: Kind) -> Path:
    return out / STATE / _RECORDS[kind] / f"{name}.json"


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
