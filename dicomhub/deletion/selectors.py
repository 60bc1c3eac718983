"""Everything that reads deletions for others."""

from datetime import datetime

from django.db.models import Q, QuerySet

from dicomhub.deletion.models import Deletion, Level

_State = Deletion.State
_HAS_FILES = (_State.DONE, _State.RESTORING)


def is_deleted(
    tenant: str, study_uid: str, series_uid: str | None = None, sop_instance_uid: str | None = None
) -> bool:
    """Whether what is not in the archive was deleted from it: itself, or what it lay in.

    To be asked about what is not there: what was stored again after it was deleted is no less there.
    """
    gone = Q(gone=Level.STUDY)
    if series_uid is not None:
        gone |= Q(series_instance_uid=series_uid, gone=Level.SERIES)
    if sop_instance_uid is not None:
        gone |= Q(series_instance_uid=series_uid, sop_instance_uid=sop_instance_uid)
    of_study = Deletion.objects.filter(tenant=tenant, study_instance_uid=study_uid)
    return of_study.filter(gone).exclude(state=_State.RESTORED).exists()


def interrupted() -> QuerySet[Deletion]:
    """Those under way: some process is at it, or was and is no more."""
    return Deletion.objects.filter(state=_State.RUNNING)


def unsettled() -> QuerySet[Deletion]:
    return Deletion.objects.filter(state__in=_HAS_FILES, is_settled=False)


def restoring() -> QuerySet[Deletion]:
    return Deletion.objects.filter(state=_State.RESTORING, is_settled=True)


def to_purge(before: datetime) -> QuerySet[Deletion]:
    """What was deleted before that time, and what is half purged."""
    old = Q(state=_State.DONE, is_settled=True, finished_at__lt=before)
    return Deletion.objects.filter(old | Q(state=_State.PURGING)).order_by("finished_at")


def restorable() -> QuerySet[Deletion]:
    return Deletion.objects.filter(state=_State.DONE)
