"""Tenants and application entities in the admin."""

from django.test import Client
from django.urls import reverse

from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.tenants.models import ApplicationEntity, Tenant
from tests.archive.building import archived, header, index

LIST = "/admin/tenants/tenant/"
NO_VALUES = {
    "values-TOTAL_FORMS": "0",
    "values-INITIAL_FORMS": "0",
    "transcode_policy-TOTAL_FORMS": "0",
    "transcode_policy-INITIAL_FORMS": "0",
    "memberships-TOTAL_FORMS": "0",
    "memberships-INITIAL_FORMS": "0",
}
NO_ENTITIES = {
    "application_entities-TOTAL_FORMS": "0",
    "application_entities-INITIAL_FORMS": "0",
    **NO_VALUES,
}


def page(name: str, tenant: str) -> str:
    return reverse(f"admin:tenants_tenant_{name}", args=(tenant,))


def test_a_tenant_is_added_with_its_ae_titles(browser: Client):
    values = {
        "name": "north",
        "title": "North Hospital",
        "duplicate_policy": "reject",
        "application_entities-TOTAL_FORMS": "1",
        "application_entities-INITIAL_FORMS": "0",
        "application_entities-0-ae_title": "NORTH",
        "application_entities-0-role": "called",
        **NO_VALUES,
    }
    answer = browser.post(f"{LIST}add/", values)
    assert answer.status_code == 302
    assert ApplicationEntity.objects.get().tenant.title == "North Hospital"


def test_a_name_that_is_none_is_answered_with_the_reason(browser: Client):
    values = {"name": "metadata", "duplicate_policy": "replace", **NO_ENTITIES}
    answer = browser.post(f"{LIST}add/", values)
    assert "is a directory of the store" in answer.content.decode()
    assert not Tenant.objects.filter(name="metadata").exists()


def test_a_tenants_name_never_changes(browser: Client):
    values = {"name": "other", "title": "Main", "duplicate_policy": "replace", **NO_ENTITIES}
    browser.post(page("change", "default"), values)
    assert list(Tenant.objects.values_list("name", "title")) == [("default", "Main")]


def test_the_default_tenant_stays(browser: Client):
    assert browser.post(page("delete", "default"), {"post": "yes"}).status_code == 403


def test_a_tenant_with_images_stays(browser: Client, store: FilesystemStore):
    index(store, "b", archived(store, "1.1", tenant="north"), header=header(PatientID="P1"))
    browser.post(page("delete", "north"), {"post": "yes"})
    assert Tenant.objects.filter(name="north").exists()


def test_an_empty_tenant_goes(browser: Client, db: None):
    Tenant.objects.create(name="north")
    browser.post(page("delete", "north"), {"post": "yes"})
    assert not Tenant.objects.filter(name="north").exists()


def test_people_and_entities_have_their_lists(browser: Client):
    for url in (
        "/admin/",
        "/admin/auth/user/",
        "/admin/auth/group/",
        "/admin/tenants/applicationentity/",
        LIST,
    ):
        answer = browser.get(url)
        assert (answer.status_code, "dicomhub" in answer.content.decode()) == (200, True)
