"""Fixtures: haproxy of each Debian release, and a home around it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest
from bridges.proxy.home import Home
from bridges.proxy.standing import Standing

from proxy_rig.haproxy import RELEASES, Unpacked
from proxy_rig.world import PVS, World
from proxy_rig.world import world as make_world
from pvs_sim import Options, Settings, Simulator
from pvs_sim.box import Box
from pvs_sim.clock import parse_instant


@pytest.fixture(scope="session", params=RELEASES)
def unpacked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    """Debian's haproxy of each release."""
    return Unpacked(request.param, tmp_path_factory.mktemp(f"haproxy-{request.param}"))


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """One network for all tests."""
    with make_world() as made:
        yield made


@pytest.fixture(scope="session")
def pvs(world: World) -> Iterator[Simulator]:
    """A PVS at noon, on its own address and ports."""
    options = Options(
        host=PVS,
        http_port=80,
        https_port=443,
        websocket_port=9002,
        clock=parse_instant("2025-01-15T20:00:00Z"),
        settings=Settings(latency_seconds=0.0),
    )
    # Its thread and its ports are the world's, for a thread begins where the one that starts it is.
    simulator = world.pvs.call(lambda: Simulator(options).__enter__())
    yield simulator
    simulator.__exit__(None, None, None)


@pytest.fixture
def home(world: World, unpacked: Unpacked, pvs: Simulator) -> Home:
    """The home, the PVS as new."""

    def renew(box: Box) -> None:
        box.reset(state=True)
        box.install(61707)
        box.power.begin(0.0, (("503", 1.0),))

    pvs.call(renew)
    return Home(world, unpacked, pvs)


@pytest.fixture(scope="module")
def standing(unpacked: Unpacked) -> Iterator[Standing]:  # noqa: ARG001 - one for each release
    """A place for a bridge that several tests of a module share."""
    place = Standing()
    yield place
    place.close()


@pytest.fixture
def serve(home: Home, standing: Standing) -> Callable[..., Home]:
    """A bridge with given variables: the one that is up, if it has the same, or a new one."""
    return functools.partial(standing.serve, home)


@pytest.fixture
def serve_compat(home: Home, standing: Standing) -> Callable[..., Home]:
    """As serve, with a locked PVS and a compat service that knows it already."""
    return functools.partial(standing.serve_compat, home)
