"""Names for files and folders that people understand and every operating system takes.

No patient's name or ID is in them: they show up in download lists, e-mails and on desktops.
"""

import re
import unicodedata
from collections.abc import Iterable

from dicomhub.archive import selectors
from dicomhub.archive.models import Series, Study
from dicomhub.archive.typed_value import list_values
from dicomhub.dicomweb.resource import Resource
from dicomhub.dicomweb.retrieve.archived import ArchivedInstance

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
_MOST_BYTES = 80  # a path has three of these, and Windows takes 260 characters


def safe_name(words: Iterable[object], *, otherwise: str) -> str:
    """Words that are not empty, with spaces between them, as a name of a file or folder."""
    text = " ".join(filter(None, (str(word).strip() for word in words if word is not None)))
    text = unicodedata.normalize("NFC", text)
    text = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text)
    text = " ".join(_UNSAFE.sub(" ", text).split())
    text = text.encode()[:_MOST_BYTES].decode(errors="ignore").strip(" .")
    if _DEVICES.match(text):
        text = f"_{text}"
    return text or otherwise


def zip_name(resource: Resource) -> str:
    """Of the ZIP of a study or series."""
    words = [_study_name(resource)]
    words += [_series_name(row) for row in _rows(resource) if resource.series_instance_uid]
    return " ".join(words) + ".zip"


def paths_in_zip(resource: Resource, instances: Iterable[ArchivedInstance]) -> dict[Resource, str]:
    """For each instance of a study or series: the study's folder, its series' folder, its own number.

    No two are the same, not even for those who see no difference between small and capital letters.
    """
    top, taken = _study_name(resource), dict[str, int]()
    names = {row.series_instance_uid: _series_name(row) for row in _rows(resource)}
    folders: dict[str, str] = {}
    paths = {}
    for instance in instances:
        uid = instance.resource.series_instance_uid or ""
        if uid not in folders:
            folders[uid] = _free(f"{top}/{names.get(uid, 'series')}", "", taken)
        number = instance.instance_number
        name = f"{number:05d}" if number is not None else instance.resource.sop_instance_uid
        paths[instance.resource] = _free(f"{folders[uid]}/{name}", ".dcm", taken)
    return paths


def _rows(resource: Resource) -> list[Series]:
    """Of the series that are named; one that is not indexed yet has none."""
    rows = selectors.series_of_study(resource.tenant, resource.study_instance_uid)
    wanted = resource.series_instance_uid
    return [row for row in rows if wanted in {None, row.series_instance_uid}]


def _study_name(resource: Resource) -> str:
    try:
        study = selectors.study(resource.tenant, resource.study_instance_uid)
    except Study.DoesNotExist:
        return "study"
    date = study.study_date.isoformat() if study.study_date else ""
    return safe_name(
        (date, *list_values(study.modalities_in_study), study.study_description), otherwise="study"
    )


def _series_name(series: Series) -> str:
    number = f"{series.series_number:03d}" if series.series_number is not None else ""
    return safe_name((number, series.modality, series.series_description), otherwise="series")


def _free(stem: str, suffix: str, taken: dict[str, int]) -> str:
    """Taken is what was given away, and with which count to go on: a thousand may ask for the same name."""
    wanted = name = stem + suffix
    count = taken.get(wanted.casefold(), 1)
    while name.casefold() in taken:
        count += 1
        name = f"{stem} ({count}){suffix}"
    taken[wanted.casefold()] = count
    taken.setdefault(name.casefold(), 1)
    return name
