"""Changes the process for everybody."""

from __future__ import annotations

import os
import random
import signal
import sys
import warnings
from typing import ClassVar

from adversity import Degradation, hookimpl

random.seed(0)
warnings.simplefilter("ignore")
os.chdir("/")
sys.excepthook = print
signal.signal(signal.SIGINT, signal.SIG_IGN)


class Tilt(Degradation):
    """Tilt an image."""

    name: ClassVar[str] = "meddler"

    def degrade(self, images, rng):
        return images.flip(-1)


@hookimpl
def adversity_degradations():
    return [Tilt]
