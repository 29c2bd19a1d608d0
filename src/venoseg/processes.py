"""Work shared out among processes of this machine, safely from any program.

Decoders and header parsing hold the interpreter's lock, so threads do not help. The workers are
plain child interpreters that are handed pickled batches over a pipe: unlike `multiprocessing` this
neither forks a program that may run threads or a window, nor imports the user's script again.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, TypeVar

from venoseg.errors import VenosegError

Batch = TypeVar("Batch")
Result = TypeVar("Result")

_SERVE = "from venoseg.processes import serve; serve()"


class WorkerDiedError(VenosegError, RuntimeError):
    """A child process ended without an answer, for instance because a decoder crashed."""


def usable_cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def share_out(
    task: Callable[[Batch], Result],
    batches: Sequence[Batch],
    take: Callable[[int, Result], None],
    *,
    processes: int,
) -> None:
    """Run ``task`` on every batch, in this process and ``processes - 1`` children.

    Parameters
    ----------
    task
        A function of a module (not a lambda or closure).
    take
        Called with a batch's number and result, one call at a time, in the order they finish.
    processes
        1 means no children at all.

    Raises
    ------
    Exception
        The first one that the task raised, wherever it ran.
    WorkerDiedError
        When a child ended without an answer.
    """
    board = _Board(len(batches), take)
    helpers = min(processes, len(batches)) - 1
    threads = [
        threading.Thread(target=_drive, args=(task, batches, board), daemon=True)
        for _ in range(max(helpers, 0) if sys.executable else 0)
    ]
    for thread in threads:
        thread.start()
    try:
        while (number := board.next()) is not None:
            board.done(number, task(batches[number]))
    except BaseException as error:
        board.fail(error)
        raise
    finally:
        for thread in threads:
            thread.join()
    if board.error is not None:
        raise board.error


class _Board:
    """Which batch is next, and what became of the others."""

    def __init__(self, count: int, take: Callable[[int, Any], None]) -> None:
        self._lock = threading.Lock()
        self._next = 0
        self._count = count
        self._take = take
        self.error: BaseException | None = None

    def next(self) -> int | None:
        with self._lock:
            if self.error is not None or self._next >= self._count:
                return None
            self._next += 1
            return self._next - 1

    def done(self, number: int, result: Any) -> None:
        with self._lock:
            self._take(number, result)

    def fail(self, error: BaseException) -> None:
        with self._lock:
            self.error = self.error or error


def _drive(task: Callable[[Any], Any], batches: Sequence[Any], board: _Board) -> None:
    """Feed one child until nothing is left."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    child = subprocess.Popen(
        [sys.executable, "-c", _SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        while (number := board.next()) is not None:
            pickle.dump((task, batches[number]), child.stdin)
            child.stdin.flush()
            failed, answer = pickle.load(child.stdout)
            if failed:
                raise answer
            board.done(number, answer)
    except (EOFError, OSError, pickle.UnpicklingError):
        board.fail(WorkerDiedError("a decoding process died", remedy="the file may be damaged"))
    except Exception as error:  # noqa: BLE001
        # Whatever the task raised belongs to the caller, who waits in another thread.
        board.fail(error)
    finally:
        child.stdin.close()
        child.stdout.close()
        child.wait()


def serve() -> None:
    """Answer batches from standard input until it closes; the child's side of `share_out`."""
    source, answers = sys.stdin.buffer, _private_stdout()
    while True:
        try:
            task, batch = pickle.load(source)
        except EOFError:
            return
        try:
            reply = (False, task(batch))
        except Exception as error:  # noqa: BLE001
            # Sent back as it is; the parent raises it where the work was asked for.
            reply = (True, error)
        pickle.dump(reply, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


def _private_stdout() -> BinaryIO:
    """Keep standard output for the answers alone; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return answers
