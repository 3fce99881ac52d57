"""The worker of a site that trains softmax regression; files in FEDBRAGG_TEST_FOLDER make it slow or hang."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from softmax import skewed_problem

from fedbragg.federation.engines.remote.worker import LoadedSite, main
from fedbragg.federation.engines.remote.worker_messages import Load
from fedbragg.types import State, Update

FOLDER = Path(os.environ["FEDBRAGG_TEST_FOLDER"])


class FaultyTrainer:
    """A trainer with the faults that the test's files ask for."""

    def __init__(self, name: str) -> None:
        six = skewed_problem(speeds=(1.0,) * 6, sizes=(120, 60, 200, 90, 150, 80))  # the first five as ever
        self._site = next(site for site in six.sites if site.name == name)
        self.name, self.speed, self.samples = name, 1.0, self._site.samples

    def train(self, model: State, version: int, epochs: int) -> Update:
        (FOLDER / f"{self.name}.pid").write_text(str(os.getpid()))
        hang = FOLDER / f"{self.name}.hang"
        if hang.exists():
            hang.unlink()
            time.sleep(1000)
        pause = FOLDER / f"{self.name}.pause"
        time.sleep(float(pause.read_text()) if pause.exists() else 0.0)
        update = self._site.train(model, version, epochs)
        poison = FOLDER / f"{self.name}.poison"  # from the third version on
        factor = float(poison.read_text()) if poison.exists() and version >= 2 else 1.0
        return replace(update, tensors={name: factor * tensor for name, tensor in update.tensors.items()})


def load_site(order: Load) -> LoadedSite:
    def export(model: State, out: Path) -> str:
        out.write_text(f"a model of accuracy {skewed_problem().evaluate(model)['accuracy']}")
        return "written"

    return LoadedSite(
        order.federation(),
        FaultyTrainer(order.site["name"]),
        export,
        lambda model: skewed_problem().evaluate(model)["accuracy"],
    )


if __name__ == "__main__":
    main(load_site)
