"""The routes of the service: what is read off its URL patterns, as they run, and what describes them."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern

from dicomhub.dicomweb.view import DicomWebView, NoSuchResource

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_LEVELS = ("instance", "series", "study")


@dataclass(frozen=True, slots=True)
class Route:
    """template: "/studies/{study}". views: the class behind each method but HEAD and OPTIONS."""

    template: str
    views: Mapping[str, type[DicomWebView]]

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(segment for segment in self.template.split("/") if segment)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(segment[1:-1] for segment in self.segments if segment.startswith("{"))

    @property
    def level(self) -> str:
        """What its UIDs name: "study", "series", "instance", or "" where there are none."""
        return next((level for level in _LEVELS if level in self.parameters), "")

    @property
    def last_word(self) -> str:
        """The last segment that is no parameter: "studies", "metadata"."""
        return next((each for each in reversed(self.segments) if not each.startswith("{")), "")

    @property
    def allowed(self) -> tuple[str, ...]:
        """For an Allow header. RFC 9110 10.2.1."""
        head = {"HEAD"} if "GET" in self.views else set()
        return tuple(sorted({*self.views, *head, "OPTIONS"}))


def route_of(pattern: URLPattern) -> Route | None:
    """None for a pattern that only says that there is nothing."""
    views = _views_of(pattern.callback)
    if NoSuchResource in views.values():
        return None
    return Route("/" + _PARAMETER.sub(r"{\1}", str(pattern.pattern)), views)


def routes_of(patterns: Iterable[URLPattern]) -> tuple[Route, ...]:
    return tuple(route for pattern in patterns if (route := route_of(pattern)) is not None)


def _views_of(callback: Callable[..., Any]) -> dict[str, type[DicomWebView]]:
    """A view for each method, or one view that says which it has."""
    by_method: dict[str, type[DicomWebView]] | None = getattr(callback, "views", None)
    if by_method is not None:
        return by_method
    view: type[DicomWebView] = callback.cls  # type: ignore[attr-defined] # set by as_view
    return dict.fromkeys(view.scopes, view)
