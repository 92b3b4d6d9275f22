"""Rules for the bridge's own certificate."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue

Check = Callable[..., list[Issue]]
Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def make(
    key: Key | None = None, days: int = 30, passphrase: bytes | None = None
) -> tuple[str, str]:
    """Return a self-signed certificate and its key, as PEM texts."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "solar.lan")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    return certificate.public_bytes(Encoding.PEM).decode(), text.decode()


def found(check_project: Check, text: str, **more: str) -> str:
    """Return the only issue of a certificate; empty if it has none."""
    issues = check_project(proxy_https_certificate=text, **more)
    assert [each.location.variable for each in issues[1:]] == []
    for each in issues:
        assert each.location.variable == "proxy_https_certificate"
        assert "BEGIN" not in each.message
    return issues[0].message if issues else ""


def test_a_usable_certificate_gives_no_finding(check_project: Check) -> None:
    certificate, key = make()
    chain = make()[0]
    of_rsa = "".join(make(rsa.generate_private_key(65537, 2048)))
    for text in (certificate + key, key + certificate, f"comment\n{certificate}{chain}\n{key}",
                 of_rsa, (certificate + key).replace("\n", "\r\n")):  # fmt: skip
        assert found(check_project, text) == ""


@pytest.mark.parametrize("what", ["certificate", "key", "two keys", "text"])
def test_what_is_incomplete_is_found(check_project: Check, what: str) -> None:
    certificate, key = make()
    text = {"certificate": certificate, "key": key, "two keys": certificate + key + make()[1],
            "text": "/etc/ssl/own.pem"}[what]  # fmt: skip
    assert "at least one certificate and exactly one private key" in found(check_project, text)


def test_what_is_damaged_is_found(check_project: Check) -> None:
    certificate, key = make()
    assert "certificates that can be read" in found(
        check_project, certificate.replace("MII", "") + key
    )
    # YAML joins the lines after >, and openssl needs them.
    assert "after |" in found(check_project, (certificate + key).replace("\n", " "))
    lines = key.splitlines()
    cut = "\n".join([lines[0], lines[1][:-8], *lines[2:]])
    assert "private key that can be read" in found(check_project, certificate + cut)


def test_a_key_of_another_certificate_is_found(check_project: Check) -> None:
    problem = found(check_project, make()[0] + make()[1])
    assert "must have the private key of its first certificate" in problem


def test_a_chain_in_the_wrong_order_is_found(check_project: Check) -> None:
    issuer = make()[0]
    certificate, key = make()
    assert "first certificate" in found(check_project, issuer + certificate + key)


def test_a_certificate_that_has_ended_is_found(check_project: Check) -> None:
    assert "ended on 20" in found(check_project, "".join(make(days=-1)))


def test_a_key_with_a_passphrase_is_found(check_project: Check) -> None:
    assert "without a passphrase" in found(check_project, "".join(make(passphrase=b"secret")))


@pytest.mark.parametrize("kind", ["short", "curve", "ed25519"])
def test_a_key_that_haproxy_or_browsers_reject_is_found(check_project: Check, kind: str) -> None:
    makers: dict[str, Callable[[], Key]] = {
        "short": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 - it must be rejected
        "curve": lambda: ec.generate_private_key(ec.SECP256K1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    assert "RSA key of at least 2048 bits" in found(check_project, "".join(make(makers[kind]())))


@pytest.mark.parametrize("mode", ["passthrough", "off"])
def test_a_certificate_without_use_is_found(check_project: Check, mode: str) -> None:
    problem = found(check_project, "".join(make()), proxy_https=mode)
    assert f"no effect while proxy_https is {mode}" in problem
