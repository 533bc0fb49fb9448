from hotspot.model.guessing import LONGEST_MS, PAUSE_MS, TRIES, Guesses, one_more, pause_ms


def wrong(times: int, mono_ms: int = 1_000) -> Guesses:
    guesses: Guesses | None = None
    for _ in range(times):
        guesses = one_more(guesses, "boot", mono_ms)
    assert guesses is not None
    return guesses


def test_a_few_are_free_and_then_there_is_a_pause() -> None:
    assert pause_ms(None, "boot", 0) == 0
    assert pause_ms(wrong(TRIES - 1), "boot", 1_000) == 0
    assert pause_ms(wrong(TRIES), "boot", 1_000) == PAUSE_MS
    assert pause_ms(wrong(TRIES), "boot", 1_000 + PAUSE_MS - 1) == 1
    assert pause_ms(wrong(TRIES), "boot", 1_000 + PAUSE_MS) == 0
    assert pause_ms(wrong(TRIES + 1), "boot", 1_000) == 0


def test_pauses_grow_to_a_bound() -> None:
    assert pause_ms(wrong(2 * TRIES), "boot", 1_000) == 2 * PAUSE_MS
    assert pause_ms(wrong(100 * TRIES), "boot", 1_000) == LONGEST_MS


def test_a_restart_of_the_machine_does_not_end_a_pause() -> None:
    assert pause_ms(wrong(TRIES, mono_ms=9_000_000), "next", 500) == PAUSE_MS - 500
    assert pause_ms(wrong(TRIES, mono_ms=9_000_000), "next", PAUSE_MS) == 0
