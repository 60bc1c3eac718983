"""QIDO-RS for studies and series: rows of the database, matched by it or by their instances' headers.

A study or series matches a key that the database does not have if an instance of it does. Where headers are
matched across the archive, the answer is in the order of the UIDs; else the latest study comes first, and
series are in the order of their numbers. PS3.18 10.6.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

from dicomhub.archive import selectors
from dicomhub.archive.models import Series, Study
from dicomhub.archive.paging import Page
from dicomhub.archive.row_model import SERIES_ROW_TAGS, STUDY_ROW_TAGS
from dicomhub.dicomweb.search.question import Question
from dicomhub.dicomweb.search.rows import Answers, Found, Model
from dicomhub.standard.attribute_level import is_of_series, is_of_study
from tasks.warehouse.queries import QueryName

Row = TypeVar("Row", Study, Series)


@dataclass(frozen=True, slots=True)
class _Rows(Generic[Row]):
    """Some at a time, and how many there are behind them."""

    parts: Iterable[list[Row]]
    additional: int


def studies(question: Question, answers: Answers, limit: int) -> Found:
    """Raises WarehouseNeeded, QueryInvalid, MatchInvalid, MatchUnsupported."""
    needs_documents = _needs_documents(question, STUDY_ROW_TAGS, is_of_study)
    rows = _study_rows(question, min(limit, question.sources.max_series) if needs_documents else limit)

    def models() -> Iterator[Model]:
        for part in rows.parts:
            first = selectors.first_series(part) if needs_documents else {}
            for study in part:
                series = first.get(study.pk)
                yield answers.study(study, {} if series is None else _said(question, series, is_of_study))

    return Found(models(), rows.additional)


def series(question: Question, answers: Answers, limit: int) -> Found:
    """Raises WarehouseNeeded, QueryInvalid, MatchInvalid, MatchUnsupported."""
    needs_documents = _needs_documents(question, SERIES_ROW_TAGS | STUDY_ROW_TAGS, is_of_series)
    rows = _series_rows(question, min(limit, question.sources.max_series) if needs_documents else limit)

    def models() -> Iterator[Model]:
        for row in chain.from_iterable(rows.parts):
            yield answers.series(row, _said(question, row, is_of_series) if needs_documents else {})

    return Found(models(), rows.additional)


def _needs_documents(question: Question, of_rows: frozenset[str], is_of_level: Callable[[str], bool]) -> bool:
    """Whether something is to be returned that says something of this level and is in no table."""
    include = question.query.include_tags
    return include is None or any(is_of_level(tag) for tag in include - of_rows)


def _said(question: Question, series: Series, is_of_level: Callable[[str], bool]) -> Model:
    header = question.first_header(series)
    return {tag: element for tag, element in header.items() if is_of_level(tag)}


def _study_rows(question: Question, limit: int) -> _Rows[Study]:
    within, query = question.within, question.query
    if question.is_for_warehouse():
        found, additional = question.warehouse_page(
            QueryName.STUDIES_BY_HEADER, QueryName.COUNT_STUDIES_BY_HEADER, limit
        )
        by_uid = selectors.studies_by_uids(within.tenant, (uid for (uid,) in found))
        rows = (by_uid[uid] for (uid,) in found if uid in by_uid)
        return _Rows([[row for row in rows if _is_known(question, row)]], additional)
    if question.is_of_headers:
        matching = {row.study_id: row.study for row in _matching_series(question)}
        return _some(list(matching.values()), query.offset, limit)
    page = Page(
        selectors.studies_matching(within.tenant, question.of_rows, query.rules),
        query.offset,
        limit,
        related="patient",
    )
    return _Rows(page.parts(), page.additional)


def _is_known(question: Question, study: Study) -> bool:
    rows = selectors.series_of_study(question.within.tenant, study.study_instance_uid)
    return any(map(question.is_known_by_warehouse, rows))


def _series_rows(question: Question, limit: int) -> _Rows[Series]:
    if question.is_for_warehouse():
        found, additional = question.warehouse_page(
            QueryName.SERIES_BY_HEADER, QueryName.COUNT_SERIES_BY_HEADER, limit
        )
        by_uids = selectors.series_by_uids(question.within.tenant, found)
        rows = (by_uids[uids] for uids in found if uids in by_uids)
        return _Rows([[row for row in rows if question.is_known_by_warehouse(row)]], additional)
    if question.is_of_headers:
        return _some(list(_matching_series(question)), question.query.offset, limit)
    page = Page(question.series(), question.query.offset, limit, related="study__patient")
    return _Rows(page.parts(), page.additional)


def _matching_series(question: Question) -> Iterator[Series]:
    for row in question.series_in_order():
        if next(question.matching_headers(row), None) is not None:
            yield row


def _some(rows: list[Row], offset: int, limit: int) -> _Rows[Row]:
    return _Rows([rows[offset : offset + limit]], max(len(rows) - offset - limit, 0))
