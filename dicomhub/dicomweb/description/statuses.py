"""What a status means here, in a line: for OpenAPI and the conformance statement. PS3.18 8.5."""

MEANINGS: dict[int, str] = {
    200: "All of it.",
    202: "Stored in part, or with warnings; the body says what became of each instance.",
    204: "There is nothing to say more.",
    206: "A part: what is left out, a Warning header or Content-Range says.",
    304: "As the client has it.",
    400: "A malformed UID, media type, parameter or body.",
    401: "Who asks has to say who they are.",
    403: "Who asks may not do this.",
    404: "No such tenant, study, series, instance, value or route.",
    405: "The resource has no such method; Allow has those it has.",
    406: "Nothing that can be had is acceptable; the body lists what can be had.",
    408: "The body did not go on.",
    409: "Nothing of it could be stored; the body says why.",
    410: "It was here, and was deleted.",
    412: "A condition of the request does not hold.",
    413: "Too much at once.",
    415: "A media type that cannot be stored.",
    416: "The range is outside of the value.",
    429: "Too many requests at a time; Retry-After says when to come again.",
    503: "It cannot be done at the moment; Retry-After says when to come again.",
}
