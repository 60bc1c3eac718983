"""What every warehouse does alike. conftest.py says which there are."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import pytest

from tasks.warehouse.header_match import HeaderMatch, MatchKind
from tasks.warehouse.port import LoadStatus, Warehouse, WarehouseUnavailable
from tasks.warehouse.queries import QueryName
from tasks.warehouse.tables import (
    ACCESS_LOG,
    IMAGE_META,
    RECEIVE_LOG,
    SCHEMA_VERSION,
    STATE_META,
    TABLES,
    TRANSCODE_LOG,
    Table,
)
from tests.warehouse.making import (
    EXPLICIT_LITTLE_ENDIAN,
    JPEG_2000,
    NOON,
    Row,
    access_row,
    header,
    image_row,
    ndjson,
    receive_row,
    state_row,
    transcode_row,
    uids,
)

DAY = {"tenant": None, "since": datetime(2026, 11, 20), "until": datetime(2026, 11, 21)}
EVERYTHING = {"tenant": None, "since": datetime(2000, 1, 1), "until": datetime(2100, 1, 1)}


def load(warehouse: Warehouse, table: Table, label: str, *rows: Row) -> LoadStatus:
    return warehouse.load(table, label, ndjson(rows)).status


def ask(warehouse: Warehouse, name: QueryName, **parameters: Any) -> list[tuple[Any, ...]]:
    return list(warehouse.query(name, parameters).rows)


def row_count(warehouse: Warehouse, table: Table, tenant: str | None = None) -> int:
    return dict(ask(warehouse, QueryName.ROWS, tenant=tenant))[table.name]


def matching(warehouse: Warehouse, *matches: HeaderMatch, **narrowed: Any) -> list[str]:
    """The SOP Instance UIDs' last numbers."""
    everything = {
        "tenant": "default",
        "study_instance_uid": None,
        "series_instance_uids": None,
        "limit": 100,
        "offset": 0,
    }
    rows = ask(warehouse, QueryName.INSTANCES_BY_HEADER, matches=matches, **{**everything, **narrowed})
    return [row[2].rpartition(".")[2] for row in rows]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_row_of_every_table_goes_in_once_a_label(warehouse: Warehouse, table: Table) -> None:
    row = {
        STATE_META: state_row(1, 1),
        IMAGE_META: image_row(1, 1, 1),
        RECEIVE_LOG: receive_row(image_row(1, 1, 1)),
        TRANSCODE_LOG: transcode_row(1),
        ACCESS_LOG: access_row(1),
    }[table]
    assert load(warehouse, table, "a:label_1-x", row) is LoadStatus.LOADED
    assert load(warehouse, table, "a:label_1-x", row) is LoadStatus.ALREADY_THERE
    assert row_count(warehouse, table) == 1
    assert row_count(warehouse, table, "default") == 1
    assert row_count(warehouse, table, "elsewhere") == 0


def test_a_label_is_known_after_a_compaction_too(warehouse: Warehouse) -> None:
    for number in range(5):
        load(warehouse, ACCESS_LOG, f"label-{number}", access_row(number))
    warehouse.compact()
    assert warehouse.repair() == (), "nothing is damaged"
    assert load(warehouse, ACCESS_LOG, "label-3", access_row(99)) is LoadStatus.ALREADY_THERE
    assert row_count(warehouse, ACCESS_LOG) == 5


def test_a_label_that_is_none_is_refused(warehouse: Warehouse) -> None:
    for label in ("", "../x", "a b", "é", "x" * 129):
        with pytest.raises(ValueError, match="not a label"):
            load(warehouse, ACCESS_LOG, label, access_row(1))


@pytest.mark.parametrize("compacted", [False, True])
def test_a_row_that_comes_again_is_there_once_and_the_newest_wins(
    warehouse: Warehouse, *, compacted: bool
) -> None:
    newer = image_row(1, 1, 1, at=NOON + timedelta(seconds=1), size_bytes=7, transfer_syntax_uid=JPEG_2000)
    load(warehouse, IMAGE_META, "newer", newer, image_row(1, 1, 2))
    if compacted:
        warehouse.compact()
    load(warehouse, IMAGE_META, "older", image_row(1, 1, 1), image_row(1, 1, 3))
    expected = {(JPEG_2000, 1, 7), (EXPLICIT_LITTLE_ENDIAN, 2, 1002 + 1003)}
    assert set(ask(warehouse, QueryName.TRANSFER_SYNTAXES, tenant=None)) == expected
    newest = image_row(1, 1, 2, at=NOON + timedelta(seconds=2), size_bytes=9, transfer_syntax_uid=JPEG_2000)
    load(warehouse, IMAGE_META, "newest", newest)
    expected = {(JPEG_2000, 2, 16), (EXPLICIT_LITTLE_ENDIAN, 1, 1003)}
    assert set(ask(warehouse, QueryName.TRANSFER_SYNTAXES, tenant=None)) == expected
    warehouse.compact()
    assert set(ask(warehouse, QueryName.TRANSFER_SYNTAXES, tenant=None)) == expected


