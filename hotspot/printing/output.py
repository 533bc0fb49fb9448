"""What a command takes and how it prints: JSON for programs, text for people."""

import json
from collections.abc import Callable
from typing import Any

import click

from hotspot.config import Config

Load = Callable[[], Config]
"""Reads the settings."""

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def report(result: Any, as_json: bool, text: Callable[[Any], str]) -> None:
    """Prints a result: as JSON, or as `text` makes it readable."""
    show(result, as_json, "" if as_json else text(result))


def show(result: Any, as_json: bool, text: str) -> None:
    """Prints a result: as JSON, or the text that makes it readable."""
    click.echo(json.dumps(result, ensure_ascii=False, indent=1) if as_json else text)
