"""The table from the variables of the new API to the keys of the old one.

The README shows it, and a test checks each row. A key without a variable is left out of the
answers. The keys are in the order in which a PVS writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TEXT, WHOLE, TIME, UPTIME = "text", "whole number", "time", "seconds"


@dataclass(frozen=True)
class Row:
    """One key of the old API, and the variable of its value.

    Attributes:
        key: In the device's entry of DeviceList.
        variable: The last part of the variable's name.
        form: The format of the value: text, time, whole number, seconds, or a number.
        places: The number of decimal places that the old API writes.
        measured: Whether it is a measurement, which is left out when it is too old.
    """

    key: str
    variable: str
    form: str = "number"
    places: int = 4
    measured: bool = True


def _named(key: str, variable: str) -> Row:
    return Row(key, variable, TEXT, 0, measured=False)


@dataclass(frozen=True)
class Kind:
    """One kind of device.

    Attributes:
        name: A name for the documentation.
        variables: The folder of the variables: inverter for /sys/devices/inverter/N/; empty for
            the PVS.
        endings: The last letters of the serial number that identify the kind; empty for any.
        fixed: Keys with constant values.
        described: The beginning of DESCR; empty for no DESCR.
        rows: The keys whose values are read from variables.
        tail: Keys with constant values at the end of the entry.
    """

    name: str
    variables: str
    endings: str
    fixed: Mapping[str, str | bool]
    described: str
    rows: tuple[Row, ...]
    tail: Mapping[str, str]


_SERIAL = _named("SERIAL", "sn")
_MODEL = _named("MODEL", "prodMdlNm")
_MEASURED_AT = Row("DATATIME", "msmtEps", TIME, 0)
_TAIL = {"origin": "data_logger", "OPERATION": "noop"}

_METER = (
    _SERIAL,
    _MODEL,
    _MEASURED_AT,
    Row("ct_scl_fctr", "ctSclFctr", WHOLE, 0),
    Row("net_ltea_3phsum_kwh", "netLtea3phsumKwh"),
    Row("p_3phsum_kw", "p3phsumKw"),
    Row("q_3phsum_kvar", "q3phsumKvar"),
    Row("s_3phsum_kva", "s3phsumKva"),
    Row("tot_pf_rto", "totPfRto"),
    Row("freq_hz", "freqHz", places=2),
)
_LINE_VOLTAGE = Row("v12_v", "v12V")

PVS = Kind(
    name="the PVS itself",
    variables="",
    endings="",
    fixed={"DETAIL": "detail", "DEVICE_TYPE": "PVS"},
    described="",
    rows=(
        _named("SERIAL", "serialnum"),
        _named("MODEL", "model"),
        _named("HWVER", "hwrev"),
        Row("dl_uptime", "uptime", UPTIME, 0),
    ),
    tail={},
)
PRODUCTION_METER = Kind(
    name="production meter",
    variables="meter",
    endings="pP",
    fixed={
        "ISDETAIL": True,
        "TYPE": "PVS5-METER-P",
        "DEVICE_TYPE": "Power Meter",
        "interface": "mime",
        "PORT": "",
    },
    described="Power Meter",
    rows=(*_METER, _LINE_VOLTAGE),
    tail=_TAIL,
)
CONSUMPTION_METER = Kind(
    name="consumption meter",
    variables="meter",
    endings="cC",
    fixed={**PRODUCTION_METER.fixed, "TYPE": "PVS5-METER-C"},
    described="Power Meter",
    rows=(
        *_METER,
        Row("i1_a", "i1A"),
        Row("i2_a", "i2A"),
        Row("v1n_v", "v1nV"),
        Row("v2n_v", "v2nV"),
        _LINE_VOLTAGE,
        Row("p1_kw", "p1Kw"),
        Row("p2_kw", "p2Kw"),
        Row("neg_ltea_3phsum_kwh", "negLtea3phsumKwh"),
        Row("pos_ltea_3phsum_kwh", "posLtea3phsumKwh"),
    ),
    tail=_TAIL,
)
INVERTER = Kind(
    name="inverter of a panel",
    variables="inverter",
    endings="",
    fixed={
        "ISDETAIL": True,
        "TYPE": "SOLARBRIDGE",
        "DEVICE_TYPE": "Inverter",
        "interface": "mime",
        "PORT": "",
    },
    described="Inverter",
    rows=(
        _SERIAL,
        _MODEL,
        _MEASURED_AT,
        Row("ltea_3phsum_kwh", "ltea3phsumKwh"),
        Row("p_3phsum_kw", "p3phsumKw"),
        Row("vln_3phavg_v", "vln3phavgV", places=2),
        Row("i_3phsum_a", "i3phsumA", places=2),
        Row("p_mppt1_kw", "pMppt1Kw"),
        Row("v_mppt1_v", "vMppt1V", places=2),
        Row("i_mppt1_a", "iMppt1A", places=2),
        Row("t_htsnk_degc", "tHtsnkDegc", WHOLE, 0),
        Row("freq_hz", "freqHz", places=2),
    ),
    tail=_TAIL,
)
STORAGE = Kind(
    name="battery (SunVault)",
    variables="ess",
    endings="",
    fixed={
        "ISDETAIL": True,
        "TYPE": "EQUINOX-ESS",
        "DEVICE_TYPE": "Energy Storage System",
        "interface": "none",
    },
    described="Energy Storage System",
    rows=(_SERIAL, _MODEL),
    tail=_TAIL,
)
TRANSFER_SWITCH = Kind(
    name="its transfer switch",
    variables="transfer_switch",
    endings="",
    fixed={
        "ISDETAIL": True,
        "TYPE": "HUB+",
        "DEVICE_TYPE": "HUB+",
        "interface": "none",
    },
    described="HUB+",
    rows=(_SERIAL, _MODEL),
    tail=_TAIL,
)

METERS = (PRODUCTION_METER, CONSUMPTION_METER)
KINDS = (PVS, *METERS, INVERTER, STORAGE, TRANSFER_SWITCH)
"""All kinds of devices, in the order of DeviceList."""


@dataclass(frozen=True)
class StorageRow:
    """One value of energy-storage-system/status.

    Attributes:
        part: The place in the report, with dots between levels.
        key: Its key there.
        variable: The last part of the variable's name.
        unit: As the old API writes it; empty for a text.
        factor: The number is multiplied by this.
    """

    part: str
    key: str
    variable: str
    unit: str
    factor: int = 1


STORAGE_ROWS = (
    StorageRow("battery_status", "battery_voltage", "vBattV", "V"),
    StorageRow("battery_status", "customer_state_of_charge", "customerSocVal", "%", 100),
    StorageRow("battery_status", "system_state_of_charge", "socVal", "%", 100),
    StorageRow("ess_status", "serial_number", "sn", ""),
    StorageRow("ess_status.ess_meter_reading", "agg_power", "p3phsumKw", "kW"),
    StorageRow("ess_status.ess_meter_reading.meter_a.reading", "voltage", "v1nV", "V"),
    StorageRow("ess_status.ess_meter_reading.meter_b.reading", "voltage", "v2nV", "V"),
    StorageRow("inverter_status", "temperature", "tInvtrDegc", "C"),
    StorageRow("ess_state", "operational_mode", "opMode", ""),
)
"""The values of /sys/devices/ess/N/; each part is a list with one entry for each N."""

SWITCH_ROWS = (
    StorageRow("hub_plus_status", "serial_number", "sn", ""),
    StorageRow("hub_plus_status", "contactor_position", "midStEnum", ""),
    StorageRow("hub_plus_status", "hub_temperature", "tDegc", "C"),
    StorageRow("hub_plus_status", "grid_phase1_voltage", "v1nGridV", "V"),
    StorageRow("hub_plus_status", "grid_phase2_voltage", "v2nGridV", "V"),
    StorageRow("hub_plus_status", "load_phase1_voltage", "v1nV", "V"),
    StorageRow("hub_plus_status", "load_phase2_voltage", "v2nV", "V"),
)
"""The values of /sys/devices/transfer_switch/0/."""

INTERFACES = {"wan0": "wan", "sta0": "sta0", "wwan0": "cell"}
"""The names of the interfaces in Get_Comm, by their names in /net/NAME/state."""
