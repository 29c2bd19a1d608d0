"""The ``review`` command without a window."""

from __future__ import annotations

import importlib

import pytest

from venoseg.cli import main


def test_without_the_plugin_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", lambda name: _real(name, missing))
    assert main(["review", str(tmp_path)]) == 3
    assert "pip install venoseg-napari" in capsys.readouterr().err


_import = importlib.import_module


def _real(name, missing):
    return missing(name) if name.startswith("venoseg_napari") else _import(name)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [(["nowhere"], 3, "no such file"), ([".", "--reviewer", "a b"], 2, "reviewer's name")],
)
def test_wrong_words_are_refused_before_a_window_opens(words, status, message, capsys):
    assert main(["review", *words]) == status
    assert message in capsys.readouterr().err
