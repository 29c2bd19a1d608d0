"""The directive ``columns``: a table of the columns that a module defines."""

from __future__ import annotations

import importlib

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx


class ColumnTable(Directive):
    """Turns ``{columns} package.module:NAME`` into a table of names and meanings."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        module, _, name = self.arguments[0].partition(":")
        columns = getattr(importlib.import_module(module), name)
        table = nodes.table()
        group = nodes.tgroup(cols=2)
        table += group
        group += [nodes.colspec(colwidth=2), nodes.colspec(colwidth=5)]
        head, body = nodes.thead(), nodes.tbody()
        group += [head, body]
        head += _row(nodes.Text("Column"), nodes.Text("Meaning"))
        for column in columns:
            source = getattr(column, "source", "")
            meaning = f"{column.meaning}. Source: {source}." if source else column.meaning
            body += _row(nodes.literal(text=column.name), nodes.Text(meaning))
        return [table]


def _row(*cells: nodes.Node) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        entry = nodes.entry()
        entry += nodes.paragraph("", "", cell)
        row += entry
    return row


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("columns", ColumnTable)
    return {"parallel_read_safe": True}
