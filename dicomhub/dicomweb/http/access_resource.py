"""What a DICOMweb request asks for, by its address alone: for the access log, whatever became of it."""

import re
from dataclasses import dataclass

from dicomhub.intake.admission import DEFAULT_TENANT
from dicomhub.standard.uid import is_uid
from dicomhub.storage.layout import is_tenant

_SERVICE = re.compile(r"/(?:tenants/(?P<tenant>[^/]*)/)?dicom-web(?:/(?P<path>.*))?", re.DOTALL)
_WADO_URI = re.compile(r"/(?:tenants/(?P<tenant>[^/]*)/)?wado", re.DOTALL)
_LEVELS = ("studies", "series", "instances")
_NAMES = ("study", "series", "instance")
_PARTS = frozenset(("metadata", "bulkdata", "pixeldata", "frames", "rendered", "thumbnail"))


@dataclass(frozen=True, slots=True)
class AccessResource:
    """tenant and UIDs are "" where the path names none, or none that could be one."""

    tenant: str
    kind: str
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    sop_instance_uid: str = ""


def access_resource(method: str, path: str, query: str) -> AccessResource | None:
    """None for a path outside of DICOMweb and WADO-URI. query is what stands behind the question mark."""
    match = _SERVICE.fullmatch(path) or _WADO_URI.fullmatch(path)
    if match is None:
        return None
    tenant = match["tenant"] if match["tenant"] is not None else DEFAULT_TENANT
    if match.re is _WADO_URI:
        return AccessResource(tenant if is_tenant(tenant) else "", "wado-uri", *_uids_of_query(query))
    segments = (match["path"] or "").strip("/").split("/")
    uids, rest = _uids(segments)
    return AccessResource(
        tenant if is_tenant(tenant) else "",
        _kind(method, len(uids), rest),
        *(uid if is_uid(uid) else "" for uid in uids),
    )


def _uids(segments: list[str]) -> tuple[list[str], list[str]]:
    """The UIDs of studies/<uid>/series/<uid>/instances/<uid>, and the segments behind them."""
    uids: list[str] = []
    for level in _LEVELS:
        if len(segments) < 2 or segments[0] != level:
            break
        uids.append(segments[1])
        segments = segments[2:]
    return uids, segments


def _uids_of_query(query: str) -> list[str]:
    """Of a WADO-URI request. PS3.18 9.1.2.1."""
    pairs = (pair.partition("=") for pair in query.split("&"))
    values = {name: value for name, _, value in pairs}
    uids = (values.get(name, "") for name in ("studyUID", "seriesUID", "objectUID"))
    return [uid if is_uid(uid) else "" for uid in uids]


def _kind(method: str, levels: int, rest: list[str]) -> str:
    if method == "POST" and (rest == ["studies"] or (levels == 1 and not rest)):
        return "store"
    if method == "DELETE" and levels and not rest:
        return "delete"
    if not rest:
        return _NAMES[levels - 1]
    if len(rest) == 1 and rest[0] in _LEVELS:
        return "search"
    if rest[0] == "frames" and rest[2:] in (["rendered"], ["thumbnail"]):
        return rest[2]
    return rest[0] if levels and rest[0] in _PARTS else "other"
