"""From the studies that were measured to the cases that are compared: what is to be done."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from venoseg.batch.catalogue import Catalogue
from venoseg.batch.job import CaseJob, Measured, visit_file
from venoseg.batch.plans import CasePlan, Entry
from venoseg.batch.settings import BatchSettings
from venoseg.batch.store import Store
from venoseg.batch.workers import BASE_MIB, Task

_SEVERAL_RUNS = "it has several runs, and no manifest says which is to be compared"
_UNMEASURED = "nothing of it was measured: selection.csv says why"


@dataclass(frozen=True, slots=True)
class CaseWork:
    """The cases of a batch, and what is needed to make a job of each.

    Attributes
    ----------
    tasks
        One for each case.
    plans
        By the names of the tasks.
    """

    tasks: list[Task]
    plans: Mapping[str, CasePlan]
    studies: Mapping[str, Task]
    found: Catalogue
    store: Store
    settings: BatchSettings

    def job_of(self, task: Task) -> CaseJob:
        """Return what a process needs to know to compare a case."""
        plan = self.plans[task.name]
        visits = tuple(self._measured(plan, entry) for entry in plan.entries)
        folder = self.store.folder(task.name, "cases").resolve()
        case, warnings = plan.case, plan.warnings
        return CaseJob(task.name, plan.origin, case, visits, warnings, folder, self.settings)

    def _measured(self, plan: CasePlan, entry: Entry) -> Measured:
        task = self.studies[entry.study_uid]
        (timepoint,) = (t for t in plan.case.timepoints if t.label == entry.timepoint)
        guidance = self.found.guidance(entry.study_uid)
        guides = () if guidance is None else guidance[1]
        part, reason = _part_of(entry, guides, self.store.record(task.name))
        label = f"{entry.timepoint}/{entry.name}" if entry.name else entry.timepoint
        kept = visit_file(self.store.visits(task.name), part) if part else None
        return Measured(
            label=label,
            timepoint=timepoint.label,
            day=timepoint.day,
            study=task.name,
            part=part,
            images=self.found.packed_images(entry.study_uid),
            guides=guides,
            kept=kept,
            reason=reason,
        )


def plan_cases(
    found: Catalogue, store: Store, settings: BatchSettings, studies: Sequence[Task]
) -> CaseWork:
    """Name the cases of an export, now that its studies are settled."""
    by_uid = {task.study_uid: task for task in studies}
    plans: dict[str, CasePlan] = {}
    tasks = []
    for plan in found.cases():
        of_case = [by_uid[entry.study_uid] for entry in plan.entries]
        name = f"case-{of_case[0].name}"
        plans[name] = plan
        tasks.append(Task(name, "", _content(plan, of_case, store), _memory_mib(of_case)))
    tasks.sort(key=lambda task: (-task.memory_mib, task.name))
    return CaseWork(tasks, plans, by_uid, found, store, settings)


def _memory_mib(studies: Sequence[Task]) -> float:
    """Return what a comparison needs, which holds the images of all visits."""
    return BASE_MIB + sum(
        task.memory_mib - BASE_MIB for task in {t.name: t for t in studies}.values()
    )


def _content(plan: CasePlan, studies: Sequence[Task], store: Store) -> str:
    """Return a digest of everything that a comparison depends on."""
    records = [store.record(task.name) or {} for task in studies]
    known = [(r.get("content"), r.get("failures"), r.get("parts")) for r in records]
    case = replace(plan.case, timepoints=tuple(map(_without_places, plan.case.timepoints)))
    return hashlib.sha256(repr((case, plan.warnings, known)).encode()).hexdigest()


def _without_places(timepoint: Any) -> Any:
    studies = (replace(one, path=Path(), labels=None, seeds=None) for one in timepoint.studies)
    return replace(timepoint, studies=tuple(studies))


def _part_of(
    entry: Entry, guides: Sequence[object], record: Mapping[str, Any] | None
) -> tuple[str, str]:
    """Return the part of a study that is compared, or why there is none."""
    if record is None:
        return "", _UNMEASURED
    number = None if entry.guide is None else guides.index(entry.guide)
    parts = [one["part"] for one in record["parts"] if number in (None, one["guide"])]
    if "ct" in parts:
        return "ct", ""
    if len(parts) == 1:
        return parts[0], ""
    if parts:
        return "", _SEVERAL_RUNS
    reasons = dict.fromkeys(str(one["reason"]) for one in record["failures"])
    return "", "; ".join(reasons) or _UNMEASURED
