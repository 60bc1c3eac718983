"""Index workers side by side, as processes of their own on a real database."""

import json
import os
import random
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from django.conf import settings

from dicomhub.environment import read_environment
from dicomhub.storage.filesystem import FilesystemStore, open_store
from tasks.messages import InstanceBatch, batch_to_message
from tests.archive.building import archived, header

ROOT = Path(__file__).parents[2]
BATCHES = 60
REPORT = """
import json
from dicomhub.archive.models import Batch, Patient, Series, Study
print(json.dumps({
    "patients": sorted(Patient.objects.values_list("patient_id", flat=True)),
    "studies": sorted(map(list, Study.objects.values_list(
        "study_instance_uid", "patient__patient_id", "study_description",
        "number_of_series", "number_of_instances", "size_bytes"))),
    "series": sorted(map(list, Series.objects.values_list(
        "study__study_instance_uid", "series_instance_uid", "series_description", "number_of_instances"))),
    "batches": Batch.objects.filter(stage="index").count(),
}))
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of processes that share an empty database, of the kind that the session runs on."""
    environ = {**os.environ, "DICOMHUB_HOME": str(tmp_path / "home"), "LOG_LEVEL": "ERROR"}
    environ.pop("DATABASE_URL", None)
    server = settings.ENVIRONMENT.database_url
    if server.startswith("sqlite"):
        yield environ
        return
    name = f"concurrency_{uuid.uuid4().hex}"
    administrator = psycopg2.connect(server)
    administrator.autocommit = True
    with administrator.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        yield environ | {"DATABASE_URL": urlsplit(server)._replace(path=f"/{name}").geturl()}
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    administrator.close()


def run(environ: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, text=True).stdout


def make_batches(store: FilesystemStore) -> list[tuple[InstanceBatch, dict[str, object]]]:
    """Batches that share studies, which change their patients from batch to batch."""
    dice = random.Random(5)
    batches = []
    for number in range(BATCHES):
        studies = dice.sample(range(6), k=dice.randint(1, 4))
        instances = tuple(
            archived(
                store,
                f"1.{study}.{series}.{number}",
                study=f"1.{study}",
                series=f"1.{study}.{series}",
                minute=number,
            )
            for study in studies
            for series in dice.sample(range(3), k=2)
        )
        model = header(
            PatientID=f"P{dice.randrange(5)}",
            StudyDescription=f"study {number}",
            SeriesDescription=f"series {number}",
        )
        batches.append((InstanceBatch(batch_id=f"b{number}", instances=instances), model))
    return batches


def expected_report(batches: list[tuple[InstanceBatch, dict[str, object]]]) -> dict[str, object]:
    """What has to come out: the newest header everywhere, and every file counted once."""
    patient, newest, files = {}, {}, {}
    for number, (batch, model) in enumerate(batches):
        for instance in batch.instances:
            study, series = instance.study_instance_uid, instance.series_instance_uid
            patient[study] = model["00100020"]["Value"][0]
            newest[study] = newest[series] = number
            files.setdefault(study, {}).setdefault(series, set()).add(instance.path)
    return {
        "patients": sorted(set(patient.values())),
        "studies": sorted(
            [
                study,
                patient[study],
                f"study {newest[study]}",
                len(of_study),
                sum(map(len, of_study.values())),
                1000 * sum(map(len, of_study.values())),
            ]
            for study, of_study in files.items()
        ),
        "series": sorted(
            [study, series, f"series {newest[series]}", len(of_series)]
            for study, of_study in files.items()
            for series, of_series in of_study.items()
        ),
        "batches": BATCHES,
    }


def test_workers_that_index_the_same_batches_in_any_order_neither_lock_up_nor_differ(
    database: dict[str, str], tmp_path: Path
):
    run(database, "migrate", "--verbosity=0")
    batches = make_batches(open_store(read_environment(database)))
    lines = [json.dumps({"batch": batch_to_message(batch), "header": model}) for batch, model in batches]
    file = tmp_path / "batches"
    file.write_text("\n".join(lines))
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.archive.index_worker", str(file), str(seed)],
            cwd=ROOT,
            env=database,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(3)
    ]
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    for worker in workers:
        _, errors = worker.communicate(timeout=300)
        assert worker.returncode == 0, errors
    assert json.loads(run(database, "shell", "--no-imports", "-c", REPORT)) == expected_report(batches)
