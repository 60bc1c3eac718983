"""Studies and series by the attributes of patient, study and series."""

from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from dicomhub.archive.columns import (
    MODALITIES_IN_STUDY,
    PATIENT_COLUMNS,
    REQUEST_COLUMNS,
    SERIES_COLUMNS,
    SERIES_COUNTS,
    SOP_CLASSES_IN_STUDY,
    SOP_CLASSES_OF_SERIES,
    STUDY_COLUMNS,
    STUDY_COUNTS,
    Column,
)
from dicomhub.archive.match_rules import LITERALLY, MatchInvalid, MatchRules, MomentKey, split_moments
from dicomhub.archive.matching import MatchUnsupported, condition
from dicomhub.archive.models import PatientNameWord, Series, Study
from dicomhub.archive.moments import moment_condition
from dicomhub.archive.person_name import word_patterns


def _by_keyword(*columns: Column) -> dict[str, Column]:
    return {column.keyword: column for column in columns if column.vr != "SQ"}


_PATIENT: Final = _by_keyword(*PATIENT_COLUMNS)
_STUDY: Final = _by_keyword(*STUDY_COLUMNS, *STUDY_COUNTS, SOP_CLASSES_IN_STUDY)
_REQUEST: Final = {f"RequestAttributesSequence.{column.keyword}": column for column in REQUEST_COLUMNS}
_SERIES: Final = (
    _by_keyword(*SERIES_COLUMNS, *SERIES_COUNTS, *REQUEST_COLUMNS, SOP_CLASSES_OF_SERIES) | _REQUEST
)
_MODALITY: Final = _by_keyword(*SERIES_COLUMNS)["Modality"]

MATCHED: Final = frozenset({*_PATIENT, *_STUDY, *_SERIES, MODALITIES_IN_STUDY.keyword})
"""The keywords of what the database matches, of studies and of series."""


def studies_matching(
    tenant: str, matches: Mapping[str, str], rules: MatchRules = LITERALLY
) -> QuerySet[Study]:
    """The tenant's studies that match every value (by keyword), the latest study date first.

    Values of series attributes are matched by one and the same series, ModalitiesInStudy by any. Raises
    MatchUnsupported and MatchInvalid.
    """
    moments, others = split_moments(matches, rules)
    wanted, of_series = Q(tenant=tenant), Q()
    for keyword, value in others.items():
        if keyword in _SERIES and keyword not in _STUDY:
            of_series &= condition(_SERIES[keyword], value, "", rules)
        else:
            wanted &= _study_condition(tenant, keyword, value, rules, path="", study="pk")
    for moment in moments:
        if moment.date in _STUDY:
            wanted &= _moment(tenant, moment, "", Study, _STUDY)
        else:
            of_series &= _moment(tenant, moment, "", Series, _SERIES)
    studies = Study.objects.filter(wanted)
    if of_series:
        studies = studies.filter(Exists(Series.objects.filter(of_series, study=OuterRef("pk"))))
    return studies.select_related("patient").order_by("-study_date_time", "-id")


def series_matching(
    tenant: str, matches: Mapping[str, str], study_uid: str | None = None, rules: MatchRules = LITERALLY
) -> QuerySet[Series]:
    """The tenant's series, or one study's, that match every value (by keyword), by study and number.

    Raises MatchUnsupported and MatchInvalid.
    """
    moments, others = split_moments(matches, rules)
    wanted = Q(tenant=tenant)
    if study_uid is not None:
        wanted &= Q(study__tenant=tenant, study__study_instance_uid=study_uid)
    for keyword, value in others.items():
        if keyword in _SERIES:
            wanted &= condition(_SERIES[keyword], value, "", rules)
        else:
            wanted &= _study_condition(tenant, keyword, value, rules, path="study__", study="study")
    for moment in moments:
        if moment.date in _SERIES:
            wanted &= _moment(tenant, moment, "", Series, _SERIES)
        else:
            wanted &= _moment(tenant, moment, "study__", Study, _STUDY)
    # The newest study of the archive comes first, not the one with the latest date: an index has this order,
    # while a page of the other would sort every series of the tenant.
    ordered = Series.objects.filter(wanted).order_by("-study", F("series_number").asc(nulls_last=True), "id")
    return ordered.select_related("study__patient")


def _moment(tenant: str, key: MomentKey, path: str, model: type[Any], columns: Mapping[str, Column]) -> Q:
    if key.date not in columns or key.time not in columns:
        raise MatchUnsupported(key.date)
    rows = model.objects.filter(tenant=tenant)
    return moment_condition(key, columns[key.date], columns[key.time], path, rows)


def _study_condition(tenant: str, keyword: str, value: str, rules: MatchRules, *, path: str, study: str) -> Q:
    """The tenant is said of every table that is looked into: their indexes begin with it."""
    if keyword in _PATIENT:
        return _patient_condition(tenant, _PATIENT[keyword], value, rules, path=f"{path}patient__")
    if keyword in _STUDY:
        of_study = condition(_STUDY[keyword], value, path, rules)
        return Q(**{f"{path}tenant": tenant}) & of_study if of_study else Q()
    if keyword == MODALITIES_IN_STUDY.keyword:
        return _modality_condition(value, rules, path=path, study=study)
    raise MatchUnsupported(keyword)


def _patient_condition(tenant: str, column: Column, value: str, rules: MatchRules, *, path: str) -> Q:
    if column.vr != "PN" or not rules.is_fuzzy or rules.asks_for_none(value):
        of_patient = condition(column, value, path, rules)
        return Q(**{f"{path}tenant": tenant}) & of_patient if of_patient else Q()
    patient = path.removesuffix("__")
    found = Q()
    # The longest is the rarest, as a rule: it finds patients, and of these the others are looked for.
    for number, word in enumerate(sorted(word_patterns(value), key=len, reverse=True)):
        words = PatientNameWord.objects.filter(tenant=tenant, word__wildcard=word)
        if number == 0:
            found &= Q(**{f"{patient}__in": words.values("patient")})
        else:
            found &= Q(Exists(words.filter(patient=OuterRef(patient))))
    return found


def _modality_condition(value: str, rules: MatchRules, *, path: str, study: str) -> Q:
    if rules.asks_for_none(value):
        return condition(MODALITIES_IN_STUDY, value, path, rules)
    values, is_each_needed = [value], False
    if value.strip("*"):
        try:
            values, is_each_needed = rules.values(MODALITIES_IN_STUDY.vr, value)
        except ValueError as error:
            raise MatchInvalid(MODALITIES_IN_STUDY.keyword, value) from error
    found = Q()
    for some in values if is_each_needed else [value]:
        of_modality = condition(_MODALITY, some, "", LITERALLY)
        if of_modality:
            found &= Q(Exists(Series.objects.filter(of_modality, study=OuterRef(study))))
    return found
