"""The table of the keys of the old API: where the value of each comes from, or how it is unknown.

The README shows it, and a test checks each row. The keys are in the order of a PVS.
Old programs index keys, so a key that the old API always has is always there. If its value is
unknown, the row says by which value the old API expresses that. Measurements are left out, as
the old API does at night.
"""

from __future__ import annotations

from dataclasses import dataclass

TEXT, WHOLE, TIME, UPTIME, NUMBER, CURRENT = (
    "text",
    "whole number",
    "time",
    "seconds",
    "number",
    "current",
)
"""Formats of a value that is read from a variable."""

FIXED, COMPUTED, LISTED = "fixed", "computed", "listed"
"""Other sources: the same for each device of the kind; made by the bridge; devices/list of the PVS,
which the new API does not have a variable for."""


@dataclass(frozen=True)
class Row:
    """One key of the old API, and the source of its value.

    Attributes:
        key: In the device's entry of DeviceList.
        variable: The last part of the variable's name; empty for a row without one.
        form: The format of the value, or another source.
        places: The number of decimal places that the old API writes.
        unknown: The value if it is not known; None: the key is left out then. For a fixed row, the
            value.
        measured: Whether it is left out with the measurements, when they are too old.
        note: For the documentation: how it is made, or why unknown is written in this way.
    """

    key: str
    variable: str = ""
    form: str = NUMBER
    places: int = 4
    unknown: str | int | bool | None = None
    measured: bool = True
    note: str = ""


def _text(key: str, variable: str) -> Row:
    return Row(key, variable, TEXT, 0, "", measured=False)


def _fixed(key: str, value: str | bool) -> Row:
    return Row(key, "", FIXED, 0, value, measured=False)


def _made(key: str, note: str, unknown: str | int | None = None) -> Row:
    return Row(key, "", COMPUTED, 0, unknown, measured=False, note=note)


def _listed(key: str, unknown: str | int | None = "", note: str = "") -> Row:
    return Row(key, "", LISTED, 0, unknown, measured=False, note=note)


@dataclass(frozen=True)
class Kind:
    """One kind of device.

    Attributes:
        name: A name for the documentation.
        variables: The folder of the variables: inverter for /sys/devices/inverter/N/; empty for
            the PVS.
        endings: The last letters of the serial number that identify the kind; empty for any.
        device_type: DEVICE_TYPE, with which DESCR begins.
        rows: The keys.
    """

    name: str
    variables: str
    endings: str
    device_type: str
    rows: tuple[Row, ...]


_STATE = (
    _made("STATE", "`working` if the last measurement is recent", "error"),
    _made("STATEDESCR", "`Working`; `Missing` if the PVS does not list the device", "Error"),
)
_CURTIME = _made("CURTIME", "time of the PVS")
_DATATIME = Row("DATATIME", "msmtEps", TIME, 0)


def _head(type_: str, device_type: str) -> tuple[Row, ...]:
    return (
        _fixed("ISDETAIL", value=True),
        _text("SERIAL", "sn"),
        _fixed("TYPE", type_),
        *_STATE,
        _text("MODEL", "prodMdlNm"),
        _made("DESCR", "`DEVICE_TYPE` and `SERIAL`", ""),
        _fixed("DEVICE_TYPE", device_type),
    )


_TAIL = (_fixed("origin", "data_logger"), _fixed("OPERATION", "noop"))
_COUNTER = "the old API has no other value for an unknown count"
_NO_CT = "a number, because programs read it as one"


def _meter(role: str, values: tuple[Row, ...]) -> tuple[Row, ...]:
    return (
        *_head(f"PVS5-METER-{role[0].upper()}", "Power Meter"),
        _fixed("interface", "mime"),
        _listed(f"{role}_subtype_enum"),
        _listed("subtype"),
        _listed("SWVER"),
        _listed("PORT"),
        _DATATIME,
        Row("ct_scl_fctr", "ctSclFctr", WHOLE, 0),
        Row("net_ltea_3phsum_kwh", "netLtea3phsumKwh"),
        Row("p_3phsum_kw", "p3phsumKw"),
        Row("q_3phsum_kvar", "q3phsumKvar"),
        Row("s_3phsum_kva", "s3phsumKva"),
        Row("tot_pf_rto", "totPfRto"),
        Row("freq_hz", "freqHz", places=2),
        *values,
        _listed("CAL0", "0", _NO_CT),
        *_TAIL,
        _CURTIME,
    )


