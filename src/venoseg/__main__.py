"""``python -m venoseg``: the same as the ``venoseg`` command."""

from __future__ import annotations

from venoseg.cli import main

raise SystemExit(main())
