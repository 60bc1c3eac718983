"""Tenants and application entities, and what the receiving side learns of them."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from dicomhub.environment import Environment
from dicomhub.intake.admission import AdmissionSnapshot, TenantAdmission, read_admission
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.tenants.models import ApplicationEntity, Tenant
from dicomhub.tenants.services import publish_admission

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _the_store_of_this_test(settings: Settings, environment: Environment):
    settings.ENVIRONMENT = environment


def test_the_default_tenant_is_there_from_the_start():
    assert list(Tenant.objects.values_list("name", flat=True)) == ["default"]


def test_the_snapshot_holds_tenants_policies_and_ae_titles(store: FilesystemStore):
    north = Tenant.objects.create(name="north", duplicate_policy="reject")
    ApplicationEntity.objects.create(ae_title="NORTH", role="called", tenant=north)
    ApplicationEntity.objects.create(ae_title="CT1", role="calling", tenant=north)
    publish_admission(store)
    assert read_admission(store) == AdmissionSnapshot(
        tenants={
            "default": TenantAdmission(tenant="default"),
            "north": TenantAdmission(tenant="north", duplicate_policy="reject"),
        },
        called_ae_titles={"NORTH": "north"},
        calling_ae_titles={"CT1": "north"},
    )


def test_every_change_is_published_when_it_is_committed(
    store: FilesystemStore, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        north = Tenant.objects.create(name="north")
        entity = ApplicationEntity.objects.create(ae_title="NORTH", role="called", tenant=north)
        assert "north" not in read_admission(store).tenants
    assert read_admission(store).called_ae_titles == {"NORTH": "north"}
    with django_capture_on_commit_callbacks(execute=True):
        entity.delete()
    assert read_admission(store).called_ae_titles == {}
    with django_capture_on_commit_callbacks(execute=True):
        north.duplicate_policy = "reject"
        north.save()
    assert read_admission(store).tenants["north"].duplicate_policy == "reject"
    with django_capture_on_commit_callbacks(execute=True):
        north.delete()
    assert set(read_admission(store).tenants) == {"default"}


@pytest.mark.parametrize("name", ["", "North", "a b", "a/b", "..", "metadata", "incoming", "x" * 65, "größe"])
def test_names_that_cannot_be_a_folder_of_the_store_are_refused(name: str):
    with pytest.raises(ValidationError) as refused:
        Tenant(name=name).full_clean()
    assert list(refused.value.message_dict) == ["name"]


@pytest.mark.parametrize("ae_title", ["", "   ", "A\\B", "X" * 17, "TITEL\u00c4", "TAB\t", " PADDED"])
def test_values_that_are_no_ae_title_are_refused(ae_title: str):
    with pytest.raises(ValidationError) as refused:
        ApplicationEntity(ae_title=ae_title, tenant_id="default").full_clean()
    assert list(refused.value.message_dict) == ["ae_title"]


def test_an_ae_title_has_one_tenant_in_each_role():
    Tenant.objects.create(name="north")
    ApplicationEntity.objects.create(ae_title="CT1", role="called", tenant_id="default")
    ApplicationEntity.objects.create(ae_title="CT1", role="calling", tenant_id="north")
    second = ApplicationEntity(ae_title="CT1", role="called", tenant_id="north")
    with pytest.raises(ValidationError, match="assigned in this role already"):
        second.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        second.save()
