"""Which metadata documents are fresh.

A document that was built from an older revision never makes a newer one look fresh. Each call is a statement
of its own, outside any transaction that holds other rows: the index stage locks studies before series.
"""

from dicomhub.archive.models import Series, Study


def series_documented(series_id: int, revision: int) -> None:
    """The series' document on disk now has what the series held at this revision."""
    Series.objects.filter(pk=series_id, document_revision__lt=revision).update(document_revision=revision)


def study_documented(study_id: int, revision: int) -> None:
    """The study's document on disk now has what the study held at this revision."""
    Study.objects.filter(pk=study_id, document_revision__lt=revision).update(document_revision=revision)
