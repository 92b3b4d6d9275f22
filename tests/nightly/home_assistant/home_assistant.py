"""A real Home Assistant of PyPI, on Debian 13's Python, in a network of a test."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from proxy_rig.chroot import command_in
from proxy_rig.world import Namespace, end
from pvs_lab.image import locked, provide
from pvs_lab.paths import cache_dir
from pvs_lab.process import wait_until
from pvs_lab.recipes import Recipe

# The newest for Debian 13's Python 3.13; the next ones need 3.14.
VERSION = "2026.2.3"
URL = "http://127.0.0.1:8123"
_SECONDS = 180
_SEEN_AS = "/srv/ha"
_PACKAGES = (
    "ca-certificates", "ffmpeg", "gcc", "libc6-dev", "libpcap0.8", "libturbojpeg0", "python3",
    "python3-dev", "python3-venv",
)  # fmt: skip
# uv, because pip tries version after version of the packages that Home Assistant leaves open. Home
# Assistant would install the requirements of its integrations when it starts.
_INSTALL = f"""
set -e
cd {_SEEN_AS}
cp resolv.conf /etc/resolv.conf
export SSL_CERT_FILE={_SEEN_AS}/ca.crt UV_NO_CACHE=1 UV_NO_CONFIG=1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --cert ca.crt uv
venv/bin/uv pip install --quiet --python venv/bin/python homeassistant=={VERSION} numpy
venv/bin/uv pip install --quiet --python venv/bin/python $(venv/bin/python requirements.py)
"""
_REQUIREMENTS = """
import json, pathlib, homeassistant.components
folder = pathlib.Path(homeassistant.components.__path__[0])
todo, seen, found = {list}, set(), set()
while todo:
    name = todo.pop()
    if name not in seen:
        seen.add(name)
        manifest = json.loads((folder / name / "manifest.json").read_text())
        found.update(manifest.get("requirements", []))
        todo += manifest.get("dependencies", [])
print(*sorted(found))
"""
_INTEGRATIONS = ["config", "energy", "frontend", "mqtt", "recorder"]
_CONFIGURATION = "frontend:\nrecorder:\nenergy:\n"


def _root() -> Path:
    hosts = (("/etc/hosts", "127.0.0.1 localhost\n"),)
    recipe = Recipe("trixie", "home-assistant", _PACKAGES, (), hosts, is_card=False)
    return provide(recipe, print).root


def _installed(root: Path) -> Path:
    """Return the folder with Home Assistant; it is installed once, which takes minutes."""
    made_from = hashlib.sha256(f"{_INSTALL}{_REQUIREMENTS}{_INTEGRATIONS}".encode()).hexdigest()
    folder = cache_dir() / f"home-assistant-{VERSION}-{made_from[:12]}"
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            (folder / "point").mkdir(parents=True)
            shutil.copy("/etc/resolv.conf", folder)
            shutil.copy("/etc/ssl/certs/ca-certificates.crt", folder / "ca.crt")
            text = _REQUIREMENTS.replace("{list}", repr(_INTEGRATIONS))
            (folder / "requirements.py").write_text(text)
            words = ["sh", "-c", _INSTALL]
            subprocess.run(
                command_in([root], folder / "point", folder, _SEEN_AS, words), check=True
            )
            (folder / "complete").touch()
    return folder


class HomeAssistant:
    """A Home Assistant without any configuration but an owner.

    Attributes:
        log: What it has logged.
    """

    def __init__(self, network: Namespace) -> None:
        """Install it; start() runs it."""
        self._network, self._root = network, _root()
        self._folder = _installed(self._root)
        self._process: subprocess.Popen[bytes] | None = None
        self._token = ""
        self.log = self._folder / "hass.log"

    def start(self) -> None:
        """Run it with an empty configuration, and make an owner."""
        config = self._folder / "config"
        shutil.rmtree(config, ignore_errors=True)
        config.mkdir()
        (config / "configuration.yaml").write_text(_CONFIGURATION)
        words = [f"{_SEEN_AS}/venv/bin/hass", "-c", f"{_SEEN_AS}/config", "--skip-pip"]
        with self.log.open("wb") as output:
            command = command_in(
                [self._root], self._folder / "point", self._folder, _SEEN_AS, words
            )
            self._process = self._network.popen(command, output)
        client = {"client_id": f"{URL}/"}
        owner = {"name": "Anna", "username": "anna", "password": "roof", "language": "en"}
        answer: dict[str, Any] = {}

        def is_up() -> bool:
            try:
                answer.update(self.request("/api/onboarding/users", {**client, **owner}))
            except OSError:
                return False
            return True

        assert wait_until(is_up, _SECONDS), self.log.read_text()  # noqa: S101 - for tests
        grant = {**client, "grant_type": "authorization_code", "code": answer["auth_code"]}
        form = urllib.parse.urlencode(grant).encode()
        self._token = self.request("/auth/token", form)["access_token"]

    def stop(self) -> None:
        """Kill it."""
        if self._process is not None:
            end(self._process)
            self._process = None

    def request(self, path: str, body: dict[str, Any] | bytes | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Send a request, and return the answer.

        Args:
            path: Of the REST API.
            body: A form as bytes, or JSON; None for GET.

        Raises:
            OSError: It does not answer, or refuses.
        """
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if isinstance(body, dict):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        asked = urllib.request.Request(f"{URL}{path}", body, headers)  # noqa: S310 - http

        def send() -> bytes:
            with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - http
                return bytes(answer.read())

        return json.loads(self._network.call(send))

    def command(self, kind: str, **more: Any) -> Any:  # noqa: ANN401 - any JSON
        """Send a command by the WebSocket API, and return its result.

        Raises:
            AssertionError: It is refused.
        """

        async def send() -> Any:  # noqa: ANN401 - any JSON
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(f"{URL}/api/websocket") as socket,
            ):
                await socket.receive_json()
                await socket.send_json({"type": "auth", "access_token": self._token})
                await socket.receive_json()
                await socket.send_json({"id": 1, "type": kind, **more})
                return await socket.receive_json()

        answer = self._network.call(lambda: asyncio.run(send()))
        assert answer["success"], answer  # noqa: S101 - for tests
        return answer["result"]

    def add_mqtt(self, port: int) -> None:
        """Add the integration mqtt, with the broker on this machine."""
        flow = self.request("/api/config/config_entries/flow", {"handler": "mqtt"})
        while flow["type"] == "menu":
            step = {"next_step_id": "broker"}
            flow = self.request(f"/api/config/config_entries/flow/{flow['flow_id']}", step)
        broker = {"broker": "127.0.0.1", "port": port}
        flow = self.request(f"/api/config/config_entries/flow/{flow['flow_id']}", broker)
        assert flow["type"] == "create_entry", flow  # noqa: S101 - for tests

    def states(self) -> dict[str, dict[str, Any]]:
        """Return the entities by id."""
        return {each["entity_id"]: each for each in self.request("/api/states")}

    def until(self, done: Callable[[], object], seconds: float = _SECONDS) -> None:
        """Wait until something is so.

        Raises:
            AssertionError: It is not in time; the log is in the message.
        """
        assert wait_until(lambda: bool(done()), seconds), self.log.read_text()[-6000:]  # noqa: S101
