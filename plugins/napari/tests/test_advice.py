"""No message in the window names an option of the command line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import venoseg
from venoseg_napari.advice import advice

_ROOMS = ("lumen", "centerline", "segmentation", "angiography", "review", "followup", "dicom")
_FILES = ("venography.py", "errors.py", "interchange/labels.py", "interchange/label_image.py")
_OPTION = re.compile(r"(^|[\s(])--[a-z]")
_UNKNOWN = "X"


def _texts(tree: ast.AST) -> Iterator[str]:
    """Texts of a program with a letter for what is filled in, but no documentation."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else _UNKNOWN
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        yield from _texts(node)


def _messages() -> list[str]:
    root = Path(venoseg.__file__).parent
    paths = [path for room in _ROOMS for path in sorted((root / room).rglob("*.py"))]
    paths += [root / name for name in _FILES]
    return [
        text
        for path in paths
        for text in _texts(ast.parse(path.read_text(encoding="utf-8")))
        if _OPTION.search(text)
    ]


def test_there_are_messages_that_name_options():
    assert len(_messages()) > 10


@pytest.mark.parametrize("message", _messages())
def test_a_message_says_what_to_do_in_the_window(message):
    where, colon, _ = message.partition(": ")
    told = advice(f"{message}: words" if message.startswith("--") and not colon else message)
    assert not _OPTION.search(told), (where, told)


def test_a_vein_that_joins_is_named_in_no_window():
    told = advice("ivc: set the end farther on, or on it, or name the stretch as a vein that joins")
    assert told == "ivc: set the end farther on, or on it"


def test_what_else_a_message_says_stays():
    assert advice("ivc: there are two") == "ivc: there are two"
    assert advice(
        "ivc: metal along 4 mm of its wall; there the lumen is that of the labels; if it is a "
        "stent, --stent-nominal has it measured as one"
    ) == (
        "ivc: metal along 4 mm of its wall; there the lumen is that of the labels; if it is a "
        "stent, draw it with the tool Stent to have it measured"
    )


def test_of_labels_without_names_nothing_is_left_of_the_option():
    for rest in (", e.g. 1=ivc,2=left_common_iliac_vein", " 1=ivc,2=left_common_iliac_vein", ""):
        assert advice(f"name the veins with --label-names{rest}").endswith("among the tools")


def test_each_line_of_several_messages_is_told_for_the_window():
    told = advice("the run has one frame\nno seeds were given: the main vessel was chosen")
    assert told == "the run has one frame\nno points were clicked: the main vessel was chosen"
