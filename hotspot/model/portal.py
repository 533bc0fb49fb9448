"""What a phone is told that asks whether this Wi-Fi leads to the internet.

It does not; but a phone that hears so may leave it. So the person is shown a page first, and from
then on the phone hears what it hopes for, and stays.
"""

from enum import Enum

import msgspec

REMEMBERED_MS = 4 * 3_600_000
"""How long after its last request a phone is known. Later its address may be another phone's."""


class Expected(msgspec.Struct, frozen=True):
    """What the internet's own servers answer."""

    status: int
    body: str = ""
    content_type: str = "text/plain"


class Probe(Enum):
    """The systems that ask, by what each hopes to hear."""

    ANDROID = Expected(204)
    APPLE = Expected(
        200,
        "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>",
        "text/html",
    )
    WINDOWS = Expected(200, "Microsoft Connect Test")
    WINDOWS_BEFORE_10 = Expected(200, "Microsoft NCSI")
    GNOME = Expected(200, "NetworkManager is online\n")
    FIREFOX = Expected(200, "success\n")
    FIREFOX_PAGE = Expected(
        200,
        '<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>',
        "text/html",
    )
    KDE = Expected(200, "OK\n")


class Client(msgspec.Struct, frozen=True):
    """What is known of one phone: when it last asked for something (monotonic), and how far its
    person came."""

    heard_ms: int
    shown: bool = False
    entered: bool = False


_BY_PATH = {
    "/generate_204": Probe.ANDROID,
    "/gen_204": Probe.ANDROID,
    "/hotspot-detect.html": Probe.APPLE,
    "/library/test/success.html": Probe.APPLE,
    "/connecttest.txt": Probe.WINDOWS,
    "/ncsi.txt": Probe.WINDOWS_BEFORE_10,
    "/check_network_status.txt": Probe.GNOME,
    "/success.txt": Probe.FIREFOX,
    "/canonical.html": Probe.FIREFOX_PAGE,
}
"""Makers of phones ask servers of their own, by the paths that the first one chose."""
_BY_HOST = {
    "captive.apple.com": Probe.APPLE,
    "nmcheck.gnome.org": Probe.GNOME,
    "networkcheck.kde.org": Probe.KDE,
}


def probe_of(host: str, path: str) -> Probe | None:
    """Which system asks, by the name that it asks and the path; None: it is no such question."""
    name = host.partition(":")[0].lower().removesuffix(".")
    return _BY_PATH.get(path) or _BY_HOST.get(name)


def heard(client: Client | None, now_ms: int) -> Client:
    """What is known of a phone that asks now for something."""
    if client is None or now_ms - client.heard_ms > REMEMBERED_MS:
        return Client(now_ms)
    return msgspec.structs.replace(client, heard_ms=now_ms)


def answer(probe: Probe, client: Client) -> Expected | None:
    """What a phone is answered; None: it is led to the first page.

    Apple's sheet lets go of the Wi-Fi if it is closed before it heard of success, and stays open
    when it hears of it: it is told as soon as it has shown the page. Others close their sheet then,
    so they are told when the person has gone on from the page.
    """
    done = client.entered or (probe is Probe.APPLE and client.shown)
    return probe.value if done else None