PVS = Kind(
    name="the PVS itself",
    variables="",
    endings="",
    device_type="PVS",
    rows=(
        _fixed("DETAIL", "detail"),
        _fixed("STATE", "working"),
        _fixed("STATEDESCR", "Working"),
        _text("SERIAL", "serialnum"),
        _made("MODEL", "`PV Supervisor` and `/sys/info/model`", ""),
        _text("HWVER", "hwrev"),
        _made("SWVER", "from `supervisor/info`, or from `/sys/info/sw_rev`", ""),
        _fixed("DEVICE_TYPE", "PVS"),
        _made("DATATIME", "time of the PVS"),
        _listed("dl_err_count", "0", _COUNTER),
        _listed("dl_comm_err", "0", _COUNTER),
        _listed("dl_skipped_scans", "0", _COUNTER),
        _listed("dl_scan_time", "0", _COUNTER),
        _listed("dl_untransmitted", "0", _COUNTER),
        Row("dl_uptime", "uptime", UPTIME, 0, measured=False),
        _listed("dl_cpu_load", "0", _COUNTER),
        _listed("dl_mem_used", "0", _COUNTER),
        _listed("dl_flash_avail", None, "left out, because 0 would report a full flash"),
        _listed("panid", 0, "a JSON number, as in the old API"),
        _CURTIME,
        # Not in the old API: the monitor reads them.
        Row("flash_usage", "flash_usage", WHOLE, 0, measured=False),
        _made("flashwear_type_b", "`/sys/pvs/flashwear_type_b`"),
    ),
)
PRODUCTION_METER = Kind(
    name="production meter",
    variables="meter",
    endings="pP",
    device_type="Power Meter",
    rows=_meter(
        "production",
        (Row("i_a", "s3phsumKva", CURRENT, note="divided by `v12V`"), Row("v12_v", "v12V")),
    ),
)
CONSUMPTION_METER = Kind(
    name="consumption meter",
    variables="meter",
    endings="cC",
    device_type="Power Meter",
    rows=_meter(
        "consumption",
        (
            Row("i1_a", "i1A"),
            Row("i2_a", "i2A"),
            Row("v1n_v", "v1nV"),
            Row("v2n_v", "v2nV"),
            Row("v12_v", "v12V"),
            Row("p1_kw", "p1Kw"),
            Row("p2_kw", "p2Kw"),
            Row("neg_ltea_3phsum_kwh", "negLtea3phsumKwh"),
            Row("pos_ltea_3phsum_kwh", "posLtea3phsumKwh"),
        ),
    ),
)
INVERTER = Kind(
    name="inverter of a panel",
    variables="inverter",
    endings="",
    device_type="Inverter",
    rows=(
        *_head("SOLARBRIDGE", "Inverter"),
        _listed("hw_version"),
        _fixed("interface", "mime"),
        _listed("module_serial"),
        _listed("PANEL"),
        _listed("slave", 0, "a JSON number, as in the old API"),
        _listed("SWVER"),
        _listed("PORT"),
        _listed("MOD_SN"),
        _listed("NMPLT_SKU"),
        _DATATIME,
        Row("ltea_3phsum_kwh", "ltea3phsumKwh"),
        Row("p_3phsum_kw", "p3phsumKw"),
        Row("vln_3phavg_v", "vln3phavgV", places=2),
        Row("i_3phsum_a", "i3phsumA", places=2),
        Row("p_mppt1_kw", "pMppt1Kw"),
        # Some firmware has this key instead.
        Row("p_mpptsum_kw", "pMppt1Kw", note="of the one input"),
        Row("v_mppt1_v", "vMppt1V", places=2),
        Row("i_mppt1_a", "iMppt1A", places=2),
        Row("t_htsnk_degc", "tHtsnkDegc", WHOLE, 0),
        Row("freq_hz", "freqHz", places=2),
        Row("stat_ind", "", FIXED, 0, "0", note="with the measurements"),
        *_TAIL,
        _CURTIME,
    ),
)


def _stored(type_: str, device_type: str, interface: str, *own: Row) -> tuple[Row, ...]:
    """Return the keys of a part of a battery, which has no measurements in DeviceList."""
    keys = {row.key for row in own}
    return (
        *_head(type_, device_type),
        *(row for row in own if row.key == "hw_version"),
        _fixed("interface", interface),
        *(row for row in own if row.key not in {"hw_version", "PARENT"}),
        _listed("SWVER", "0", "the old API writes this for parts without software"),
        _listed("PORT"),
        *_TAIL,
        *(_made("PARENT", "`SERIAL` of the battery", "") for _ in keys & {"parent"}),
        _CURTIME,
    )


