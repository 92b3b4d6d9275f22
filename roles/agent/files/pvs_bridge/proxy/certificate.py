"""pvs-bridge certificate: make and renew the self-signed certificate of the bridge's HTTPS port.

systemd runs it before haproxy starts, every day, and after the clock was set. It keeps a
certificate that has the wanted names and does not end soon. A Pi has no clock battery, so the clock
may be years behind: then the certificate is not valid yet, and is kept too. A renewed certificate
has the same key, so that a program that remembers the key accepts it.

usage: pvs-bridge certificate NAME...
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pvs_bridge import atomic
from pvs_bridge.host import units

PEM = Path("/etc/haproxy/pvs-bridge/self-signed.pem")
MARKER = Path("/run/pvs-bridge-certificate/environment")
"""haproxy's unit reads it. Without the variable in it, haproxy starts without the HTTPS port."""

VARIABLE = "PVS_BRIDGE_CERTIFICATE"

DAYS = 825
"""Apple's systems reject longer ones, even if the user trusts them (support.apple.com/103769)."""

RENEWAL_SECONDS = 30 * 86_400
_TIMEOUT_SECONDS = 60
_SAN = re.compile(r"(?:DNS|IP Address):([^,\s]+)")

_CONFIGURATION = """\
[req]
prompt = no
distinguished_name = subject
x509_extensions = extensions
[subject]
CN = {name}
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = {names}
"""


def is_good(pem: Path, names: Sequence[str]) -> bool:
    """Return whether a file is a usable certificate with its key, and does not end soon.

    Args:
        pem: The file, which may be missing.
        names: The host names and IPv4 addresses that it must be for.

    Raises:
        OSError: openssl is not installed.
        SubprocessError: openssl takes too long.
    """
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pem)
    except OSError:
        # Missing, damaged, or the key is of another certificate.
        return False
    done = _openssl("x509", "-in", str(pem), "-noout", "-ext", "subjectAltName",
                    "-checkend", str(RENEWAL_SECONDS))  # fmt: skip
    return done.returncode == 0 and set(_SAN.findall(done.stdout)) == set(names)


def create(pem: Path, names: Sequence[str]) -> None:
    """Write a new certificate, with the key of the old one if that can be read.

    Args:
        pem: The file for certificate and key.
        names: The host names and IPv4 addresses; the first one names the certificate.

    Raises:
        OSError: The file cannot be written, or openssl is not installed.
        SubprocessError: openssl failed.
    """
    key = _openssl("pkey", "-in", str(pem)).stdout or _output(
        "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"
    )
    with tempfile.TemporaryDirectory() as folder:
        configuration, key_file = Path(folder, "configuration"), Path(folder, "key")
        sans = ", ".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
        configuration.write_text(_CONFIGURATION.format(name=names[0], names=sans), encoding="ascii")
        atomic.write(key_file, key.encode())
        certificate = _output("req", "-x509", "-config", str(configuration), "-key", str(key_file),
                              "-days", str(DAYS))  # fmt: skip
    # haproxy's group reads it.
    atomic.write(pem, (certificate + key).encode(), 0o640)


def _is_address(name: str) -> bool:
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def _output(*words: str) -> str:
    """Return what openssl prints.

    Raises:
        CalledProcessError: It failed.
    """
    done = _openssl(*words)
    done.check_returncode()
    return done.stdout


def _openssl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["openssl", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_SECONDS,
    )


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    if not arguments or arguments[0].startswith("-"):
        print((__doc__ or "").partition("\n\n")[2].rpartition("\n\n")[2], file=sys.stderr)
        return 2
    try:
        good = is_good(PEM, arguments)
        if good and MARKER.exists():
            return 0
        if not good:
            create(PEM, arguments)
            print(f"{PEM}: new certificate for {arguments[0]}")
        MARKER.write_text(f"{VARIABLE}=yes\n", encoding="ascii")
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{PEM}: {error}; haproxy keeps the certificate that it has", file=sys.stderr)
        return 1
    # A haproxy that waits for this command, because it is about to start, is not restarted.
    problem = units.run([("systemctl", "--no-block", "try-restart", "haproxy.service")])
    if problem:
        print(f"haproxy.service: {problem}", file=sys.stderr)
    return 1 if problem else 0
