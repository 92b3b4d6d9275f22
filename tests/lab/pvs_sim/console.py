"""The installer's console: a landing page with a style sheet and a script."""

from __future__ import annotations

import html

from .wire import Response

_LAST_MODIFIED = "Mon, 04 Mar 2024 09:00:00 GMT"

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>PVS Management App</title>
<link rel="stylesheet" href="static/app.css">
<script src="static/app.js" defer></script>
</head>
<body>
<h1>PVS Management App</h1>
<p>Check that every device is installed, powered and connected before you begin.</p>
<p>PVS SN: <strong id="serial">{serial}</strong></p>
<p>Site type: <strong id="site-type">{site_type}</strong></p>
<nav>
<a href="#/network/config">Network</a>
<a href="#/firmware">Firmware</a>
<a href="#/devices/inverter-micro">Inverters</a>
<a href="#/rma-device-selection">Replace a device</a>
</nav>
<main id="view"></main>
</body>
</html>
"""

_STYLE = """body { font-family: sans-serif; margin: 2rem auto; max-width: 40rem; }
nav a { margin-right: 1rem; }
"""

_SCRIPT = """'use strict';
async function show() {
  const answer = await fetch('cgi-bin/dl_cgi/supervisor/info');
  const { supervisor } = await answer.json();
  document.getElementById('view').textContent =
    `${location.hash || '#/'} on ${supervisor.MODEL}, ${supervisor.SWVER}`;
}
window.addEventListener('hashchange', show);
show();
"""

# A console comes with libraries, which are its largest files.
_LIBRARY = "// a library\n" * 160_000


def static_page(path: str, serial: str, site_type: str) -> Response | None:
    """Return the file at a path, or None if the console has none there."""
    landing = _PAGE.format(serial=html.escape(serial), site_type=html.escape(site_type))
    swagger = '{"swagger": "2.0", "info": {"title": "dl_cgi"}, "paths": {}}\n'
    files: dict[str, tuple[str, str]] = {
        "/cgi-bin/swagger.json": ("application/json", swagger),
        "/": ("text/html", landing),
        "/index.html": ("text/html", landing),
        "/static/app.css": ("text/css", _STYLE),
        "/static/app.js": ("text/javascript", _SCRIPT),
        "/static/library.js": ("text/javascript", _LIBRARY),
    }
    if path not in files:
        return None
    kind, text = files[path]
    headers = (("Content-Type", kind), ("Accept-Ranges", "bytes"),
               ("Last-Modified", _LAST_MODIFIED))  # fmt: skip
    return Response(200, text.encode(), headers)


def moved(location: str) -> Response:
    """Return the 301 of a build that wants HTTPS."""
    return Response(301, b"", (("Location", location),))


def error_page(status: int, title: str, *, close: bool = False) -> Response:
    """Return the server's own page for an error."""
    text = (
        '<?xml version="1.0" encoding="iso-8859-1"?>\n<html><head>'
        f"<title>{status} - {title}</title></head><body><h1>{status} - {title}</h1></body></html>\n"
    )
    return Response(status, text.encode(), (("Content-Type", "text/html"),), close=close)


def unavailable() -> Response:
    """Return the 503 of a PVS that restarts or is busy: HTTP/1.0 and closed, for every client."""
    body = (
        "<html><body><h1>503 Service Unavailable</h1>\n"
        "No server is available to handle this request.\n</body></html>\n"
    )
    headers = (("Cache-Control", "no-cache"), ("Connection", "close"),
               ("Content-Type", "text/html"))  # fmt: skip
    return Response(503, body.encode(), headers, close=True, raw_version="HTTP/1.0")
