"""Failures as a user meets them."""

from __future__ import annotations

import pickle

import pytest

from venoseg import errors
from venoseg.errors import VenosegError

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, VenosegError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_says_where_what_and_what_to_do(kind):
    error = kind("the labels are empty", where="veins.nii.gz", remedy="name another file")
    assert str(error) == "veins.nii.gz: the labels are empty; name another file"


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_comes_back_whole_from_a_worker_process(kind):
    again = pickle.loads(pickle.dumps(kind("what", where="where", remedy="remedy")))
    assert type(again) is kind
    assert (again.what, again.where, again.remedy) == ("what", "where", "remedy")
    assert str(again) == "where: what; remedy"


def test_a_message_is_one_line_whatever_went_into_it():
    error = VenosegError("first\nsecond\r\n third", where="a\tb", remedy="c\n\nd")
    assert str(error) == "a b: first second third; c d"


def test_only_wrong_usage_has_status_2():
    assert {kind.__name__ for kind in KINDS if kind.exit_status == 2} == {"UsageError"}
    assert {kind.exit_status for kind in KINDS} == {2, 3}
