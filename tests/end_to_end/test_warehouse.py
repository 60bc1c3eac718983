"""What was stored and read shows in the dashboard and in `manage.py stats`, counted against the store."""

import csv
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
import requests

from dicomhub.environment import read_environment
from tasks.warehouse.open import open_warehouse
from tasks.warehouse.port import Warehouse
from tasks.warehouse.queries import QueryName
from tests.support.ct_series import write_ct_series
from tests.support.dicomweb import DicomWeb, value
from tests.support.samples import sample_files
from tests.support.sending import send
from tests.support.stack import live_stack
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
INSTANCES = 400
PASSWORD = "a long enough one"
# Somebody to look, and a policy by which there is something to transcode.
SET_UP = f"""
from django.contrib.auth.models import User
from dicomhub.standard.transfer_syntax import TRANSFER_SYNTAXES
from dicomhub.transcoding.models import TranscodePolicy
native = [uid for uid, syntax in TRANSFER_SYNTAXES.items() if not syntax.is_encapsulated]
TranscodePolicy.objects.create(tenant_id="default", viewer_transfer_syntaxes=native)
User.objects.create_superuser("looker", password="{PASSWORD}")
"""
COUNT = """
from dicomhub.archive.models import Batch
from dicomhub.transcoding.models import TranscodeAttempt
print(Batch.objects.exclude(state="done").count(), TranscodeAttempt.objects.count())
"""


@pytest.fixture
def settings(new_database, tmp_path: Path) -> dict[str, str]:
    soon = {"STORE_RESERVE_BYTES": "0", "WAREHOUSE_LOAD_MAX_SECONDS": "1"}
    return {**new_database(), **soon, "DICOMHUB_HOME": str(tmp_path / "home")}


def manage(settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    environment = {**os.environ, **settings}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def import_samples(settings: dict[str, str]) -> int:
    """How many were taken; several encodings of one instance among them."""
    printed = manage(settings, "import_dicom", *map(str, sample_files())).stdout
    outcomes = dict(re.findall(r"│ (archived|already there|replaced)\s*│\s*(\d+) │", printed))
    assert set(outcomes) == {"archived", "already there", "replaced"}, printed
    return sum(map(int, outcomes.values()))


def transcoded(settings: dict[str, str]) -> int:
    """How many attempts were made, once every batch is through; 0 before."""
    unfinished, attempts = manage(settings, "shell", "-v0", "-c", COUNT).stdout.split()
    return 0 if int(unfinished) else int(attempts)


def rows_by_table(warehouse: Warehouse) -> dict[str, int]:
    return dict(warehouse.query(QueryName.ROWS, {"tenant": None}).rows)


def instances_in(warehouse: Warehouse) -> set[tuple[str, ...]]:
    """Study, series and instance of each image row."""
    everything = {"tenant": "default", "study_instance_uid": None, "series_instance_uids": None}
    paging = {"matches": (), "limit": 10_000, "offset": 0}
    rows = warehouse.query(QueryName.INSTANCES_BY_HEADER, {**everything, **paging}).rows
    found = [(study, series, f"{instance}.dcm") for study, series, instance, _ in rows]
    assert len(set(found)) == len(found)
    return set(found)


def read_something(web: DicomWeb) -> int:
    """How many requests that were."""
    [study] = web.json("/studies", PatientID="WAREHOUSE")
    path = f"/studies/{value(study, '0020000D')}"
    assert len(web.json(f"{path}/metadata")) == INSTANCES
    assert len(web.part_10_files(path)) == INSTANCES
    assert web.get("/studies/1.2.3/metadata").status_code == 404
    return 4


def dashboard(web_url: str) -> dict[str, str]:
    """The numbers of its first row, as an administrator sees them."""
    with requests.Session() as session:
        login = f"{web_url}/admin/login/"
        session.get(login, timeout=60)
        form = {
            "username": "looker",
            "password": PASSWORD,
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        }
        session.post(login, data=form, headers={"Referer": login}, timeout=60)
        page = session.get(f"{web_url}/admin/dashboard/", timeout=60)
    assert page.status_code == 200
    assert "explicit vr little endian" in page.text.lower()
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", unescape(page.text)))


def test_everything_that_was_done_is_counted_once(settings, tmp_path):
    home = Path(settings["DICOMHUB_HOME"])
    paths = write_ct_series(tmp_path / "ct", instances=INSTANCES, patient_id="WAREHOUSE", rows=32)
    others = {name: text for name, text in settings.items() if name != "DICOMHUB_HOME"}
    with live_stack(home, **others) as stack:
        assert manage(settings, "shell", "-c", SET_UP).returncode == 0
        assert all(sent.is_success for sent in send(stack.addresses.scp_port, paths))
        received = INSTANCES + import_samples(settings)
        warehouse = open_warehouse(read_environment({"DICOMHUB_HOME": str(home)}).warehouse)
        wait_until(
            lambda: rows_by_table(warehouse)["dicom_receive_log"] == received,
            what="everything received is in the warehouse",
            seconds=120,
        )
        attempts = wait_until(lambda: transcoded(settings), what="all is transcoded", seconds=120)
        reads = read_something(DicomWeb(stack.addresses.dicom_web_url))

        archived = list((home / "store" / "default").rglob("*.dcm"))
        size_bytes = sum(path.stat().st_size for path in archived)
        expected = {
            "dicom_image_meta": len(archived),
            "dicom_receive_log": received,
            "dicom_state_meta": len({path.parent for path in archived}),
            "dicom_transcode_log": attempts,
            "wado_access_log": reads,
        }
        wait_until(lambda: rows_by_table(warehouse) == expected, what=f"there are {expected}", seconds=120)
        assert instances_in(warehouse) == {path.parts[-3:] for path in archived}

        shown = dashboard(stack.addresses.web_url)
        assert shown["Instances received"] == f"{received:,}"
        assert shown["Instances archived"] == f"{len(archived):,}"
        assert shown["DICOMweb requests"] == f"{reads:,}"

        printed = manage(settings, "stats", "--csv", str(tmp_path / "csv"))
        assert printed.returncode == 0, printed.stderr
        [summary] = csv.DictReader((tmp_path / "csv" / "summary.csv").read_text("utf-8").splitlines())
        assert int(summary["archived_bytes"]) == size_bytes
        assert int(summary["received_instances"]) == received
