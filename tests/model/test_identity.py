"""Which machine a store belongs to."""

from hypothesis import given
from hypothesis import strategies as st

from hotspot.model.identity import Binding, is_spent, rebind

machines = st.sampled_from(["a", "b", "c"])
tokens = st.none() | st.sampled_from(["1", "2", "3"])


@given(st.none() | machines, tokens, tokens)
def test_a_store_stays_the_same_where_it_is(
    machine: str | None, spent: str | None, token: str | None
) -> None:
    kept = Binding(machine, spent)
    assert rebind(kept, machine, token) == (kept, False)
    assert rebind(kept, None, token) == (kept, False)


@given(machines, tokens)
def test_a_new_store_takes_its_first_machine(machine: str, token: str | None) -> None:
    assert rebind(Binding(), machine, token) == (Binding(machine), False)


@given(machines, machines, st.sampled_from(["1", "2"]), tokens)
def test_a_store_in_another_machine_is_another_hotspot(
    before: str, now: str, token: str, spent: str | None
) -> None:
    found, other = rebind(Binding(before, spent), now, token)
    assert other == (before != now)
    assert found.machine == now
    assert not other or is_spent(found, token)
    assert rebind(found, now, "a token of its own") == (found, False)
    assert not is_spent(found, "a token of its own")