_HW = _listed("hw_version", "0", "the old API writes this for parts without one")
_PARENT = _listed("parent", 0, "a JSON number, as in the old API")
_SLAVE = _listed("slave", 0, "a JSON number, as in the old API")
STORAGE_INVERTER = Kind(
    name="its inverter, by the first 12 characters of the battery's serial number",
    variables="ess",
    endings="",
    device_type="Storage Inverter",
    rows=_stored(
        "SCHNEIDER-XWPRO", "Storage Inverter", "sunspec", _listed("mac_address"), _PARENT, _SLAVE
    ),
)
BATTERY = Kind(
    name="each of its modules, by the other characters, 15 for each",
    variables="ess",
    endings="",
    device_type="Battery",
    rows=_stored("BATTERY", "Battery", "none", _HW, _PARENT),
)
STORAGE = Kind(
    name="battery (SunVault)",
    variables="ess",
    endings="",
    device_type="Energy Storage System",
    rows=_stored("EQUINOX-ESS", "Energy Storage System", "none", _HW),
)
TRANSFER_SWITCH = Kind(
    name="its transfer switch",
    variables="transfer_switch",
    endings="",
    device_type="HUB+",
    rows=_stored("HUB+", "HUB+", "none", _HW, _PARENT),
)

METERS = (PRODUCTION_METER, CONSUMPTION_METER)
KINDS = (PVS, *METERS, INVERTER, STORAGE_INVERTER, BATTERY, STORAGE, TRANSFER_SWITCH)
"""All kinds of devices, in the order of DeviceList."""


@dataclass(frozen=True)
class StorageRow:
    """One value of energy-storage-system/status.

    Attributes:
        part: The place in the report, with dots between levels.
        key: Its key there.
        variable: The last part of the variable's name; empty for none.
        unit: As the old API writes it; empty for a text.
        factor: The number is multiplied by this.
        unknown: The value without a variable, or of an unknown text.
    """

    part: str
    key: str
    variable: str
    unit: str
    factor: int = 1
    unknown: str | int | bool = ""


_LEG_A = "ess_status.ess_meter_reading.meter_a.reading"
_LEG_B = "ess_status.ess_meter_reading.meter_b.reading"

STORAGE_ROWS = (
    StorageRow("battery_status", "serial_number", "", ""),
    StorageRow("battery_status", "battery_amperage", "", "A", unknown=0),
    StorageRow("battery_status", "battery_voltage", "vBattV", "V"),
    StorageRow("battery_status", "customer_state_of_charge", "customerSocVal", "%", 100),
    StorageRow("battery_status", "system_state_of_charge", "socVal", "%", 100),
    StorageRow("battery_status", "temperature", "maxTBattCellDegc", "C"),
    StorageRow("ess_status", "serial_number", "sn", ""),
    StorageRow("ess_status", "enclosure_humidity", "", "%", unknown=0),
    StorageRow("ess_status", "enclosure_temperature", "", "C", unknown=0),
    StorageRow("ess_status.ess_meter_reading", "agg_power", "p3phsumKw", "kW"),
    StorageRow(_LEG_A, "current", "", "A", unknown=0),
    StorageRow(_LEG_A, "power", "", "kW", unknown=0),
    StorageRow(_LEG_A, "voltage", "v1nV", "V"),
    StorageRow(_LEG_B, "current", "", "A", unknown=0),
    StorageRow(_LEG_B, "power", "", "kW", unknown=0),
    StorageRow(_LEG_B, "voltage", "v2nV", "V"),
    StorageRow("inverter_status", "serial_number", "", ""),
    StorageRow("inverter_status", "ac_current", "", "A", unknown=0),
    StorageRow("inverter_status", "phase_a_current", "", "A", unknown=0),
    StorageRow("inverter_status", "phase_b_current", "", "A", unknown=0),
    StorageRow("inverter_status", "a_n_voltage", "v1nV", "V"),
    StorageRow("inverter_status", "b_n_voltage", "v2nV", "V"),
    StorageRow("inverter_status", "ac_power", "p3phsumKw", "kW"),
    StorageRow("inverter_status", "temperature", "tInvtrDegc", "C"),
    StorageRow("ess_state", "storage_controller_status", "", "", unknown="UNKNOWN"),
    StorageRow("ess_state", "operational_mode", "opMode", "", unknown="UNKNOWN"),
    StorageRow("ess_state", "permission_to_operate", "", "", unknown=False),
)
"""The values of /sys/devices/ess/N/; each part is a list with one entry for each N."""

