"""An array that several processes of this machine fill together, without a copy."""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from venoseg.errors import OutputError

MEMORY_FOLDER = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class SharedArray:
    """Where the array lies while it is being filled: pass this to the processes."""

    path: str
    shape: tuple[int, ...]
    dtype: str

    def attach(self) -> npt.NDArray[Any]:
        """Return the array itself; it stays valid after the file is gone."""
        with Path(self.path).open("r+b") as file:
            memory = mmap.mmap(file.fileno(), 0)
        return np.frombuffer(memory, np.dtype(self.dtype)).reshape(self.shape)


@contextmanager
def shared_array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Iterator[SharedArray]:
    """Make room for an array; its file disappears at the end, arrays attached to it stay.

    Raises
    ------
    OutputError
        When there is no room for it, neither in shared memory nor in the temporary folder.
    """
    size = math.prod(shape) * dtype.itemsize
    path = _reserve(size)
    try:
        yield SharedArray(path, shape, dtype.str)
    finally:
        Path(path).unlink()


def private_array(shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return an array of zeros in memory of its own, for this process alone.

    NumPy asks the system for huge pages, and on a machine that has run for a while the system then
    moves memory about for longer than the reading of a whole CT takes.

    Raises
    ------
    OutputError
        When there is not that much memory.
    """
    size = math.prod(shape) * dtype.itemsize
    private = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)
    try:
        memory = mmap.mmap(-1, size, flags=private) if private else mmap.mmap(-1, size)
    except (OSError, ValueError, OverflowError) as error:
        raise OutputError(
            f"there is no memory for {size / 2**20:.0f} MiB of voxels",
            remedy="close other programs or use a larger machine",
        ) from error
    return np.frombuffer(memory, dtype).reshape(shape)


def _reserve(size: int) -> str:
    for folder in (MEMORY_FOLDER, Path(tempfile.gettempdir())):
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            continue
        handle, path = tempfile.mkstemp(prefix="venoseg-", dir=folder)
        try:
            # Reserved, not only declared: writing to a full file system would kill the process.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(handle, 0, size)
            else:
                os.truncate(handle, size)
        except OSError:
            Path(path).unlink()
            continue
        finally:
            os.close(handle)
        return path
    raise OutputError(
        f"there is no room for {size / 2**20:.0f} MiB of voxels",
        where=tempfile.gettempdir(),
        remedy="free some space or set TMPDIR to a folder that has it",
    )
