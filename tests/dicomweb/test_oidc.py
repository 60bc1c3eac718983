"""Access tokens of a real OpenID provider: which are taken, what they allow, and what its keys and outages do."""

import base64
import hmac
import json
import threading
import time
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dicomhub.dicomweb.auth.access_token import verified_claims
from dicomhub.dicomweb.auth.provider_keys import ProviderKeys, fetched_keys
from dicomhub.dicomweb.auth.refusal import KeysUnavailable, TokenInvalid
from dicomhub.tenants.models import Tenant
from tests.support.authenticated import with_auth
from tests.support.oidc import SigningKey, providing

CLIENTS = {"of-default": {"tenant": "default"}, "of-both": {"tenant": ["default", "b"]}, "of-none": {}}
STUDIES = "/dicom-web/studies"
LATER, EARLIER = time.time() + 3600, time.time() - 3600


@pytest.fixture(scope="module")
def provider(node_modules):
    with providing(CLIENTS) as provider:
        yield provider


@pytest.fixture
def configured(provider, environment, settings):
    """The settings that tokens are judged by; called with others, those."""

    def configure(**values):
        settings.ENVIRONMENT = with_auth(environment, provider.issuer, **values)
        return settings.ENVIRONMENT.auth.oidc

    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    configure()
    return configure


@pytest.fixture
def ask(db, client, configured):
    def request(token, path=STUDIES, method="get"):
        return getattr(client, method)(path, headers={"Authorization": f"Bearer {token}"})

    return request


