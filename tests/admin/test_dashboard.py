"""The dashboard: its numbers are those of the rows that were loaded."""

import json
import os
import re
import threading
from datetime import date, timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from dicomhub.archive.models import Patient, Study
from dicomhub.console import dashboard
from dicomhub.environment import Environment
from dicomhub.tenants.models import Tenant
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import Warehouse
from tests.support.waiting import wait_until
from tests.support.warehouse_filling import fill, noon, received
from tests.warehouse.making import image_row, uids

PAGE = "/admin/dashboard/"


@pytest.fixture
def warehouse(environment: Environment) -> Warehouse:
    return open_warehouse(environment.warehouse)


def text(answer) -> str:
    assert answer.status_code == 200
    return unescape(answer.content.decode()).replace("\xa0", " ")


def summary(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))


def card(page: str, name: str) -> str:
    return re.search(rf'<section[^>]*"title-{name}".*?</section>', page, re.DOTALL)[0]


def charts(page: str, name: str) -> list[dict]:
    scripts = re.findall(r'<script type="application/json">(.*?)</script>', card(page, name))
    return [json.loads(script) for script in scripts]


def table(page: str, name: str) -> list[list[str]]:
    """Its rows, as read."""
    body = re.search("<tbody>(.*?)</tbody>", card(page, name), re.DOTALL)[1]
    rows = re.findall("<tr>(.*?)</tr>", body, re.DOTALL)
    return [[re.sub("<.*?>", "", cell) for cell in re.findall("<td.*?>(.*?)</td>", row)] for row in rows]


def series(chart: dict) -> dict[str, list[int]]:
    return {one["name"]: one["values"] for one in chart["series"]}


def test_its_numbers_are_those_of_the_rows(browser: Client, warehouse: Warehouse):
    fill(warehouse)
    page = text(browser.get(PAGE))
    assert summary(page) == {
        "Instances received": "32",
        "Bytes received": "24.4 KB",
        "Instances archived": "37",
        "Archive's size": "24.5 KB",
        "DICOMweb requests": "104",
        "Transcodings failed": "2",
    }
    yesterday, before = noon(1).date(), noon(3).date()
    instances, size_bytes = charts(page, "received_by_modality")
    days = [date.fromisoformat(day) for day in instances["labels"]]
    assert days == [days[0] + timedelta(days=number) for number in range(30)]
    at = days.index(yesterday)
    assert {name: values[at - 2 : at + 1] for name, values in series(instances).items()} == {
        "CT": [10, 0, 20],
        "CR": [0, 0, 2],
    }
    assert series(size_bytes)["CT"][at] == 20_000
    assert sum(map(sum, series(instances).values())) == 32
    assert table(page, "received_by_modality") == [
        [yesterday.isoformat(), "CT", "20", "19.5 KB"],
        [yesterday.isoformat(), "CR", "2", "18 bytes"],
        [before.isoformat(), "CT", "10", "4.9 KB"],
    ]
    assert {name: sum(values) for name, values in series(charts(page, "received_by_source")[0]).items()} == {
        "SCANNER": 30,
        "stow": 2,
    }
    [by_hour] = charts(page, "stores_by_hour")
    assert by_hour["series"][0]["values"] == [0] * 12 + [32] + [0] * 11
    [growth] = charts(page, "growth")
    assert growth["series"][0]["values"][at - 3 : at + 1] == [35, 5035, 5035, 25053]
    assert [row[5:] for row in table(page, "largest_studies")] == [
        ["2", "30", "29.3 KB"],
        ["1", "5", "4.9 KB"],
        ["1", "2", "2.0 KB"],
    ]
    assert table(page, "transfer_syntaxes") == [
        ["1.2.840.10008.1.2.1", "Explicit VR Little Endian", "37", "24.5 KB"]
    ]
    assert series(charts(page, "reads")[0]) == {"200": [101, 0], "404": [0, 3]}
    assert table(page, "retrieve_p95") == [["instance", "101", "95 ms"]]
    [failure] = table(page, "transcode_failures")
    assert failure[:2] == ["crashed", "the decoder ended by signal 11"]
    assert failure[-2:] == ["2", "0.5 s"]
    assert dict(table(page, "tables"))["dicom_receive_log"] == "37"


