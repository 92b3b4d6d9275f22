"""The proxies that are compared, each configured as its experts would."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proxy_rig.haproxy import write_configuration
from proxy_rig.world import PVS
from pvs_bridge.proxy import certificate

PROGRAM_PATIENCE_SECONDS = 120
"""How long the programs of a house wait for DeviceList."""


@dataclass(frozen=True)
class Conditions:
    """What a proxy has to cope with.

    Attributes:
        port: where it listens.
        cache_seconds: how long it may share an answer; 0: not at all.
        hurry: how many times faster than in a house time goes; its timeouts shrink by it.
        etc: the configuration that Debian's packages bring.
    """

    port: int
    cache_seconds: int
    hurry: float
    etc: Path


@dataclass(frozen=True)
class Contender:
    """One way to the PVS.

    Attributes:
        name: as the tables have it.
        seen_as: where its program looks for its configuration.
        prepare: writes the configuration and returns program and arguments; None where there is
            no program at all.
    """

    name: str
    seen_as: str = ""
    prepare: Callable[[Path, Conditions], list[str]] | None = None


def https_port(port: int) -> int:
    """Where a proxy listens for HTTPS, if it does."""
    return port + 4000


_HAPROXY = ["haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"]

# As far as the source guide goes: these lines below what Debian's package brings.
_GUIDE = f"""
frontend http-in
    bind *:%d
    default_backend backend_servers

backend backend_servers
    server sv1 {PVS}:80

listen stats
    bind *:%d
    stats enable
    stats uri /
"""


def _guide(folder: Path, conditions: Conditions) -> list[str]:
    shutil.copytree(conditions.etc / "haproxy", folder, dirs_exist_ok=True)
    file = folder / "haproxy.cfg"
    text = re.sub(
        r"(timeout (?:connect|client|server) +)(\d+)",
        lambda found: f"{found[1]}{round(int(found[2]) / conditions.hurry)}",
        file.read_text(),
    )
    file.write_text(text + _GUIDE % (conditions.port, conditions.port + 8000))
    return _HAPROXY


# The lock's own limits are 5 seconds, less than a DeviceList takes, and it holds only for what was
# never there: without "updating" everybody asks the PVS as soon as an answer is too old. No log
# and one worker: no more work than haproxy has.
_NGINX = f"""
user www-data;
worker_processes 1;
pid /run/nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    proxy_cache_path /var/lib/nginx/answers keys_zone=answers:1m max_size=8m use_temp_path=off;
    server {{
        listen %(port)d;
        listen %(https_port)d ssl;
        ssl_certificate certificate.pem;
        ssl_certificate_key certificate.pem;
        keepalive_requests 100000;
        location / {{
            proxy_pass http://{PVS};
            proxy_read_timeout %(patience)dms;
%(cache)s
        }}
    }}
}}
"""
_NGINX_CACHE = """
            proxy_cache answers;
            proxy_cache_lock on;
            proxy_cache_lock_timeout %(patience)dms;
            proxy_cache_lock_age %(patience)dms;
            proxy_cache_use_stale updating;
            proxy_cache_valid 200 %(seconds)ds;
            proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;
"""


def _nginx(folder: Path, conditions: Conditions) -> list[str]:
    certificate.create(folder / "certificate.pem", ["bridge"])
    values = {
        "port": conditions.port,
        "https_port": https_port(conditions.port),
        "patience": 1000 * PROGRAM_PATIENCE_SECONDS / conditions.hurry,
        "seconds": conditions.cache_seconds,
    }
    cache = _NGINX_CACHE % values if conditions.cache_seconds else ""
    (folder / "nginx.conf").write_text(_NGINX % {**values, "cache": cache})
    return ["nginx", "-g", "daemon off;"]


_VARNISH = f"""
vcl 4.1;
backend pvs {{
    .host = "{PVS}";
    .port = "80";
    .first_byte_timeout = %(patience).3fs;
}}
sub vcl_recv {{
%(pass)s
}}
sub vcl_backend_response {{
    if (beresp.status == 200) {{
        unset beresp.http.Cache-Control;
        unset beresp.http.Expires;
        unset beresp.http.Pragma;
        unset beresp.http.Set-Cookie;
        unset beresp.http.Vary;
        set beresp.ttl = %(seconds)ds;
        return (deliver);
    }}
}}
"""


def _varnish(folder: Path, conditions: Conditions) -> list[str]:
    values = {
        "patience": PROGRAM_PATIENCE_SECONDS / conditions.hurry,
        "seconds": conditions.cache_seconds,
        "pass": "" if conditions.cache_seconds else "    return (pass);",
    }
    (folder / "default.vcl").write_text(_VARNISH % values)
    return ["varnishd", "-F", "-a", f":{conditions.port}", "-f", "/etc/varnish/default.vcl",
            "-s", "malloc,8m", "-p", f"default_grace={10 / conditions.hurry:.3f}"]  # fmt: skip


def _bridge(folder: Path, conditions: Conditions) -> list[str]:
    chosen = {
        "proxy_http_port": conditions.port,
        "proxy_https_port": https_port(conditions.port),
        "proxy_stats_port": conditions.port + 8000,
        "proxy_cache_seconds": conditions.cache_seconds,
        "proxy_pvs_timeout_seconds": round(PROGRAM_PATIENCE_SECONDS / conditions.hurry),
        "proxy_queue_timeout_seconds": round(60 / conditions.hurry),
        # One address asks more often here than a house ever does.
        "proxy_client_requests_per_minute": 10_000_000,
    }
    write_configuration(folder, chosen)
    return ["env", f"{certificate.VARIABLE}=yes", *_HAPROXY]


NOTHING = Contender("no proxy")
GUIDE = Contender("source guide", "/etc/haproxy", _guide)
NGINX = Contender("nginx", "/etc/nginx", _nginx)
VARNISH = Contender("Varnish", "/etc/varnish", _varnish)
BRIDGE = Contender("pvs-bridge", "/etc/haproxy", _bridge)
CONTENDERS = (NOTHING, GUIDE, NGINX, VARNISH, BRIDGE)
