"""How the pages of transcoding write things."""

from django.urls import reverse
from django.utils.safestring import SafeString

from dicomhub.archive.pages import text
from dicomhub.transcoding.models import TranscodeAttempt, UnrenderedInstance
from tasks.transcode.orders import Outcome
from tasks.transcode.settings import NAMES

OUTCOME_LABELS = {
    outcome.value: "success" if outcome is Outcome.RENDERED else "danger" for outcome in Outcome
}


def transfer_syntax(uid: str) -> str:
    return NAMES.get(uid, uid) or text.NOTHING


def instance_link(row: TranscodeAttempt | UnrenderedInstance) -> SafeString:
    """To the original, over DICOMweb."""
    path = text.dicomweb_path(
        row.tenant, row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid
    )
    return text.link(path, row.sop_instance_uid)


def series_link(series_id: int | None, series_instance_uid: str) -> SafeString | str:
    if series_id is None:
        return series_instance_uid
    return text.link(reverse("admin:archive_series_change", args=(series_id,)), series_instance_uid)
