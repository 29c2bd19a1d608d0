import threading
import time

import pytest

from venoseg.segmentation.together import both, each


def test_no_more_than_two_threads_work_however_steps_are_nested():
    lock, working, most = threading.Lock(), 0, 0

    def leaf(number):
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        time.sleep(0.002)
        with lock:
            working -= 1
        return number

    def branch(number):
        return sum(each(leaf, range(number, number + 4)))

    left, right = both(lambda: each(branch, range(3)), lambda: each(branch, range(3)))
    assert left == right == [6, 10, 14]
    assert most == 2


def test_a_step_takes_the_place_of_a_thread_that_would_only_wait():
    def who(_):
        time.sleep(0.002)
        return threading.get_ident()

    def until_shared():
        return any(len(set(each(who, range(4)))) == 2 for _ in range(500))

    assert both(lambda: None, until_shared) == (None, True)


def test_the_first_error_in_order_counts_and_the_next_steps_have_both_threads():
    def wrong(number):
        if number > 1:
            raise ValueError(str(number))
        return number

    with pytest.raises(ValueError, match="2"):
        each(wrong, range(6))
    barrier = threading.Barrier(2, timeout=30.0)
    # Neither passes the barrier unless both run at the same time.
    both(barrier.wait, barrier.wait)
