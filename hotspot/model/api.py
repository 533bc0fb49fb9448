"""What a server answers, said once: by method and path, with the types that the handlers use."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

JSON = "application/json"
ANY_TYPE = "*/*"
"""The type of a file's content, which each file says for itself."""


class Auth(StrEnum):
    """Whether a request needs a token."""

    NONE = "none"
    OPTIONAL = "optional"
    TOKEN = "token"


class Parameter(msgspec.Struct, frozen=True):
    """One parameter. `place`: 'path', 'query' or 'header'; `schema`: JSON Schema of its value."""

    name: str
    place: str
    schema: Mapping[str, Any]
    description: str = ""


class Answer(msgspec.Struct, frozen=True):
    """One kind of answer; `kind`: the type of its JSON, or None for a body of another sort.

    `media`: the content type; None where there is no body. `headers`: those that tell something.
    """

    description: str
    kind: Any = None
    media: str | None = None
    headers: tuple[str, ...] = ()


def told(kind: Any, description: str = "What was asked for.") -> Answer:
    """An answer in JSON."""
    return Answer(description, kind, JSON)


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one address, as the router writes it: `/functions/v1/media/{media_file_id}`.

    `request`: the type of the JSON body. `errors`: statuses that come with an `error`.
    """

    method: str
    path: str
    summary: str
    answers: Mapping[int, Answer]
    request: type | None = None
    errors: tuple[int, ...] = ()
    error: Any = None
    auth: Auth = Auth.NONE
    parameters: tuple[Parameter, ...] = ()

    @property
    def named(self) -> tuple[str, str]:
        """The method and the path, which no two routes have in common."""
        return self.method, self.path

    def kinds(self) -> Iterable[Any]:
        """The types that the description of this route refers to."""
        every = [self.request, self.error, *(one.kind for one in self.answers.values())]
        return (kind for kind in every if kind is not None)
