"""The web side's routes."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from dicomhub.console.associations import associations
from dicomhub.console.dashboard import dashboard
from dicomhub.console.warehouse import warehouse
from dicomhub.dicomweb.description.urls import urlpatterns as dicomweb
from dicomhub.dicomweb.wado_uri.views import WadoUri
from dicomhub.monitoring import health
from dicomhub.monitoring.views import metrics
from dicomhub.transcoding.pages.matrix import matrix, retry

handler400 = "dicomhub.dicomweb.errors.bad_request"
handler404 = "dicomhub.dicomweb.errors.not_found"
handler500 = "dicomhub.dicomweb.errors.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("dicom-web/", include((dicomweb, "dicomweb"))),
    path("tenants/<str:tenant>/dicom-web/", include((dicomweb, "dicomweb"), "tenant-dicomweb")),
    # Before the admin's own, which end with a pattern for everything.
    path("admin/dashboard/", admin.site.admin_view(dashboard), name="dashboard"),
    path("admin/receiving/associations/", admin.site.admin_view(associations), name="live-associations"),
    path("admin/pipeline/warehouse/", admin.site.admin_view(warehouse), name="warehouse"),
    path("admin/pipeline/transcoding/", admin.site.admin_view(matrix), name="transcode-matrix"),
    path("admin/pipeline/transcoding/retry/", admin.site.admin_view(retry), name="transcode-retry"),
    path("admin/", admin.site.urls),
    path("wado", WadoUri.as_view()),
    path("tenants/<str:tenant>/wado", WadoUri.as_view()),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", metrics),
]
