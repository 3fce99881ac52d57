"""One masked sum: the right mean or a refusal, whoever falls silent, lies or changes a message; never a wrong mean."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st
from network import MODEL, Network, credentials, mean_by_hand, plan, updates

from fedbragg.errors import SumRefused
from fedbragg.federation.secure.fixed_point import Vector, encode
from fedbragg.federation.secure.messages import (
    Keys,
    MaskedVector,
    OpenedShares,
    Refusal,
    SealedShares,
    Shares,
    Signatures,
    SignedList,
    Survivors,
)
from fedbragg.federation.secure.server import ServerSum
from fedbragg.federation.secure.signed_lists import ListsInMemory
from fedbragg.federation.secure.site import SiteSum
from fedbragg.federation.secure.terms import Terms

FIVE = [f"s{number}" for number in range(5)]
SITES = updates(5)


def assert_mean_of(server: ServerSum, names: set[str], among: list = SITES) -> None:
    assert not isinstance(server.outcome, SumRefused), server.outcome
    assert set(server.survivors) == names
    step, loss = mean_by_hand([update for update in among if update.site in names])
    for name, tensor in step.items():
        np.testing.assert_allclose(server.outcome.step[name], tensor, atol=1e-5, rtol=1e-6)
    assert server.outcome.loss == pytest.approx(loss, abs=2e-5)


def refusal(server: ServerSum) -> str:
    assert isinstance(server.outcome, SumRefused), server.outcome
    return str(server.outcome)


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize(
    "gone", [gone for count in range(3) for gone in combinations(FIVE, count)], ids="-".join
)
def test_up_to_two_of_five_may_fall_silent_at_any_step(gone: tuple[str, ...], step: int) -> None:
    server = Network(SITES, drops=dict.fromkeys(gone, step)).run()
    assert_mean_of(server, set(FIVE) if step > 1 else set(FIVE) - set(gone))


@given(
    drops=st.dictionaries(st.sampled_from(FIVE), st.integers(0, 3)),
    orders=st.randoms(use_true_random=False),
)
@effort(max_examples=30, deadline=None)
def test_every_order_and_every_loss_end_in_the_right_mean_or_a_refusal(drops: dict, orders) -> None:
    server = Network(SITES, drops=drops, order=lambda names: orders.sample(names, len(names))).run()
    sent_shares = {name for name in FIVE if drops.get(name, 9) > 0}
    sent_vector = {name for name in FIVE if drops.get(name, 9) > 1}
    opened = {name for name in FIVE if drops.get(name, 9) > 3}
    if len(sent_shares) >= 3 and len(sent_vector) >= 3 and len(opened) >= 3:
        assert_mean_of(server, sent_vector)
    else:
        assert "are needed" in refusal(server)


def test_three_sites_are_the_fewest() -> None:
    assert_mean_of(Network(SITES[:3]).run(), set(FIVE[:3]))
    assert_mean_of(Network(SITES[:3], drops={"s1": 3}).run(), set(FIVE[:3]))  # two of three open the sum
    assert "2 sites sent their vectors, and 3 are needed" in refusal(
        Network(SITES[:3], drops={"s1": 1}).run()
    )
    assert "2 sites have trained, and 3 are needed" in refusal(Network(SITES[:2]).run())


def test_a_higher_threshold_tolerates_fewer_losses() -> None:
    terms = Terms.of(plan(threshold=4), 5, MODEL)
    assert_mean_of(Network(SITES, terms, drops={"s1": 2}).run(), set(FIVE))
    assert "and 4 are needed" in refusal(Network(SITES, terms, drops={"s1": 2, "s2": 3}).run())


# What the server sees


def test_a_masked_vector_looks_like_random_bytes() -> None:
    """Chi-square over the 256 values of a byte: 255 degrees of freedom, mean 255, deviation sqrt(510).

    Under uniform bytes the statistic exceeds mean + 6 deviations with a probability of about 2e-8; four vectors are
    judged. The same vectors without masks are far beyond it.
    """
    model = {"w": np.zeros(40_000, np.float32)}
    draw = np.random.default_rng(3)
    large = [replace(u, tensors={"w": draw.normal(0, 1e-3, 40_000).astype(np.float32)}) for u in updates(4)]
    network = Network(large, Terms.of(plan(), 4, model))
    masked: dict[str, bytes] = {}

    def keep(site: str, message):
        if isinstance(message, MaskedVector):
            masked[site] = message.vector.numbers.tobytes()
        return message

    network.to_server = keep
    network.run()
    for update in large:
        assert chi_square(masked[update.site]) < 255 + 6 * 510**0.5
        assert chi_square(encode(update, network.terms.layout).numbers.tobytes()) > 10 * 255


def chi_square(content: bytes) -> float:
    seen = np.bincount(np.frombuffer(content, np.uint8), minlength=256)
    expected = len(content) / 256
    return float(((seen - expected) ** 2 / expected).sum())


def test_the_server_s_view_depends_on_the_sum_alone() -> None:
    """Two federations whose sites hold other updates with the same sum: what is left without masks is the same."""
    swapped = [*SITES]
    swapped[0], swapped[1] = replace(SITES[1], site="s0"), replace(SITES[0], site="s1")
    one, other = Network(SITES).run(), Network(swapped).run()
    np.testing.assert_array_equal(one._total.numbers, other._total.numbers)
    np.testing.assert_array_equal(one._total.counts, other._total.counts)


# A server that lies


def lying(change, drops: dict | None = None, lists: dict | None = None) -> Network:
    return Network(SITES, to_site=change, drops=drops or {}, lists=lists or {})


def refusals(network: Network) -> dict[str, str]:
    network.run()
    return {s: m.reason for s, sent in network.sent.items() for m in sent if isinstance(m, Refusal)}


def test_a_server_that_sends_one_site_another_model_gets_no_sum() -> None:
    network = Network(SITES)
    other = replace(network.terms, model="0" * 64)
    network.sites["s2"] = SiteSum(SITES[2], other, credentials(5)["s2"], ListsInMemory())
    network.server = ServerSum(network.terms, [site.advert for site in network.sites.values()])
    assert "s2: s0 has got another model or other settings than this site" in refusal(network.run())
    assert all("s2 has got another model" in m[0].reason for s, m in network.sent.items() if s != "s2")


def test_two_lists_of_survivors_open_nothing() -> None:
    """The server tells two sites that s4 is gone, and the others that it is there, to see both of its secrets."""

    def change(site: str, message):
        if isinstance(message, Survivors) and site in ("s0", "s1"):
            return replace(message, survivors=("s0", "s1", "s2", "s3"))
        return message

    network = lying(change)
    network.run()
    opened = {s: m for s, sent in network.sent.items() for m in sent if isinstance(m, OpenedShares)}
    assert not any("s4" in message.mask_keys for message in opened.values())
    assert {s: m[-1].reason for s, m in network.sent.items() if isinstance(m[-1], Refusal)} == {
        "s0": "only 2 sites have signed the same list of survivors",
        "s1": "only 2 sites have signed the same list of survivors",
    }


def test_a_second_list_for_the_same_model_is_not_signed() -> None:
    """Sums of all five and of four of them would show the fifth site's update."""
    lists = {name: ListsInMemory() for name in FIVE}
    assert_mean_of(lying(lambda site, message: message, lists=lists).run(), set(FIVE))
    again = lying(lambda site, message: message, drops={"s4": 1}, lists=lists)
    assert all("has signed a sum of s0, s1, s2, s3, s4" in reason for reason in refusals(again).values())
    assert "0 sites signed" in refusal(again.server)
    assert_mean_of(lying(lambda site, message: message, lists=lists).run(), set(FIVE))  # the same list is


