"""manage.py stats: the dashboard's figures in a terminal, and as CSV."""

import csv
import io

import pytest
from django.core.management import CommandError, call_command

from dicomhub.environment import Environment
from tasks.warehouse.open import open_warehouse
from tests.support.warehouse_filling import fill, noon

pytestmark = pytest.mark.django_db


@pytest.fixture
def _filled(environment: Environment) -> None:
    fill(open_warehouse(environment.warehouse))


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.usefixtures("_filled")
def test_tables_for_people(capsys):
    call_command("stats", "--days", "7", "--tenant", "default")
    printed = capsys.readouterr().out.replace("\xa0", " ")
    for expected in (
        "Received, by modality",
        "24.4 KB",
        "Explicit VR Little Endian",
        "the decoder ended by signal 11",
        "95 ms",
        "so no forecast",
    ):
        assert expected in printed
    assert "CR" not in printed, "of another tenant"


@pytest.mark.usefixtures("_filled")
def test_a_file_of_csv_a_figure(tmp_path, capsys):
    folder = tmp_path / "made" / "anew"
    for _ in range(2):
        call_command("stats", "--csv", str(folder))
    paths = sorted(folder.iterdir())
    assert sorted(set(capsys.readouterr().out.split())) == list(map(str, paths))
    assert len(paths) == 11
    made = rows((folder / "received_by_modality.csv").read_text("utf-8"))
    assert made == [
        ["day", "modality", "instances", "size_bytes"],
        [noon(3).date().isoformat(), "CT", "10", "5000"],
        [noon(1).date().isoformat(), "CR", "2", "18"],
        [noon(1).date().isoformat(), "CT", "20", "20000"],
    ]
    studies = list(csv.DictReader(io.StringIO((folder / "largest_studies.csv").read_text("utf-8"))))
    assert [study["size_bytes"] for study in studies] == ["30000", "5000", "2000"]
    assert studies[1]["study_description"] == "'=1+1", "no formula to a spreadsheet"
    assert studies[2]["study_description"] == ""


@pytest.mark.usefixtures("_filled")
def test_csv_to_the_pipe_has_each_figure_under_its_name(capfd):
    call_command("stats", "--csv", "-", "--days", "365")
    figures = [rows(figure) for figure in capfd.readouterr().out.split("\r\n\r\n")]
    by_name = {figure[0][0]: figure[1:] for figure in figures if figure}
    assert by_name["transfer_syntaxes"][1] == [
        "1.2.840.10008.1.2.1",
        "Explicit VR Little Endian",
        "37",
        "25053",
    ]
    assert len(by_name["growth"]) == 1 + 365


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "warehouse init"),
        (["--tenant", "nobody"], "no tenant 'nobody'"),
        (["--days", "0"], "takes 1 to"),
        (["--days", "seven"], "takes 1 to"),
    ],
)
def test_what_cannot_be_answered_is_one_line(arguments, why):
    with pytest.raises(CommandError, match=why):
        call_command("stats", *arguments)


@pytest.mark.usefixtures("_filled")
def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="Not a directory"):
        call_command("stats", "--csv", str(tmp_path / "file" / "below"))
