"""How the admin writes names and addresses."""

import pytest

from dicomhub.archive.pages.text import NOTHING, dicomweb_path, names, person


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Doe^John", "Doe, John"),
        ("Doe^John^Quincy^Dr^MD", "Doe, John Quincy Dr MD"),
        ("Doe", "Doe"),
        ("^John", "John"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田 太郎, やまだ たろう)"),
        ("=山田^太郎", " (山田 太郎)"),
        ("", NOTHING),
        ("^^^^", NOTHING),
    ],
)
def test_person(name: str, written: str):
    assert person(name) == written.strip()


def test_names_of_several_people():
    assert names("\\Doe^John\\Roe^Jane\\") == "Doe, John; Roe, Jane"


def test_dicomweb_path_of_the_default_and_of_another_tenant():
    assert dicomweb_path("default", "1.2", "1.2.3") == "/dicom-web/studies/1.2/series/1.2.3"
    assert dicomweb_path("north", "1.2") == "/tenants/north/dicom-web/studies/1.2"
