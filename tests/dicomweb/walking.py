"""Every route of DICOMweb, as the URL configuration has them, and what each asks of its callers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT")
STUDY = "1.2.840.1.1"
_STUDY = "studies/<str:study>"
_SERIES = f"{_STUDY}/series/<str:series>"
_INSTANCE = f"{_SERIES}/instances/<str:instance>"
_FRAMES = f"{_INSTANCE}/frames/<str:frames>"

_SEARCH = {"GET": "search"}
_READ = {"GET": "read"}
# What a method asks for. Whatever is not here is answered 405 to whoever belongs to the tenant.
SCOPES: Mapping[str, Mapping[str, str]] = {
    "studies": _SEARCH | {"POST": "store"},
    "series": _SEARCH,
    "instances": _SEARCH,
    f"{_STUDY}/series": _SEARCH,
    f"{_STUDY}/instances": _SEARCH,
    f"{_SERIES}/instances": _SEARCH,
    _STUDY: _READ | {"POST": "store", "DELETE": "delete"},
    _SERIES: _READ | {"DELETE": "delete"},
    _INSTANCE: _READ | {"DELETE": "delete"},
    **{
        f"{resource}/{part}": _READ
        for resource in (_STUDY, _SERIES, _INSTANCE, _FRAMES)
        for part in ("metadata", "rendered", "thumbnail", "zip")
    },
    _FRAMES: _READ,
    f"{_INSTANCE}/bulkdata/<path:value>": _READ,
    **{
        f"{level}/{kind}": _READ
        for level in (_STUDY, _SERIES, _INSTANCE)
        for kind in ("bulkdata", "pixeldata")
    },
    "openapi.json": _READ,
    "docs": _READ,
    "": {},
    ".": dict.fromkeys(("GET", "POST", "PUT", "DELETE"), "read"),  # 404 by any method
    "wado": _READ,
}


@dataclass(frozen=True)
class Route:
    """pattern is below the service's root; WADO-URI has no root of its own."""

    pattern: str

    @property
    def scopes(self) -> Mapping[str, str]:
        return SCOPES[self.pattern]

    def path(self, tenant: str, *, study: str = STUDY) -> str:
        """Of the instance below this study, its one series or the study itself: UIDs begin with those above."""
        series, instance = f"{study}.1", f"{study}.1.1"
        values = {"study": study, "series": series, "instance": instance, "frames": "1", "value": "7FE00010"}
        below = re.sub(r"<\w+:(\w+)>", lambda found: values[found[1]], self.pattern)
        if self.pattern == "wado":
            query = f"requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}"
            return f"/tenants/{tenant}/wado?{query}"
        return f"/tenants/{tenant}/dicom-web/{'no/such/thing' if below == '.' else below}"


def routes() -> list[Route]:
    """Fails for one that has no place in SCOPES: say there what it asks for."""
    found = {pattern for pattern in map(_below_the_service, _patterns(get_resolver())) if pattern is not None}
    assert found
    unknown = found - SCOPES.keys()
    assert not unknown, f"routes that SCOPES does not have: {sorted(unknown)}"
    return [Route(pattern) for pattern in sorted(found)]


def _patterns(resolver: URLResolver, above: str = "") -> Iterator[str]:
    for entry in resolver.url_patterns:
        pattern = above + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield pattern
        else:
            yield from _patterns(entry, pattern)


def _below_the_service(pattern: str) -> str | None:
    """None for pages of the admin and the like; all others are DICOMweb's until somebody says otherwise."""
    pattern = pattern.removeprefix("tenants/<str:tenant>/")
    if pattern.startswith("admin/") or pattern in {"healthz", "readyz", "metrics"}:
        return None
    return pattern.removeprefix("dicom-web/")
