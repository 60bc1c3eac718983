"""A hospital's last months, made up: what a dashboard looks like that has something to show."""

import random
from datetime import UTC, datetime, timedelta

from tasks.warehouse.port import Warehouse
from tasks.warehouse.tables import (
    ACCESS_LOG,
    IMAGE_META,
    RECEIVE_LOG,
    STATE_META,
    TRANSCODE_LOG,
    format_datetime,
)
from tests.support.warehouse_filling import put
from tests.warehouse.making import Row, access_row, image_row, receive_row, state_row, transcode_row

DAYS = 120
# modality, AE title, series a working day, instances a series, bytes an instance, transfer syntax
DEVICES = (
    ("CT", "CT_EMERGENCY", 3, 110, 526_000, "1.2.840.10008.1.2.1"),
    ("CT", "CT_WEST", 2, 90, 526_000, "1.2.840.10008.1.2.4.90"),
    ("MR", "MR_1", 3, 60, 265_000, "1.2.840.10008.1.2.1"),
    ("CR", "CR_ROOM_3", 12, 1, 8_900_000, "1.2.840.10008.1.2.4.70"),
    ("US", "US_PORTABLE", 5, 6, 1_400_000, "1.2.840.10008.1.2.4.50"),
    ("MG", "MAMMO", 2, 4, 27_000_000, "1.2.840.10008.1.2.4.90"),
    ("PT", "PET", 1, 80, 39_000, "1.2.840.10008.1.2.1"),
)
DESCRIPTIONS = {
    "CT": "CT chest and abdomen",
    "MR": "MR head",
    "CR": "Chest, two views",
    "US": "Abdomen",
    "MG": "Screening",
    "PT": "Whole body",
}
HOURS = (1, 1, 1, 1, 1, 2, 5, 14, 22, 24, 23, 20, 15, 19, 22, 20, 14, 9, 6, 4, 3, 2, 2, 1)
USERS = (("radiology-viewer", 60), ("ai-pipeline", 25), ("reading-room", 18), ("", 4))
RESOURCES = (
    ("search", 20),
    ("metadata", 45),
    ("frames", 30),
    ("instance", 25),
    ("series", 400),
    ("rendered", 140),
)
FAILURES = (
    ("crashed", "the decoder ended by signal 11"),
    ("timeout", "not done within 60 s"),
    ("unsupported", None),
)


def fill_history(warehouse: Warehouse) -> None:
    """The same each time, up to now."""
    chance = random.Random(7)
    images: list[Row] = []
    series: list[Row] = []
    for day in _days():
        for device in DEVICES:
            for _ in range(round(device[2] * _busy(day) * chance.uniform(0.6, 1.4))):
                series.append(_series(chance, device, day, len(series) + 1, images))
    for first in range(0, len(images), 50_000):
        put(warehouse, IMAGE_META, f"history-{first}", images[first : first + 50_000])
        log = [receive_row(image) for image in images[first : first + 50_000]]
        put(warehouse, RECEIVE_LOG, f"history-{first}", log)
    put(warehouse, STATE_META, "history", series)
    put(warehouse, ACCESS_LOG, "history", [_read(chance, number) for number in range(6000)])
    put(warehouse, TRANSCODE_LOG, "history", [_attempt(chance, number) for number in range(900)])


def _days() -> list[datetime]:
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return [midnight - timedelta(days=ago) for ago in reversed(range(DAYS))]


def _busy(day: datetime) -> float:
    return 1.0 if day.weekday() < 5 else 0.25


def _at(chance: random.Random, day: datetime) -> datetime:
    [hour] = chance.choices(range(24), HOURS)
    return min(day + timedelta(hours=hour, seconds=chance.uniform(0, 3600)), datetime.now(UTC))


def _series(
    chance: random.Random,
    device: tuple[str, str, int, int, int, str],
    day: datetime,
    number: int,
    images: list[Row],
) -> Row:
    modality, ae_title, _, usual, size_bytes, syntax = device
    study, count, at = number // 2, max(1, round(usual * chance.uniform(0.5, 1.8))), _at(chance, day)
    made = [
        image_row(
            study,
            number,
            position,
            at=at + timedelta(milliseconds=30 * position),
            modality=modality,
            calling_ae_title=ae_title,
            size_bytes=round(size_bytes * chance.uniform(0.9, 1.1)),
            transfer_syntax_uid=syntax,
            header={"00080060": {"vr": "CS", "Value": [modality]}},
        )
        for position in range(1, count + 1)
    ]
    images += made
    return state_row(
        study,
        number,
        instances=count,
        modality=modality,
        size_bytes=sum(image["size_bytes"] for image in made),
        study_date=day.date().isoformat(),
        study_description=DESCRIPTIONS[modality],
    )


def _read(chance: random.Random, number: int) -> Row:
    [(user, _)] = chance.choices(USERS, [weight for _, weight in USERS])
    resource, milliseconds = chance.choice(RESOURCES)
    [status] = chance.choices((200, 404, 406, 499), (90, 6, 1, 3))
    day = datetime.now(UTC) - timedelta(days=chance.uniform(0, DAYS))
    return access_row(
        number,
        event_id=f"history-{number}",
        happened_at=format_datetime(day),
        user_name=user,
        resource=resource,
        status=status,
        milliseconds=milliseconds * chance.lognormvariate(0, 0.4),
        bytes_sent=chance.randrange(1_000, 3_000_000),
    )


def _attempt(chance: random.Random, number: int) -> Row:
    outcome, reason = chance.choice(FAILURES) if chance.random() < 0.03 else ("rendered", None)
    return transcode_row(
        number,
        event_id=f"history-{number}",
        happened_at=format_datetime(datetime.now(UTC) - timedelta(days=chance.uniform(0, DAYS))),
        outcome=outcome,
        reason=reason,
        seconds=chance.uniform(0.1, 1.5),
        bytes_out=0 if outcome != "rendered" else 526_000,
    )
