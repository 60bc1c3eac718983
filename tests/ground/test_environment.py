import pytest

from dicomhub.environment import EnvironmentInvalid, read_environment


def problems_of(**values):
    with pytest.raises(EnvironmentInvalid) as caught:
        read_environment(values)
    return caught.value.problems


def test_nothing_has_to_be_set():
    environment = read_environment({})
    assert environment.store_root == environment.home / "store"
    assert environment.database_url == f"sqlite:///{environment.home}/dicomhub.sqlite3"


def test_everything_that_is_wrong_is_said_at_once():
    problems = problems_of(SCP_PORT="many", SCP_DURABILITY="none", BATCH_MAX_SECONDS="-1", WEB_DEBUG="maybe")
    assert {problem.split("=")[0] for problem in problems} == {
        "SCP_PORT",
        "SCP_DURABILITY",
        "BATCH_MAX_SECONDS",
        "WEB_DEBUG",
    }


def test_no_heartbeat_is_asked_for_more_often_than_children_beat():
    assert "at least 2 seconds" in problems_of(SCP_HEARTBEAT_SECONDS="1.5")[0]


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "WAREHOUSE_URL"])
def test_a_password_in_an_address_is_never_shown(name):
    [problem] = problems_of(**{name: "mysql://user:secret@host/name"})
    assert "secret" not in problem
    assert name in problem


@pytest.mark.parametrize("title", ["", "A" * 17, "BACK\\SLASH", "   "])
def test_an_ae_title_has_1_to_16_characters(title):
    if title:
        assert "SCP_AE_TITLE" in problems_of(SCP_AE_TITLE=title)[0]
    else:
        assert read_environment({"SCP_AE_TITLE": title}).scp.ae_title == "DICOMHUB"


def test_the_pool_has_to_fit_together():
    [problem] = problems_of(SCP_MIN_SPARE_CHILDREN="9", SCP_MAX_SPARE_CHILDREN="8")
    assert "does not hold" in problem


@pytest.mark.parametrize("url", ["parquet://host/folder", "parquet://", "parquet:///", "parquet:///a[b]"])
def test_the_folder_of_an_embedded_warehouse_is_a_whole_path(url):
    [problem] = problems_of(WAREHOUSE_URL=url)
    assert "parquet:///folder" in problem
    assert read_environment({}).warehouse.url.startswith("parquet:///")


def test_the_environment_wins_over_the_settings_file(tmp_path):
    path = tmp_path / "settings"
    path.write_text("# ports\nSCP_PORT = 104\nWEB_PORT=80\n")
    environment = read_environment({"DICOMHUB_SETTINGS_FILE": str(path), "WEB_PORT": "8080"})
    assert (environment.scp.port, environment.web.port) == (104, 8080)


def test_a_settings_file_that_is_not_there_is_named(tmp_path):
    [problem] = problems_of(DICOMHUB_SETTINGS_FILE=str(tmp_path / "nothing"))
    assert "No such file" in problem


def test_without_a_broker_that_is_what_is_said(tmp_path):
    with pytest.raises(EnvironmentInvalid, match="REDIS_URL is not set"):
        read_environment({"DICOMHUB_HOME": str(tmp_path)}).broker_url()


def test_codec_modules_are_names():
    assert read_environment({"CODEC_MODULES": "one, two.three"}).codec.modules == ("one", "two.three")
    [problem] = problems_of(CODEC_MODULES="one;two")
    assert "names of Python modules" in problem


OIDC = {"WEB_AUTH": "on", "OIDC_ISSUER": "https://login.example", "OIDC_AUDIENCE": "dicomhub"}


def test_everything_that_is_wrong_with_authentication_is_said_at_once():
    bad = {
        "WEB_AUTH": "perhaps",
        "OIDC_ALGORITHMS": "RS256,HS256",
        "OIDC_LEEWAY_SECONDS": "3600",
        "OIDC_WITHOUT_TENANT": "all",
        "OIDC_JWKS_URL": "http://login.example/keys",
    }
    problems = problems_of(**OIDC | bad)
    assert bad.keys() <= {problem.split("=")[0] for problem in problems}


@pytest.mark.parametrize("algorithms", ["none", "HS256", "hs512", "RS256,", "rs256", " , "])
def test_only_signatures_of_key_pairs_are_taken(algorithms):
    if algorithms == "RS256,":
        assert read_environment(OIDC | {"OIDC_ALGORITHMS": algorithms}).auth.oidc.algorithms == ("RS256",)
    else:
        assert "OIDC_ALGORITHMS" in problems_of(**OIDC | {"OIDC_ALGORITHMS": algorithms})[0]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"OIDC_AUDIENCE": ""}, "OIDC_AUDIENCE has to be set"),
        ({"WEB_AUTH": "off"}, "WEB_AUTH is not on"),
        ({"OIDC_ISSUER": ""}, "OIDC_ISSUER is not"),
        ({"OIDC_ISSUER": "http://login.example"}, "https://"),
        ({"OIDC_ISSUER": "https://"}, "https://"),
    ],
)
def test_half_a_provider_is_none(values, said):
    assert any(said in problem for problem in problems_of(**OIDC | values))
    assert (
        read_environment(OIDC | {"OIDC_ISSUER": "http://localhost:9000"}).auth.oidc.scope_prefix
        == "dicomweb."
    )
