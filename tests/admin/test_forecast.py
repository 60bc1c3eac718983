"""How long the disk will do."""

from datetime import date, timedelta

import pytest

from dicomhub.console.figures.forecast import forecast, growth

TODAY = date(2026, 11, 22)
GIB = 2**30
WEEKS = [100 * GIB] * 5 + [10 * GIB] * 2


def said(bytes_by_day, room_bytes):
    return forecast(bytes_by_day, room_bytes=room_bytes, today=TODAY).replace("\xa0", " ")


def test_steady_growth_is_a_division():
    sentence = said([2 * GIB] * 30, 200 * GIB)
    assert "About 100 days" in sentence
    assert (TODAY + timedelta(days=100)).isoformat() in sentence
    assert "200.0 GB are free" in sentence
    assert "2.0 GB a day in the last 30 whole days" in sentence
    assert "100 days to 100 days" in sentence


def test_weeks_grow_by_their_mean():
    mean = sum(WEEKS) / 7
    assert growth(WEEKS * 8).usual == pytest.approx(mean, rel=0.05)


def test_one_import_of_years_does_not_change_the_usual():
    imported = [2 * GIB] * 60
    imported[5] = 5000 * GIB
    assert growth(imported).usual == pytest.approx(2 * GIB, rel=0.01)


@pytest.mark.parametrize(
    ("bytes_by_day", "room_bytes", "expected"),
    [
        ([], GIB, "needs 7 whole days of receiving; there are 0"),
        ([GIB] * 6, GIB, "needs 7 whole days of receiving; there are 6"),
        ([0] * 20, GIB, "No steady growth in the last 20 whole days"),
        ([1000] * 20, 1000 * GIB, "more than ten years away"),
        ([GIB] * 20, 0, "reserve is reached"),
        ([GIB] * 20, -GIB, "reserve is reached"),
        ([GIB] * 20, GIB // 2, "About 0 days"),
        ([GIB] + [0, 0, 0, GIB] * 10, GIB, "days until"),
    ],
)
def test_what_cannot_be_said_is_not(bytes_by_day, room_bytes, expected):
    assert expected in said(bytes_by_day, room_bytes)
