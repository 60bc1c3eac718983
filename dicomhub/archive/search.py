"""Studies and series by the attributes of patient, study and series."""

from collections.abc import Mapping
from typing import Final

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from dicomhub.archive.columns import (
    MODALITIES_IN_STUDY,
    PATIENT_COLUMNS,
    REQUEST_COLUMNS,
    SERIES_COLUMNS,
    SOP_CLASSES_IN_STUDY,
    STUDY_COLUMNS,
    Column,
)
from dicomhub.archive.matching import MatchUnsupported, condition
from dicomhub.archive.models import Series, Study


def _by_keyword(*columns: Column) -> dict[str, Column]:
    return {column.keyword: column for column in columns if column.vr != "SQ"}


_PATIENT: Final = _by_keyword(*PATIENT_COLUMNS)
_STUDY: Final = _by_keyword(*STUDY_COLUMNS, SOP_CLASSES_IN_STUDY)
_REQUEST: Final = {f"RequestAttributesSequence.{column.keyword}": column for column in REQUEST_COLUMNS}
_SERIES: Final = _by_keyword(*SERIES_COLUMNS, *REQUEST_COLUMNS) | _REQUEST
_MODALITY: Final = _by_keyword(*SERIES_COLUMNS)["Modality"]


def studies_matching(tenant: str, matches: Mapping[str, str]) -> QuerySet[Study]:
    """The tenant's studies that match every value (by keyword), the latest study date first.

    Values of series attributes are matched by one and the same series, ModalitiesInStudy by any. Raises
    MatchUnsupported and MatchInvalid.
    """
    wanted, of_series = Q(tenant=tenant), Q()
    for keyword, value in matches.items():
        if keyword in _SERIES and keyword not in _STUDY:
            of_series &= condition(_SERIES[keyword], value)
        else:
            wanted &= _study_condition(keyword, value, path="", study="pk")
    studies = Study.objects.filter(wanted)
    if of_series:
        studies = studies.filter(Exists(Series.objects.filter(of_series, study=OuterRef("pk"))))
    return studies.select_related("patient").order_by("-study_date_time", "-id")


def series_matching(
    tenant: str, matches: Mapping[str, str], study_uid: str | None = None
) -> QuerySet[Series]:
    """The tenant's series, or one study's, that match every value (by keyword), by study and number.

    Raises MatchUnsupported and MatchInvalid.
    """
    wanted = Q(tenant=tenant)
    if study_uid is not None:
        wanted &= Q(study__study_instance_uid=study_uid)
    for keyword, value in matches.items():
        if keyword in _SERIES:
            wanted &= condition(_SERIES[keyword], value)
        else:
            wanted &= _study_condition(keyword, value, path="study__", study="study")
    # The newest study of the archive comes first, not the one with the latest date: an index has this order,
    # while a page of the other would sort every series of the tenant.
    ordered = Series.objects.filter(wanted).order_by("-study", F("series_number").asc(nulls_last=True), "id")
    return ordered.select_related("study__patient")


def _study_condition(keyword: str, value: str, *, path: str, study: str) -> Q:
    if keyword in _PATIENT:
        return condition(_PATIENT[keyword], value, f"{path}patient__")
    if keyword in _STUDY:
        return condition(_STUDY[keyword], value, path)
    if keyword == MODALITIES_IN_STUDY.keyword:
        of_modality = condition(_MODALITY, value)
        series = Series.objects.filter(of_modality, study=OuterRef(study))
        return Q(Exists(series)) if of_modality else Q()
    raise MatchUnsupported(keyword)
