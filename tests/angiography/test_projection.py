"""Stations that cannot be measured are marked and have no figure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from venoseg.angiography import Venogram, VenogramOptions, Way, measure_run
from venoseg.angiography.projection import Projection, project

STATION = 100


@pytest.fixture
def found(scene: Any) -> Venogram:
    way = Way("ivc", np.array([[128.0, 20.0], [128.0, 235.0]]))
    return measure_run(scene.run(), VenogramOptions(ways=(way,)))


def judged(found: Venogram, edges: Any, seen: Any = None, **more: Any) -> Projection:
    shown = found.subtraction.seen if seen is None else seen
    calibration = found.calibration
    saturated = found.composite.saturated
    return project("ivc", edges, calibration, saturated=saturated, seen=shown, **more)


def test_edges_known_no_better_than_a_quarter_of_the_width_are_not_given(found: Venogram):
    edges = found.projections[0].edges
    doubt = edges.width_sd_px.copy()
    doubt[STATION] = 5.0
    new = judged(found, replace(edges, width_sd_px=doubt))
    assert new.flags[STATION] == "edges_unsure"
    assert new.state[STATION] == "not_assessable"
    assert np.isnan(new.diameter_px[STATION])
    assert np.isfinite(np.delete(new.diameter_px, STATION)).all()


def test_a_person_who_drew_an_edge_has_decided(found: Venogram):
    edges = found.projections[0].edges
    doubt = edges.width_sd_px.copy()
    doubt[STATION] = 5.0
    decided = np.arange(len(doubt)) == STATION
    new = judged(found, replace(edges, width_sd_px=doubt), decided=decided)
    assert new.state[STATION] == "patent"
    assert new.half_px[STATION] > 9.0


def test_a_vein_next_to_what_is_not_seen_has_no_edge_there(found: Venogram):
    seen = found.subtraction.seen.copy()
    # The lumen is seen, up to two pixels from its edge.
    seen[100:110, 142:] = False
    new = judged(found, found.projections[0].edges, seen)
    row = new.edges.course.points_px[:, 1]
    hidden, clear = (row > 101) & (row < 108), (row < 95) | (row > 115)
    assert np.isnan(new.diameter_px[hidden]).all()
    assert {new.flags[n] for n in np.flatnonzero(hidden)} == {"outside_picture"}
    assert np.isfinite(new.diameter_px[clear]).all()


def test_where_another_vessel_overlaps_the_interval_is_wide(found: Venogram):
    edges = found.projections[0].edges
    misfit = edges.misfit.copy()
    misfit[STATION] = 0.3
    new = judged(found, replace(edges, misfit=misfit))
    assert new.flags[STATION] == "profile_unlike_a_single_vein"
    assert new.half_px[STATION] > 0.2 * new.diameter_px[STATION]


def test_pixels_made_for_display_have_wider_intervals(found: Venogram):
    edges = found.projections[0].edges
    plain, displayed = judged(found, edges), judged(found, edges, displayed=True)
    np.testing.assert_array_equal(displayed.diameter_px, plain.diameter_px)
    more = np.sqrt(displayed.half_px**2 - plain.half_px**2) / edges.width_px
    np.testing.assert_allclose(more, 0.06)
