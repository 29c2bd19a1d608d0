"""Steps that can be undone across restarts, crashes and saves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from venoseg.errors import InputError, OutputError, UsageError
from venoseg.review import LABEL_NAMES, Contour, Notes, list_versions, open_session
from venoseg.segmentation import OccludedCourse, Pen, Seed, paint_ball
from venoseg.volume import Grid

IVC = 1


def stroke(session, at=(20, 20, 20), radius=4.0, value=IVC, over=(0,)):
    grid = session.image.grid
    return paint_ball(session.labels, grid, grid.to_lps(at), radius, Pen(value, over))


def center(session):
    """A place inside the vein."""
    inside = np.argwhere(session.labels == IVC)
    return tuple(inside[len(inside) // 2])


def test_a_step_is_undone_and_done_again_after_the_window_was_closed(opened):
    session = opened()
    before = session.labels.copy()
    session.draw("paint", stroke(session, (10, 10, 10)))
    session.draw("paint", stroke(session, (30, 12, 10)))
    after = session.labels.copy()
    session.undo()
    session.close()

    again = opened()
    assert [action.what for action in again.history.done] == ["paint"]
    assert again.redo() is not None
    np.testing.assert_array_equal(again.labels, after)
    again.undo()
    again.undo()
    np.testing.assert_array_equal(again.labels, before)
    assert again.undo() is None


def test_a_new_step_after_an_undo_ends_what_could_be_done_again(opened):
    session = opened()
    session.draw("paint", stroke(session, (10, 10, 10)))
    session.undo()
    session.draw("paint", stroke(session, (30, 12, 10)))
    assert session.redo() is None


def test_notes_and_stents_are_steps_like_any_other(opened):
    session = opened()
    notes = Notes(
        seeds=(Seed("ivc", "waypoint", (1.0, 2.0, 3.0)),),
        occluded=(OccludedCourse("ivc", np.array([[0.0, 0, 0], [0, 0, 9.5]]), "waypoints"),),
        contours=(Contour("ivc", np.zeros(3), np.eye(3)),),
        remark="slow flow",
    )
    session.note("mark as occluded", notes)
    session.draw("mark a stent", stroke(session, value=1), "stent")
    assert session.segmentation.stent is not None
    session.close()
    again = opened()
    assert again.notes.seeds == notes.seeds
    assert again.notes.remark == "slow flow"
    np.testing.assert_array_equal(
        again.segmentation.occluded[0].points_lps_mm, notes.occluded[0].points_lps_mm
    )
    np.testing.assert_array_equal(again.notes.contours[0].outline_lps_mm, np.eye(3))
    again.undo()
    again.undo()
    assert again.segmentation.stent is None
    assert again.notes.seeds == ()


CHILD = """
    import os, sys
    from pathlib import Path
    import numpy as np
    from venoseg.review import open_session
    from venoseg.segmentation import Pen, Segmentation, paint_ball
    from venoseg.volume import Grid, Volume

    grid = Grid.from_axes((30, 40, 50), spacing_mm=(1, 1, 1))
    image = Volume(np.zeros(grid.shape, dtype=np.int16), grid)
    labels = np.zeros(grid.shape, dtype=np.uint8)
    labels[5:25, 15:25, 20:30] = 1
    session = open_session(image, Segmentation(labels, grid, {1: "ivc"}), Path(sys.argv[1]), "anna")
    if sys.argv[2] == "paint":
        for n in range(5):
            at = grid.to_lps((8 + 3 * n, 12, 25))
            session.draw(f"stroke {n}", paint_ball(session.labels, grid, at, 3.0, Pen(1)))
            if n == 2:
                session.save()
        session.undo()
        print("painted", flush=True)
        sys.stdin.read()
    print([a.what for a in session.history.done], [a.what for a in session.history.undone],
          int(session.labels.sum()), session.parent.name, session.changed)
