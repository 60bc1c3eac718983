"""Patients, studies and series in the admin: down and up, found, filtered, and never edited."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from dicomhub.archive.models import Patient, Series, Study
from dicomhub.storage.filesystem import FilesystemStore
from tests.archive.building import archived, header, index

LEVELS = (Patient, Study, Series)


def listing(model: type) -> str:
    return reverse(f"admin:archive_{model.__name__.lower()}_changelist")


def page(row: Patient | Study | Series) -> str:
    return reverse(f"admin:archive_{type(row).__name__.lower()}_change", args=(row.pk,))


def add_study(store: FilesystemStore, number: int, *, series: int = 1, **attributes: object) -> Study:
    study = f"1.2.{number}"
    instances = [
        archived(store, f"{study}.{each}.1", study=study, series=f"{study}.{each}", size_bytes=2_000_000)
        for each in range(1, series + 1)
    ]
    values = {"PatientID": f"P{number}", "PatientName": f"Doe^John{number}", "Modality": "CT"} | attributes
    index(store, study, *instances, header=header(**values))
    return Study.objects.get(study_instance_uid=study)


def test_from_the_patient_down_to_the_instances_and_up_again(browser: Client, store: FilesystemStore):
    study = add_study(store, 1, series=2, StudyDate="20260102", StudyDescription="Abdomen")
    series = study.series.earliest("pk")
    of_patient = browser.get(page(study.patient)).content.decode()
    assert f'href="{page(study)}"' in of_patient
    assert "Doe, John1" in of_patient
    of_study = browser.get(page(study)).content.decode()
    assert f'href="{page(study.patient)}"' in of_study
    assert f'href="{page(series)}"' in of_study
    assert "2 series, 2 instances, 3.8\xa0MB" in of_study
    of_series = browser.get(page(series)).content.decode()
    assert f'href="{page(study.patient)}"' in of_series
    assert f'href="{page(study)}"' in of_series
    assert 'href="/dicom-web/studies/1.2.1/series/1.2.1.1/instances/1.2.1.1.1"' in of_series
    assert "1.9\xa0MB" in of_series


def test_another_tenants_instances_are_linked_to_its_dicomweb(browser: Client, store: FilesystemStore):
    instance = archived(store, "1.1", tenant="north")
    index(store, "b", instance, header=header(PatientID="P1"))
    of_series = browser.get(page(Series.objects.get())).content.decode()
    assert 'href="/tenants/north/dicom-web/studies/' in of_series


def test_a_series_of_many_instances_is_shown_a_page_at_a_time(browser: Client, store: FilesystemStore):
    instances = [archived(store, f"1.2.1.1.{number}", size_bytes=1) for number in range(1001, 1151)]
    index(store, "b", *instances, header=header(PatientID="P1"))
    url = page(Series.objects.get())
    first, second = (browser.get(url, {"children_page": number}).content.decode() for number in (1, 2))
    assert ("1.2.1.1.1100<" in first, "1.2.1.1.1101<" in first) == (True, False)
    assert ("1.2.1.1.1100<" in second, "1.2.1.1.1150<" in second) == (False, True)
    assert "101 to 150 of 150" in second


@pytest.mark.parametrize(
    ("model", "search"),
    [
        (Patient, "john2"),
        (Patient, "Doe, John2"),
        (Patient, "MÜLLER"),
        (Patient, "P2"),
        (Study, "muller john2"),
        (Study, "ACC2"),
        (Study, "1.2.2"),
        (Study, "P2"),
        (Series, "1.2.2.1"),
        (Series, "acc2"),
    ],
)
def test_search(browser: Client, store: FilesystemStore, model: type, search: str):
    add_study(store, 1, AccessionNumber="ACC1")
    name = "Müller^Doe John2"
    add_study(store, 2, AccessionNumber="ACC2", PatientName=name, SpecificCharacterSet="ISO_IR 192")
    found = browser.get(listing(model), {"q": search}).context["cl"].queryset
    assert [row.pk for row in found] == [model.objects.latest("pk").pk]


@pytest.mark.parametrize(
    ("model", "query", "count"),
    [
        (Study, {"modality": "MR"}, 1),
        (Study, {"study_date_from": "2026-01-02", "study_date_to": "2026-01-31"}, 1),
        (Study, {"tenant__name__exact": "default"}, 2),
        (Series, {"modality": "MR"}, 1),
        (Series, {"study__study_date_from": "2026-01-02"}, 1),
        (Patient, {"patient_birth_date_to": "1970-12-31"}, 1),
    ],
)
def test_filters(browser: Client, store: FilesystemStore, model: type, query: dict[str, str], count: int):
    add_study(store, 1, StudyDate="20260101", Modality="CT", PatientBirthDate="19800101")
    add_study(store, 2, StudyDate="20260115", Modality="MR", PatientBirthDate="19700101")
    assert browser.get(listing(model), query).context["cl"].queryset.count() == count


@pytest.mark.parametrize("model", LEVELS)
def test_a_list_costs_as_many_queries_for_one_row_as_for_many(
    browser: Client,
    store: FilesystemStore,
    django_assert_max_num_queries: DjangoAssertNumQueries,
    model: type,
):
    for number in range(1, 12):
        add_study(store, number)
    with django_assert_max_num_queries(9):
        content = browser.get(listing(model)).content.decode()
    assert content.count("default") >= 11


def test_a_page_costs_as_many_queries_for_one_child_as_for_many(
    browser: Client, store: FilesystemStore, django_assert_max_num_queries: DjangoAssertNumQueries
):
    study = add_study(store, 1, series=12)
    for row in (study.patient, study, study.series.earliest("pk")):
        with django_assert_max_num_queries(7):
            assert browser.get(page(row)).status_code == 200


@pytest.mark.parametrize("model", LEVELS)
def test_nobody_adds_changes_or_deletes_what_came_with_the_images(
    browser: Client, store: FilesystemStore, model: type
):
    add_study(store, 1)
    row = model.objects.get()
    name = f"admin:archive_{model.__name__.lower()}"
    assert browser.get(reverse(f"{name}_add")).status_code == 403
    assert browser.post(page(row), {"patient_id": "other"}).status_code == 403
    assert browser.post(reverse(f"{name}_delete", args=(row.pk,)), {"post": "yes"}).status_code == 403


def test_without_permission_to_view_there_is_nothing_to_see(client: Client, store: FilesystemStore, db: None):
    study = add_study(store, 1)
    client.force_login(User.objects.create_user("guest", is_staff=True))
    assert client.get(listing(Study)).status_code == 403
    assert client.get(page(study)).status_code == 403


def test_values_of_a_sender_are_shown_as_text_not_as_markup(browser: Client, store: FilesystemStore):
    study = add_study(store, 1, PatientName="<script>x</script>^y", StudyDescription="<b>z</b>")
    for url in (listing(Study), page(study), page(study.patient), page(study.series.get())):
        content = browser.get(url).content.decode()
        assert "<script>x" not in content
        assert "<b>z" not in content


def test_lists_can_be_sorted_by_what_a_row_holds(browser: Client, store: FilesystemStore):
    for number, series in ((1, 1), (2, 3), (3, 2)):
        add_study(store, number, series=series)
    more = archived(store, "9.1.1", study="9", series="9.1")
    index(store, "more", more, header=header(PatientID="P3", PatientName="Doe^John3"))
    studies = browser.get(listing(Study), {"o": "-6.-7"}).context["cl"].result_list
    assert [row.number_of_series for row in studies] == [3, 2, 1, 1]
    patients = browser.get(listing(Patient), {"o": "-4"}).context["cl"].result_list
    assert [row.study_count for row in patients] == [2, 1, 1]
