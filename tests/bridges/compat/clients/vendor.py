"""The vendor's own library reads a plant.

usage: vendor.py HOST SERIAL

Home Assistant learns the serial number by mDNS. Otherwise the library asks for it without a login.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

import aiohttp
from pypvs.pvs import PVS


async def read(host: str, serial: str) -> dict[str, Any]:
    """Log in with what follows from the serial number, and read all there is."""
    async with aiohttp.ClientSession() as session:
        pvs = PVS(session=session, host=host, user="ssm_owner")
        pvs.fcgi_client.set_pvs_details({"serial": serial})
        pvs.fcgi_client.auth_password = serial[-5:]
        await pvs.discover()
        await pvs.setup(auth_password=serial[-5:])
        data = await pvs.update()
    return {
        "serial": pvs.serial_number,
        "gateway": asdict(data.gateway),
        "inverters": {key: asdict(each) for key, each in data.inverters.items()},
        "meters": {key: asdict(each) for key, each in data.meters.items()},
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(read(*sys.argv[1:]))))
