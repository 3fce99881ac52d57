"""One kit: its owner, read from its folder, and the README that explains its use."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from fedbragg.errors import ConfigError

KIT, DOMAIN = "kit.json", "fedbragg.local"
WORDS = {
    "server": "the server",
    "site": "a site",
    "coordinator": "the coordinator's account",
    "observer": "an observer's account",
}


@dataclass(frozen=True, slots=True)
class Kit:
    """The participant that a kit is for."""

    kind: str  # server, site, coordinator or observer
    name: str
    organisation: str
    address: str  # host:port of the server

    @property
    def account(self) -> str:
        """Return the name that an account logs in with; FLARE requires an e-mail address, to which nothing is sent."""
        return f"{self.name}@{DOMAIN}"

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON."""
        return asdict(self)


def open_kit(folder: Path, *kinds: str) -> Kit:
    """Read a kit; raise ConfigError where the folder is no kit, or not one of the ``kinds``."""
    try:
        kit = Kit(**json.loads((folder / KIT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise ConfigError(f"{folder}: no kit. Give a folder that `fedbragg provision` wrote.") from None
    if kit.kind not in kinds:
        wanted = " or ".join(WORDS[kind] for kind in kinds)
        raise ConfigError(f"{folder}: this kit is for {WORDS[kit.kind]}; the command needs that of {wanted}.")
    return kit


def kit_text(kit: Kit) -> str:
    """Return a kit's README."""
    host, port = kit.address.rsplit(":", 1)
    return TEXTS[kit.kind].format(name=kit.name, host=host, port=port) + COMMON


COMMON = """
`startup/` holds a private key: whoever has this folder can act in your name. Transfer it over a safe channel, show it
to nobody, and tell the coordinator if it is lost. Its certificate is valid for 360 days.
"""
TEXTS = {
    "server": """\
# Kit of the server

On {host}: install `fedbragg[federate]`, then run

    fedbragg serve KIT

with this folder as KIT. Open port {port} (TCP) to the sites and the coordinator, and no other port. The server keeps
the federation's state in `KIT/federation`; after a stop or a crash, a restarted server resumes from there.
""",
    "site": """\
# Kit of the site {name}

Install `fedbragg[federate]`, and write a file of your own that says where your data are, say `my-runs.toml`:

    runs = ["/data/2026/*.cbf"]
    labels = "/data/2026/labels.csv"   # path,frame,label

and run

    fedbragg join KIT --data my-runs.toml

with this folder as KIT; with `--page`, a page shows what will leave and what has left, and has a button to leave.
Open no port: your client connects to {host}, port {port} (TCP, TLS), and nobody connects to you. No image, path or
label leaves your site; docs/how-to/real-sites.md lists what does. Your site runs the package
that you installed and refuses code from elsewhere. `[limits]` in your file limits what it takes part in.
""",
    "coordinator": """\
# Kit of the coordinator

    fedbragg federate federation.toml --engine nvflare --kit KIT

starts a federation and follows it, with this folder as KIT; `fedbragg status --kit KIT` shows its state. Both connect
to {host}, port {port} (TCP, TLS). You may end the command: the federation keeps running at the server.
""",
    "observer": """\
# Kit of the observer {name}

    fedbragg status --kit KIT

shows the state of the federation, with this folder as KIT. The account can do nothing else. The command connects to
{host}, port {port} (TCP, TLS).
""",
}
