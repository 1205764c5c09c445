"""Run the speed benchmarks: python benchmarks/speed/run.py [CASE …] [--rounds N] [--list]

Every round of every side runs in a fresh process, the sides in turn. What is measured goes to
results.json, one entry per case, and RESULTS.md is written from it: a run of some cases leaves the
others as they were.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import asdict
from fnmatch import fnmatch
from importlib import import_module
from typing import Any

from case import Case, Measured
from machine import describe, now
from places import RESULTS, data_file, python_of
from process import measure
from report import write_report

MODULES = (
    *("events_to_rfm", "calibration_holdout", "fit", "covariates", "posterior", "score"),
    *("score_10m", "score_trees", "commands", "spark", "training_table"),
