"""Reading event streams as a browser does: by the standard, and with nothing of the project."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Told:
    """One event; `id`: the last that was named, with this event or before."""

    topic: str
    data: str
    id: str


def parse(stream: str, last_id: str = "") -> list[Told]:
    """The events of a stream; one that has not ended yet is left out."""
    found, topic, data = [], "message", list[str]()
    for line in re.split(r"\r\n|\r|\n", stream):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                found.append(Told(topic, "\n".join(data), last_id))
            topic, data = "message", []
        elif name == "event":
            topic = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            last_id = value
    return found