def test_time_and_tenant_are_chosen(browser: Client, warehouse: Warehouse):
    Tenant.objects.create(name="other", title="The other one")
    fill(warehouse)
    numbers = {
        "?days=7&tenant=other": "2",
        "?days=90&tenant=": "37",
        "?days=1": "0",
        "?days=365&tenant=default": "35",
    }
    for query, instances in numbers.items():
        assert summary(text(browser.get(PAGE + query)))["Instances received"] == instances, query
    page = text(browser.get(PAGE + "?days=7&tenant=other"))
    assert '<option value="7" selected>' in page
    assert '<option value="other" selected>The other one' in page
    assert "Nothing in this time." in card(page, "reads")
    assert len(charts(page, "received_by_modality")[0]["labels"]) == 7


@pytest.mark.parametrize("query", ["?days=8", "?days=x", "?tenant=nobody", "?tenant=' OR 1=1 --"])
def test_what_cannot_be_chosen_is_a_bad_request(browser: Client, query: str):
    assert browser.get(PAGE + query).status_code == 400


def test_many_modalities_are_seven_and_others(browser: Client, warehouse: Warehouse):
    warehouse.initialise()
    made = [image_row(1, n, m, at=noon(1), modality=f"M{n}") for n in range(10) for m in range(20 - n)]
    received(warehouse, "label", made)
    [instances, _] = charts(text(browser.get(PAGE)), "received_by_modality")
    sums = {name: sum(values) for name, values in series(instances).items()}
    assert sums == {**{f"M{n}": 20 - n for n in range(7)}, "others (3)": 13 + 12 + 11}


def test_a_study_that_is_archived_has_a_link_to_its_page(browser: Client, warehouse: Warehouse):
    fill(warehouse)
    tenant = Tenant.objects.get(name="default")
    patient = Patient.objects.create(tenant=tenant, key="k")
    uid = uids(1, 1, 1)["study_instance_uid"]
    study = Study.objects.create(tenant=tenant, patient=patient, study_instance_uid=uid)
    Study.objects.create(
        tenant=tenant, patient=patient, study_instance_uid=uids(3, 1, 1)["study_instance_uid"]
    )
    links = re.findall(r'href="(/admin/archive/study/.*?)"', card(text(browser.get(PAGE)), "largest_studies"))
    assert links == [f"/admin/archive/study/{study.pk}/change/"], "of its own tenant alone"
    assert browser.get(links[0]).status_code == 200


def test_an_empty_warehouse_says_so(browser: Client, warehouse: Warehouse):
    warehouse.initialise()
    page = text(browser.get(PAGE))
    assert "The warehouse has no rows. What" in page
    assert "no rows of Default tenant. What" in text(browser.get(f"{PAGE}?tenant=default"))
    assert "<canvas" not in page


def test_a_warehouse_that_cannot_answer_is_named_and_the_page_renders(browser: Client):
    page = text(browser.get(PAGE + "?days=7"))
    assert "The warehouse cannot be asked now" in page
    assert "run `manage.py warehouse init`" in page
    assert '<option value="7" selected>' in page


def test_a_warehouse_that_hangs_holds_nobody_up(browser, environment, warehouse, monkeypatch):
    """A manifest that nobody ever writes to the end."""
    fill(warehouse)
    monkeypatch.setattr(dashboard, "ANSWER_SECONDS", 0.2)
    folder = environment.home / "warehouse" / "dicom_receive_log"
    manifest = next(path for path in folder.iterdir() if "manifest" in path.name)
    content = manifest.read_bytes()
    manifest.unlink()
    os.mkfifo(manifest)
    try:
        for _ in range(4):
            assert "did not answer within" in text(browser.get(PAGE))
        assert "still busy with earlier questions" in text(browser.get(PAGE))
    finally:
        pipe = manifest.open("wb", buffering=0)  # all four read to its end
        pipe.write(content)
        manifest.unlink()
        manifest.write_bytes(content)
        pipe.close()
        wait_until(
            lambda: "warehouse-question" not in {one.name for one in threading.enumerate()},
            what="all have their answer",
        )


def test_who_may_see_it(db: None, client: Client, warehouse: Warehouse):
    assert client.get(PAGE).status_code == 302
    operator = User.objects.create_user("operator", is_staff=True)
    client.force_login(operator)
    assert client.get(PAGE).status_code == 403
    assert f'href="{PAGE}"' not in text(client.get("/admin/"))
    fill(warehouse)
    operator.user_permissions.add(Permission.objects.get(codename="view_study"))
    page = text(client.get(PAGE))
    assert f'href="{PAGE}"' in text(client.get("/admin/"))
    assert "DICOMweb requests" not in page
    assert "bob" not in page
    operator.user_permissions.add(Permission.objects.get(codename="view_user"))
    assert "bob" in text(client.get(PAGE))
