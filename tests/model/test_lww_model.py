"""`decide()` beside an independent model of the rules, where there is one next to the project."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot.model.merge import Edit, Status, decide
from hotspot.model.records import Record
from tests.model.builders import verse

ROOT = Path(__file__).parents[2]
STATUSES = {
    "duplicate": Status.DUPLICATE,
    "applied": Status.APPLIED,
    "manual": Status.MANUAL_REQUIRED,
    "local_wins": Status.LOCAL_WINS,
    "server_wins": Status.SERVER_WINS,
}
STATES = st.tuples(
    st.sampled_from(["one", "two", "three"]),
    st.integers(0, 4).map(lambda step: 500 * step),
    st.booleans(),
)


@pytest.fixture(scope="module")
def model() -> ModuleType:
    """The model's own judging."""
    found = next(ROOT.parent.glob("*/model/lww_model.py"), None)
    if found is None:
        pytest.skip("needs lww_model.py: it is not next to the project")
    spec = importlib.util.spec_from_file_location("lww_model", found)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["lww_model"] = module
    spec.loader.exec_module(module)
    return module


def ours(state: tuple[str, int, bool]) -> Record:
    text, ms, deleted = state
    return verse(text, ms, deleted=deleted)


@settings(max_examples=500, deadline=None)
@given(current=STATES, edit=STATES, base=st.none() | STATES)
def test_both_judge_alike(
    model: ModuleType,
    current: tuple[str, int, bool],
    edit: tuple[str, int, bool],
    base: tuple[str, int, bool] | None,
) -> None:
    def theirs(state: tuple[str, int, bool]) -> object:
        text, ms, deleted = state
        return model.Row(text, ms / 1000, frozenset(), deleted)

    named = theirs(base).version if base is not None else None  # type: ignore[attr-defined]
    expected = STATUSES[model.judge(theirs(current), theirs(edit), named)]
    base_version = ours(base).version if base is not None else None
    decision = decide(ours(current), Edit(record=ours(edit), base_version=base_version))
    assert decision.status is expected
    if decision.status in (Status.APPLIED, Status.LOCAL_WINS):
        assert decision.record.updated_at > ours(current).updated_at
        assert decision.record.values["verse_text"] == edit[0]
    else:
        assert decision.record == ours(current)
