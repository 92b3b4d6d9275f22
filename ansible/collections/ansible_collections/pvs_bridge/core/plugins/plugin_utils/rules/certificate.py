"""Rules for the bridge's certificate. No message contains a part of it: it contains the key."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.values import Rule, Values

_NAME = "proxy_https_certificate"
_BLOCK = re.compile(
    r"-----BEGIN (?P<kind>[A-Z0-9 ]+)-----\r?\n.+?\n-----END (?P=kind)-----", re.DOTALL
)
# Debian's OpenSSL rejects shorter ones (SECLEVEL=2 in openssl.cnf).
_RSA_BITS = 2048
_CURVES = ("secp256r1", "secp384r1", "secp521r1")


def check_certificate_is_used(values: Values) -> Iterator[Issue]:
    """Only haproxy's own TLS has a certificate."""
    mode = values.text("proxy_https")
    if values.text(_NAME) and mode in ("passthrough", "off"):
        problem = f"has no effect while proxy_https is {mode}"
        yield Issue.at((_NAME,), problem, "remove it, or set proxy_https: guarded")


def check_certificate(values: Values) -> Iterator[Issue]:
    """Haproxy would not start with a wrong one, and programs reject one that has ended."""
    text = values.text(_NAME)
    problem, hint = _problem(text) if text else ("", "")
    if problem:
        yield Issue.at((_NAME,), problem, hint)


def _problem(text: str) -> tuple[str, str]:
    """Return what is wrong with a PEM text, and a hint; both empty if it is usable."""
    blocks = [(match["kind"], match[0].encode()) for match in _BLOCK.finditer(text)]
    certificates = [block for kind, block in blocks if kind == "CERTIFICATE"]
    keys = [block for kind, block in blocks if kind.endswith("PRIVATE KEY")]
    if not certificates or len(keys) != 1:
        return (
            "must contain at least one certificate and exactly one private key in PEM form, "
            f"got {len(certificates)} and {len(keys)}",
            "append the private key to the certificates, such as privkey.pem to fullchain.pem; in "
            "YAML, write the text after | so that it keeps its lines",
        )
    try:
        certificate, *_ = [x509.load_pem_x509_certificate(each) for each in certificates]
        public = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "must contain certificates that can be read", "copy each file whole"
    try:
        own = load_pem_private_key(keys[0], None).public_key()
    except TypeError:
        return "must have a private key without a passphrase", "remove it with `openssl pkey`"
    except (ValueError, UnsupportedAlgorithm):
        return "must contain a private key that can be read", "copy the file whole"
    if _bytes(own) != _bytes(public):
        return (
            "must have the private key of its first certificate",
            "begin with the bridge's own certificate, and append the key that it was made with",
        )
    if not _is_accepted(public):
        return (
            f"must have an RSA key of at least {_RSA_BITS} bits, or a key on the curve P-256, "
            "P-384 or P-521",
            "make a new key with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`",
        )
    end = _end(certificate)
    if end < datetime.datetime.now(datetime.UTC):
        return f"ended on {end:%Y-%m-%d}", "renew it"
    return "", ""


def _is_accepted(key: object) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size >= _RSA_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in _CURVES


def _bytes(key: object) -> bytes:
    # All types of public keys have this method, but not a common type.
    encode = getattr(key, "public_bytes")  # noqa: B009
    return bytes(encode(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _end(certificate: x509.Certificate) -> datetime.datetime:
    # Debian 12 has version 38 of cryptography; not_valid_after_utc came with 42.
    end = getattr(certificate, "not_valid_after_utc", None)
    if isinstance(end, datetime.datetime):
        return end
    return certificate.not_valid_after.replace(tzinfo=datetime.UTC)


RULES: tuple[Rule, ...] = (check_certificate_is_used, check_certificate)
