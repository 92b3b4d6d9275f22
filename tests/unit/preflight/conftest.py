"""Fixtures for the tests of the checks that come before anything changes."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any

import pytest
import yaml

import bridgectl.ansible_loader  # noqa: F401 - before any part of the collection
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.issues import Issue
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import RoleSpec, load_role
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.validation import validate

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
ROLES = pathlib.Path(__file__).parents[3] / "roles"
GOOD = {
    "uplink_country": "US",
    "uplink_networks": [{"ssid": "home", "passphrase": "correct horse"}],
    "health_client": "controller",
}


@pytest.fixture(scope="session")
def roles_directory(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Roles that consist of an argument spec and defaults alone."""
    directory = tmp_path_factory.mktemp("preflight") / "roles"
    for name, role in yaml.safe_load((FIXTURES / "roles.yml").read_text("utf-8")).items():
        spec = {"argument_specs": {"main": {"options": role["options"]}}}
        for file, content in (("meta/argument_specs", spec), ("defaults/main", role["defaults"])):
            target = directory / name / f"{file}.yml"
            target.parent.mkdir(parents=True)
            target.write_text(yaml.safe_dump(content), "utf-8")
    return directory


@pytest.fixture(scope="session")
def specs(roles_directory: pathlib.Path) -> list[RoleSpec]:
    """What those roles say about their variables."""
    return [load_role(each) for each in sorted(roles_directory.iterdir())]


@pytest.fixture(scope="session")
def check(specs: list[RoleSpec]) -> Callable[..., list[Issue]]:
    """Validate a good bridge after some of its variables were changed; None takes one away."""

    def checked(**changed: Any) -> list[Issue]:  # noqa: ANN401 - any variable
        merged = {**GOOD, **changed}
        return validate({key: value for key, value in merged.items() if value is not None}, specs)

    return checked


@pytest.fixture(scope="session")
def check_project() -> Callable[..., list[Issue]]:
    """Validate a good bridge by the project's own roles after some variables were changed."""
    written = sorted(ROLES.glob("*/meta/argument_specs.yml"))
    specs = [load_role(each.parents[1]) for each in written]

    def checked(**changed: Any) -> list[Issue]:  # noqa: ANN401 - any variable
        return validate({**GOOD, **changed}, specs)

    return checked
