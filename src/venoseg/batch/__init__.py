"""Many studies: a folder of exports in, one table out; resumable, private, and on a cluster.

::

    from venoseg.batch import BatchSettings, Machinery, run_batch

    result = run_batch("exports/", "out/", BatchSettings(step_mm=2.0), Machinery(workers=4))
    print(result.studies, result.failed)
"""

from __future__ import annotations

from venoseg.batch.job import Limits
from venoseg.batch.run import BatchResult, Machinery, plan_batch, run_batch
from venoseg.batch.settings import BatchSettings, parse_selection, read_config, settings_of

__all__ = [
    "BatchResult",
    "BatchSettings",
    "Limits",
    "Machinery",
    "parse_selection",
    "plan_batch",
    "read_config",
    "run_batch",
    "settings_of",
]
