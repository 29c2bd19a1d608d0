"""What studies and files are called in outputs: never by what a header or path spells freely."""

from __future__ import annotations

import csv
import hashlib
import re
from pathlib import Path

from venoseg.errors import InputError, UsageError

TEXT_LIMIT = 400
_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_PSEUDONYM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_REPORTED_LENGTH = 64


def safe_uid(uid: str) -> str:
    """Return a UID as it stands, or a digest in place of anything that is none."""
    if len(uid) <= _REPORTED_LENGTH and _UID.fullmatch(uid):
        return uid
    return f"invalid-{digest_of(uid.encode(errors='replace'))}" if uid else ""


def digest_of(content: bytes) -> str:
    """Return a short name for bytes, by which they can be found again but not guessed."""
    return hashlib.sha256(content).hexdigest()[:16]


def clean_text(text: str) -> str:
    """Return one line without control or direction characters, cut at a length people read."""
    plain = "".join(c if c.isprintable() else " " for c in text[: 4 * TEXT_LIMIT])
    line = " ".join(plain.split())
    return line if len(line) <= TEXT_LIMIT else f"{line[: TEXT_LIMIT - 1]}…"


def study_names(uids: list[str], pseudonyms: Path | None) -> dict[str, str | None]:
    """Return what each study is called: its UID, or its pseudonym; None when it has none.

    Raises
    ------
    InputError
        When the table of pseudonyms cannot be read.
    UsageError
        When a pseudonym cannot be a file name or belongs to two studies.
    """
    if pseudonyms is None:
        return {uid: safe_uid(uid) for uid in uids}
    table = read_pairs(pseudonyms, "study_uid", "pseudonym")
    for name in table.values():
        if not _PSEUDONYM.fullmatch(name):
            raise UsageError(
                "a pseudonym holds more than letters, digits, '.', '_' and '-'",
                where=pseudonyms.name,
            )
    if len(set(table.values())) < len(table):
        raise UsageError("two studies share a pseudonym", where=pseudonyms.name)
    return {uid: table.get(uid) for uid in uids}


def read_pairs(path: Path, key: str, value: str) -> dict[str, str]:
    """Read two columns of a CSV table.

    Raises
    ------
    InputError
        When it cannot be read or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("it cannot be read as a CSV table", where=path.name) from error
    if rows and not {key, value} <= set(rows[0]):
        raise InputError(f"it lacks the columns {key} and {value}", where=path.name)
    return {str(row[key]).strip(): str(row[value]).strip() for row in rows}
