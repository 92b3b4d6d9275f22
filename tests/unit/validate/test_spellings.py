"""Every variable of every role, in every way to write it: the same effect, or refused by name."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.splitter import parse_kv
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.template import trust_as_template

import bridgectl.ansible_loader  # noqa: F401 - before any part of Ansible
from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import Option, all_options
from bridgectl.inventory.load import Inventory, load
from bridgectl.validate.bridge import validate_bridge
from bridgectl.validate.render_cache import RenderCache

SECRET = VaultSecret(b"a password")
HASH = "$5$abcdefgh$E6wFWSbzRRGkjAnCTq/RMAkFs5rkVhdjAUcYBFuYqE6"
# A value where none follows from the spec.
VALUES: dict[str, Any] = {
    "appliance_updates_time": "04:15",
    "bridge_backend": "dhcpcd",
    "compat_password": "12345",
    "firewall_allow": [{"port": 9100, "protocol": "udp", "sources": ["192.168.1.0/24"]}],
    "firewall_connections_per_minute": 3000,
    "health_address": "192.168.1.9",
    "health_client": "nas",
    "health_password": "correct horse",
    "health_user": "anna",
    "mqtt_base_topic": "123",
    "mqtt_discovery_prefix": "456",
    "mqtt_host": "192.168.1.5",
    "mqtt_password": "12345",
    "mqtt_port": 1884,
    "mqtt_user": "anna",
    "notify_quiet_hours": "22:00-07:00",
    "notify_urls": ["ntfy://sunflower"],
    "proxy_allow_commands": ["StartDiscovery"],
    "proxy_allow_variables": ["/sys/telemetryws/enable"],
    "proxy_command_cache_seconds": {"DeviceList": 300},
    "proxy_cors_origins": ["http://dashboard.lan:3000"],
    "proxy_hostnames": ["solar.example.org"],
    "proxy_source_networks": ["192.168.0.0/16", "127.0.0.0/8"],
    "proxy_sunvault_address": "172.27.153.9",
    "proxy_sunvault_modbus_port": 1502,
    "proxy_users": {"anna": HASH},
    "pvs_link_address": "172.27.153.7/24",
    "pvs_link_interface": "eth2",
    "pvs_link_pvs_address": "172.27.152.1",
    "status_panels": [{"serial": "123", "name": "456", "row": 1, "column": 2}],
    "status_time_zone": "America/Los_Angeles",
    "uplink_address": "192.168.1.20/24",
    "uplink_country": "NO",
    "uplink_dns_servers": ["192.168.1.1"],
    "uplink_gateway": "192.168.1.1",
    "uplink_hostname": "123",
    "uplink_interface": "wlan1",
    "uplink_networks": [{"ssid": "123", "passphrase": "12345678", "hidden": True, "priority": 7}],
}
STATIC = {
    "uplink_method": "static",
    "uplink_address": "192.168.1.30/24",
    "uplink_gateway": "192.168.1.1",
    "uplink_dns_servers": ["192.168.1.1"],
}
WRITES = {"proxy_writes_acknowledged": True}
MESSAGES = {"notify_enabled": True, "notify_urls": ["ntfy://sunflower"]}
# Other variables that a value needs, or without which it has no effect.
BESIDE: dict[str, dict[str, Any]] = {
    "compat_live_data_enabled": WRITES,
    "firewall_allow": {"firewall_enabled": True},
    "health_password": {"health_user": "anna", "proxy_users": {"anna": HASH}},
    "health_user": {"health_password": "correct horse", "proxy_users": {"anna": HASH}},
    "monitor_enabled": {"status_enabled": False},
    "mqtt_enabled": {"mqtt_host": "192.168.1.5"},
    "mqtt_password": {"mqtt_user": "anna"},
    **dict.fromkeys(
        ("notify_after_minutes", "notify_daily_limit", "notify_enabled", "notify_quiet_hours"),
        MESSAGES,
    ),
    "proxy_allow_commands": WRITES,
    "proxy_allow_variables": WRITES,
    "proxy_stats_network": {"proxy_users": {"anna": HASH}},
    "proxy_sunvault_address": {"proxy_sunvault_enabled": True, **WRITES},
    "proxy_sunvault_enabled": WRITES,
    "proxy_sunvault_http_port": {"proxy_sunvault_enabled": True, **WRITES},
    "proxy_sunvault_modbus_port": {"proxy_sunvault_enabled": True, **WRITES},
    "proxy_sunvault_second_modbus_port": {"proxy_sunvault_enabled": True, **WRITES},
    "pvs_link_address": {"pvs_link_method": "static"},
    "pvs_link_type": {"pvs_link_pvs_address": "192.168.1.77"},
    "pvs_link_method": {"pvs_link_address": "172.27.153.7/24"},
    "uplink_address": STATIC,
    "uplink_dns_servers": STATIC,
    "uplink_gateway": STATIC,
    "uplink_method": STATIC,
}
BASE = {
    "ansible_host": "192.168.1.8",
    "bridge_backend": "networkmanager",
    "uplink_country": "US",
    "uplink_hostname": "solar",
    "uplink_networks": [{"ssid": "home", "passphrase": "correct horse"}],
}


@dataclasses.dataclass(frozen=True)
class Effect:
    """What came of a variable.

    Attributes:
        refusals: what was found wrong.
        value: as the roles read it, in YAML, which shows its type.
        files: on the Pi, by backend and path.
    """

    refusals: tuple[str, ...]
    value: str
    files: dict[str, str]


class World:
    """An inventory with a host for each way to write a variable."""

    def __init__(self, folder: Path) -> None:
        """Begin an empty inventory in a folder."""
        self._folder = folder
        self._yaml: dict[str, dict[str, Any]] = {}
        self._ini: list[str] = []
        self._inventory: Inventory | None = None
        self._cache: RenderCache | None = None

    def add_yaml(self, host: str, variables: dict[str, Any]) -> None:
        """Add a host in YAML."""
        self._yaml[host] = variables

    def add_ini(self, host: str, variables: dict[str, Any], written: str) -> None:
        """Add a host whose variable stands in an INI file, and its other variables in YAML."""
        self._ini.append(f"{host} {written}")
        file = self._folder / "host_vars" / f"{host}.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(dumped(variables), encoding="utf-8")

    def load(self) -> None:
        """Write and read the inventory."""
        text = dumped({"pvs_bridges": {"hosts": self._yaml}})
        (self._folder / "bridges.yml").write_text(text, encoding="utf-8")
        ini = "[pvs_bridges]\n" + "\n".join(self._ini) + "\n"
        (self._folder / "bridges.ini").write_text(ini, encoding="utf-8")
        self._inventory = load(self._folder, "", [SECRET])
        self._cache = RenderCache(self._inventory.loader)

    def effect(self, host: str, name: str, extra: str = "") -> Effect:
        """Check and render a host.

        Args:
            host: its name.
            name: the variable.
            extra: the value of -e.
        """
        assert self._inventory
        assert self._cache
        self._inventory._manager._extra_vars = parse_kv(trust_as_template(extra))
        outcome, checked = validate_bridge(
            self._inventory, host, self._inventory.variables(host), True, self._cache
        )
        value = yaml.safe_dump(json.loads(json.dumps(checked.rendered.get(name), default=str)))
        return Effect(
            tuple(str(each.issue) for each in outcome.findings),
            value,
            {
                f"{backend}{path}": file.text.replace(host, "HOST")
                for backend, files in outcome.files.items()
                for path, file in files.items()
            },
        )


class Encrypted(str):
    """A text for ``!vault``."""


class _Dumper(yaml.SafeDumper):
    """Writes an inventory without anchors."""

    def ignore_aliases(self, data: object) -> bool:
        """Write each value in full."""
        del data
        return True


_Dumper.add_representer(
    Encrypted, lambda dumper, text: dumper.represent_scalar("!vault", str(text), style="|")
)


def dumped(content: object) -> str:
    """Write YAML."""
    return yaml.dump(content, Dumper=_Dumper, allow_unicode=True)


def example(name: str, option: Option) -> Any:  # noqa: ANN401 - any value
    """Return a valid value that is not the default."""
    if name in VALUES:
        return VALUES[name]
    if option.type == "bool":
        return not option.default
    if option.choices:
        return next(each for each in option.choices if each != option.default)
    assert option.type == "int", f"VALUES needs a value of {name}"
    return option.default + 1


def as_text(value: Any) -> str:  # noqa: ANN401 - any value
    """Write a value as text, as -e and environment variables do."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def encrypted(text: str) -> Encrypted:
    """Encrypt a text as ansible-vault does."""
    return Encrypted(VaultLib([("default", SECRET)]).encrypt(text, SECRET).decode())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Every variable in every spelling."""
    made = World(tmp_path_factory.mktemp("inventory"))
    for number, (name, option) in enumerate(OPTIONS.items()):
        if name in UNCHECKED:
            continue
        value = example(name, option)
        base = {**BASE, **BESIDE.get(name, {})}
        if name == "uplink_method":
            base.pop("uplink_method")
        others = {key: each for key, each in base.items() if key != name}
        host = f"h{number:03}"
        made.add_yaml(f"{host}x", others)
        made.add_yaml(f"{host}typed", {**others, name: value})
        made.add_yaml(f"{host}text", {**others, name: as_text(value)})
        made.add_yaml(f"{host}null", {**others, name: None})
        made.add_yaml(f"{host}vault", {**others, name: encrypted(as_text(value))})
        made.add_ini(f"{host}ini", others, f"{name}={shlex.quote(as_text(value))}")
        made.add_ini(f"{host}python", others, f"{name}={shlex.quote(repr(value))}")
    made.load()
    return made


def _options() -> dict[str, Option]:
    from ansible_collections.pvs_bridge.core.plugins.plugin_utils.specs import load_role

    roles = Path(__file__).resolve().parents[3] / "roles"
    specs = [load_role(each.parents[1]) for each in sorted(roles.glob("*/meta/argument_specs.yml"))]
    return all_options(specs)


OPTIONS = _options()
NUMBERS = {name: number for number, name in enumerate(OPTIONS)}
# Those of an image, which site.yml does not check.
UNCHECKED = {name for name in OPTIONS if name.startswith("boot_config_")}
# They have several lines, which a line of an INI file cannot have.
UNCHECKED |= {"mqtt_tls_ca", "proxy_https_certificate"}
CHECKED = sorted(set(OPTIONS) - UNCHECKED)


@pytest.mark.needs_system  # nothing but a minute
@pytest.mark.parametrize("name", CHECKED)
def test_a_spelling_has_the_effect_of_the_typed_value_or_is_refused(
    world: World, name: str
) -> None:
    option, host = OPTIONS[name], f"h{NUMBERS[name]:03}"
    typed = world.effect(f"{host}typed", name)
    assert typed.refusals == ()
    assert len(typed.files) > 20

    def same_or_refused(spelling: str, wanted: Effect, extra: str = "") -> bool:
        found = world.effect(f"{host}{spelling}", name, extra)
        if found.refusals:
            place = "" if extra else r"bridges."
            (refusal,) = found.refusals
            assert (f"{name}: " in refusal) or (f"{name}[" in refusal)
            assert place in refusal
            return False
        assert (found.value, found.files) == (wanted.value, wanted.files)
        return True

    is_text = option.type == "str"
    value = example(name, option)
    assert same_or_refused("text", typed) is is_text
    assert same_or_refused("vault", typed) is is_text
    assert same_or_refused("x", typed, f"{name}={shlex.quote(as_text(value))}") is is_text
    same_or_refused("ini", typed)
    assert same_or_refused("python", typed)
    absent = world.effect(f"{host}x", name)
    nothing = world.effect(f"{host}null", name)
    if not any(f"{name}: has no value" in each for each in nothing.refusals):
        wanted = [each.partition(f"{name}: ")[2] for each in absent.refusals]
        assert [each.partition(f"{name}: ")[2] for each in nothing.refusals] == wanted
        assert nothing.files == absent.files
