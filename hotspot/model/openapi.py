"""OpenAPI 3.1 of a table of routes: the JSON schemas are those of the handlers' own types."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from hotspot.model.api import ANY_TYPE, JSON, Answer, Auth, Parameter, Route

VERSION = "3.1.0"
_SECURITY: Mapping[Auth, list[dict[str, list[str]]]] = {
    Auth.NONE: [],
    Auth.OPTIONAL: [{}, {"token": []}],
    Auth.TOKEN: [{"token": []}],
}
_HEADER = {"schema": {"type": "string"}}


def document(title: str, version: str, routes: Sequence[Route]) -> dict[str, Any]:
    """The description of a server that answers `routes`, as JSON values."""
    schemas, components = _schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": VERSION,
        "info": {"title": title, "version": version},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(routes: Iterable[Route]) -> tuple[Mapping[Any, Any], Mapping[str, Any]]:
    """The schema of each type, and what these refer to."""
    kinds = list(dict.fromkeys(kind for route in routes for kind in route.kinds()))
    found, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    return dict(zip(kinds, found, strict=True)), components


def _operation(route: Route, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    answers = {str(status): _answer(one, schemas) for status, one in route.answers.items()}
    for status in route.errors:
        refused = Answer("Why it was not done.", route.error, JSON)
        answers[str(status)] = _answer(refused, schemas)
    operation: dict[str, Any] = {"summary": route.summary, "responses": answers}
    if route.parameters:
        operation["parameters"] = [_parameter(one) for one in route.parameters]
    if route.request is not None:
        body = {JSON: {"schema": schemas[route.request]}}
        operation["requestBody"] = {"required": True, "content": body}
    if security := _SECURITY[route.auth]:
        operation["security"] = security
    return operation


def _answer(answer: Answer, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": answer.description}
    if answer.media is not None:
        schema = schemas[answer.kind] if answer.kind is not None else _text(answer.media)
        told["content"] = {answer.media: {"schema": schema}}
    if answer.headers:
        told["headers"] = dict.fromkeys(answer.headers, _HEADER)
    return told


def _text(media: str) -> dict[str, Any]:
    """The schema of a body that is no JSON: none for bytes."""
    return {} if media == ANY_TYPE else {"type": "string"}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "schema": parameter.schema,
    }
    if parameter.place == "path":
        told["required"] = True
    if parameter.description:
        told["description"] = parameter.description
    return told
