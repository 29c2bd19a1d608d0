"""The plugin as napari finds it."""

from __future__ import annotations

import re
from importlib.metadata import requires

import pytest
from npe2 import PluginManifest


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_distribution("venoseg-napari")


def test_the_manifest_is_valid_and_every_command_can_be_imported(manifest):
    manifest.validate_imports()
    assert manifest.display_name == "venoseg"


def test_no_qt_binding_is_required():
    names = " ".join(requires("venoseg-napari")).lower()
    assert not re.search(r"pyqt[0-9]|pyside", names)
