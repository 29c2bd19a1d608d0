"""``venoseg batch``: many studies, one table."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from venoseg.batch import BatchResult, BatchSettings

# Options that are settings of the same name.
_SETTINGS = (
    "segmenter",
    "reference",
    "boundary",
    "labels",
    "labels_table",
    "seeds",
    "label_names",
    "calibration",
    "pseudonyms",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``venoseg batch``."""
    parser.add_argument(
        "exports", type=Path, metavar="EXPORTS", help="folders, ZIPs and DICOMDIRs, patients mixed"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be measured, write nothing"
    )
    how = parser.add_argument_group("how to measure")
    how.add_argument("--config", type=Path, metavar="F", help="TOML file of settings")
    how.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one setting, e.g. phases=venous,delayed or kernel=sharp or kinds=ct",
    )
    how.add_argument(
        "--labels",
        metavar="PATTERN",
        help="each study's label map, relative to its images; {study_uid} stands for its UID",
    )
    how.add_argument("--labels-table", metavar="F", help="CSV: study_uid,labels")
    how.add_argument(
        "--seeds", metavar="PATTERN", help="each study's seed points, where there are any"
    )
    how.add_argument("--label-names", metavar="1=ivc,...", help="which label is which vein")
    how.add_argument("--segmenter", metavar="NAME", help="an outside segmenter, without labels")
    how.add_argument("--reference", metavar="KIND", help="as for measure")
    how.add_argument("--boundary", choices=("gray", "mask"), help="as for measure")
    how.add_argument("--step", type=float, metavar="MM", help="distance of the stations")
    how.add_argument("--calibration", metavar="KIND", help="as for angio")
    how.add_argument("--pseudonyms", metavar="F", help="CSV: study_uid,pseudonym")
    how.add_argument(
        "--identified", action="store_true", help="spell out patients and file names in results"
    )
    _add_machinery(parser)


def _add_machinery(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to work it off")
    group.add_argument(
        "--workers", type=int, metavar="N", help="studies at a time (default: cores)"
    )
    group.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, tcp://HOST:PORT")
    group.add_argument("--resume", action="store_true", help="go on with an interrupted batch")
    group.add_argument("--retry-failed", action="store_true", help="measure failed studies again")
    group.add_argument(
        "--time-limit", type=float, default=3600.0, metavar="S", help="per CT or run (default 3600)"
    )
    group.add_argument(
        "--memory-limit", type=int, default=8192, metavar="MIB", help="per study (default 8192)"
    )
    group.add_argument("--log", type=Path, metavar="F", help="write progress to a file as lines")


def run(arguments: argparse.Namespace) -> int:
    """Measure every study; status 1 when something in one of them failed."""
    from venoseg.batch import Limits, Machinery, plan_batch, run_batch
    from venoseg.errors import OutputError, UsageError

    settings = _settings(arguments)
    if arguments.workers is not None and arguments.workers < 1:
        raise UsageError("there must be at least one worker", where="--workers")
    if arguments.time_limit <= 0 or arguments.memory_limit < 256:
        raise UsageError("a limit is too small for any study", remedy="give at least 256 MiB")
    if arguments.dry_run:
        return _print_plan(plan_batch(arguments.exports, arguments.out, settings), arguments)
    with ExitStack() as stack:
        log = None
        if arguments.log is not None:
            try:
                log = stack.enter_context(arguments.log.open("a", encoding="utf-8"))
            except OSError as error:
                raise OutputError("the log cannot be written", where="--log") from error
        machinery = Machinery(
            workers=arguments.workers,
            scheduler=arguments.scheduler,
            limits=Limits(arguments.time_limit, arguments.memory_limit),
            resume=arguments.resume,
            force=arguments.force,
            retry_failed=arguments.retry_failed,
            quiet=arguments.quiet,
            log=log,
        )
        try:
            result = run_batch(arguments.exports, arguments.out, settings, machinery)
        except KeyboardInterrupt:
            print("\nvenoseg batch: interrupted; go on with --resume", file=sys.stderr)
            return 130
    _print_result(result, arguments)
    return 1 if result.failed or result.cases_failed or result.unreadable else 0


def _settings(arguments: argparse.Namespace) -> BatchSettings:
    """Merge the file, the selections and the options, the later going before the earlier."""
    from venoseg.batch import parse_selection, read_config, settings_of

    given: dict[str, Any] = read_config(arguments.config) if arguments.config else {}
    given |= parse_selection(arguments.select)
    given |= {name: value for name in _SETTINGS if (value := getattr(arguments, name)) is not None}
    if arguments.step is not None:
        given["step_mm"] = arguments.step
    if arguments.identified:
        given["identified"] = True
    return settings_of(given)


def _print_plan(plan: Any, arguments: argparse.Namespace) -> int:
    tasks, facts, damaged = plan
    if arguments.json:
        listed = [
            {"study": task.name, "memory_mib": round(task.memory_mib), "refused": task.refusal}
            for task in tasks
        ]
        document = {"studies": listed, "files": facts.files, "unreadable": damaged}
        print(json.dumps(document, indent=1))
        return 0
    for task in tasks:
        refused = f", refused: {task.refusal}" if task.refusal else ""
        print(f"{task.name}  about {task.memory_mib:.0f} MiB{refused}")
    print(
        f"{len(tasks)} studies in {facts.files} files ({facts.bytes / 1e9:.2f} GB), "
        f"{damaged} damaged, {facts.not_dicom} not DICOM; nothing was measured"
    )
    return 0


def _print_result(result: BatchResult, arguments: argparse.Namespace) -> None:
    facts = {
        "studies": result.studies,
        "failed": result.failed,
        "unreadable": result.unreadable,
        "already": result.already,
        "cases": result.cases,
        "cases_failed": result.cases_failed,
    }
    if arguments.json:
        print(json.dumps({"out": str(result.out), **facts}))
    elif not arguments.quiet:
        cases = f"; {result.cases} cases, {result.cases_failed} failed" if result.cases else ""
        print(f"{result.studies} studies, {result.failed} failed{cases}")
        print(f"open {result.out}/summary.html")
    if result.unreadable:
        print(f"{result.unreadable} files could not be read", file=sys.stderr)
