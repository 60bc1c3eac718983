"""Certificates for tests: an authority, what it signed, and one of another authority, by the openssl command."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files; the certificate of an authority is what its peers trust."""

    certificate: Path
    key: Path


def make_authority(folder: Path, name: str) -> Certificate:
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    # Python 3.13 verifies strictly (RFC 5280): an authority has to say that it signs.
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    subject = ("-subj", f"/CN={name}", "-days", "2")
    _openssl("req", "-x509", *_new_key(made), *subject, *usage, "-out", made.certificate)
    return made


def make_certificate(folder: Path, name: str, *, authority: Certificate) -> Certificate:
    """For 127.0.0.1, as server or client."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
    extensions.write_text(
        "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n"
        "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n",
        "ascii",
    )
    _openssl("req", *_new_key(made), "-subj", f"/CN={name}", "-out", request)
    signer = ("-CA", authority.certificate, "-CAkey", authority.key, "-CAcreateserial")
    _openssl(
        "x509",
        "-req",
        "-in",
        request,
        *signer,
        "-extfile",
        extensions,
        "-days",
        "2",
        "-out",
        made.certificate,
    )
    return made


def _new_key(made: Certificate) -> tuple[object, ...]:
    return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", made.key


def _openssl(*arguments: object) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
