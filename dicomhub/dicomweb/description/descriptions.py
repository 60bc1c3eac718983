"""What each method of each view does: the one table that the capabilities, OpenAPI and the documents are of.

A view that is not in it fails the tests, and so does a line of it that no route leads to.
"""

from collections.abc import Callable, Mapping

from dicomhub.dicomweb.delete.views import Delete
from dicomhub.dicomweb.description.of_change import delete, store
from dicomhub.dicomweb.description.of_description import capabilities, openapi_document, try_it
from dicomhub.dicomweb.description.of_rendered import rendered, thumbnail, wado_uri
from dicomhub.dicomweb.description.of_retrieve import bulk_data, frames, metadata, retrieve
from dicomhub.dicomweb.description.of_search import search
from dicomhub.dicomweb.description.operation import Operation
from dicomhub.dicomweb.description.route import Route
from dicomhub.dicomweb.description.views import Capabilities, OpenApiDocument, TryIt
from dicomhub.dicomweb.rendered.views import Rendered, Thumbnail
from dicomhub.dicomweb.retrieve.bulk_views import BulkData, Frames
from dicomhub.dicomweb.retrieve.views import Metadata, Retrieve
from dicomhub.dicomweb.search.views import Search
from dicomhub.dicomweb.store.views import Store
from dicomhub.dicomweb.view import DicomWebView
from dicomhub.dicomweb.wado_uri.views import WadoUri

DESCRIPTIONS: Mapping[tuple[type[DicomWebView], str], Callable[[Route], Operation]] = {
    (Capabilities, "OPTIONS"): capabilities,
    (OpenApiDocument, "GET"): openapi_document,
    (TryIt, "GET"): try_it,
    (Search, "GET"): search,
    (Retrieve, "GET"): retrieve,
    (Metadata, "GET"): metadata,
    (BulkData, "GET"): bulk_data,
    (Frames, "GET"): frames,
    (Rendered, "GET"): rendered,
    (Thumbnail, "GET"): thumbnail,
    (Store, "POST"): store,
    (Delete, "DELETE"): delete,
    (WadoUri, "GET"): wado_uri,
}


class NotDescribed(LookupError):
    """A method of a route has no line in DESCRIPTIONS."""


def operation_of(route: Route, method: str) -> Operation:
    """Raises NotDescribed."""
    try:
        describe = DESCRIPTIONS[route.views[method], method]
    except KeyError:
        raise NotDescribed(f"{method} {route.template}") from None
    return describe(route)
