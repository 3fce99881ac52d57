"""Sites and a server of one masked sum in memory, over a network that drops any site at any step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from fedbragg.config import FederationSettings, PrivacySettings
from fedbragg.federation.plan import Plan
from fedbragg.federation.secure.identity import Credentials, generated_credentials
from fedbragg.federation.secure.messages import Advert, ServerMessage, SiteMessage
from fedbragg.federation.secure.server import STEPS, ServerSum
from fedbragg.federation.secure.signed_lists import ListsInMemory
from fedbragg.federation.secure.site import SiteSum
from fedbragg.federation.secure.terms import Terms
from fedbragg.types import Update

CLIP = 5.0
MODEL = {
    "w": np.zeros((2, 3), np.float32),
    "count": np.array(7, dtype=np.int64),
    "b": np.zeros(2, np.float32),
}
Change = Callable[[str, ServerMessage | SiteMessage], ServerMessage | SiteMessage]


def plan(aggregation: str = "fedkl", **privacy) -> Plan:
    settings = FederationSettings(aggregation=aggregation, schedule="sync", clip=CLIP)
    return Plan(settings, 1, 1, 1, privacy=PrivacySettings(secure=True, **privacy))


def updates(count: int, seed: int = 1) -> list[Update]:
    """Return updates of sites that differ in size and label mix."""
    draw = np.random.default_rng(seed)
    return [
        Update(
            f"s{number}",
            1,
            {
                "w": draw.normal(size=(2, 3)).astype(np.float32),
                "b": draw.normal(size=2).astype(np.float32),
                "count": np.array(draw.integers(0, 500)),
            },
            int(hits := draw.integers(1, 200)) + int(misses := draw.integers(1, 2000)),
            ((int(hits), int(misses)),),
            float(draw.random()),
        )
        for number in range(count)
    ]


@lru_cache
def credentials(count: int) -> dict[str, Credentials]:
    return generated_credentials(f"s{number}" for number in range(count))


@dataclass
class Network:
    """All sites of one sum and the server; ``drops`` says after how many answers a site falls silent."""

    updates: Sequence[Update]
    terms: Terms | None = None
    drops: dict[str, int] = field(default_factory=dict)
    to_site: Change = lambda site, message: message
    to_server: Change = lambda site, message: message
    lists: dict[str, ListsInMemory] = field(default_factory=dict)
    order: Callable[[list[str]], Iterable[str]] = sorted
    sites: dict[str, SiteSum] = field(default_factory=dict)
    sent: dict[str, list[SiteMessage]] = field(default_factory=dict)  # what each site sent

    def __post_init__(self) -> None:
        self.terms = self.terms or Terms.of(plan(), len(self.updates), MODEL)
        self.drops = dict(self.drops)
        for update in self.updates:
            known = self.lists.setdefault(update.site, ListsInMemory())
            own = credentials(len(self.updates))[update.site]
            self.sites[update.site] = SiteSum(update, self.terms, own, known)
        adverts: list[Advert] = [site.advert for site in self.sites.values()]
        self.server = ServerSum(self.terms, adverts)

    def run(self) -> ServerSum:
        """Exchange messages until the sum has ended."""
        waiting = self.server.start()
        for _ in STEPS:
            following: dict[str, ServerMessage] = {}
            for name in self.order(list(waiting)):
                if self.drops.get(name, 99) <= 0:
                    following |= self.server.drop([name])
                    continue
                self.drops[name] = self.drops.get(name, 99) - 1
                answer = self.sites[name].answer(self.to_site(name, waiting[name]))
                self.sent.setdefault(name, []).append(answer)
                following |= self.server.take(name, self.to_server(name, answer))
            waiting = following
        assert self.server.outcome is not None
        return self.server


def mean_by_hand(
    included: Sequence[Update], aggregation: str = "fedkl"
) -> tuple[dict[str, np.ndarray], float]:
    """Return the weighted mean step and loss by the formulas, in double precision."""
    sizes = np.array([update.samples for update in included], dtype=float)
    mixes = []
    for update in included:
        share = np.array(update.label_counts[0]) / sum(update.label_counts[0])
        mixes.append(-(share[share > 0] * np.log2(share[share > 0])).sum() / np.log2(len(share)))
    size, mix = sizes / sizes.sum(), np.array(mixes) / (sum(mixes) or 1)
    weights = {"fedkl": (size + mix) / 2, "fedavg": size, "fedavg_uniform": np.full(len(size), 1 / len(size))}
    chosen = weights[aggregation]
    step = {
        name: sum(w * u.tensors[name].astype(float) for w, u in zip(chosen, included, strict=True))
        for name in included[0].tensors
    }
    return step, float(sum(w * u.loss for w, u in zip(chosen, included, strict=True)))


def with_numbers(update: Update, value: float) -> Update:
    """Return an update whose only number that is not zero is ``value``."""
    tensors = {name: np.zeros_like(tensor) for name, tensor in update.tensors.items()}
    tensors["w"][0, 0] = value
    return replace(update, tensors=tensors)
