"""The project's own roles: their specs and their defaults say the same."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import load_role
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.validation import validate

ROLES = pathlib.Path(__file__).parents[3] / "roles"
WITH_SPEC = sorted(each.parents[1] for each in ROLES.glob("*/meta/argument_specs.yml"))


@pytest.mark.parametrize("directory", WITH_SPEC, ids=lambda each: str(each.name))
def test_every_default_is_in_the_spec_and_every_default_of_the_spec_is_one(
    directory: pathlib.Path,
) -> None:
    role = load_role(directory)
    in_spec = {
        name: option.default for name, option in role.options.items() if option.default is not None
    }
    assert role.defaults == in_spec


@pytest.mark.parametrize("directory", WITH_SPEC, ids=lambda each: str(each.name))
def test_every_public_variable_begins_with_its_roles_name(directory: pathlib.Path) -> None:
    role = load_role(directory)
    # The variables of common are those of the bridge as a whole.
    prefix = {"common": "bridge_"}.get(role.name, f"{role.name}_")
    assert [name for name in role.options if not name.startswith(prefix)] == []


@pytest.mark.parametrize("name", ["bridge_mdoe", "proxy_mdoe"])
def test_a_misspelt_variable_of_each_prefix_is_an_error(name: str) -> None:
    specs = [load_role(each) for each in WITH_SPEC]
    found = [each for each in validate({name: "both"}, specs) if each.location.variable == name]
    assert [each.problem for each in found] == ["is an unknown variable"]


def test_the_defaults_of_all_roles_pass_the_checks_once_the_home_is_named() -> None:
    specs = [load_role(each) for each in WITH_SPEC]
    home = {
        "uplink_country": "US",
        "uplink_networks": [{"ssid": "home", "passphrase": "correct horse"}],
    }
    assert [str(each) for each in validate(home, specs) if each.location.variable not in home] == []
