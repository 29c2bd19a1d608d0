"""Work shared out among processes of this machine, safely from any program.

Decoders and header parsing hold the interpreter's lock, so threads do not help. The workers are
plain child interpreters that are handed pickled batches over a pipe: unlike `multiprocessing` this
neither forks a program that may run threads or a window, nor imports the user's script again.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, TypeVar

from venoseg.errors import VenosegError

Batch = TypeVar("Batch")
Result = TypeVar("Result")

_SERVE = "venoseg.processes:serve"
_PR_SET_PDEATHSIG = 1

CORES = "VENOSEG_CORES"
"""Environment variable: how many cores one process may use, as set for the workers of a batch."""


class WorkerDiedError(VenosegError, RuntimeError):
    """A child process ended without an answer, for instance because a decoder crashed."""


def usable_cores() -> int:
    """Return how many cores this process may use: those it has, or fewer where `CORES` says so."""
    try:
        there = len(os.sched_getaffinity(0))
    except AttributeError:
        there = os.cpu_count() or 1
    allowed = os.environ.get(CORES, "")
    return min(there, max(int(allowed), 1)) if allowed.isdigit() else there


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


class Child:
    """A plain child interpreter that is sent pickled messages and answers with such.

    Parameters
    ----------
    serving
        The function that runs in the child, as ``module:function``. It finds the messages in the
        first of `pipes` and answers into the second.
    environment
        Variables to set besides those of this process.
    keep
        File descriptors that the child inherits.
    bound
        The child dies at once when the thread that made it does, however that ends; otherwise it
        ends when it next looks for a message.
    """

    def __init__(
        self,
        serving: str,
        environment: Mapping[str, str] | None = None,
        keep: Sequence[int] = (),
        *,
        bound: bool = False,
    ) -> None:
        module, _, function = serving.partition(":")
        code = f"from {module} import {function}; {function}()"
        if bound:
            # Before anything else is loaded, which takes seconds.
            code = f"from venoseg.processes import die_with; die_with({os.getpid()}); {code}"
        path = os.pathsep.join(p for p in sys.path if p)
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path, **(environment or {})},
            pass_fds=tuple(keep),
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def fileno(self) -> int:
        """Return the descriptor that becomes readable with an answer."""
        return self._answers.fileno()

    def send(self, message: object) -> None:
        """Send a message.

        Raises
        ------
        OSError
            When the child is dead.
        """
        pickle.dump(message, self._requests, protocol=pickle.HIGHEST_PROTOCOL)
        self._requests.flush()

    def receive(self) -> Any:
        """Wait for an answer.

        Raises
        ------
        EOFError, OSError, pickle.UnpicklingError
            When the child died.
        """
        return pickle.load(self._answers)

    def close(self) -> None:
        """Let the child end, which it does when its messages end, and wait for it."""
        for pipe in (self._requests, self._answers):
            with suppress(OSError):
                pipe.close()
        self._process.wait()


def die_with(parent: int) -> None:
    """Have the system kill this process when ``parent``, which made it, ends; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


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
    child = Child(_SERVE)
    try:
        while (number := board.next()) is not None:
            child.send((task, batches[number]))
            failed, answer = child.receive()
            if failed:
                raise answer
            board.done(number, answer)
    except (EOFError, OSError, pickle.UnpicklingError):
        board.fail(WorkerDiedError("a decoding process died", remedy="the file may be damaged"))
    except Exception as error:  # noqa: BLE001 - it is passed on
        # Whatever the task raised belongs to the caller, who waits in another thread.
        board.fail(error)
    finally:
        child.close()


def serve() -> None:
    """Answer batches from standard input until it closes; the child's side of `share_out`."""
    source, answers = pipes()
    while True:
        try:
            task, batch = pickle.load(source)
        except EOFError:
            return
        try:
            reply = (False, task(batch))
        except Exception as error:  # noqa: BLE001 - it is passed on
            # Sent back as it is; the parent raises it where the work was asked for.
            reply = (True, error)
        pickle.dump(reply, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


def pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return, in a `Child`, where messages come from and where answers go.

    Standard output is then for the answers alone; what libraries print goes to standard error.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return sys.stdin.buffer, answers
