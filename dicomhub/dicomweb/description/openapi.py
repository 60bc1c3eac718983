"""The service as an OpenAPI 3.1 document.

The views negotiate by themselves and have no serializers, so there is nothing for drf-spectacular to find
out: what a path does is taken from the descriptions. The frame of the document and its validation are its.
"""

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator

from dicomhub.dicomweb.description import dicom_json
from dicomhub.dicomweb.description.descriptions import operation_of
from dicomhub.dicomweb.description.operation import Operation, Representation
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.description.routes import ROUTES
from dicomhub.dicomweb.description.statuses import MEANINGS
from dicomhub.dicomweb.http.negotiation import JSON

_UID = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)*$", "maxLength": 64}
_PATHS_OF_VALUES = {"type": "string", "pattern": "^([0-9A-F]{8}/[0-9]{1,9}/)*[0-9A-F]{8}$"}
_PATH_SCHEMAS: dict[str, dict[str, Any]] = {
    "study": _UID,
    "series": _UID,
    "instance": _UID,
    "value": _PATHS_OF_VALUES,
    "frames": {"type": "string", "pattern": "^[1-9][0-9]{0,8}(,[1-9][0-9]{0,8})*$"},
}
_ERROR: dict[str, Any] = {
    "type": "object",
    "properties": {
        "error": {"type": "string", "description": "What is wrong."},
        "detail": {"type": "string", "description": "Which part of the request."},
        "request_id": {"type": "string", "description": "What the request is called in the log."},
        "available": {"type": "array", "items": {"type": "string"}, "description": "What can be had."},
    },
    "required": ["error", "detail", "request_id"],
}
_NO_BODY = {204, 304}


class DescribedSchemaGenerator(SchemaGenerator):
    """For `manage.py spectacular`, and for document()."""

    def parse(self, _input_request: Any, _public: Any) -> dict[str, Any]:
        return {
            route.template: {
                method.lower(): _operation(route, method, operation_of(route, method))
                for method in sorted(route.views)
            }
            for route in ROUTES
        }

    def get_schema(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        schema: dict[str, Any] = super().get_schema(*arguments, **named)  # type: ignore[no-untyped-call]
        schema["components"] = {"schemas": {"Error": _ERROR, **dicom_json.SCHEMAS}}
        return schema


@cache
def document() -> dict[str, Any]:
    """The document, without the address of the service."""
    return DescribedSchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]


def _operation(route: Route, method: str, operation: Operation) -> dict[str, Any]:
    words = (method, *(segment.strip("{}").replace(".", "_") for segment in route.segments))
    described: dict[str, Any] = {
        "operationId": "_".join(words).lower(),
        "summary": operation.transaction,
        "description": _text(operation),
        "tags": [operation.transaction.split(" ")[0]],
        "parameters": [*map(_path_parameter, route.parameters), *_parameters(operation)],
        "responses": {
            **{str(status): _success(status, operation) for status in operation.successes},
            **{str(status): _failure(status) for status in operation.failing},
        },
    }
    if operation.takes:
        described["requestBody"] = {"required": True, "content": _content(operation.takes)}
    return described


def _text(operation: Operation) -> str:
    return (
        f"{operation.description} PS3.18 {operation.section}." if operation.section else operation.description
    )


def _path_parameter(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": _PATH_SCHEMAS.get(name, {"type": "string"}),
    }


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    # OpenAPI has Accept from the media types of the responses, and wants no parameter of that name.
    return [
        {
            "name": parameter.name,
            "in": parameter.place,
            "description": parameter.description,
            "schema": dict(parameter.schema),
        }
        for parameter in operation.parameters
        if parameter.name != "Accept"
    ]


def _success(status: int, operation: Operation) -> dict[str, Any]:
    content = {} if status in _NO_BODY else {"content": _content(operation.gives)}
    return {"description": MEANINGS[status], **content}


def _failure(status: int) -> dict[str, Any]:
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {"description": MEANINGS[status], "content": content}


def _content(representations: tuple[Representation, ...]) -> dict[str, Any]:
    return {each.media_type: {"schema": dict(each.schema)} if each.schema else {} for each in representations}