"""


def child(folder, mode):
    words = [sys.executable, "-c", textwrap.dedent(CHILD), folder, mode]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_killed_window_loses_nothing(tmp_path):
    folder = str(tmp_path / "case")
    painting = child(folder, "paint")
    assert painting.stdout.readline() == "painted\n"
    os.kill(painting.pid, signal.SIGKILL)
    painting.communicate()
    assert painting.returncode == -signal.SIGKILL

    # What the same strokes give when nobody is killed.
    unhurt = child(str(tmp_path / "other"), "paint")
    unhurt.stdout.readline()
    expected, _ = unhurt.communicate("")

    reopened = child(folder, "look")
    found, _ = reopened.communicate("")
    assert found == expected
    assert "stroke 3" in found
    assert "0001-anna True" in found


def test_a_step_cut_off_while_it_was_written_is_left_out_and_said(opened):
    session = opened()
    session.draw("first", stroke(session, (10, 10, 10)))
    kept = session.labels.copy()
    session.draw("second", stroke(session, (30, 12, 10)))
    session.close()
    path = session.folder.journal("anna")
    path.write_bytes(path.read_bytes()[:-7])

    again = opened()
    np.testing.assert_array_equal(again.labels, kept)
    assert any("cut off" in words for words in again.messages)
    again.draw("third", stroke(again, (30, 12, 10)))
    again.close()
    assert [a.what for a in opened().history.done] == ["first", "third"]


def test_the_same_reviewer_cannot_open_a_case_twice(opened):
    opened()
    with pytest.raises(OutputError, match="another window"):
        opened()


def test_a_full_disk_keeps_the_step_in_memory_and_says_so(opened, full_disk):
    session = opened()
    session.draw("first", stroke(session, (10, 10, 10)))
    size = session.folder.journal("anna").stat().st_size
    with full_disk(size + 10), pytest.raises(OutputError, match="cannot be kept"):
        session.draw("second", stroke(session, (30, 12, 10)))
    assert not session.kept
    assert len(session.history.done) == 2
    assert session.folder.journal("anna").stat().st_size == size
    after = session.labels.copy()
    session.keep()  # there is room again
    assert session.kept
    session.close()
    again = opened()
    np.testing.assert_array_equal(again.labels, after)


def test_a_save_on_a_full_disk_leaves_no_version_and_loses_no_step(opened, full_disk):
    session = opened()
    session.draw("first", stroke(session, (10, 10, 10)))
    with full_disk(100), pytest.raises(OutputError):
        session.save()
    versions, damaged = list_versions(session.folder.versions)
    assert [v.kind for v in versions] == ["start"]
    assert damaged == ()
    assert session.changed
    assert session.save().name == "0001-anna"
    assert not session.changed


def test_a_folder_that_cannot_be_written_is_said_and_left_for_another(opened, tmp_path):
    (tmp_path / "file").write_text("in the way")
    session = opened(folder=tmp_path / "file" / "case")
    assert any("choose another folder" in words for words in session.messages)
    with pytest.raises(OutputError, match="cannot be kept"):
        session.draw("paint", stroke(session, (10, 10, 10)))
    assert not session.kept
    after = session.labels.copy()
    session.move_to(tmp_path / "elsewhere")
    assert session.kept
    session.draw("more", stroke(session, (30, 12, 10)))
    session.undo()
    session.close()
    again = opened(folder=tmp_path / "elsewhere")
    np.testing.assert_array_equal(again.labels, after)


def test_two_reviewers_on_one_folder_keep_both_versions(opened):
    anna, bert = opened("anna"), opened("bert")
    anna.draw("a", stroke(anna, (10, 10, 10)))
    bert.draw("b", stroke(bert, (30, 12, 10)))
    one, other = anna.save(), bert.save()
    assert (one.name, other.name) == ("0001-anna", "0002-bert")
    assert one.parent == other.parent == "0000-start"
    anna.close()
    again = opened("anna")
    assert any("0002-bert" in words for words in again.messages)
    np.testing.assert_array_equal(again.labels, anna.labels)
    assert not np.array_equal(again.labels, bert.labels)


def test_reviewers_who_save_at_the_same_moment_never_overwrite_one_another(opened, monkeypatch):
    anna, bert = opened("anna"), opened("bert")
    anna.draw("a", stroke(anna, (10, 10, 10)))
    anna_labels = anna.labels.copy()
    # Both look at the folder before either has written.
    from venoseg.review import versions

    number = versions.next_number(anna.folder.versions)
    monkeypatch.setattr(versions, "next_number", lambda _: number)
    bert.save()
    anna.save()
    third = opened("carl")
    names = {v.name for v in list_versions(third.folder.versions)[0]}
    assert names == {"0000-start", "0001-anna", "0001-bert"}
    again = anna.save()
    assert again.name == "0002-anna"
    saved, _ = versions.read_version(
        anna.folder.versions,
        next(v for v in list_versions(anna.folder.versions)[0] if v.name == "0001-anna"),
    )
    np.testing.assert_array_equal(saved.labels, anna_labels)


def test_a_second_reading_begins_where_the_first_began(opened, tilted):
    anna = opened("anna")
    anna.draw("a", stroke(anna, (10, 10, 10)))
    anna.save(kind="signed", second_reader=True)
    np.testing.assert_array_equal(opened("bert").labels, anna.labels)
    second = opened("carl", second_reading=True)
    np.testing.assert_array_equal(second.labels, tilted.segmentation.labels)


def test_a_damaged_version_is_left_out_and_named(opened):
    session = opened("anna")
    session.draw("a", stroke(session, (10, 10, 10)))
    kept = session.save()
    session.draw("b", stroke(session, (30, 12, 10)))
    broken = session.save()
    file = session.folder.versions / broken.name / "labels.zip"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    other = opened("bert")
    assert other.parent.name == kept.name
    assert any(broken.name in words and "damaged" in words for words in other.messages)
    record = session.folder.versions / kept.name / "version.json"
    record.write_text(record.read_text().replace("anna", "eve"))
    third = opened("carl")
    assert third.parent.name == "0000-start"
    # The journal still holds everything.
    session.close()
    np.testing.assert_array_equal(opened("anna").labels, session.labels)


def test_a_damaged_start_sets_the_journal_aside_and_opens_the_newest_version(opened):
    session = opened("anna")
    session.draw("a", stroke(session, (10, 10, 10)))
    session.save()
    session.close()
    (session.folder.versions / "0000-start" / "notes.json").write_text("{}")
    again = opened("anna")
    np.testing.assert_array_equal(again.labels, session.labels)
    assert any("set aside" in words for words in again.messages)
    assert session.folder.journal("anna").with_suffix(".damaged1").exists()


def test_with_every_version_damaged_the_case_is_refused(opened):
    session = opened("anna")
    session.close()
    (session.folder.versions / "0000-start" / "notes.json").write_text("{}")
    with pytest.raises(InputError, match="none of the saved versions"):
        opened("bert")


def test_the_voxels_of_a_version_are_counted_by_vein(opened):
    session = opened()
    at = center(session)
    inside = int((session.labels == IVC).sum())
    session.draw("repaint", stroke(session, at, 3.0, value=2, over=(IVC,)))
    moved = int((session.labels == 2).sum())
    version = session.save()
    assert version.voxels == {"ivc": (0, moved), "left_common_iliac_vein": (moved, 0)}
    assert int((session.labels == IVC).sum()) == inside - moved
    session.draw("stent", stroke(session, at, 3.0), "stent")
    assert "stent" in session.save().voxels


@pytest.mark.parametrize("name", ["", "a b", "../x", "ä", "x" * 33])
def test_a_reviewer_needs_a_name_that_can_be_a_file_name(opened, name):
    with pytest.raises(UsageError, match="reviewer's name"):
        opened(name)


def test_labels_on_another_grid_are_refused(tilted, tmp_path):
    from dataclasses import replace

    from venoseg.errors import LabelError

    moved = tilted.image.grid.affine.copy()
    moved[0, 3] += 5.0
    labels = replace(tilted.segmentation, grid=Grid(tilted.image.grid.shape, moved))
    with pytest.raises(LabelError, match="another grid"):
        open_session(tilted.image, labels, tmp_path, "anna")


def test_label_values_are_the_same_in_every_case(opened, tilted):
    session = opened()
    assert session.segmentation.names == LABEL_NAMES
    np.testing.assert_array_equal(session.segmentation.mask("ivc"), tilted.segmentation.mask("ivc"))
