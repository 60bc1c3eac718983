"""A real OpenID provider, oidc-provider of npm, whose keys and clients a test decides."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import jwt
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.support.node import node_command
from tests.support.waiting import wait_until

AUDIENCE = "https://dicomhub.example/dicomweb"
SECRET = "a secret of tests"
ALL = "dicomweb.read dicomweb.search dicomweb.store dicomweb.delete"


@dataclass(frozen=True)
class SigningKey:
    """private is the key as cryptography has it, to make tokens that the provider would not make."""

    name: str
    algorithm: str
    private: object

    @classmethod
    def make(cls, algorithm: str = "RS256") -> "SigningKey":
        is_rsa = algorithm.startswith(("RS", "PS"))
        private = rsa.generate_private_key(65537, 2048) if is_rsa else ec.generate_private_key(ec.SECP256R1())
        return cls(uuid4().hex, algorithm, private)

    def jwk(self) -> dict[str, object]:
        kind = RSAAlgorithm if self.algorithm.startswith(("RS", "PS")) else ECAlgorithm
        described = kind.to_jwk(self.private, as_dict=True)
        described.pop("key_ops", None)
        return described | {"kid": self.name, "alg": self.algorithm, "use": "sig"}


class OidcProvider:
    """clients: the claims of each one's tokens, by its name."""

    def __init__(self, clients: Mapping[str, Mapping[str, object]]) -> None:
        self._clients = [
            {"id": name, "secret": SECRET, "claims": dict(claims)} for name, claims in clients.items()
        ]
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self._port = listener.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{self._port}"
        self.keys = [SigningKey.make()]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with socket.create_server(("127.0.0.1", self._port)) as listener:
            settings = {
                "issuer": self.issuer,
                "keys": [key.jwk() for key in self.keys],
                "clients": self._clients,
                "descriptor": listener.fileno(),
            }
            self._process = subprocess.Popen(
                node_command("oidc_provider.js", json.dumps(settings)), pass_fds=[listener.fileno()]
            )
        wait_until(self._answers, what="the OpenID provider answers", seconds=60)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart_with(self, *keys: SigningKey) -> None:
        self.stop()
        self.keys = list(keys)
        self.start()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.issuer}/jwks", timeout=10).ok
        except requests.ConnectionError:
            return False

    def token(self, client: str, scope: str = ALL, *, audience: str = AUDIENCE) -> str:
        """As a program gets it: by its secret."""
        answer = requests.post(
            f"{self.issuer}/token",
            data={"grant_type": "client_credentials", "scope": scope, "resource": audience},
            auth=(client, SECRET),
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()["access_token"]

    def forged(self, *, key: SigningKey | None = None, header=None, without=(), **claims) -> str:
        """Signed with the provider's key or another one, with claims that it would not write."""
        key = key or self.keys[0]
        now = int(time.time())
        usual = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": "forger",
            "client_id": "forger",
            "iat": now,
            "exp": now + 600,
            "scope": ALL,
            "tenant": "default",
        }
        kept = {name: value for name, value in (usual | claims).items() if name not in without}
        headers = {"typ": "at+jwt", "kid": key.name} | (header or {})
        return jwt.encode(kept, key.private, algorithm=key.algorithm, headers=headers)


@contextmanager
def providing(clients: Mapping[str, Mapping[str, object]]) -> Iterator[OidcProvider]:
    provider = OidcProvider(clients)
    try:
        provider.start()
        yield provider
    finally:
        provider.stop()
