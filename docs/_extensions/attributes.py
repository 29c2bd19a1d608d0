"""Lets one entry of an Attributes section describe several attributes, as numpydoc does."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

_SEVERAL = re.compile(r"\w+(, \w+)+")


def _split(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Repeat the description of ``a, b`` for each name; napoleon takes ``a,`` for a type."""
    del app, what, name, obj, options
    if "Attributes" not in lines:
        return
    start = lines.index("Attributes") + 2
    result, position = lines[:start], start
    while position < len(lines):
        end = position + 1
        while end < len(lines) and lines[end].startswith("    "):
            end += 1
        head, description = lines[position], lines[position + 1 : end]
        names = head.split(", ") if _SEVERAL.fullmatch(head) else [head]
        for one in names:
            result += [one, *description]
        position = end
    lines[:] = result


def setup(app: Sphinx) -> dict[str, bool]:
    """Run before napoleon, which is connected with the default priority of 500."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", _split, priority=400)
    return {"parallel_read_safe": True}
