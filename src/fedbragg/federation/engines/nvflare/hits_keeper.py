"""The keeper of a site that trains hit finding: reads its labelled frames, writes the final model file."""

from __future__ import annotations

from pathlib import Path

from fedbragg.config import Federation, SiteSettings
from fedbragg.federation import Outcome
from fedbragg.federation.engines.nvflare.keeper import Order, Ward, main
from fedbragg.federation.training import judge, site_frames, write_model
from fedbragg.tasks.site import HitSite
from fedbragg.types import State


def make(order: Order) -> Ward:
    """Read this site's data; the order holds the federation's terms and the site's own file."""
    site = SiteSettings.model_validate(order["site"])
    settings = Federation.model_validate({**order["terms"], "sites": [site]})
    frames = site_frames(settings, site, Path(order["folder"]))
    trainer = HitSite(site.name, frames.train, settings.training, settings.seed)

    def finish(model: State, out: Path) -> str:
        write_model(out, settings, Outcome(model, [], order.get("barriers", 0), "finished"))
        quality = judge(model, frames.held_out)
        return f"balanced accuracy {quality['balanced accuracy']} on this site's held-out frames"

    return Ward(settings, trainer, finish)


if __name__ == "__main__":
    main(make)
