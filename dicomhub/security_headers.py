"""What a browser may do with our pages: Content-Security-Policy, by the kind of page.

The other headers of this kind are Django's own (SecurityMiddleware, X-Frame-Options).
"""

from collections.abc import Callable, Mapping

from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "Content-Security-Policy"

# Data for programs: whatever a stored file holds, a browser that shows it runs nothing of it.
_DATA: Mapping[str, str] = {"default-src": "'none'", "frame-ancestors": "'none'", "sandbox": ""}
_PAGE: Mapping[str, str] = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",
    "style-src": "'self' 'unsafe-inline'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
# unfold's pages have scripts of their own in them, and Alpine compiles what stands in their attributes.
_ADMIN: Mapping[str, str] = {**_PAGE, "script-src": "'self' 'unsafe-inline' 'unsafe-eval'"}


def _header(policy: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {sources}".strip() for name, sources in policy.items())


PAGE_POLICY = _header(_PAGE)
"""For a page whose scripts are files of ours."""
_POLICIES = (
    ("/admin/", _header(_ADMIN)),
    *((prefix, _header(_DATA)) for prefix in ("/dicom-web/", "/tenants/", "/wado")),
)


class SecurityHeaders:
    """Middleware: a view's own policy is left as it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        for prefix, policy in _POLICIES:
            if request.path_info.startswith(prefix):
                response.setdefault(HEADER, policy)
        return response
