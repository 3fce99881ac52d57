"""Hit finding as beamlines run it today: h5py reads, peakfinder8 in fast mode counts; one JSON line out.

Runs under a Python of its own that has ondamonitor, which is GPL-3, and h5py; nothing of fedbragg is imported here.
Arguments: file, number of passes.
"""

import json
import sys
import time

import h5py
import hdf5plugin  # noqa: F401  registers the filters
import numpy as np
from om.algorithms.crystallography import Peakfinder8PeakDetection
from peakfinder8_process import PARAMETERS


def finder_for(file):
    detector = file["entry/instrument/detector"]
    mask = detector["pixel_mask"][()] != 0
    rows, cols = np.indices(mask.shape)
    centre = [detector[f"beam_center_{axis}"][()] for axis in "xy"]
    finder = Peakfinder8PeakDetection(
        radius_pixel_map=np.hypot(rows - centre[1], cols - centre[0]).astype(np.float32),
        layout_info={"asic_nx": mask.shape[1], "asic_ny": mask.shape[0], "nasics_x": 1, "nasics_y": 1},
        crystallography_parameters=PARAMETERS,
    )
    finder.set_bad_pixel_map((~mask).astype(np.int8))
    return finder


def main(path, passes):
    with h5py.File(path) as file:
        data, finder = file["entry/data/data"], finder_for(file)
        finder.find_peaks(data=data[0].astype(np.float32))  # lays the mask out
        speeds, cpu = [], []
        for _ in range(passes):
            wall, used = time.perf_counter(), time.process_time()
            for number in range(len(data)):
                finder.find_peaks(data=data[number].astype(np.float32))
            speeds.append(len(data) / (time.perf_counter() - wall))
            cpu.append(1e3 * (time.process_time() - used) / len(data))
    print(json.dumps({"speeds": speeds, "cpu": cpu}))


main(sys.argv[1], int(sys.argv[2]))
