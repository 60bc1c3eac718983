"""What a batch brings, series by series, sorted: the order in which index workers lock rows."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from dicomhub.archive.columns import PATIENT_COLUMNS
from dicomhub.archive.typed_value import DataSetModel, texts
from dicomhub.storage.layout import SeriesKey
from tasks.messages import InstanceBatch, StoredInstance

_TAGS = {column.keyword: column.tag for column in PATIENT_COLUMNS}


class StudyKey(NamedTuple):
    tenant: str
    study_instance_uid: str


class PatientKey(NamedTuple):
    tenant: str
    key: str


@dataclass(frozen=True, slots=True)
class IncomingSeries:
    """The instances that a batch has of one series. header is the newest one's, received at received_at."""

    key: SeriesKey
    header: DataSetModel
    received_at: datetime
    sop_class_uids: frozenset[str]


def study_of(key: SeriesKey) -> StudyKey:
    return StudyKey(key.tenant, key.study_instance_uid)


def key_of(instance: StoredInstance) -> SeriesKey:
    return SeriesKey(instance.tenant, instance.study_instance_uid, instance.series_instance_uid)


def incoming_series(batch: InstanceBatch, headers: Mapping[SeriesKey, DataSetModel]) -> list[IncomingSeries]:
    """Group a batch by series, in the order of the keys."""
    instances = sorted(batch.instances, key=key_of)
    return [_incoming(key, list(group), headers.get(key, {})) for key, group in groupby(instances, key_of)]


def _incoming(key: SeriesKey, instances: list[StoredInstance], header: DataSetModel) -> IncomingSeries:
    newest = max(instances, key=lambda instance: (instance.received_at, instance.sop_instance_uid))
    if _TAGS["PatientID"] not in header:  # the receiving side may have read what the JSON Model could not
        header = {**header, _TAGS["PatientID"]: {"vr": "LO", "Value": [newest.patient_id]}}
    return IncomingSeries(
        key, header, newest.received_at, frozenset(instance.sop_class_uid for instance in instances)
    )


def newest_by_study(incoming: list[IncomingSeries]) -> dict[StudyKey, IncomingSeries]:
    """The newest header of each study, in the order of the keys."""
    by_age = sorted(incoming, key=lambda series: (series.received_at, series.key))
    return dict(sorted({study_of(series.key): series for series in by_age}.items()))


def patient_key(study: StudyKey, header: DataSetModel) -> PatientKey:
    """What tells a patient of a tenant from all others: a digest of issuer and Patient ID, of any length.

    Without a Patient ID nothing says that two studies are of one person: each has a patient of its own.
    """
    patient_id = _text(header, "PatientID")
    issuer = _text(header, "IssuerOfPatientID")
    identity = ["patient", issuer, patient_id] if patient_id else ["study", study.study_instance_uid]
    return PatientKey(study.tenant, hashlib.sha256(json.dumps(identity).encode("ascii")).hexdigest())


def _text(header: DataSetModel, keyword: str) -> str:
    return "\\".join(texts(header, _TAGS[keyword]))
