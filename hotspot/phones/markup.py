"""HTML from templates in which every value is escaped unless it is HTML itself."""

from collections.abc import Iterable
from html import escape
from string import Template


class Html(str):
    """Text that is markup already. Only `fill`, `join` and constants make it."""

    __slots__ = ()


def fill(template: str, **values: object) -> Html:
    """`template` with its `$name`s filled in, every value escaped but those that are Html.

    Raises KeyError for a name without a value.
    """
    return Html(Template(template).substitute({k: _safe(v) for k, v in values.items()}))


def join(parts: Iterable[Html]) -> Html:
    """The parts, one after another."""
    return Html("".join(parts))


def _safe(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))
