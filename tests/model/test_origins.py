import pytest

from hotspot.model.origins import own_host, own_origin

NAMES = {"localhost", "hotspot.local"}


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("hotspot.local", True),
        ("HOTSPOT.local.:8080", True),
        ("localhost:8080", True),
        ("10.0.0.1", True),
        ("10.0.0.1:8080", True),
        ("[fe80::1]:8080", True),
        (None, False),
        ("", False),
        ("evil.example", False),
        ("evil.example:8080", False),
        ("10.0.0.1.evil.example", False),
        ("hotspot.local.evil.example", False),
        ("hotspot.local@evil.example", False),
        ("evil.example/hotspot.local", False),
        ("a b", False),
        ("hotspot.local:", False),
    ],
)
def test_hosts(host: str | None, own: bool) -> None:
    assert own_host(host, NAMES) is own


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        (None, True),
        ("http://10.0.0.1:8080", True),
        ("https://10.0.0.1:8080", True),
        ("capacitor://localhost", True),
        ("http://localhost:3000", True),
        ("https://app.example", True),
        ("null", False),
        ("", False),
        ("http://10.0.0.1", False),
        ("http://10.0.0.2:8080", False),
        ("http://evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://evil.example/localhost", False),
        ("https://app.example.evil.example", False),
    ],
)
def test_origins(origin: str | None, own: bool) -> None:
    assert own_origin(origin, "10.0.0.1:8080", {"https://app.example"}) is own
