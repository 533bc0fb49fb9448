"""What the commands of the server's side share."""

import json
from collections.abc import Callable
from typing import Any

import click

from hotspot.config import Config

Load = Callable[[], Config]

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def show(result: Any, as_json: bool, text: str) -> None:
    """Prints a result: as JSON, or the text that makes it readable."""
    click.echo(json.dumps(result, ensure_ascii=False, indent=1) if as_json else text)
