"""How the admin's pages write things for people."""

from collections.abc import Iterable
from datetime import date, datetime, time

from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dicomhub.archive.models import Patient, Series, Study
from dicomhub.archive.typed_value import list_values
from dicomhub.intake.admission import DEFAULT_TENANT
from dicomhub.standard.value import PersonName

NOTHING = "–"  # noqa: RUF001 - a dash as typographers use it
MONOSPACED = SafeString('<span class="font-mono text-xs">{}</span>')


def person(name: str) -> str:
    """Doe, John; with the other groups behind: Yamada, Tarou (山田 太郎, やまだ たろう)."""
    groups = PersonName.parse(name)
    others = [group.replace("^", " ").strip() for group in (groups.ideographic, groups.phonetic) if group]
    family, given, *further = [*groups.alphabetic.split("^"), "", ""]
    rest = " ".join(filter(None, (given, *further)))
    written = ", ".join(filter(None, (family, rest)))
    return f"{written} ({', '.join(others)})".strip() if others else written or NOTHING


def first_line(of: str) -> str:
    """What a list shows of a text that may be long."""
    return of.partition("\n")[0][:80] or NOTHING


def names(text: str) -> str:
    return "; ".join(person(name) for name in list_values(text)) or NOTHING


def listed(text: str) -> str:
    return ", ".join(list_values(text)) or NOTHING


def size(size_bytes: int) -> str:
    return filesizeformat(size_bytes)


def instances(number: int, size_bytes: int) -> str:
    return f"{number} instance{'' if number == 1 else 's'}, {size(size_bytes)}"


def day(value: date | None, verbatim: str = "") -> str:
    return verbatim or (NOTHING if value is None else value.isoformat())


def day_and_time(value: date | None, clock: time | None) -> str:
    return day(value) if clock is None else f"{day(value)} {clock:%H:%M:%S}"


def moment(value: datetime | None) -> str:
    """In UTC, to the second."""
    return NOTHING if value is None else f"{value:%Y-%m-%d %H:%M:%S}"


def unbroken(text: str) -> SafeString:
    """Text that stays on one line."""
    return format_html('<span class="whitespace-nowrap">{}</span>', text)


def link(url: str, text: object) -> SafeString:
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>', url, text)


def page_of(row: Patient | Study | Series) -> str:
    """The address of a row's own page."""
    return reverse(f"admin:archive_{row._meta.model_name}_change", args=(row.pk,))  # noqa: SLF001 - Django's documented way to a model's name


def dicomweb_path(tenant: str, *uids: str) -> str:
    """The DICOMweb resource of a study, a series or an instance. PS3.18 10.4.1."""
    root = "/dicom-web" if tenant == DEFAULT_TENANT else f"/tenants/{tenant}/dicom-web"
    levels = zip(("studies", "series", "instances"), uids, strict=False)
    return root + "".join(f"/{level}/{uid}" for level, uid in levels)


def lines(values: Iterable[object]) -> list[object]:
    """The cells of a row, empty ones as dashes."""
    return [NOTHING if value in (None, "") else value for value in values]
