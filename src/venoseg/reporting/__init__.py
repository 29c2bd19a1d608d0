"""The report that a person reads."""

from __future__ import annotations

from venoseg.reporting.write import write_report

__all__ = ["write_report"]
