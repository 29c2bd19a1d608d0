"""The commands: parse, call the API, print."""

from __future__ import annotations

from venoseg.cli.main import main

__all__ = ["main"]