def part(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def with_payload(token, **claims):
    head, payload, signature = token.split(".")
    old = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return ".".join((head, part(old | claims), signature))


def without_signature(token, alg):
    return f"{part({'alg': alg, 'typ': 'at+jwt'})}.{token.split('.')[1]}."


def signed_with_the_public_key(provider, token):
    """The old trick: the public key taken for a secret of HMAC."""
    key = provider.keys[0]
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': key.name})}.{token.split('.')[1]}"
    return f"{signed}.{part(hmac.digest(pem, signed.encode(), sha256))}"


def test_a_token_of_the_provider_opens_its_tenant_and_no_other(ask, provider):
    Tenant.objects.create(name="b")
    token = provider.token("of-default")
    assert ask(token).status_code == 200
    assert ask(token, "/tenants/default/dicom-web/studies").status_code == 200
    assert ask(token, "/tenants/b/dicom-web/studies").status_code == 404
    assert ask(provider.token("of-both"), "/tenants/b/dicom-web/studies").status_code == 200


def test_what_a_token_has_no_scope_for_is_named(ask, provider):
    answer = ask(provider.token("of-default", "dicomweb.read"))
    assert answer.status_code == 403
    assert answer["WWW-Authenticate"] == (
        'Bearer realm="dicomhub", error="insufficient_scope", scope="dicomweb.search"'
    )
    assert answer.json()["detail"] == "scope"


def test_without_a_token_there_is_a_challenge_and_no_reproach(client, configured, db):
    answer = client.get(STUDIES)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="dicomhub"')
    assert answer["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= {name.strip() for name in answer["Vary"].split(",")}


FORGERIES = {
    "the token has expired": [{"exp": EARLIER}],
    "the token does not hold yet": [{"nbf": LATER}, {"iat": LATER}],
    "the token is for somebody else": [{"aud": "https://other.example"}],
    "the token is of another issuer": [{"iss": "http://127.0.0.1:1"}],
    "the token has to have iss, sub, aud, exp, iat": [
        *({"without": (name,)} for name in ("iss", "sub", "aud", "exp", "iat")),
        {"aud": []},
    ],
    "the token is no access token": [
        {"header": {"typ": "JWT"}, "nonce": "n"},
        {"header": {"typ": "JWT"}, "at_hash": "h"},
        {"header": {"typ": "JWT"}, "typ": "ID"},
        {"header": {"typ": "logout+jwt"}},
    ],
    "the token is signed with a key that its issuer does not have": [{"header": {"kid": "made-up"}}],
    "the token is damaged": [{"exp": "soon"}, {"exp": float("inf")}],
}


@pytest.mark.parametrize(
    ("reason", "forgery"), [(reason, each) for reason, several in FORGERIES.items() for each in several]
)
def test_a_token_that_is_signed_and_not_for_now_or_us_is_refused(ask, provider, reason, forgery):
    answer = ask(provider.forged(**forgery))
    assert answer.status_code == 401
    assert f'error="invalid_token", error_description="{reason}"' in answer["WWW-Authenticate"]


def test_a_token_that_was_made_for_another_service_is_refused(ask, provider):
    answer = ask(provider.token("of-default", audience="https://other.example"))
    assert (answer.status_code, answer.json()["error"]) == (401, "the token is for somebody else")


def test_a_token_that_the_provider_did_not_sign_so_is_refused(ask, provider):
    token = provider.token("of-default")
    impostor = SigningKey.make()
    body, signature = token.rsplit(".", 1)
    for false in (
        *(without_signature(token, alg) for alg in ("none", "None", "")),
        signed_with_the_public_key(provider, token),
        with_payload(token, tenant="b"),
        f"{body}.{signature[::-1]}",
        provider.forged(key=impostor),
        provider.forged(key=impostor, header={"kid": provider.keys[0].name}),
        provider.forged(key=impostor, header={"kid": provider.keys[0].name, "jwk": impostor.jwk()}),
        provider.forged(key=SigningKey(provider.keys[0].name, "PS256", provider.keys[0].private)),
    ):
        answer = ask(false)
        assert answer.status_code == 401, false
        assert 'error="invalid_token"' in answer["WWW-Authenticate"]


NESTED = f"{part(b'[' * 3000)}.e30.e30"
NUMBERED_KEY = f"{part({'alg': 'RS256', 'kid': 5})}.e30.e30"


@pytest.mark.parametrize("text", ["", " ", "x", "..", "a.b.c", "[" * 4000, "é", NESTED, NUMBERED_KEY])
def test_garbage_is_refused_and_nothing_more(ask, text):
    assert ask(text).status_code == 401


@pytest.mark.parametrize("claims", [{}, {"typ": "Bearer"}, {"typ": "Bearer", "nonce": "n"}])
def test_a_provider_need_not_say_what_a_token_is(ask, provider, claims):
    assert ask(provider.forged(header={"typ": "JWT"}, **claims)).status_code == 200


def test_clocks_may_differ_by_the_leeway(ask, provider, configured):
    token = provider.forged(exp=time.time() - 100)
    assert ask(token).status_code == 401
    configured(OIDC_LEEWAY_SECONDS="200")
    assert ask(token).status_code == 200


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"scope": None, "scp": ["dicomweb.search"]}, 200),
        ({"scope": None, "scp": "dicomweb.read dicomweb.search"}, 200),
        ({"scope": ["dicomweb.search"]}, 200),
        ({"scope": "search dicomweb.searching DICOMWEB.SEARCH"}, 403),
        ({"scope": {"dicomweb.search": True}}, 403),
        ({"scope": 5, "scp": [["dicomweb.search"]]}, 403),
        ({"tenant": ["default", 5]}, 200),
        ({"tenant": []}, 404),
        ({"tenant": None}, 404),
        ({"tenant": {"default": True}}, 404),
        ({"tenant": "nowhere"}, 404),
        ({"tenant": "default\0"}, 404),
        ({"tenant": "\ud800"}, 404),
        ({"sub": "\ud800\n"}, 200),
    ],
)
def test_scopes_and_tenants_are_what_the_claims_say(ask, provider, claims, status):
    assert ask(provider.forged(**claims)).status_code == status


def test_a_token_without_a_tenant_is_nobodys_unless_told_otherwise(ask, provider, configured):
    token = provider.token("of-none")
    assert ask(token).status_code == 404
    configured(OIDC_WITHOUT_TENANT="default")
    assert ask(token).status_code == 200


def test_names_of_scopes_and_claims_are_settings(ask, provider, configured):
    configured(OIDC_SCOPE_PREFIX="pacs/", OIDC_TENANT_CLAIM="https://example/hospital")
    assert (
        ask(provider.forged(**{"scope": "pacs/search", "https://example/hospital": "default"})).status_code
        == 200
    )
    assert ask(provider.forged()).status_code == 404


class Counted:
    """The provider's keys, as they are really fetched; and how often."""

    def __init__(self, oidc) -> None:
        self._oidc = oidc
        self.times = 0

    def __call__(self) -> dict:
        self.times += 1
        return fetched_keys(self._oidc)


def test_a_key_that_is_new_is_fetched_and_one_that_is_gone_is_not_trusted(provider, configured):
    oidc = configured(OIDC_ALGORITHMS="RS256,ES256")
    keys = ProviderKeys(fetch := Counted(oidc), pause_seconds=0)
    old = provider.token("of-default")
    for _ in range(3):
        assert verified_claims(old, oidc, keys)["client_id"] == "of-default"
    assert fetch.times == 1
    was = provider.keys
    provider.restart_with(SigningKey.make("ES256"))
    try:
        assert verified_claims(provider.token("of-default"), oidc, keys)["client_id"] == "of-default"
        assert fetch.times == 2
        with pytest.raises(TokenInvalid, match="does not have"):
            verified_claims(old, oidc, keys)
    finally:
        provider.restart_with(*was)


