"""What a comparison needs of a study that was measured, kept so that none is measured twice.

The image is left out and read again from the export: it is large, and the results of a batch hold
no pixels. Whoever can write to the folder of a batch can run code as the one who goes on with it:
these files are for the batch's own processes.
"""

from __future__ import annotations

import pickle
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from venoseg.angiography import Venogram
from venoseg.errors import InputError
from venoseg.lumen import Measurements
from venoseg.output import replace_file
from venoseg.volume import Grid, Volume

_BLANK = Volume(np.zeros((1, 1, 1), np.int16), Grid((1, 1, 1), np.eye(4)))


def keep_visit(path: Path, found: Measurements | Venogram) -> int:
    """Keep what was measured, whole or not at all; return the length of the file."""
    kept = replace(found, volume=_BLANK) if isinstance(found, Measurements) else found
    content = zlib.compress(pickle.dumps(kept), 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content)
    return len(content)


def open_visit(path: Path) -> Measurements | Venogram:
    """Return what was kept; the image of a CT is blank.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        found: Measurements | Venogram = pickle.loads(zlib.decompress(path.read_bytes()))
    except (OSError, zlib.error, pickle.UnpicklingError, EOFError) as error:
        raise InputError(
            "what was measured of it cannot be read again",
            remedy="run again with --resume --retry-failed",
        ) from error
    return found
