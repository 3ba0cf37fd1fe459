"""Curves and runs with known truth, for tests, docs and benchmarks; chance comes from the caller's generator.

``curve`` draws one curve from a law, ``run`` a whole training run with a schedule and any of the faults in ``FAULTS``,
``resnet_run`` the worked example of a classifier whose learning rate is cut three times.
"""

from .curves import curve
from .faults import FAULTS, Fault
from .noise import NOISES, Noise
from .record import Simulated
from .resnet import resnet_run
from .runs import run
from .schedules import SCHEDULES, rates

__all__ = ["FAULTS", "NOISES", "SCHEDULES", "Fault", "Noise", "Simulated", "curve", "rates", "resnet_run", "run"]
