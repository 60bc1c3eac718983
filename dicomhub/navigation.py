"""The admin's title and menu, in unfold's terms."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy


def _may_view(app: str, model: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(f"{app}.view_{model}")


def _item(title: str, icon: str, app: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": _may_view(app, model),
    }


def _group(title: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "items": items}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "dicomhub",
    "SITE_HEADER": "dicomhub",
    "SITE_SYMBOL": "radiology",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {
        "primary": {  # Tailwind's sky
            "50": "oklch(97.7% .013 236.62)",
            "100": "oklch(95.1% .026 236.824)",
            "200": "oklch(90.1% .058 230.902)",
            "300": "oklch(82.8% .111 230.318)",
            "400": "oklch(74.6% .16 232.661)",
            "500": "oklch(68.5% .169 237.323)",
            "600": "oklch(58.8% .158 241.966)",
            "700": "oklch(50% .134 242.749)",
            "800": "oklch(44.3% .11 240.79)",
            "900": "oklch(39.1% .09 240.876)",
            "950": "oklch(29.3% .066 243.157)",
        }
    },
    "SIDEBAR": {
        "navigation": [
            _group(
                "Archive",
                {
                    "title": "Dashboard",
                    "icon": "monitoring",
                    "link": reverse_lazy("dashboard"),
                    "permission": _may_view("archive", "study"),
                },
                _item("Patients", "person", "archive", "patient"),
                _item("Studies", "folder_shared", "archive", "study"),
                _item("Series", "burst_mode", "archive", "series"),
                _item("Deleted", "delete", "deletion", "deletion"),
            ),
            _group(
                "Pipeline",
                _item("Batches", "conveyor_belt", "archive", "batch"),
                {
                    "title": "Transcoding",
                    "icon": "grid_on",
                    "link": reverse_lazy("transcode-matrix"),
                    "permission": _may_view("transcoding", "transcodeattempt"),
                },
                _item("Not rendered", "broken_image", "transcoding", "unrenderedinstance"),
                _item("Transcode attempts", "receipt_long", "transcoding", "transcodeattempt"),
                {
                    "title": "Warehouse",
                    "icon": "warehouse",
                    "link": reverse_lazy("warehouse"),
                    "permission": lambda request: request.user.is_staff,
                },
            ),
            _group(
                "Receiving",
                {
                    "title": "Live associations",
                    "icon": "sensors",
                    "link": reverse_lazy("live-associations"),
                    "permission": lambda request: request.user.is_staff,
                },
                _item("Tenants", "domain", "tenants", "tenant"),
                _item("Application entities", "lan", "tenants", "applicationentity"),
                _item("Admission", "door_front", "tenants", "admissionpolicy"),
            ),
            _group(
                "Access",
                {
                    "title": "DICOMweb",
                    "icon": "api",
                    "link": reverse_lazy("dicomweb:try-it"),
                    "permission": lambda request: request.user.is_staff,
                },
                _item("Users", "badge", "auth", "user"),
                _item("Groups", "groups", "auth", "group"),
                _item("Memberships", "card_membership", "accounts", "tenantmembership"),
                _item("API tokens", "key", "accounts", "apitoken"),
            ),
        ]
    },
}
