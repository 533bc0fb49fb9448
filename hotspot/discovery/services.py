"""The names under which hotspots announce themselves on the local network."""

HOTSPOT = "_bible-hotspot._tcp.local."
WEB = "_http._tcp.local."
ANNOUNCED = (HOTSPOT, WEB)
PROTOCOL_VERSION = "1"

_LONGEST = 60
"""A DNS label holds 63 bytes; the rest is for the number that tells namesakes apart."""


def host_name(identity: str) -> str:
    """The name by which a hotspot is asked on the local network; `identity`: its epoch."""
    return f"hotspot-{identity[:8]}.local"


def instance_name(name: str) -> str:
    """`name` as far as one DNS label can hold it: no dots, no control characters, 60 bytes."""
    plain = "".join(char if char.isprintable() and char != "." else " " for char in name)
    cut = " ".join(plain.split()).encode("utf-8", "ignore")[:_LONGEST]
    return cut.decode("utf-8", "ignore").rstrip() or "Hotspot"