def test_an_event_that_was_written_twice_is_one(warehouse: Warehouse) -> None:
    load(warehouse, RECEIVE_LOG, "first", receive_row(image_row(1, 1, 1)), receive_row(image_row(1, 1, 2)))
    load(warehouse, RECEIVE_LOG, "again", receive_row(image_row(1, 1, 2)), receive_row(image_row(1, 1, 3)))
    assert row_count(warehouse, RECEIVE_LOG) == 3
    warehouse.compact()
    assert row_count(warehouse, RECEIVE_LOG) == 3


def test_the_same_instance_in_two_tenants_is_two(warehouse: Warehouse) -> None:
    load(warehouse, IMAGE_META, "label", image_row(1, 1, 1), image_row(1, 1, 1, tenant="other"))
    assert row_count(warehouse, IMAGE_META) == 2
    assert row_count(warehouse, IMAGE_META, "other") == 1


@pytest.mark.parametrize(
    "bad",
    [
        access_row(2, status="two hundred"),
        access_row(2, happened_at="yesterday"),
        {name: value for name, value in access_row(2).items() if name != "event_id"},
        access_row(2, tenant=None),
        access_row(2, study_instance_uid="1" * 65),
        access_row(2, bytes_sent=2**63),
    ],
    ids=["number", "time", "missing", "null", "long", "large"],
)
def test_one_bad_row_keeps_its_load_out(warehouse: Warehouse, bad: Row) -> None:
    outcome = warehouse.load(ACCESS_LOG, "label", ndjson([access_row(1), bad]))
    assert outcome.status is LoadStatus.REJECTED
    assert "\n" not in outcome.detail
    assert outcome.detail
    assert row_count(warehouse, ACCESS_LOG) == 0
    # The label is free: what is good goes in under it.
    assert load(warehouse, ACCESS_LOG, "label", access_row(1)) is LoadStatus.LOADED


def test_lines_that_are_no_json_keep_their_load_out(warehouse: Warehouse) -> None:
    for lines in (b"not json\n", ndjson([access_row(1)])[:-5], b"\xff\n", b"[]\n"):
        assert warehouse.load(ACCESS_LOG, "label", lines).status is LoadStatus.REJECTED
    assert row_count(warehouse, ACCESS_LOG) == 0


def test_a_header_that_is_no_unicode_keeps_its_load_out(warehouse: Warehouse) -> None:
    bad = ndjson([image_row(1, 1, 1)]).replace(b"STEP1", b"STE\xff1")
    assert warehouse.load(IMAGE_META, "label", bad).status is LoadStatus.REJECTED
    assert row_count(warehouse, IMAGE_META) == 0


def test_a_member_that_is_no_column_is_passed_over(warehouse: Warehouse) -> None:
    assert load(warehouse, ACCESS_LOG, "label", access_row(1, of_a_later_version=1)) is LoadStatus.LOADED


def test_without_tables_a_load_asks_for_a_person_and_a_query_says_why(empty_warehouse: Warehouse) -> None:
    assert load(empty_warehouse, ACCESS_LOG, "label", access_row(1)) is LoadStatus.MISCONFIGURED
    with pytest.raises(WarehouseUnavailable):
        ask(empty_warehouse, QueryName.ROWS, tenant=None)
    with pytest.raises(WarehouseUnavailable):
        empty_warehouse.status()


def test_initialise_twice_keeps_what_is_there(warehouse: Warehouse) -> None:
    load(warehouse, ACCESS_LOG, "label", access_row(1))
    warehouse.initialise()
    status = {each.name: each for each in warehouse.status()}
    assert list(status) == [table.name for table in TABLES]
    assert status["wado_access_log"].rows == 1
    assert status["wado_access_log"].size_bytes > 0
    assert {each.schema_version for each in status.values()} == {SCHEMA_VERSION}


def test_parameters_that_are_not_the_querys_are_refused(warehouse: Warehouse) -> None:
    with pytest.raises(TypeError):
        ask(warehouse, QueryName.ROWS)
    with pytest.raises(TypeError):
        ask(warehouse, QueryName.ROWS, tenant=None, limit=3)


