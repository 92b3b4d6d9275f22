"""The vendor's own library listens to live data.

usage: vendor_live.py HOST SERIAL SECONDS

It prints the first live data, or null if there are none within SECONDS.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

import aiohttp
from pypvs.pvs import PVS


async def listen(host: str, serial: str, seconds: str) -> dict[str, Any] | None:
    """Connect, with an attempt to switch live data on before."""
    heard = asyncio.Event()
    async with aiohttp.ClientSession() as session:
        pvs = PVS(session=session, host=host, user="ssm_owner")
        pvs.fcgi_client.set_pvs_details({"serial": serial})
        pvs.fcgi_client.auth_password = serial[-5:]
        await pvs.discover()
        live = pvs.get_websocket()
        live.add_listener(lambda _: heard.set())
        await live.connect()
        try:
            async with asyncio.timeout(float(seconds)):
                await heard.wait()
            return asdict(live.live_data)
        except TimeoutError:
            return None
        finally:
            await live.disconnect()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(listen(*sys.argv[1:])), default=str))
