"""The rules of admission in the admin: what is written, checked and published."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from dicomhub.intake.admission import Restriction, TenantAttribute, read_admission
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.tenants.models import AdmissionPolicy, ApplicationEntity, Tenant, TenantValue

POLICY = "/admin/tenants/admissionpolicy/1/change/"
ENTITY = "/admin/tenants/applicationentity/add/"
OPEN = {"called_ae_titles": "open", "calling_ae_titles": "open", "unknown_tenant_values": "accept"}
CT = "1.2.840.10008.5.1.4.1.1.2"


def text(answer) -> str:
    return answer.content.decode()


def test_the_menu_leads_to_the_one_policy(browser: Client):
    assert 'href="/admin/tenants/admissionpolicy/"' in text(browser.get("/admin/"))
    answer = browser.get("/admin/tenants/admissionpolicy/")
    assert (answer.status_code, answer["Location"]) == (302, POLICY)
    assert browser.get(POLICY).status_code == 200
    assert browser.get("/admin/tenants/admissionpolicy/add/").status_code == 403


def test_who_may_not_see_it_does_not(db: None, client: Client):
    client.force_login(User.objects.create_user("guest", is_staff=True))
    assert client.get("/admin/tenants/admissionpolicy/").status_code == 403


def test_what_is_saved_is_published(
    browser: Client,
    store: FilesystemStore,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
):
    north = Tenant.objects.create(name="north")
    TenantValue.objects.create(value="North Hospital", tenant=north)
    policy = {
        "called_ae_titles": "closed",
        "calling_ae_titles": "open",
        "networks": "192.0.2.0/24, 2001:db8::/32\n192.0.2.7 192.0.2.7",
        "sop_classes": f"CTImageStorage\n{CT}",
        "tenant_attribute": "(0029,1010)",
        "private_creator": "DICOMHUB",
        "unknown_tenant_values": "refuse",
    }
    entity = {"ae_title": "CT1", "role": "calling", "tenant": "north", "networks": "::1"}
    with django_capture_on_commit_callbacks(execute=True):
        assert browser.post(POLICY, policy).status_code == 302
        assert browser.post(ENTITY, entity).status_code == 302
    snapshot = read_admission(store)
    assert (snapshot.are_called_titles_closed, snapshot.are_calling_titles_closed) == (True, False)
    assert snapshot.default_restriction == Restriction(
        networks=("192.0.2.0/24", "2001:db8::/32", "192.0.2.7/32"), sop_class_uids=(CT, CT)
    )
    assert snapshot.calling_restrictions == {"CT1": Restriction(networks=("::1/128",))}
    assert snapshot.called_restrictions == {}
    assert snapshot.tenant_attribute == TenantAttribute(
        tag="00291010",
        private_creator="DICOMHUB",
        tenants={"North Hospital": "north"},
        is_unknown_refused=True,
    )


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ({"networks": "192.0.2.7/24"}, "an address within 192.0.2.0/24"),
        ({"networks": "192.0.2.0/24\nhospital"}, "“hospital” is neither an address nor a network"),
        ({"networks": "300.1.1.1"}, "“300.1.1.1” is neither"),
        ({"sop_classes": "CTImage"}, "neither a UID nor the keyword"),
        ({"sop_classes": "1.2.840.10008.5.1.4.1.2.2.1"}, "which is not stored"),
        ({"tenant_attribute": "Hospital"}, "neither a keyword nor a tag"),
        ({"tenant_attribute": "Rows"}, "that is text"),
        ({"tenant_attribute": "00020010"}, "no attributes of that group"),
        ({"tenant_attribute": "00290010", "private_creator": "X"}, "an element of 1000 or more"),
        ({"tenant_attribute": "00291010"}, "found by its private creator"),
        ({"tenant_attribute": "InstitutionName", "private_creator": "X"}, "Only a private attribute"),
        ({"private_creator": "X"}, "Only a private attribute"),
        ({"called_ae_titles": "ajar"}, "not one of the available choices"),
    ],
)
def test_what_makes_no_sense_is_answered_with_the_reason(browser: Client, written, reason):
    answer = browser.post(POLICY, OPEN | written)
    assert answer.status_code == 200
    assert reason in text(answer)
    assert not AdmissionPolicy.objects.exclude(networks="", sop_classes="", tenant_attribute="").exists()


def test_who_locks_everybody_out_is_told(browser: Client):
    answer = browser.post(POLICY, OPEN | {"calling_ae_titles": "closed"}, follow=True)
    assert "Nobody may send now" in text(answer)
    ApplicationEntity.objects.create(ae_title="CT1", role="calling", tenant_id="default")
    answer = browser.post(POLICY, OPEN | {"calling_ae_titles": "closed"}, follow=True)
    assert "Nobody may send now" not in text(answer)


def test_a_value_names_one_tenant(browser: Client):
    TenantValue.objects.create(value="North", tenant_id="default")
    values = {
        "name": "north",
        "duplicate_policy": "replace",
        "application_entities-TOTAL_FORMS": "0",
        "application_entities-INITIAL_FORMS": "0",
        "values-TOTAL_FORMS": "1",
        "values-INITIAL_FORMS": "0",
        "values-0-value": "North",
    }
    assert "names a tenant already" in text(browser.post("/admin/tenants/tenant/add/", values))
    assert not Tenant.objects.filter(name="north").exists()
