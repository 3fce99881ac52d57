"""The content of a site's page, from the files that the site's client writes."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fedbragg.errors import FedbraggError
from fedbragg.federation.engines.remote.audit import GrowingAudit, totals
from fedbragg.federation.engines.remote.audit_log import SENT
from fedbragg.federation.engines.remote.outgoing import occasional_messages, outgoing_messages
from fedbragg.federation.engines.remote.site_config import SiteConfig
from fedbragg.federation.engines.remote.site_report import REPORT, Activity, Terms

ROWS = 200
"""Lines of the record that a page gets when it opens: the latest."""
COLUMNS = ("line", "time", "version", "epsilon", "topic", "fields", "tensors", "bytes", "sha256", "answered")
COMPRESSION = {"full": "unchanged", "half": "in half precision", "quantised": "in {bits} bits a number"}
STYLES = {
    "off": "not asked for",
    "statistics": "levels of each class",
    "spectrum": "lowest spatial frequencies",
}


@dataclass(frozen=True, slots=True)
class ShownSite:
    """The site that a page is about."""

    name: str
    server: str  # host:port
    folder: Path  # of the client's own files
    config: SiteConfig  # the site's own file


class SiteState:
    """The newest state of a site; any thread may call any method."""

    def __init__(self, site: ShownSite) -> None:
        self._site = site
        self._lock = threading.Lock()
        self._record = GrowingAudit(site.folder / SENT)
        self._rows: deque[dict[str, Any]] = deque(maxlen=ROWS)
        self._totals: dict[str, tuple[int, int]] = {}
        self._problems: list[str] = []
        self._announced: tuple[str, dict[str, Any]] = ("", {})  # with its inputs
        self._announced_at = 0  # the last line of the record at that time

    def now(self) -> dict[str, Any]:
        """Return the page's content except the lines of the record."""
        report = self._report()
        with self._lock:
            self._read_record()
            record = {"totals": sorted(self._totals.items()), "problems": list(self._problems)}
            leaves = self._what_leaves(report)
            since = (row for row in self._rows if row["line"] > self._announced_at)
            sent = {row["topic"]: row["bytes"] for row in since if row["tensors"]}
        about = {"site": self._site.name, "server": self._site.server, "record": record, "sent": sent}
        return {**about, **self._activity(report), **leaves}

    def rows(self, since: int) -> list[dict[str, Any]]:
        """Return the lines of the record after line ``since``, at most ROWS."""
        with self._lock:
            self._read_record()
            return [row for row in self._rows if row["line"] > since]

    def _report(self) -> dict[str, Any]:
        """Return the client's latest report; before the first, that it connects."""
        path = self._site.folder / REPORT
        try:
            report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {**asdict(Activity("connecting to the server")), **asdict(Terms()), "trouble": ""}
        return report

    def _activity(self, report: Mapping[str, Any]) -> dict[str, Any]:
        names = ("doing", "why", "refused", "ended", "trouble", "federation", "since", "version")
        return {name: report.get(name) for name in names}

    def _read_record(self) -> None:
        try:
            found = self._record.read()
        except FileNotFoundError:  # nothing has left yet
            return
        self._problems += [each for each in found.problems if each not in self._problems]
        for topic, (count, size) in totals(found.entries).items():
            before = self._totals.get(topic, (0, 0))
            self._totals[topic] = before[0] + count, before[1] + size
        self._rows.extend({name: entry.get(name) for name in COLUMNS} for entry in found.entries)

    def _what_leaves(self, report: Mapping[str, Any]) -> dict[str, Any]:
        """Return messages and settings; they change with the federation only, and cost an encoding of the model."""
        basis = json.dumps([report[name] for name in ("federation", "settings", "sites", "model")])
        if self._announced[0] != basis:
            self._announced = (basis, self._announce(report))
            self._announced_at = self._rows[-1]["line"] if self._rows else 0
        return self._announced[1]

    def _announce(self, report: Mapping[str, Any]) -> dict[str, Any]:
        known, problem = bool(report["model"]), ""
        messages = occasional_messages()
        if report["federation"]:
            try:
                messages = outgoing_messages(
                    report["settings"], self._site.name, report["sites"], report["model"]
                )
            except (FedbraggError, ValueError, TypeError, AttributeError) as error:
                problem = f"What an update would hold cannot be worked out: {error}"
        return {
            "messages": [asdict(message) for message in messages],
            "tensors_known": known,
            "unknown": problem,
            "federation_rules": federation_rules(report["settings"]) if report["federation"] else [],
            "site_rules": site_rules(self._site.config),
        }


Rule = tuple[str, str]
"""The subject of a rule, and the rule."""


def federation_rules(settings: Mapping[str, Any]) -> list[Rule]:
    """Return a federation's settings on the data that leave a site."""
    federation, privacy, style = (settings.get(name, {}) for name in ("federation", "privacy", "style"))
    secure, clip, epsilon = privacy.get("secure", False), federation.get("clip", 0), privacy.get("epsilon", 0)
    how, bits = federation.get("compression", "full"), federation.get("compression_bits", 8)
    return [
        ("task", str(settings.get("task", "hits"))),
        ("rounds", f"at most {federation.get('barriers', '?')}"),
        (
            "who sees an update",
            "nobody; the server learns the sum of at least three sites" if secure else "the server",
        ),
        (
            "numbers of an update",
            "as masked integers" if secure else COMPRESSION.get(how, how).format(bits=bits),
        ),
        ("longest update", f"{clip:g} (Euclidean norm)" if clip else "no limit"),
        ("noise added here", _promised(epsilon, privacy.get("delta", 0)) if epsilon else "none"),
        ("style of the pictures", STYLES.get(style.get("share", "off"), "asked for")),
    ]


def _promised(epsilon: float, delta: float) -> str:
    return f"so much that epsilon is at most {epsilon:g} at delta {delta:g} for each run or crystal"


def site_rules(config: SiteConfig) -> list[Rule]:
    """Return the limits in this site's own file."""
    limits = config.limits
    return [
        ("tasks", ", ".join(limits.tasks) or "all that are installed"),
        ("only under masks (secure)", "yes" if limits.secure else "no"),
        ("only with noise (epsilon)", _promised(limits.epsilon, limits.delta) if limits.epsilon else "no"),
        (
            "refuses much worse models",
            "no" if limits.largest_fall is None else f"those that fall by more than {limits.largest_fall:g}",
        ),
        ("trainings in 24 hours", str(limits.rounds_a_day) if limits.rounds_a_day else "no limit"),
        ("style of the pictures may leave", "yes" if config.share_style else "no"),
        ("GPU", "may be used" if limits.gpu else "not used"),
    ]
