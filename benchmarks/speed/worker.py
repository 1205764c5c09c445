"""One round of one side in this process: python worker.py MODULE CASE SIDE → a line of JSON."""

import json
import os
import resource
import sys
import warnings
from importlib import import_module

from clock import Clock

module, case, side = sys.argv[1:]
warnings.filterwarnings("ignore")
clock = Clock()
answer = import_module(f"cases.{module}").CASES[case].sides[side].work(clock)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
result = {
    **clock.report(),
    "peak_mib": max(peak, children) / 1024,
    "load": os.getloadavg()[0],
    "answer": answer,
}
print("\n" + json.dumps(result, default=float))
