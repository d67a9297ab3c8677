"""Work that runs ahead: the same items, in order, and errors in their place."""

import threading

import pytest

from tasks.video.ahead import ahead


def test_items_come_in_order_from_one_other_thread():
    makers = []

    def numbers():
        for number in range(20):
            makers.append(threading.get_ident())
            yield number

    assert list(ahead(numbers())) == list(range(20))
    assert len(set(makers)) == 1
    assert makers[0] != threading.get_ident()


def test_an_error_is_raised_after_what_came_before_it():
    def broken():
        yield 1
        raise ValueError("the second is broken")

    got = ahead(broken())
    assert next(got) == 1
    with pytest.raises(ValueError, match="the second is broken"):
        next(got)


def test_no_more_is_made_than_was_asked_for_and_nothing_after_the_end():
    made = []
    got = ahead((made.append(number) or number for number in range(1000)), depth=3)
    assert next(got) == 0
    got.close()
    assert len(made) <= 5
    assert threading.active_count() < 20


def test_there_may_be_nothing():
    assert list(ahead([])) == []
