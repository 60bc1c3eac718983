from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db import connections, transaction
from django.db.models.signals import post_delete, post_migrate, post_save


class TenantsConfig(AppConfig):
    name = "dicomhub.tenants"
    label = "tenants"

    def ready(self) -> None:
        for model in ("Tenant", "ApplicationEntity", "AdmissionPolicy", "TenantValue"):
            for signal in (post_save, post_delete):
                signal.connect(_publish_on_commit, sender=self.get_model(model), dispatch_uid=model)
        post_migrate.connect(_publish_after_migrate, sender=self, dispatch_uid=self.label)


def _publish_on_commit(*, using: str, **_signal: Any) -> None:
    transaction.on_commit(_publish, using=using)


def _publish_after_migrate(*, using: str, **_signal: Any) -> None:
    """The receiving side finds a snapshot from the start, and the default tenant outlives a flush."""
    from dicomhub.tenants.services import (  # noqa: PLC0415 - see _publish
        ensure_admission_policy,
        ensure_default_tenant,
    )

    # Not after migrating to zero, nor to a state before there was a policy.
    if "tenants_admissionpolicy" in connections[using].introspection.table_names():
        ensure_default_tenant()
        ensure_admission_policy()
        _publish()


def _publish() -> None:
    # Models can be imported only after every application is loaded.
    from dicomhub.storage.filesystem import open_store  # noqa: PLC0415
    from dicomhub.tenants.services import publish_admission  # noqa: PLC0415

    publish_admission(open_store(settings.ENVIRONMENT))