LIES = {
    "fewer keys": (Keys, lambda m, s: Keys(m.adverts[:2]), "lacks this site's own|too few"),
    "a stranger's key": (
        Keys,
        lambda m, s: Keys((*m.adverts[:4], replace(m.adverts[0], site="s9"))),
        "lacks this site's own|certificate that is not its own",
    ),
    "another mask key": (
        Keys,
        lambda m, s: Keys(tuple(a if a.site == s else replace(a, mask_key=bytes(32)) for a in m.adverts)),
        "wrong signature",
    ),
    "a certificate of another": (
        Keys,
        lambda m, s: Keys(
            tuple(a if a.site == s else replace(a, certificate=m.adverts[-1].certificate) for a in m.adverts)
        ),
        "certificate that is not its own|wrong signature",
    ),
    "shares of two": (
        Shares,
        lambda m, s: Shares({k: v for k, v in m.sealed.items() if k in "s0"}, {}),
        "not from sites of this sum|too few",
    ),
    "shares without a signature of the sender": (
        Shares,
        lambda m, s: Shares(m.sealed, dict.fromkeys(m.signatures, b"x" * 64)),
        "wrong signature",
    ),
    "changed shares": (
        Shares,
        lambda m, s: Shares({k: v[:-1] + bytes([v[-1] ^ 1]) for k, v in m.sealed.items()}, m.signatures),
        "cannot be decrypted",
    ),
    "two survivors": (
        Survivors,
        lambda m, s: replace(m, survivors=tuple(sorted({s, "s0", "s1"}))[:2]),
        "lacks this|too few",
    ),
    "an unknown survivor": (Survivors, lambda m, s: replace(m, survivors=(*m.survivors, "s9")), "strangers"),
    "other senders": (Survivors, lambda m, s: replace(m, senders=m.senders[:4]), "does not fit"),
    "few signatures": (Signatures, lambda m, s: Signatures({s: m.signatures[s]}), "only 1 sites have signed"),
    "forged signatures": (
        Signatures,
        lambda m, s: Signatures(dict.fromkeys(m.signatures, b"x" * 64)),
        "only 0",
    ),
    "a step left out": (Shares, lambda m, s: Survivors((), ()), "is not the next step"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_of_the_server_is_answered_with_a_refusal(lie: str) -> None:
    kind, change, reason = LIES[lie]
    network = lying(lambda site, message: change(message, site) if isinstance(message, kind) else message)
    found = refusals(network)
    assert set(found) == set(FIVE)
    assert all(re.search(reason, text) for text in found.values()), found
    assert isinstance(network.server.outcome, SumRefused)
    later = network.sites["s0"].answer(Keys(()))  # nothing after a refusal
    assert isinstance(later, Refusal)


# A site that lies


def spoilt(message):
    match message:
        case SealedShares(sealed, signature):
            return SealedShares(sealed, b"x" * len(signature))
        case MaskedVector(vector):
            return MaskedVector(Vector(vector.numbers + np.uint32(1 << 30), vector.counts))
        case OpenedShares(seeds, mask_keys):
            return OpenedShares({k: v[:-1] + bytes([v[-1] ^ 1]) for k, v in seeds.items()}, mask_keys)
    return message


@pytest.mark.parametrize("kind", [SealedShares, MaskedVector, OpenedShares])
def test_a_site_that_sends_nonsense_makes_a_refusal_and_no_wrong_mean(kind: type) -> None:
    network = Network(SITES)
    network.to_server = lambda s, m: spoilt(m) if s == "s0" and isinstance(m, kind) else m
    refusal(network.run())


@pytest.mark.parametrize(
    "message", [SignedList(b"x"), MaskedVector(Vector(np.zeros(1, np.uint32), np.zeros(1, np.uint64)))]
)
def test_a_message_that_does_not_fit_the_step_drops_its_site(message) -> None:
    network = Network(SITES)
    network.to_server = lambda s, m: (
        message if s == "s0" and isinstance(m, SealedShares | MaskedVector) else m
    )
    assert_mean_of(network.run(), set(FIVE[1:]))
    assert network.server.refusals == {"s0": "its message is not that of this step"}
