"""docs/conformance.md, and the tables that are in it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from dicomhub.conformance import dimse, web
from dicomhub.conformance.blocks import renewed

PATH = Path(__file__).resolve().parents[2] / "docs" / "conformance.md"

TABLES: Mapping[str, Callable[[], str]] = {
    "sop-classes": dimse.sop_classes,
    "transfer-syntaxes": dimse.transfer_syntaxes,
    "association-policies": dimse.association_policies,
    "rejections": dimse.rejections,
    "timers": dimse.timers,
    "statuses": dimse.statuses,
    "web-resources": web.resources,
    "web-media-types": web.media_types,
    "web-transfer-syntaxes": web.retrieved_transfer_syntaxes,
    "web-parameters": web.parameters,
    "web-query-attributes": web.query_attributes,
    "web-statuses": web.statuses,
}


def current(document: str) -> str:
    """The statement as it has to be, its hand-written parts as they are. Raises BlocksDiffer."""
    return renewed(document, TABLES)
