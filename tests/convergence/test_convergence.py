"""All that can befall phones, hotspots and a server, at random; then they agree, and nothing is
lost.

The hotspots' stores, both halves of syncing, the messages and HTTP are the real ones. Only the
time, the network's faults and the phones are the tests' own.
"""

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from hotspot.syncing import comparing, fetching, sending
from tests.convergence.machine import Machine, PostgresMachine
from tests.support.requirements import needs

MACHINES = {"sqlite": Machine, "postgres": PostgresMachine}
QUICK = {"sqlite": 15, "postgres": 6}
LONG = {"sqlite": 1_500, "postgres": 600}
PROFILE = settings(
    deadline=None,
    print_blob=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of server."""
    if request.param == "postgres":
        needs("postgres")
    return str(request.param)


@pytest.fixture(autouse=True)
def blocking_calls_pass(blocking_calls_fail: BlockBuster) -> Iterator[None]:
    """Power is cut inside the writer, where these tests copy the card."""
    blocking_calls_fail.deactivate()
    yield
    blocking_calls_fail.activate()


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few records take as many batches, pages and comparisons as a Bible does."""
    monkeypatch.setattr(sending, "BATCH", 2)
    monkeypatch.setattr(sending, "LANES", 1)
    monkeypatch.setattr(fetching, "PAGE", 3)
    monkeypatch.setattr(comparing, "RECORDS", 2)


def test_replicas_agree_and_no_text_is_lost(kind: str) -> None:
    profile = settings(
        PROFILE,
        derandomize=True,
        max_examples=QUICK[kind],
        stateful_step_count=30,
        phases=[Phase.generate],
    )
    run_state_machine_as_test(MACHINES[kind], settings=profile)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_replicas_agree_in_many_more_runs(kind: str) -> None:
    profile = settings(PROFILE, max_examples=LONG[kind], stateful_step_count=60)
    run_state_machine_as_test(MACHINES[kind], settings=profile)
