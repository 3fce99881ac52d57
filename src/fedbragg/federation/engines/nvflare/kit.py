"""One kit: what it is for, read back from its folder, and the page that tells how to use it."""

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
    """Who its holder is."""

    kind: str  # server, site, coordinator or observer
    name: str
    organisation: str
    address: str  # host:port of the server

    @property
    def account(self) -> str:
        """Return the name that an account logs in with: FLARE wants an address, nothing is sent there."""
        return f"{self.name}@{DOMAIN}"

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON."""
        return asdict(self)


def open_kit(folder: Path, *kinds: str) -> Kit:
    """Read a kit, which must be of one of ``kinds``; raise ConfigError where it is none of them."""
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
`startup/` holds a private key: whoever has this folder can act in your name. Hand it over by a safe way, keep it to
yourself, and tell the coordinator if it is lost. Its certificate holds for 360 days.
"""
TEXTS = {
    "server": """\
# Kit of the server

On {host}: install `fedbragg[federate]`, then run

    fedbragg serve KIT

with this folder as KIT. Open port {port} (TCP) to the sites and the coordinator; nothing else comes in. The server
keeps the federation's state in `KIT/federation`; stopped or killed, it goes on from there when it is started again.
""",
    "site": """\
# Kit of the site {name}

Install `fedbragg[federate]`, write down where your data lie in a file of your own, say `my-runs.toml`:

    runs = ["/data/2026/*.cbf"]
    labels = "/data/2026/labels.csv"   # path,frame,label

and run

    fedbragg join KIT --data my-runs.toml

with this folder as KIT. Open nothing: your client calls {host}, port {port} (TCP, TLS), and nobody calls you. No
image, no path and no label leaves; what does is listed in docs/how-to/real-sites.md. Your site runs the package
that you installed and refuses any code from elsewhere. `[limits]` in your file caps what it takes part in.
""",
    "coordinator": """\
# Kit of the coordinator

    fedbragg federate federation.toml --engine nvflare --kit KIT

starts a federation and follows it, with this folder as KIT; `fedbragg status --kit KIT` looks at it. Both call
{host}, port {port} (TCP, TLS). The command may be ended: the federation goes on at the server.
""",
    "observer": """\
# Kit of the observer {name}

    fedbragg status --kit KIT

looks at the federation, with this folder as KIT, and can do nothing else. It calls {host}, port {port} (TCP, TLS).
""",
}
