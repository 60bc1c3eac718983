from pathlib import Path

import pytest

from dicomhub.environment import EnvironmentInvalid, read_environment
from tasks.warehouse.doris_address import DorisAddress, DorisAddressInvalid, FrontEnd, read_doris_address
from tasks.warehouse.open import open_warehouse
from tests.support.certificates import make_authority


def test_an_address_with_everything(tmp_path: Path) -> None:
    ca = make_authority(tmp_path, "ca").certificate
    read = read_doris_address(
        "doris://a%40b:p%2Fw%3A%C3%BC@fe1:8030/archive?fe=fe2&fe=fe3:8031&query_port=9031&tls=on"
        f"&ca={ca}&timeout=300&replication=1&buckets=4&gzip=off"
    )
    assert read == DorisAddress(
        user="a@b",
        password="p/w:ü",
        frontends=(FrontEnd("fe1", 8030), FrontEnd("fe2", 8030), FrontEnd("fe3", 8031)),
        database="archive",
        query_port=9031,
        tls="on",
        ca=ca,
        load_seconds=300,
        replication=1,
        buckets=4,
        gzip=False,
    )
    assert read.query_seconds == 30


def test_an_address_with_the_least() -> None:
    read = read_doris_address("doris://root@fe/archive")
    assert (read.user, read.password, read.frontends) == ("root", "", (FrontEnd("fe", 8030),))
    assert (read.tls, read.replication, read.load_seconds, read.gzip) == ("off", 3, 600, True)


@pytest.mark.parametrize(
    "text",
    [
        "doris://fe:8030/archive",
        "doris://user:s3cret@fe:8030",
        "doris://user:s3cret@fe:8030/a/b",
        "doris://user:s3cret@fe:80x30/archive",
        "doris://user:s3cret@fe:8030/archive?retries=3",
        "doris://user:s3cret@fe:8030/archive?tls=yes",
        "doris://user:s3cret@fe:8030/archive?timeout=0",
        "doris://user:s3cret@fe:8030/archive?timeout=ten",
        "doris://user:s3cret@fe:8030/archive?gzip=yes",
        "doris://user:s3cret@fe:8030/archive?fe=other:s3cret@host",
        "doris://user:s3cret@fe:8030/archive?fe",
        "doris://user:s3cret@fe:8030/archive?tls=on&ca=/no/such/file",
        f"doris://user:s3cret@fe:8030/archive?tls=on&ca={__file__}",
        "doris://user:pass?s3cret@fe:8030/archive",
    ],
)
def test_an_address_that_is_none_is_one_line_without_a_secret(text: str) -> None:
    with pytest.raises(DorisAddressInvalid) as refused:
        read_doris_address(text)
    assert "s3cret" not in str(refused.value)
    settings = read_environment({"WAREHOUSE_URL": text}).warehouse
    with pytest.raises(EnvironmentInvalid, match=r"WAREHOUSE_URL=doris://\.\.\.: ") as invalid:
        open_warehouse(settings)
    assert "s3cret" not in str(invalid.value)
    assert "\n" not in str(invalid.value)
