"""A simulated SunPower PVS for tests, demonstrations and authors of PVS clients."""

from .faults import Fault, FaultError
from .options import OptionError, Options, Settings
from .simulator import Simulator

__all__ = ["Fault", "FaultError", "OptionError", "Options", "Settings", "Simulator"]
