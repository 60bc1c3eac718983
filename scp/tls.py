"""TLS for the SCP: the BCP 195 profile of PS3.15 B.12, with client certificates where they are asked for."""

import ssl

from dicomhub.configuration.receiving import TlsSettings

# What RFC 9325 4.2 recommends for TLS 1.2; the suites of TLS 1.3 need no choice.
_TLS_1_2_CIPHER_SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
)


class TlsUnusable(Exception):
    """Certificate, key or client CA cannot be used; says which and why in one line."""


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """Made once, in the parent, so that a session can be resumed with any child. Raises TlsUnusable."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(_TLS_1_2_CIPHER_SUITES))
    # RFC 9325 3.3 and 3.4: neither compression nor renegotiation.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    try:
        # A key with a passphrase would otherwise be asked for on the terminal.
        context.load_cert_chain(settings.certificate, settings.key, password=_no_passphrase)
    except (OSError, ValueError) as error:
        key = f", SCP_TLS_KEY={settings.key}" if settings.key else ""
        raise TlsUnusable(f"SCP_TLS_CERTIFICATE={settings.certificate}{key}: {_reason(error)}") from error
    if settings.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(settings.client_ca)
        except (OSError, ValueError) as error:
            raise TlsUnusable(f"SCP_TLS_CLIENT_CA={settings.client_ca}: {_reason(error)}") from error
    return context


def _no_passphrase() -> str:
    raise ValueError("the key has a passphrase")


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return tls_reason(error)
    return (getattr(error, "strerror", None) or str(error)).lower()


def tls_reason(error: ssl.SSLError) -> str:
    """What OpenSSL says is wrong, in words: "wrong version number"."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    return (error.reason or error.strerror or str(error)).lower().replace("_", " ")
