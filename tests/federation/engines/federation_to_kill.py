"""A federation in a process of its own, slow enough to be killed half-way: FOLDER SCHEDULE."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from softmax import federation_settings, skewed_problem

from fedbragg.federation import RecordingSettings, federate


def main(folder: Path, schedule: str, pause: float) -> None:
    problem = skewed_problem()
    for site in problem.sites:
        site.train = slowed(site.train, pause)
    print("ready", flush=True)
    federate(
        federation_settings(schedule=schedule, barriers=8, workers=2),
        problem.sites,
        problem.initial,
        recording=RecordingSettings(evaluate=problem.evaluate, checkpoints=folder),
    )


def slowed(train, pause):
    def later(*arguments):
        time.sleep(pause)
        return train(*arguments)

    return later


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
