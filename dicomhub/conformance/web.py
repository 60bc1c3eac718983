"""The tables of the web side, from the routes and the rooms as they run. PS3.2 N, PS3.18."""

from collections.abc import Iterator

from django.conf import settings

from dicomhub.conformance.blocks import table
from dicomhub.dicomweb.description.descriptions import operation_of
from dicomhub.dicomweb.description.operation import Operation
from dicomhub.dicomweb.description.parameters import NEGOTIATION, search_keys
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.description.routes import ROUTES, WADO_URI
from dicomhub.dicomweb.description.statuses import MEANINGS
from dicomhub.dicomweb.retrieve.renditions import codecs_of
from dicomhub.dicomweb.retrieve.representation import offered_transfer_syntaxes
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES
from tasks.transcode.pool import shared_pool

_LEVELS = ("studies", "series", "instances")


def _operations() -> Iterator[tuple[str, Route, Operation]]:
    for route in (*ROUTES, WADO_URI):
        for method in sorted(route.views):
            yield method, route, operation_of(route, method)


def resources() -> str:
    rows = [
        (method, f"`{route.template}`", operation.transaction, operation.section or "extension")
        for method, route, operation in _operations()
    ]
    return table(("method", "resource", "transaction", "PS3.18"), rows)


def media_types() -> str:
    """A line for each set of media types, and the transactions that have it."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for _, _, operation in _operations():
        given = tuple(option for each in operation.gives for option in each.accepted_as)
        taken = tuple(option for each in operation.takes for option in each.accepted_as)
        found.setdefault((given, taken), []).append(operation.transaction)
    rows = [
        (", ".join(dict.fromkeys(names)), *("<br>".join(f"`{each}`" for each in types) for types in both))
        for both, names in found.items()
    ]
    return table(("transaction", "gives, the default first", "takes"), rows)


def parameters() -> str:
    keys = {name for level in _LEVELS for name, _ in search_keys(level)}
    found: dict[tuple[str, str, str], list[str]] = {}
    for _, _, operation in _operations():
        for each in operation.parameters:
            if each not in NEGOTIATION and each.name not in keys:
                found.setdefault((each.name, each.place, each.description), []).append(operation.transaction)
    common = [(f"`{each.name}`", each.place, each.description, "all") for each in NEGOTIATION]
    rows = [
        (f"`{name}`", place, text, ", ".join(dict.fromkeys(transactions)))
        for (name, place, text), transactions in found.items()
    ]
    return table(("parameter", "in", "meaning", "transactions"), [*common, *rows])


def statuses() -> str:
    by_status: dict[int, list[str]] = {}
    operations = [operation for _, _, operation in _operations()]
    for operation in operations:
        for status in operation.statuses:
            by_status.setdefault(status, []).append(operation.transaction)
    rows = [
        (
            status,
            MEANINGS[status],
            "all" if len(names) == len(operations) else ", ".join(dict.fromkeys(names)),
        )
        for status, names in sorted(by_status.items())
    ]
    return table(("status", "meaning", "transactions"), rows)


def query_attributes() -> str:
    keys = {level: dict(search_keys(level)) for level in _LEVELS}
    every = dict(sorted({name: vr for each in keys.values() for name, vr in each.items()}.items()))
    rows = [
        (name, vr, *("yes" if name in keys[level] else "" for level in _LEVELS)) for name, vr in every.items()
    ]
    return table(("key", "VR", *_LEVELS), rows)


def retrieved_transfer_syntaxes() -> str:
    """As what an instance of each transfer syntax can be had, by the codecs of this installation."""
    codecs = codecs_of(shared_pool(settings.ENVIRONMENT.codec))
    rows = []
    for uid, syntax in TRANSFER_SYNTAXES.items():
        offered = offered_transfer_syntaxes(uid, is_decodable=uid in codecs.decodable)
        own = "yes" if uid in offered else "no"
        others = ", ".join(each for each in offered if each != uid)
        rows.append((syntax.name, uid, own, others, ", ".join(codecs.decoders_of(uid))))
    return table(("stored as", "UID", "as stored", "also as", "decoders"), rows)