def test_made_up_names_of_keys_cost_the_provider_one_request(provider, configured):
    oidc = configured()
    keys = ProviderKeys(fetch := Counted(oidc), pause_seconds=3600)
    verified_claims(provider.token("of-default"), oidc, keys)
    for number in range(200):
        with pytest.raises(TokenInvalid):
            verified_claims(provider.forged(header={"kid": str(number)}), oidc, keys)
    assert fetch.times == 1


def test_known_keys_serve_while_the_provider_is_down(ask, provider, configured):
    oidc = configured()
    keys = ProviderKeys(fetch := Counted(oidc), fresh_seconds=0, pause_seconds=0)
    token = provider.token("of-default")
    verified_claims(token, oidc, keys)
    provider.stop()
    try:
        for _ in range(2):
            assert verified_claims(token, oidc, keys)["client_id"] == "of-default"
        assert fetch.times == 3
        with pytest.raises(KeysUnavailable):
            verified_claims(token, oidc, ProviderKeys(Counted(oidc)))
        configured(OIDC_JWKS_URL=f"{provider.issuer}/elsewhere")  # for which no keys are known yet
        answer = ask(token)
        assert answer.status_code == 503
        assert int(answer["Retry-After"]) > 0
    finally:
        provider.start()


def test_who_knows_the_keys_does_not_wait_for_a_provider_that_hangs(provider, configured):
    oidc = configured()
    token = provider.token("of-default")
    hangs, is_asked = threading.Event(), threading.Event()
    answers = [lambda: fetched_keys(oidc)]

    def fetch():
        if answers:
            return answers.pop()()
        is_asked.set()
        hangs.wait(60)
        raise ConnectionError

    keys = ProviderKeys(fetch, fresh_seconds=0, pause_seconds=0)
    verified_claims(token, oidc, keys)
    unlucky = threading.Thread(target=verified_claims, args=(token, oidc, keys))
    unlucky.start()
    assert is_asked.wait(60)
    assert verified_claims(token, oidc, keys)["client_id"] == "of-default"  # else this waits for ever
    assert unlucky.is_alive()
    hangs.set()
    unlucky.join()


@pytest.mark.parametrize("path", ["", "/nowhere", "/token"])
def test_an_issuer_that_is_none_gives_no_keys(provider, configured, path):
    oidc = configured(OIDC_ISSUER=f"{provider.issuer}{path}/")
    with pytest.raises(KeysUnavailable):
        ProviderKeys(lambda: fetched_keys(oidc)).key("any")


class _Redirecting(BaseHTTPRequestHandler):
    """Sends whoever asks for the configuration or the keys to where the real ones are."""

    def do_GET(self):
        issuer, keys = f"http://{self.headers['Host']}", self.server.keys_url
        moved = {"/.well-known/openid-configuration": f"{issuer}/document", "/keys": keys}
        is_moved = self.path in moved
        document = b"" if is_moved else json.dumps({"issuer": issuer, "jwks_uri": keys}).encode()
        self.server.asked.append(self.path)
        self.send_response(302 if is_moved else 200)
        self.send_header("Location", moved.get(self.path, ""))
        self.send_header("Content-Length", str(len(document)))
        self.end_headers()
        self.wfile.write(document)

    def log_message(self, *_):
        pass


@pytest.fixture
def redirecting(provider):
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Redirecting)
    server.keys_url, server.asked = f"{provider.issuer}/jwks", []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_keys_come_from_their_own_address_and_from_no_other_it_points_to(provider, configured, redirecting):
    url = f"http://127.0.0.1:{redirecting.server_port}"
    assert fetched_keys(configured(OIDC_JWKS_URL=redirecting.keys_url)).keys() == {provider.keys[0].name}
    for values in ({"OIDC_JWKS_URL": f"{url}/keys"}, {"OIDC_ISSUER": url}):
        oidc = configured(**values)
        with pytest.raises(KeysUnavailable):
            ProviderKeys(lambda oidc=oidc: fetched_keys(oidc)).key(provider.keys[0].name)
    assert redirecting.asked == ["/keys", "/.well-known/openid-configuration"]
