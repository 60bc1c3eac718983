"""QIDO-RS for instances: lines of series' metadata documents, or rows of the warehouse. PS3.18 10.6.

A row comes to the warehouse some seconds after its instance, and stays when the instance is taken away. So
what it finds is answered only if the series is in the database, the file in the store, the header a match.
Whichever it is, the instances that are looked for by their headers across the archive come in the order of
their UIDs, and all others study by study, series by series, in the order of their numbers.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any, cast

import orjson
from django.db.models import Sum

from dicomhub.archive import selectors
from dicomhub.archive.models import Series
from dicomhub.dicomweb.search.question import Question
from dicomhub.dicomweb.search.rows import Answers, Found, Model
from dicomhub.storage.layout import instance_path
from tasks.warehouse.queries import QueryName


def instances(question: Question, answers: Answers, limit: int) -> Found:
    """Raises WarehouseNeeded, QueryInvalid, MatchInvalid."""
    if question.is_for_warehouse():
        return _in_warehouse(question, answers, limit)
    if question.is_of_headers:
        return _in_documents(question, answers, limit)
    return _all(question, answers, limit)


def _in_warehouse(question: Question, answers: Answers, limit: int) -> Found:
    """Additional counts rows of the warehouse."""
    rows, additional = question.warehouse_page(
        QueryName.INSTANCES_BY_HEADER, QueryName.COUNT_BY_HEADER, limit
    )
    return Found(_archived(question, answers, rows), additional)


def _archived(question: Question, answers: Answers, rows: Sequence[Any]) -> Iterator[Model]:
    tenant, store = question.within.tenant, question.sources.store
    series = selectors.series_by_uids(tenant, {(study, series) for study, series, _, _ in rows})
    for study_uid, series_uid, instance_uid, header in rows:
        row = series.get((study_uid, series_uid))
        if row is None:
            continue
        if not store.absolute(instance_path(tenant, study_uid, series_uid, instance_uid)).is_file():
            continue
        model = orjson.loads(header)
        if question.is_match(model):
            yield answers.instance(row, model)


def _in_documents(question: Question, answers: Answers, limit: int) -> Found:
    first, last = question.query.offset, question.query.offset + limit
    page: list[Model] = []
    matching = 0
    for series in question.series_in_order():
        for header in _in_order(question, series):
            if first <= matching < last:
                page.append(answers.instance(series, header))
            matching += 1
    return Found(page, max(matching - last, 0))


def _in_order(question: Question, series: Series) -> Iterator[Model]:
    headers = question.matching_headers(series)
    if question.within.study_instance_uid is not None:
        return headers
    return iter(sorted(headers, key=lambda header: str(header["00080018"]["Value"][0])))


def _all(question: Question, answers: Answers, limit: int) -> Found:
    """Of every series that the database leaves, its counts say where a page begins."""
    first, last = question.query.offset, question.query.offset + limit
    total = question.series().aggregate(total=Sum("number_of_instances", default=0))["total"]
    parts: list[tuple[Series, slice]] = []
    passed = 0
    # Closed here, and not whenever a client has read its answer: it is a cursor of the database.
    rows = cast("Generator[Series, None, None]", question.series().iterator())
    with closing(rows) as every:
        for series in every:
            if passed >= last:
                break
            if passed + series.number_of_instances > first:
                parts.append((series, slice(max(first - passed, 0), last - passed)))
            passed += series.number_of_instances
    models = (
        answers.instance(series, orjson.loads(line))
        for series, part in parts
        for line in question.lines(series)[part]
    )
    return Found(models, max(total - last, 0))
