"""Transcoding in the admin: each tenant's policy, the failure matrix, and trying again."""

from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import redis
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from dicomhub.environment import read_environment
from dicomhub.storage.filesystem import FilesystemStore
from dicomhub.tenants.models import Tenant
from dicomhub.transcoding import selectors, services
from dicomhub.transcoding.models import TranscodeAttempt, TranscodePolicy, UnrenderedInstance
from tasks.transcode.candidate import Attempt, Candidate, FileState, Report, Status
from tasks.transcode.orders import Outcome
from tasks.transcode.pixel_description import SourceDescription
from tasks.transcode.plan import Action, Plan
from tasks.transcode.settings import TranscodeSettings
from tests.archive.building import SERIES, STUDY, archived, header, index
from tests.support.redis_process import running_redis

MATRIX = "/admin/pipeline/transcoding/"
RETRY = f"{MATRIX}retry/"
ATTEMPTS = "/admin/transcoding/transcodeattempt/"
UNRENDERED = "/admin/transcoding/unrenderedinstance/"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
J2K = "1.2.840.10008.1.2.4.90"
NATIVE = "1.2.840.10008.1.2.1"


def report(sop: str, *outcomes: Outcome, uid: str = J2K, manufacturer: str = "ACME", tenant: str = "default"):
    """Of an instance that was tried once with each outcome."""
    candidate = Candidate(
        key=selectors.SeriesKey(tenant, STUDY, SERIES),
        sop_instance_uid=sop,
        sop_class_uid="1.2",
        transfer_syntax_uid=uid,
        path=f"{tenant}/{STUDY}/{SERIES}/{sop}.dcm",
        settings=TranscodeSettings(),
    )
    attempts = tuple(
        Attempt(
            number=number, at=datetime.now(UTC), codec=f"codec{number}", outcome=outcome, reason="it broke"
        )
        for number, outcome in enumerate(outcomes, start=1)
    )
    is_done = outcomes[-1] is Outcome.RENDERED
    return Report(
        candidate=candidate,
        status=Status.RENDERED if is_done else Status.GIVEN_UP,
        file=FileState(size_bytes=1000, mtime_ns=1),
        source=SourceDescription(
            transfer_syntax_uid=uid,
            sop_class_uid="1.2",
            sop_instance_uid=sop,
            manufacturer=manufacturer,
            pixels=None,
        ),
        plan=Plan(action=Action.RENDITION, reason="", target=NATIVE),
        attempts=attempts,
        tried={attempt.codec: attempt.outcome for attempt in attempts},
    )


@pytest.fixture
def tried(db: None, store: FilesystemStore) -> None:
    index(store, "b1", archived(store, "1.1"), header=header(PatientID="P1", SeriesDescription="Thorax"))
    reports = [
        report("1.1", Outcome.CRASHED, Outcome.TIMEOUT),
        report("1.2", Outcome.CRASHED, Outcome.RENDERED),
        report("1.3", Outcome.RENDERED, uid=JPEG_LOSSLESS, manufacturer="Other & Sons"),
    ]
    services.record(reports, batch="b1")


