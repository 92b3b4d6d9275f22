"""The vendor's own library reads a plant, as its documentation says.

usage: vendor.py HOST
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

import aiohttp
from pypvs.pvs import PVS


async def read(host: str) -> dict[str, Any]:
    """Learn which PVS it is, log in with what follows from that, and read all there is."""
    async with aiohttp.ClientSession() as session:
        pvs = PVS(session=session, host=host, user="ssm_owner")
        await pvs.discover()
        serial = str(pvs.serial_number)
        await pvs.setup(auth_password=serial[-5:])
        data = await pvs.update()
    return {
        "serial": serial,
        "gateway": asdict(data.gateway),
        "inverters": {key: asdict(each) for key, each in data.inverters.items()},
        "meters": {key: asdict(each) for key, each in data.meters.items()},
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(read(sys.argv[1]))))
