from threading import Event

import pytest

from hotspot.package.beside import Beside

PATIENCE_S = 10.0


def test_calls_run_in_order() -> None:
    done: list[int] = []
    with Beside(2) as beside:
        for number in range(50):
            beside.call(done.append, number)
        beside.finish()
    assert done == list(range(50))


def test_who_calls_does_not_wait_until_too_much_is_ahead() -> None:
    go, done = Event(), list[int]()
    with Beside(2) as beside:
        beside.call(go.wait, PATIENCE_S)
        beside.call(done.append, 1)
        assert done == []
        go.set()
        beside.call(done.append, 2)
        beside.finish()
    assert done == [1, 2]


def test_an_error_is_raised_where_it_is_waited_for() -> None:
    with Beside(1) as beside:
        beside.call(int, "none")
        with pytest.raises(ValueError):
            beside.call(int, "1")
        with pytest.raises(ValueError):
            beside.call(int, "none")
            beside.finish()
