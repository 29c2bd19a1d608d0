"""What a batch may be told, from the command line and a TOML file, and its fingerprint."""

from __future__ import annotations

import hashlib
import json
import platform
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

from venoseg.errors import InputError, UsageError

Reference = Literal[
    "expected_normal",
    "central_adjacent",
    "peripheral_adjacent",
    "mean_adjacent",
    "interpolated",
    "contralateral",
]
PHASES = ("venous", "delayed", "unknown", "arterial", "native")
MEASURED_PHASES = ("venous", "delayed", "unknown")

# Libraries whose version can change a figure.
_LIBRARIES = ("numpy", "scipy", "scikit-image", "SimpleITK", "pydicom", "highdicom")


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """Everything that can change a figure of a batch.

    Attributes
    ----------
    kinds
        What to measure: ``ct``, ``angiogram`` or both.
    phases
        Phases of a CT that may be measured; ``unknown``: the header does not tell.
    kernel
        Which reconstruction to prefer.
    least_length_mm
        A CT shorter than this is set aside.
    boundary, step_mm
        As for `venoseg.measure`.
    labels
        Where a study's label map lies: a path or glob pattern, relative to the folder of the
        chosen series, in which ``{study_uid}`` and ``{series_uid}`` stand for these; empty: the
        veins are found automatically.
    labels_table
        A CSV with the columns ``study_uid`` and ``labels``; goes before ``labels``.
    seeds
        Where a study's seed points lie, as ``labels``; a study that has none goes without.
    segmenter
        An outside segmenter for studies without a label map; empty: venoseg's own.
    reference
        What stenoses are measured against.
    label_names
        Label value to vein, as ``1=ivc,...``; empty: the label maps name their labels.
    calibration
        As for `venoseg angio`.
    cases
        What makes studies a case that is compared: ``manifest``, ``dates``; ``none``: nothing.
    identified
        Whether the DICOM results name the patient.
    pseudonyms
        A CSV with the columns ``study_uid`` and ``pseudonym``; empty: studies go by their UIDs.
    """

    kinds: tuple[str, ...] = ("ct", "angiogram")
    phases: tuple[str, ...] = MEASURED_PHASES
    kernel: Literal["soft", "sharp"] = "soft"
    least_length_mm: float = 0.0
    boundary: Literal["gray", "mask"] = "gray"
    step_mm: float = 1.0
    labels: str = ""
    labels_table: str = ""
    seeds: str = ""
    segmenter: str = ""
    reference: Reference = "expected_normal"
    label_names: str = ""
    calibration: str = "auto"
    cases: tuple[str, ...] = ("manifest", "dates")
    identified: bool = False
    pseudonyms: str = ""

    def __post_init__(self) -> None:
        for name, allowed in _ALLOWED.items():
            given = getattr(self, name)
            for word in given if isinstance(given, tuple) else (given,):
                if word not in allowed:
                    raise UsageError(
                        f"{name} cannot be {word!r}", remedy=f"use {' or '.join(allowed)}"
                    )
        if not 0.1 <= self.step_mm <= 10.0:
            raise UsageError("step_mm must lie between 0.1 and 10")


_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "kinds": ("ct", "angiogram"),
    "phases": PHASES,
    "kernel": ("soft", "sharp"),
    "cases": ("manifest", "dates", "none"),
    "boundary": ("gray", "mask"),
    "reference": get_args(Reference),
}


def read_config(path: Path) -> dict[str, Any]:
    """Read settings from a TOML file; its sections only group them.

    Raises
    ------
    InputError
        When it cannot be read as TOML.
    UsageError
        When it names a setting that does not exist.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("it cannot be read as TOML", where=path.name) from error
    given: dict[str, Any] = {}
    for name, value in content.items():
        given.update(value if isinstance(value, dict) else {name: value})
    return given


def parse_selection(words: Sequence[str]) -> dict[str, Any]:
    """Read ``name=value`` or ``name=value,value`` as settings.

    Raises
    ------
    UsageError
        When one of them is something else.
    """
    given: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(
                f"{word!r} is no selection", where="--select", remedy="write phases=venous,delayed"
            )
        given[name.strip()] = value.strip()
    return given


def settings_of(given: Mapping[str, Any]) -> BatchSettings:
    """Return the settings of that name and value, the others at their default.

    Raises
    ------
    UsageError
        When a name does not exist or a value does not fit.
    """
    known = {field.name: getattr(BatchSettings(), field.name) for field in fields(BatchSettings)}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise UsageError(
                f"there is no setting {name!r}", remedy=f"use one of {', '.join(known)}"
            )
        values[name] = _as(name, value, known[name])
    return replace(BatchSettings(), **values)


def _as(name: str, value: Any, default: Any) -> Any:
    """Return a value in the type of the setting's default."""
    if isinstance(default, tuple):
        words = value.split(",") if isinstance(value, str) else value
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return tuple(word.strip() for word in words)
    elif isinstance(default, bool):
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
    elif isinstance(default, float):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    elif isinstance(value, str):
        return value
    raise UsageError(f"{name} cannot be {value!r}")


def fingerprint(settings: BatchSettings) -> dict[str, Any]:
    """Return what results must share to stand in one table: settings, versions, the code itself."""
    tables = {
        name: _digest(Path(path).read_bytes())
        for name in ("labels_table", "pseudonyms")
        if (path := getattr(settings, name)) and Path(path).is_file()
    }
    # Paths may name a patient or an export; what counts is what they lead to.
    chosen = asdict(settings) | {
        "labels": _digest(settings.labels.encode()) if settings.labels else "",
        "seeds": _digest(settings.seeds.encode()) if settings.seeds else "",
        "labels_table": "",
        "pseudonyms": "",
        "tables": tables,
    }
    return {
        "settings": json.loads(json.dumps(chosen)),
        "venoseg": version("venoseg"),
        "code": _code_digest(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in _LIBRARIES},
    }


@cache
def _code_digest() -> str:
    """Return a digest of the program's own source, which changes before its version does."""
    root = Path(__file__).resolve().parents[1]
    sources = sorted(root.rglob("*.py"))
    return _digest(b"".join(_digest(source.read_bytes()).encode() for source in sources))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