def test_what_was_received_by_day(warehouse: Warehouse) -> None:
    later = NOON + timedelta(days=1, hours=3)
    images = [
        image_row(1, 1, 1),
        image_row(1, 1, 2),
        image_row(2, 1, 1, modality="MR", calling_ae_title="OTHER"),
        image_row(3, 1, 1, at=later, modality=None, source="stow", calling_ae_title=None),
    ]
    load(warehouse, RECEIVE_LOG, "label", *map(receive_row, images))
    friday, saturday = date(2026, 11, 20), date(2026, 11, 21)
    assert ask(warehouse, QueryName.RECEIVED_BY_MODALITY, **EVERYTHING) == [
        (friday, "CT", 2, 2003),
        (friday, "MR", 1, 1001),
        (saturday, None, 1, 1001),
    ]
    assert ask(warehouse, QueryName.RECEIVED_BY_SOURCE, **EVERYTHING) == [
        (friday, "dimse", "OTHER", 1, 1001),
        (friday, "dimse", "SCANNER", 2, 2003),
        (saturday, "stow", None, 1, 1001),
    ]
    assert ask(warehouse, QueryName.STORES_BY_HOUR, **EVERYTHING) == [(12, 3, 3004), (15, 1, 1001)]
    assert ask(warehouse, QueryName.STORES_BY_HOUR, **DAY) == [(12, 3, 3004)]
    assert ask(warehouse, QueryName.STORES_BY_HOUR, **{**DAY, "tenant": "elsewhere"}) == []


def test_growth_counts_what_is_archived_now(warehouse: Warehouse) -> None:
    load(warehouse, IMAGE_META, "day 1".replace(" ", "-"), image_row(1, 1, 1), image_row(1, 1, 2))
    load(warehouse, IMAGE_META, "sent-again", image_row(1, 1, 2, at=NOON + timedelta(days=1), size_bytes=5))
    assert ask(warehouse, QueryName.GROWTH, **EVERYTHING) == [
        (date(2026, 11, 20), 1, 1001),
        (date(2026, 11, 21), 1, 5),
    ]


def test_the_largest_studies(warehouse: Warehouse) -> None:
    small = state_row(1, 1, instances=2)
    large = [state_row(2, 1, instances=10), state_row(2, 2, instances=5, modality="SR")]
    outdated = state_row(1, 1, revision=0, instances=1000)
    load(warehouse, STATE_META, "a", small, *large)
    load(warehouse, STATE_META, "b", outdated)
    rows = warehouse.query(QueryName.LARGEST_STUDIES, {"tenant": None, "limit": 10})
    assert rows.columns == (
        "tenant",
        "study_instance_uid",
        "study_date",
        "study_description",
        "modalities",
        "series",
        "instances",
        "size_bytes",
    )
    study = {number: uids(number, 1, 1)["study_instance_uid"] for number in (1, 2)}
    assert list(rows.rows) == [
        ("default", study[2], date(2026, 11, 20), "Study 2", "CT\\SR", 2, 15, 15000),
        ("default", study[1], date(2026, 11, 20), "Study 1", "CT", 1, 2, 2000),
    ]
    assert len(ask(warehouse, QueryName.LARGEST_STUDIES, tenant=None, limit=1)) == 1


def test_transcode_outcomes(warehouse: Warehouse) -> None:
    failed = [transcode_row(n, outcome="failed", reason="timed out", bytes_out=0) for n in (1, 2)]
    load(warehouse, TRANSCODE_LOG, "a", transcode_row(3), *failed)
    assert ask(warehouse, QueryName.TRANSCODE_OUTCOMES, **EVERYTHING) == [
        ("failed", "timed out", JPEG_2000, EXPLICIT_LITTLE_ENDIAN, 2, 0.5, 200, 0),
        ("done", None, JPEG_2000, EXPLICIT_LITTLE_ENDIAN, 1, 0.25, 100, 400),
    ]


def test_reads_by_user_and_how_long_they_took(warehouse: Warehouse) -> None:
    reads = [access_row(number) for number in range(101)]
    others = [
        access_row(200, user_name="bob", status=404, milliseconds=9e9),
        access_row(201, user_name="bob", method="POST", resource="store", milliseconds=9e9),
    ]
    load(warehouse, ACCESS_LOG, "a", *reads, *others)
    assert ask(warehouse, QueryName.READS_BY_USER, **EVERYTHING) == [
        ("ada", 200, 101, 101_000),
        ("bob", 200, 1, 1000),
        ("bob", 404, 1, 1000),
    ]
    assert ask(warehouse, QueryName.RETRIEVE_P95, **EVERYTHING) == [("instance", 101, 95.0)]


