"""Deleting and restoring in the admin."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from dicomhub.archive.models import Series, Study
from dicomhub.deletion.models import Deletion
from dicomhub.storage.filesystem import FilesystemStore
from tests.archive.building import archived, header, index

STUDIES, SERIES = "/admin/archive/study/", "/admin/archive/series/"
DELETIONS = "/admin/deletion/deletion/"


@pytest.fixture
def study(db: None, store: FilesystemStore) -> Study:
    instances = [archived(store, f"1.{number}", size_bytes=2048) for number in range(3)]
    index(store, "b1", *instances, header=header(PatientID="P1", PatientName="Doe^Jane", Modality="CT"))
    return Study.objects.get()


def chosen(row: Study | Series, **more: str) -> dict[str, str]:
    return {"action": "delete_from_archive", "_selected_action": str(row.pk), **more}


def said(browser: Client, url: str, data: dict[str, str]) -> list[str]:
    return [str(message) for message in browser.post(url, data, follow=True).context["messages"]]


@pytest.mark.parametrize(("model", "url"), [(Study, STUDIES), (Series, SERIES)])
def test_what_is_to_be_deleted_is_told_before_it_is(
    browser: Client, study: Study, store: FilesystemStore, model: type, url: str
):
    row = model.objects.get()
    name = f"admin:archive_{model.__name__.lower()}"
    for question in (
        browser.post(url, chosen(row)),
        browser.get(reverse(f"{name}_delete_this", args=(row.pk,))),
    ):
        content = question.content.decode()
        assert "3 instances, 6.0" in content
        assert "kept for 30 days" in content
        assert "Doe, Jane" in content
    assert not Deletion.objects.exists()
    assert said(browser, url, chosen(row, confirmed="yes", reason="wrong patient")) == [
        "Instances deleted from the archive: 3."
    ]
    (deletion,) = Deletion.objects.all()
    assert (deletion.level, deletion.requested_by, deletion.source, deletion.reason) == (
        model.__name__.lower(),
        "admin",
        "admin",
        "wrong patient",
    )
    assert not Study.objects.exists()


def test_who_may_only_look_cannot_delete_or_restore(client: Client, study: Study):
    guest = User.objects.create_user("guest", is_staff=True)
    guest.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(guest)
    assert "Delete from the archive" not in client.get(STUDIES).content.decode()
    client.post(STUDIES, chosen(study, confirmed="yes", reason="-"))
    assert client.get(reverse("admin:archive_study_delete_this", args=(study.pk,))).status_code == 403
    assert not Deletion.objects.exists()
    guest.user_permissions.add(Permission.objects.get(codename="add_deletion"))
    client.force_login(User.objects.get(pk=guest.pk))
    assert "Delete from the archive" in client.get(STUDIES).content.decode()
    client.post(STUDIES, chosen(study, confirmed="yes", reason="-"))
    (deletion,) = Deletion.objects.all()
    client.post(DELETIONS, {"action": "restore_selected", "_selected_action": deletion.pk})
    assert Deletion.objects.get().state == Deletion.State.DONE


def test_a_deletion_says_who_and_why_and_is_restored_when_told(browser: Client, study: Study):
    browser.post(STUDIES, chosen(study, confirmed="yes", reason="came <b>twice</b>"))
    (deletion,) = Deletion.objects.all()
    for url in (DELETIONS, reverse("admin:deletion_deletion_change", args=(deletion.pk,))):
        content = browser.get(url).content.decode()
        assert "came &lt;b&gt;twice&lt;/b&gt;" in content
    restore = {"action": "restore_selected", "_selected_action": deletion.pk}
    assert said(browser, DELETIONS, restore) == ["Deletions on their way back: 1."]
    assert Deletion.objects.get().state == Deletion.State.RESTORING
    assert said(browser, DELETIONS, restore) == ["There is nothing to restore."]
