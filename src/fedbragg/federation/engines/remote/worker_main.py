"""The keeper of a site: reads its labelled frames for the federation's task, writes the final model file."""

from __future__ import annotations

from pathlib import Path

from fedbragg.config import Federation, SiteSettings
from fedbragg.federation import FederationOutcome
from fedbragg.federation.engines.remote.worker import Order, Ward, main
from fedbragg.federation.training import judge, site_frames, trainer_of, write_model
from fedbragg.types import State


def make(order: Order) -> Ward:
    """Read this site's data; the order holds the federation's terms and the site's own file."""
    site = SiteSettings.model_validate(order["site"])
    settings = Federation.model_validate({**order["terms"], "sites": [site]})
    frames = site_frames(settings, site, Path(order["folder"]))

    def finish(model: State, out: Path) -> str:
        write_model(out, settings, FederationOutcome(model, [], settings.federation.barriers, "finished"))
        quality = judge(model, frames.held_out)["balanced accuracy"]
        return f"balanced accuracy {quality} on this site's held-out frames"

    return Ward(settings, trainer_of(settings, frames), finish)


if __name__ == "__main__":
    main(make)
