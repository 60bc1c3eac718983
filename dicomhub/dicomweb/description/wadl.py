"""The capabilities of a resource as a WADL document. PS3.18 8.9, H."""

from collections.abc import Iterable, Iterator

from dicomhub.dicomweb.description.descriptions import operation_of
from dicomhub.dicomweb.description.operation import Operation, Parameter
from dicomhub.dicomweb.description.parameters import ACCEPT
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.description.wadl_element import Element
from dicomhub.dicomweb.http.negotiation import JSON


def capabilities(routes: Iterable[Route], target: Route, base_url: str) -> Element:
    """All methods of target and of every resource below it."""
    depth = len(target.segments)
    below = [route for route in routes if route.segments[:depth] == target.segments]
    resource = _resource("/".join(target.segments) or "/", below, depth)
    return Element("application", children=[Element("resources", {"base": base_url}, [resource])])


def _resource(path: str, routes: Iterable[Route], depth: int) -> Element:
    """The resource that is depth segments down these routes, and the tree of those below it."""
    methods: list[Element] = []
    below: dict[str, list[Route]] = {}
    for route in routes:
        if len(route.segments) == depth:
            methods += _methods(route)
        else:
            below.setdefault(route.segments[depth], []).append(route)
    parameters = [
        Element("param", {"name": segment[1:-1], "style": "template", "required": "true"})
        for segment in path.split("/")
        if segment.startswith("{")
    ]
    children = [_resource(segment, within, depth + 1) for segment, within in below.items()]
    return Element("resource", {"path": path}, [*parameters, *methods, *children])


def _methods(route: Route) -> Iterator[Element]:
    for method in sorted(route.views):
        if method != "OPTIONS":  # the transaction that gives this document has no place in it (H)
            yield _method(method, operation_of(route, method))


def _method(method: str, operation: Operation) -> Element:
    request = [_parameter(parameter, operation) for parameter in operation.parameters]
    request += [Element("representation", {"mediaType": each.media_type}) for each in operation.takes]
    given = tuple(each.media_type for each in operation.gives)
    return Element(
        "method",
        {"name": method, "id": operation.transaction.title().replace(" ", "")},
        [
            Element("doc", {"title": operation.transaction}, text=operation.description),
            Element("request", children=request),
            _response(operation.successes, given),
            _response(operation.failing, (JSON,)),
        ],
    )


def _parameter(parameter: Parameter, operation: Operation) -> Element:
    attributes = {"name": parameter.name, "style": parameter.place}
    values: Iterable[str] = parameter.schema.get("enum", ())
    if parameter is ACCEPT:
        values = [option for each in operation.gives for option in each.accepted_as]
        attributes["default"] = operation.gives[0].accepted_as[0]
    return Element("param", attributes, [Element("option", {"value": value}) for value in values])


def _response(statuses: Iterable[int], media_types: Iterable[str]) -> Element:
    representations = [Element("representation", {"mediaType": media_type}) for media_type in media_types]
    return Element("response", {"status": " ".join(map(str, statuses))}, representations)
