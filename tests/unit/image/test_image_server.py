"""A computer in the network gets the card and the manifest, and nothing else."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pvs_image import imager_manifest
from pvs_image.errors import ImageError
from pvs_image.image_server import ImageServer
from pvs_image.release import Release

_IMAGE, _BMAP = "pvs-bridge-0.1.0-debian.img.xz", "pvs-bridge-0.1.0-debian.bmap"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a build, and a card with secrets."""
    (tmp_path / _IMAGE).write_bytes(b"card" * 1000)
    (tmp_path / _BMAP).write_text("<bmap/>")
    (tmp_path / "pvs-bridge-garage.img").write_text("secret")
    manifest = imager_manifest.manifest(
        Release("0.1.0", "debian", 0),
        url=(tmp_path / _IMAGE).as_uri(),
        bmap_url=(tmp_path / _BMAP).as_uri(),
        extract_bytes=1,
        extract_sha256="",
        download_bytes=4000,
        download_sha256="",
    )
    (tmp_path / "os_list.json").write_text(manifest)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[ImageServer]:
    """A server that runs."""
    with ImageServer(folder, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(url: str) -> bytes:
    """Return the answer to GET."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - http
        body: bytes = answer.read()
    return body


def entry(url: str) -> dict[str, Any]:
    """Return the card's entry of a manifest."""
    (found,) = json.loads(get(url))["os_list"]
    assert isinstance(found, dict)
    return found


def test_the_urls_of_the_manifest_lead_to_the_files(server: ImageServer) -> None:
    # localhost stands for the address of this computer in its network.
    found = entry(f"http://localhost:{server.server_port}/os_list.json")
    assert found["url"] == f"http://localhost:{server.server_port}/{_IMAGE}"
    assert get(found["url"]) == b"card" * 1000
    assert get(found["bmap_url"]) == b"<bmap/>"


def test_head_has_the_length_and_no_body(server: ImageServer) -> None:
    for path, length in ((f"/{_IMAGE}", 4000), ("/os_list.json", None)):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        connection.request("HEAD", path)
        answer = connection.getresponse()
        assert answer.status == 200
        assert length in (None, int(answer.headers["Content-Length"]))
        assert answer.read() == b""
        connection.close()


@pytest.mark.parametrize(
    "path", ["", "pvs-bridge-garage.img", "..%2fetc/passwd", "./os_list.json", f"{_IMAGE}/"]
)
def test_nothing_else_of_the_folder_is_served(server: ImageServer, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"http://127.0.0.1:{server.server_port}/{path}")


def test_a_missing_card_and_a_used_port_have_hints(folder: Path, server: ImageServer) -> None:
    with pytest.raises(ImageError, match=f"PORT={server.server_port} cannot be used"):
        ImageServer(folder, "127.0.0.1", server.server_port)
    (folder / _BMAP).unlink()
    with pytest.raises(ImageError, match=rf"{_BMAP} does not exist\n  hint: .*make image"):
        ImageServer(folder, "127.0.0.1", 0)
    (folder / "os_list.json").unlink()
    with pytest.raises(ImageError, match=r"has no card\n  hint: build one: make image"):
        ImageServer(folder, "127.0.0.1", 0)


def test_the_command_prints_the_url_and_ends_with_ctrl_c(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "pvs_image", "serve", "--folder", str(folder), "--port", "0"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1]
    assert entry(url)["url"] == url.replace("os_list.json", _IMAGE)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in errors) == (0, False)
