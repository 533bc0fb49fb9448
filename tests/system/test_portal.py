"""A phone on the hotspot's Wi-Fi: the shipped name server's settings lead it to the portal."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.networks import PROJECT, Machine, two_machines
from tests.support.requirements import needs
from tests.system.nodes import until

SETTINGS = PROJECT / "systemd/dnsmasq.d/hotspot.conf"
LEADS = "198.51.100.1"
ASKS_THE_HOTSPOT = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'

Phone = Callable[..., str]


@pytest.fixture
async def phone(tmp_path: Path) -> AsyncIterator[Phone]:
    """Runs a command as a phone on the Wi-Fi, and returns what it prints."""
    for name in ("netns", "dnsmasq", "curl"):
        needs(name)
    with two_machines() as (box, phone):
        _give_addresses(box, phone)
        settings, names = tmp_path / "dnsmasq.conf", tmp_path / "resolv.conf"
        settings.write_text(SETTINGS.read_text().replace("wlan0", "eth0"))
        names.write_text("nameserver 10.42.0.1\noptions timeout:1\n")
        inside = ["unshare", "--mount", "sh", "-c", ASKS_THE_HOTSPOT, str(names)]

        def run(*command: str) -> str:
            done = subprocess.run(
                ["ip", "netns", "exec", phone.namespace, *inside, *command],
                capture_output=True,
                text=True,
                check=False,
            )
            return done.stdout

        async with AsyncExitStack() as stack:
            await stack.enter_async_context(
                box.running("dnsmasq", "--keep-in-foreground", "--log-facility=-", "--user=root",
                            "--pid-file", "--dhcp-leasefile=" + str(tmp_path / "leases"),
                            f"--conf-file={settings}")
            )  # fmt: skip
            await stack.enter_async_context(box.running(*_hotspot(tmp_path)))
            until(lambda: run("curl", "-s", "http://hotspot.lan/healthz"))
            yield run


def _give_addresses(box: Machine, phone: Machine) -> None:
    for machine, address in ((box, "10.42.0.1/24"), (phone, "10.42.0.33/24")):
        machine.ip("address", "flush", "dev", "eth0")
        machine.ip("address", "add", address, "dev", "eth0")
    box.ip("address", "replace", f"{LEADS}/32", "dev", "lo")
    phone.ip("route", "add", "default", "via", "10.42.0.1")


def _hotspot(folder: Path) -> list[str]:
    (folder / "sticks").mkdir()
    settings = [
        f"HOTSPOT_DATA_DIR={folder / 'data'}",
        f"HOTSPOT_DRIVES_FOLDER={folder / 'sticks'}",
        "HOTSPOT_HTTP_PORT=80",
    ]
    return ["env", *settings, sys.executable, "-m", "hotspot", "run"]


async def test_phones_are_led_to_the_page_and_stay(phone: Phone) -> None:
    def asked(url: str) -> str:
        return phone("curl", "-s", "-w", " %{http_code} %{redirect_url}", url)

    android = "http://connectivitycheck.gstatic.com/generate_204"
    apple = "http://captive.apple.com/hotspot-detect.html"
    windows = "http://www.msftconnecttest.com/connecttest.txt"
    gnome = "http://nmcheck.gnome.org/check_network_status.txt"
    for url in (android, apple, windows, gnome, "http://example.com/news"):
        assert asked(url) == f" 302 http://{LEADS}/welcome"
    assert "no internet" in asked(f"http://{LEADS}/welcome")
    assert "Success" in asked(apple)
    assert asked(android).startswith(" 302")
    assert asked(f"http://{LEADS}/welcome/enter") == f" 302 http://{LEADS}/"
    assert asked(android) == " 204 "
    assert asked(windows) == "Microsoft Connect Test 200 "
    assert asked(gnome) == "NetworkManager is online\n 200 "


async def test_names_that_must_not_lead_here(phone: Phone) -> None:
    def address(name: str) -> list[str]:
        return [line.split()[0] for line in phone("getent", "ahostsv4", name).splitlines()][:1]

    assert address("hotspot.lan") == ["10.42.0.1"]
    assert address("dns.msftncsi.com") == ["131.107.255.255"]
    assert address("bible.example.org") == [LEADS]
    assert address("use-application-dns.net") == []
    assert address("mask.icloud.com") == []
