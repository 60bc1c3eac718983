"""What browsers and proxies are told beside the answer: CORS, security headers, the name of the request."""

import subprocess
import sys

import orjson
import pytest
import requests

from tests.dicomweb.noted import row_after
from tests.dicomweb.served import serving
from tests.support.samples import sample

ORIGIN = "https://viewer.example"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    home = tmp_path_factory.mktemp("headers") / "home"
    settings = {
        "WEB_CORS_ORIGINS": f"{ORIGIN},http://localhost:3000",
        "WEB_PUBLIC_URL": "https://pacs.example",
        "WEB_BEHIND_TLS_PROXY": "on",
        "WEB_HSTS_SECONDS": "3600",
        "LOG_FORMAT": "json",
    }
    with serving(home, sample("CT_small.dcm"), **settings) as server:
        yield server


def ask(server, path, method="GET", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.request(method, server.url + path, headers=headers, timeout=60, allow_redirects=False)


def test_a_page_of_a_named_origin_may_ask_and_read_our_headers(server):
    before = ask(
        server,
        "/dicom-web/studies",
        "OPTIONS",
        Origin=ORIGIN,
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="authorization,range,if-none-match",
    )
    assert before.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "range" in before.headers["Access-Control-Allow-Headers"]
    answer = ask(server, "/tenants/default/dicom-web/studies", Origin=ORIGIN)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert {"Warning", "ETag", "Content-Location"} <= set(
        answer.headers["Access-Control-Expose-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    ("path", "origin"), [("/dicom-web/studies", "https://other.example"), ("/admin/login/", ORIGIN)]
)
def test_no_other_page_may(server, path, origin):
    assert "Access-Control-Allow-Origin" not in ask(server, path, Origin=origin).headers


def test_data_runs_nothing_and_pages_stay_in_their_origin(server):
    data = ask(server, "/dicom-web/studies").headers
    assert "default-src 'none'" in data["Content-Security-Policy"]
    assert data["X-Content-Type-Options"] == "nosniff"
    assert data["X-Frame-Options"] == "DENY"
    assert data["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in ask(server, "/admin/login/").headers["Content-Security-Policy"]


def test_behind_tls_cookies_are_secure_and_browsers_are_told_to_stay(server):
    assert "Strict-Transport-Security" not in ask(server, "/dicom-web/studies").headers
    page = ask(server, "/admin/login/", X_Forwarded_Proto="https")
    assert page.headers["Strict-Transport-Security"] == "max-age=3600"
    assert "Secure" in page.headers["Set-Cookie"]


def test_no_header_makes_a_request_secure_unless_a_setting_says_so(tmp_path):
    script = (
        "from dicomhub import web_server; from dicomhub import settings;"
        "print(web_server.secure_scheme_headers, settings.SECURE_PROXY_SSL_HEADER)"
    )
    environment = {"DICOMHUB_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "dicomhub.settings"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "{} None\n"


def test_a_request_keeps_its_name_in_the_answer_the_error_and_the_access_log(server):
    answer = ask(server, "/dicom-web/studies/1.2", X_Request_ID="from-the-proxy.1")
    assert answer.headers["X-Request-ID"] == "from-the-proxy.1"
    assert orjson.loads(answer.content)["request_id"] == "from-the-proxy.1"
    assert row_after(server, "from-the-proxy.1")["status"] == 404


@pytest.mark.parametrize("given", ["x" * 129, "a b", "<script>", ""])
def test_a_name_that_is_none_is_replaced(server, given):
    answer = ask(server, "/dicom-web/studies/1.2", X_Request_ID=given)
    name = answer.headers["X-Request-ID"]
    assert name != given
    assert len(name) == 24
    assert row_after(server, name)["request_id"] == name