@pytest.fixture
def broker(settings: Settings, tmp_path: Path):
    with running_redis(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        settings.ENVIRONMENT = read_environment(
            {"DICOMHUB_HOME": str(settings.ENVIRONMENT.home), "REDIS_URL": server.url}
        )
        yield client


def page(browser: Client, path: str, **query: str) -> str:
    answer = browser.get(path, query)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def tables(browser: Client, **query: str) -> dict[str, list[list[str]]]:
    """The rows of each table by its heading, without the links."""
    context = browser.get(MATRIX, query).context
    return {
        heading: [
            [str(cell).rpartition("</a>")[0].rpartition(">")[2] or str(cell) for cell in row]
            for row in table["rows"]
        ]
        for heading, table, _ in context["tables"]
    }


def test_the_matrix_counts_attempts_by_transfer_syntax_codec_and_outcome(browser: Client, tried: None):
    found = tables(browser)
    outcomes = list(Outcome)
    numbers = {
        (row[0].partition(" Image")[0], row[1], outcome): cell
        for row in found["Attempts"]
        for outcome, cell in zip(outcomes, row[2:], strict=True)
        if cell.isdigit()
    }
    assert numbers == {
        ("JPEG 2000", "codec1", Outcome.CRASHED): "2",
        ("JPEG 2000", "codec2", Outcome.TIMEOUT): "1",
        ("JPEG 2000", "codec2", Outcome.RENDERED): "1",
        (
            "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])",
            "codec1",
            Outcome.RENDERED,
        ): "1",
    }
    assert [row[0] for row in found["By manufacturer, where any failed"]] == ["ACME", "ACME"]
    [left] = found["Not rendered now"]
    assert left[1:4] == ["timeout", "ACME", "1"]


def test_a_number_leads_to_the_instances_that_it_counts(browser: Client, tried: None):
    content = page(browser, MATRIX)
    links = [part.partition('"')[0] for part in content.split('href="') if part.startswith(f"{ATTEMPTS}?")]
    counted = [browser.get(link).context["cl"].queryset.count() for link in links]
    assert sorted(counted) == [1, 1, 1, 1, 1, 2, 2]
    [left] = [part.partition('"')[0] for part in content.split('href="') if part.startswith(f"{UNRENDERED}?")]
    listed = page(browser, left)
    assert "it broke" in listed
    assert reverse("admin:archive_series_change", args=(selectors.series_matching().get().pk,)) in listed


def test_period_and_tenant_narrow_the_matrix(browser: Client, tried: None):
    TranscodeAttempt.objects.filter(sop_instance_uid="1.3").update(at=datetime.now(UTC) - timedelta(days=3))
    assert len(tables(browser, days="7")["Attempts"]) == 3
    assert len(tables(browser, days="1")["Attempts"]) == 2
    assert tables(browser, tenant="nobody")["Attempts"] == []
    assert len(tables(browser, days="many", tenant="default")["Attempts"]) == 3


def test_an_unrendered_instance_shows_its_attempts_and_leads_to_its_series(browser: Client, tried: None):
    row = UnrenderedInstance.objects.get()
    content = page(browser, reverse("admin:transcoding_unrenderedinstance_change", args=(row.pk,)))
    assert "codec1" in content
    assert "codec2" in content
    assert f"/dicom-web/studies/{STUDY}/series/{SERIES}/instances/1.1" in content


def test_retry_of_a_line_of_the_matrix_marks_its_instances_and_tells_the_workers(
    browser: Client, tried: None, broker: redis.Redis
):
    services.record([report("1.4", Outcome.CORRUPT)])
    line = {"source_transfer_syntax_uid": J2K, "outcome": "timeout", "manufacturer": "ACME"}
    answer = browser.post(RETRY, line, follow=True)
    assert [str(message) for message in answer.context["messages"]] == ["Instances on their way again: 1."]
    assert broker.llen("dicomhub:transcode") == 1
    assert [row.sop_instance_uid for row in selectors.awaiting_retry()] == ["1.1"]
    assert selectors.awaiting_retry().get().tried == {}


def test_retry_of_selected_instances_waits_for_the_broker(browser: Client, tried: None):
    chosen = {"action": "retry_selected", "_selected_action": [UnrenderedInstance.objects.get().pk]}
    answer = browser.post(UNRENDERED, chosen, follow=True)
    [said] = [str(message) for message in answer.context["messages"]]
    assert said.startswith("Instances that are tried again once the broker is reachable")
    assert selectors.awaiting_retry().count() == 1


def test_retry_on_an_instances_own_page_asks_first(browser: Client, tried: None, broker: redis.Redis):
    row = UnrenderedInstance.objects.get()
    path = reverse("admin:transcoding_unrenderedinstance_retry", args=(row.pk,))
    assert "Transcode this instance again?" in page(browser, path)
    answer = browser.post(path, {"_form_submitted": "on"})
    assert answer.headers["HX-Redirect"].endswith(f"/{row.pk}/change/")
    assert selectors.awaiting_retry().count() == 1


def test_what_instances_and_codecs_say_is_no_markup(browser: Client, tried: None):
    script = "<script>alert(1)</script>"
    TranscodeAttempt.objects.update(manufacturer=script, reason=script, codec=script)
    UnrenderedInstance.objects.update(manufacturer=script, reason=script, codec=script)
    row = reverse("admin:transcoding_unrenderedinstance_change", args=(UnrenderedInstance.objects.get().pk,))
    attempt = reverse(
        "admin:transcoding_transcodeattempt_change", args=(TranscodeAttempt.objects.first().pk,)
    )
    for path in (MATRIX, ATTEMPTS, UNRENDERED, row, attempt):
        content = browser.get(path).content.decode()
        assert script not in content, path
        assert "&lt;script&gt;alert(1)" in content, path


def test_who_may_only_look_is_offered_no_retry(client: Client, tried: None):
    guest = User.objects.create_user("guest", is_staff=True)
    client.force_login(guest)
    assert client.get(MATRIX).status_code == 403
    for name in ("view_transcodeattempt", "view_unrenderedinstance"):
        guest.user_permissions.add(Permission.objects.get(codename=name))
    client.force_login(User.objects.get(pk=guest.pk))
    assert "Retry" not in page(client, MATRIX)
    assert client.post(RETRY, {"outcome": "timeout"}).status_code == 403
    assert "retry_selected" not in page(client, UNRENDERED)


def policy_form(**values: object) -> dict[str, object]:
    form: dict[str, object] = {"title": "Default tenant", "duplicate_policy": "replace"}
    for prefix in ("application_entities", "values"):
        form |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    form |= {"transcode_policy-TOTAL_FORMS": 1, "transcode_policy-INITIAL_FORMS": 0}
    form |= {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    policy = {"tenant": "default", "near": 0, "ratio": 0} | values
    return form | {f"transcode_policy-0-{name}": value for name, value in policy.items()}


def test_a_tenants_page_holds_its_policy(browser: Client, db: None):
    path = "/admin/tenants/tenant/default/change/"
    assert "Transcoding" in page(browser, path)
    wanted = {"viewer_transfer_syntaxes": [NATIVE, J2K], "target_transfer_syntax_uid": NATIVE}
    assert browser.post(path, policy_form(**wanted)).status_code == 302
    settings = selectors.settings_by_tenant(["default"])["default"]
    assert settings.viewer_transfer_syntaxes == {NATIVE, J2K}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"viewer_transfer_syntaxes": [J2K], "target_transfer_syntax_uid": NATIVE},
            "not among what the viewers",
        ),
        (
            {"viewer_transfer_syntaxes": [NATIVE], "target_transfer_syntax_uid": NATIVE, "near": 2},
            "Only JPEG-LS Lossy",
        ),
        ({"viewer_transfer_syntaxes": ["1.2.3"], "target_transfer_syntax_uid": NATIVE}, "1.2.3"),
        ({"target_transfer_syntax_uid": NATIVE}, "This field is required"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(browser: Client, db: None, values, said):
    answer = browser.post("/admin/tenants/tenant/default/change/", policy_form(**values))
    assert answer.status_code == 200
    assert said in unescape(answer.content.decode())
    assert not TranscodePolicy.objects.exists()


def test_a_policy_that_was_written_past_the_admin_is_named(db: None):
    TranscodePolicy.objects.create(tenant=Tenant.objects.get(), viewer_transfer_syntaxes=[J2K])
    [invalid] = selectors.invalid_policies()
    assert invalid.tenant == "default"
    with pytest.raises(selectors.PolicyInvalid, match="transcode policy of tenant 'default'"):
        selectors.settings_by_tenant(["default"])