def test_instances_are_found_by_any_attribute_of_their_header(warehouse: Warehouse) -> None:
    load(
        warehouse,
        IMAGE_META,
        "a",
        image_row(1, 1, 1),
        image_row(1, 2, 2, header=header(1, 2, **{"00180060": {"vr": "DS", "Value": [80.5]}})),
        image_row(2, 1, 3, header=header(2, 3, **{"00080020": {"vr": "DA", "Value": ["20251231"]}})),
        image_row(3, 1, 4, header=None),
        image_row(1, 1, 9, tenant="other"),
    )
    found = {
        "1 2 3 4": (),
        "1 3": (HeaderMatch(("00180060",), MatchKind.NUMBER, (120.0,)),),
        "1 2 3": (HeaderMatch(("00180060",), MatchKind.NUMBER, (80.5, 120.0)),),
        "2": (HeaderMatch(("00200013",), MatchKind.NUMBER, (2,)),),
        "1": (
            HeaderMatch(("00200013",), MatchKind.NUMBER, (1, 2)),
            HeaderMatch(("00180060",), MatchKind.NUMBER, (120,)),
        ),
        "": (HeaderMatch(("00181151",), MatchKind.NUMBER, (1,)),),
    }
    for expected, matches in found.items():
        assert matching(warehouse, *matches) == expected.split(), matches
    texts = {
        (MatchKind.EQUAL, "00080008", "AXIAL"): "1 2 3",
        (MatchKind.EQUAL, "00080008", "axial"): "",
        (MatchKind.EQUAL, "00080008", "' OR 1=1 --"): "",
        (MatchKind.WILDCARD, "00080008", "?XI*"): "1 2 3",
        (MatchKind.WILDCARD, "0008103E", "100% c*_agent"): "1 2 3",
        (MatchKind.WILDCARD, "0008103E", "100_ c*"): "",
        (MatchKind.NAME, "00100010", "muller^study1^*"): "1 2",
        (MatchKind.NAME, "00100010", "山?^*"): "1 2 3",
        (MatchKind.EQUAL, "00081030", "x"): "",
    }
    for (kind, tag, value), expected in texts.items():
        assert matching(warehouse, HeaderMatch((tag,), kind, (value,))) == expected.split(), value
    step = HeaderMatch(("00400275", "00400009"), MatchKind.EQUAL, ("STEP2", "STEP7"))
    assert matching(warehouse, step) == ["3"]
    for values, expected in (
        (("20260101", ""), "1 2"),
        (("", "20260101"), "3"),
        (("20261120", "20261120"), "1 2"),
    ):
        days = HeaderMatch(("00080020",), MatchKind.RANGE, values)
        assert matching(warehouse, days) == expected.split(), values


def test_instances_are_found_page_by_page_and_in_one_study(warehouse: Warehouse) -> None:
    load(
        warehouse, IMAGE_META, "a", *(image_row(study, 1, number) for study in (1, 2) for number in (1, 2, 3))
    )
    ct = HeaderMatch(("00080060",), MatchKind.EQUAL, ("CT",))
    assert matching(warehouse, ct, limit=4) == ["1", "2", "3", "1"]
    assert matching(warehouse, ct, limit=4, offset=4) == ["2", "3"]
    one = uids(2, 1, 1)
    assert matching(warehouse, ct, study_instance_uid=one["study_instance_uid"]) == ["1", "2", "3"]
    assert matching(warehouse, ct, study_instance_uid="1.2", series_instance_uids=["1.3"]) == []


def test_a_header_comes_back_as_it_was(warehouse: Warehouse) -> None:
    load(warehouse, IMAGE_META, "a", image_row(1, 1, 1))
    row = warehouse.query(
        QueryName.INSTANCES_BY_HEADER,
        {
            "tenant": "default",
            "study_instance_uid": None,
            "series_instance_uids": None,
            "matches": (),
            "limit": 1,
            "offset": 0,
        },
    ).mappings()[0]
    assert orjson.loads(row["header"]) == header(1, 1)


def test_many_loads_and_compactions_lose_and_double_nothing(warehouse: Warehouse) -> None:
    sent: Counter[int] = Counter()
    for number in range(12):
        rows = [access_row(number * 5 + offset) for offset in range(8)]  # three of them come again
        assert load(warehouse, ACCESS_LOG, f"label-{number}", *rows) is LoadStatus.LOADED
        sent.update(range(number * 5, number * 5 + 8))
        if number % 4 == 3:
            warehouse.compact()
        assert row_count(warehouse, ACCESS_LOG) == len(sent)
    assert sum(row[2] for row in ask(warehouse, QueryName.READS_BY_USER, **EVERYTHING)) == len(sent)