SWITCH_ROWS = (
    StorageRow("hub_plus_status", "serial_number", "sn", ""),
    StorageRow("hub_plus_status", "contactor_error", "", "", unknown="UNKNOWN"),
    StorageRow("hub_plus_status", "contactor_position", "midStEnum", "", unknown="UNKNOWN"),
    StorageRow("hub_plus_status", "grid_voltage_state", "", "", unknown="UNKNOWN"),
    StorageRow("hub_plus_status", "grid_frequency_state", "", "", unknown="UNKNOWN"),
    StorageRow("hub_plus_status", "load_voltage_state", "", "", unknown="UNKNOWN"),
    StorageRow("hub_plus_status", "load_frequency_state", "", "", unknown="UNKNOWN"),
    StorageRow("hub_plus_status", "hub_temperature", "tDegc", "C"),
    StorageRow("hub_plus_status", "hub_humidity", "", "%", unknown=0),
    StorageRow("hub_plus_status", "jump_start_voltage", "", "V", unknown=0),
    StorageRow("hub_plus_status", "aux_port_voltage", "vSpplyV", "V"),
    StorageRow("hub_plus_status", "main_voltage", "", "V", unknown=0),
    StorageRow("hub_plus_status", "inverter_connection_voltage", "", "V", unknown=0),
    StorageRow("hub_plus_status", "grid_phase1_voltage", "v1nGridV", "V"),
    StorageRow("hub_plus_status", "grid_phase2_voltage", "v2nGridV", "V"),
    StorageRow("hub_plus_status", "load_phase1_voltage", "v1nV", "V"),
    StorageRow("hub_plus_status", "load_phase2_voltage", "v2nV", "V"),
)
"""The values of /sys/devices/transfer_switch/0/."""


@dataclass(frozen=True)
class Interface:
    """One interface of Get_Comm.

    Attributes:
        name: Its name there.
        variables: Its names in /net/NAME/state, which differ by model.
        online: The keys that follow from its state: their values while it is online, and else.
        unknown: The keys that no variable tells, with the old API's value for unknown.
    """

    name: str
    variables: tuple[str, ...]
    online: dict[str, tuple[str, str]]
    unknown: dict[str, str | int | bool]


_INTERNET = {"internet": ("up", "down")}
_LINK = {**_INTERNET, "link": ("connected", "disconnected")}
_SMS = {"ipaddr": "", "sms": "unreachable"}

INTERFACES = (
    Interface(
        "wan",
        ("wan0", "wan1", "wan"),
        {**_LINK, "state": ("up", "down")},
        {**_SMS, "mode": "wan"},
    ),
    Interface(
        "plc",
        ("plc",),
        {**_LINK, "state": ("up", "down")},
        {**_SMS, "pairing": "unpaired", "speed": 0},
    ),
    Interface(
        "sta0",
        ("sta0",),
        {**_INTERNET, "status": ("connected", "disconnected")},
        {**_SMS, "signal": "0", "ssid": ""},
    ),
    Interface(
        "cell",
        ("wwan0", "cell"),
        {**_LINK, "state": ("UP", "DOWN")},
        {
            **_SMS,
            "is_alwayson": False,
            "is_primary": False,
            "modem": "",
            "provider": "UNKNOWN",
            "signal": 0,
            "sim": "",
            "status": "",
        },
    ),
)
"""The interfaces of Get_Comm. A PVS lists all four, whether it has them or not."""

GRID_PROFILE: dict[str, str | int] = {
    "active_name": "",
    "active_id": "",
    "pending_name": "",
    "pending_id": "",
    "percent": 0,
    "supported_by": "",
    "status": "",
}
"""GridProfileGet: the new API has no grid profile."""

SUPERVISOR: dict[str, str | int] = {
    "SWVER": "",
    "SERIAL": "",
    "MODEL": "",
    "FWVER": "",
    "SCVER": 0,
    "EASICVER": 0,
    "SCBUILD": 0,
    "WNSERIAL": 0,
    "WNMODEL": 0,
    "WNVER": 0,
}
"""The keys of supervisor/info on every build, for one that describes nothing there."""
