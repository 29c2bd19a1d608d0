"""Follow-up: a case with its timepoints, matched levels, change, patency and clinical scores."""

from __future__ import annotations
