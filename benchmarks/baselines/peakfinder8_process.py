"""Count spots by peakfinder8 in fast mode: paths of .npz files in, one JSON line each out.

Runs under a Python of its own that has ondamonitor, which is GPL-3; nothing of fedbragg is imported here.
"""

import json
import sys
import time

import numpy as np
from om.algorithms.crystallography import Peakfinder8PeakDetection

PARAMETERS = {
    "max_num_peaks": 2048, "adc_threshold": 4, "minimum_snr": 5, "min_pixel_count": 2, "max_pixel_count": 60,
    "local_bg_radius": 3, "min_res": 20, "max_res": 10000, "fast_mode": True, "rstats_num_pixels": 100,
    "rstats_bins": 5, "rstats_numpix_per_bin": 100, "bad_pixel_map_filename": None, "bad_pixel_map_hdf5_path": None,
}  # fmt: skip


def count(path: str) -> dict[str, float]:
    with np.load(path) as file:
        counts, mask, centre = file["counts"], file["mask"], file["centre"]
    rows, cols = np.indices(counts.shape)
    finder = Peakfinder8PeakDetection(
        radius_pixel_map=np.hypot(rows - centre[1], cols - centre[0]).astype(np.float32),
        layout_info={"asic_nx": counts.shape[1], "asic_ny": counts.shape[0], "nasics_x": 1, "nasics_y": 1},
        crystallography_parameters=PARAMETERS,
    )
    finder.set_bad_pixel_map((~mask).astype(np.int8))
    finder.find_peaks(data=np.zeros_like(counts))  # lays the mask out, once a detector
    start = time.thread_time()
    number = finder.find_peaks(data=counts)["num_peaks"]
    return {"spots": number, "milliseconds": 1e3 * (time.thread_time() - start)}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(count(line.strip())), flush=True)
