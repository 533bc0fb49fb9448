"""What phones are told that ask for the internet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot.model.portal import REMEMBERED_MS, Client, Probe, answer, heard, probe_of


@pytest.mark.parametrize(
    ("host", "path", "probe"),
    [
        ("connectivitycheck.gstatic.com", "/generate_204", Probe.ANDROID),
        ("www.google.com", "/gen_204", Probe.ANDROID),
        ("captive.apple.com", "/hotspot-detect.html", Probe.APPLE),
        ("captive.apple.com", "/", Probe.APPLE),
        ("www.apple.com", "/library/test/success.html", Probe.APPLE),
        ("www.msftconnecttest.com", "/connecttest.txt", Probe.WINDOWS),
        ("www.msftncsi.com", "/ncsi.txt", Probe.WINDOWS_BEFORE_10),
        ("nmcheck.gnome.org", "/check_network_status.txt", Probe.GNOME),
        ("NMCHECK.gnome.org.:80", "/", Probe.GNOME),
        ("detectportal.firefox.com", "/success.txt", Probe.FIREFOX),
        ("hotspot.lan", "/", None),
        ("10.42.0.1:8080", "/functions/v1/packages", None),
        ("", "", None),
    ],
)
def test_who_asks(host: str, path: str, probe: Probe | None) -> None:
    assert probe_of(host, path) is probe


@pytest.mark.parametrize("probe", Probe)
def test_a_phone_is_led_to_the_page_until_its_person_went_on(probe: Probe) -> None:
    assert answer(probe, heard(None, 0)) is None
    assert answer(probe, Client(0, shown=True, entered=True)) == probe.value


@pytest.mark.parametrize("probe", Probe)
def test_only_apple_is_told_as_soon_as_the_page_was_shown(probe: Probe) -> None:
    told = answer(probe, Client(0, shown=True))
    assert (told == probe.value) if probe is Probe.APPLE else told is None


@given(last=st.integers(0, 2**40), passed=st.integers(0, 2 * REMEMBERED_MS))
def test_a_phone_is_known_for_a_while_after_its_last_request(last: int, passed: int) -> None:
    client = heard(Client(last, shown=True, entered=True), last + passed)
    assert client.heard_ms == last + passed
    assert client.entered == client.shown == (passed <= REMEMBERED_MS)
