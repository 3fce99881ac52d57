"""`fedbragg watch` in a process of its own, with real sockets and signals: what comes in, is lost, and is said."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgpack
import numpy as np
import pytest
import zmq
from commands import FEDBRAGG, done, here, refused
from watching import PATIENCE, Watch, detector, screened, table, watching

sys.path.insert(0, str(Path(__file__).parents[1] / "live"))

from messages import Series, counts_of, image, packed, tagged_array
from test_connection import free_address

from fedbragg.images import open_run, write_run
from fedbragg.live.connection import HIGH_WATER
from fedbragg.types import Geometry

pytestmark = pytest.mark.slow


def some_run(path: Path, dtype: str = "u2") -> Path:
    """A run with a mask of its own, saturated pixels, and gaps."""
    mask = np.zeros((72, 90), np.bool_)
    mask[3:6, :40] = True
    frames = [counts_of(number, dtype=dtype) for number in range(12)]
    frames[4][30, 30] = frames[7][28, 12] = 30_000  # above the saturation: masked in these frames only
    geometry = Geometry("made for a test", 0.9763, 0.175, (35.5, 20.25), (75e-6, 80e-6))
    write_run(path, frames, geometry=geometry, mask=mask, saturation=20_000)
    return path


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Watch]:
    """Runs that are screened, and sent to one watch, the first before the watch is there."""
    folder, address = tmp_path_factory.mktemp("replayed"), free_address()
    runs = {
        "bslz4": some_run(folder / "run.h5"),
        "lz4": folder / "run.h5",
        "none": folder / "run.h5",
        "signed": some_run(folder / "signed.h5", "i4"),
    }
    np.save(folder / "run.npy", np.stack([counts_of(number) for number in range(5)]))
    runs["npy"] = folder / "run.npy"
    done("screen", folder / "run.h5", "--out", folder / "screened-run.h5")
    for name in ("signed.h5", "run.npy"):
        screened(folder / name, folder / f"screened-{name}")
    first = [str(FEDBRAGG), "replay", str(runs["bslz4"]), "--to", address, "--series", "bslz4"]
    sender = subprocess.Popen(first, stdout=subprocess.PIPE, text=True)
    time.sleep(1.0)
    with watching(folder, address, "--nxmx", "--record", str(folder / "recorded")) as watch:
        assert "messages    14" in sender.communicate(timeout=PATIENCE)[0]
        for name in ("lz4", "none", "signed", "npy"):
            options = (
                "--series",
                name,
                "--compression",
                name if name in ("lz4", "none") else "bslz4",
                "--rate",
                "200",
            )
            done("replay", runs[name], "--to", address, *options)
        watch.wait_for(lambda: "out/npy/verdicts.csv" in watch.said)
        assert watch.ended(signal.SIGTERM) == 128 + signal.SIGTERM
    return folder, runs["bslz4"], watch


@pytest.mark.parametrize(
    ("series", "run"),
    [("bslz4", "run.h5"), ("lz4", "run.h5"), ("none", "run.h5"), ("signed", "signed.h5"), ("npy", "run.npy")],
)
def test_a_replayed_run_gets_the_verdicts_of_its_screening(
    replayed: tuple[Path, Path, Watch], series: str, run: str
) -> None:
    folder = replayed[0]
    watched = folder / "out" / series
    assert table(watched / "verdicts.csv") == table(folder / f"screened-{run}" / "verdicts.csv")
    kept = [verdict.index for verdict in replayed[2].verdicts(series) if verdict.keep]
    assert (watched / "hits.lst").read_text().splitlines() == [f"{series} //{number}" for number in kept]
    assert kept


def test_each_series_is_summed_up(replayed: tuple[Path, Path, Watch]) -> None:
    folder, _, watch = replayed
    summary = watch.said.split("series      ")[1:]
    assert [each.splitlines()[0] for each in summary] == ["bslz4", "lz4", "none", "signed", "npy"]
    lines = summary[0].splitlines()
    assert lines[1] == "frames      12"
    assert lines[-2] == f"written     {folder}/out/bslz4/verdicts.csv, {folder}/out/bslz4/hits.lst"
    assert lines[-1] == f"            {folder}/out/bslz4/kept.nxs (4 images as they came)"
    assert "missing" not in watch.said
    assert watch.errors.splitlines()[-1].endswith(f"written to {folder}/out. No series was underway.")


@pytest.mark.parametrize("series", ["bslz4", "lz4", "none", "signed", "npy"])
def test_the_kept_images_are_those_of_the_run(replayed: tuple[Path, Path, Watch], series: str) -> None:
    numbers = [verdict.index for verdict in replayed[2].verdicts(series) if verdict.keep]
    run = open_run(replayed[0] / "out" / series / "kept.nxs")
    dtype = "i4" if series == "signed" else "u2"
    for place, number in enumerate(numbers):
        frame = run[place]
        expected = counts_of(number, dtype=dtype)
        np.testing.assert_array_equal(frame.counts[~frame.mask], expected[~frame.mask])
    assert len(run) == len(numbers)


def test_a_recording_is_replayed_byte_for_byte(replayed: tuple[Path, Path, Watch], tmp_path: Path) -> None:
    folder, address = replayed[0], free_address()
    files = sorted((folder / "recorded").iterdir())
    assert len(files) == 4 * 14 + 7
    received: list[bytes] = []

    def receive() -> None:
        with zmq.Context() as context, context.socket(zmq.PULL) as pull:
            pull.connect(address)
            received.extend(pull.recv() for _ in files)

    receiver = threading.Thread(target=receive)
    receiver.start()
    done("replay", folder / "recorded", "--to", address)
    receiver.join()
    assert received == [path.read_bytes() for path in files]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Watch:
    """One watch that meets everything that can go wrong, one series after the other."""
    folder, address = tmp_path_factory.mktemp("story"), free_address()
    joined, gaps, endless = Series("joined", 9), Series("gaps", 12), Series("endless", 5)
    other, broken, half = Series("other", 6, (50, 64), "u4"), Series("broken", 5), Series("half", 5)
    short, last = Series("short", 10), Series("last", 3)
    gzip = image(tagged_array([72, 90], 69, packed("gzip", 2, b"x")), series_unique_id="broken", image_id=2)
    with watching(folder, address, "--ndjson", "-") as watch, detector(address) as send:
        send([b"hello, this is not Stream2"])
        send(joined.whole(range(5, 9))[1:])
        send(gaps.whole([0, 1, 2, 3, 6, 7, 8, 10, 11]))
        send(endless.whole()[:-1])
        send(other.whole())
        send([broken.start, *map(broken.image, (0, 1)), gzip, *map(broken.image, (3, 4)), broken.end])
        send([half.start, *map(half.image, (0, 1)), half.image(2)[:500], *map(half.image, (3, 4)), half.end])
        send(short.whole(range(7)))
        send(last.whole())
        watch.wait_for(lambda: "out/last/verdicts.csv" in watch.errors)
        watch.ended(signal.SIGINT)
    return watch


def summary(watch: Watch, series: str) -> list[str]:
    """Return what the watch said of a series."""
    errors = [line.removeprefix("fedbragg: ") for line in watch.errors.splitlines()]
    first = next(
        number for number, line in enumerate(errors) if line.split(" (")[0] == f"series      {series}"
    )
    last = next(number for number in range(first, len(errors)) if errors[number].startswith("written"))
    return errors[first : last + 1]


def numbers(watch: Watch, series: str) -> list[int]:
    return [verdict.index for verdict in watch.verdicts(series)]


def test_plain_bytes_are_one_line(story: Watch) -> None:
    lines = [line for line in story.errors.splitlines() if "not Stream2" in line]
    assert lines == [
        "fedbragg: no CBOR map: this is not Stream2. Check the port, and that the detector's stream format is cbor."
    ]


def test_who_joins_in_the_middle_screens_the_rest(story: Watch) -> None:
    assert numbers(story, "joined") == [5, 6, 7, 8]
    assert "joined      at image 5; those before were not received" in summary(story, "joined")
    assert not any(line.startswith("missing") for line in summary(story, "joined"))


def test_missing_images_stand_in_the_summary(story: Watch) -> None:
    assert numbers(story, "gaps") == [0, 1, 2, 3, 6, 7, 8, 10, 11]
    assert "missing     3 (images 4-5, 9)" in summary(story, "gaps")


def test_a_series_without_an_end_is_closed_by_the_next(story: Watch) -> None:
    assert numbers(story, "endless") == list(range(5))
    assert summary(story, "endless")[0] == "series      endless (its end did not come)"


def test_a_second_detector_is_screened_as_if_alone(story: Watch, tmp_path: Path) -> None:
    frames = [counts_of(number, (50, 64), "u4") for number in range(6)]
    geometry = Geometry("made for a test", 0.9763, 0.175, (35.5, 20.25), (75e-6, 80e-6))
    write_run(tmp_path / "other.h5", frames, geometry=geometry)
    screened(tmp_path / "other.h5", tmp_path / "screened")
    assert table(story.folder / "out/other/verdicts.csv") == table(tmp_path / "screened/verdicts.csv")


def test_an_unknown_compression_is_kept_named_and_the_series_goes_on(story: Watch) -> None:
    verdicts = story.verdicts("broken")
    assert [verdict.score is None for verdict in verdicts] == [False, False, True, False, False]
    assert verdicts[2].keep
    assert verdicts[2].reason.startswith("its compression is gzip; bslz4, bszstd, lz4 and none are read.")
    assert "fedbragg: broken image 2: " + verdicts[2].reason in story.errors
    assert "unreadable  1 (kept)" in summary(story, "broken")


def test_half_a_message_is_a_missing_image(story: Watch) -> None:
    assert numbers(story, "half") == [0, 1, 3, 4]
    assert "missing     1 (images 2)" in summary(story, "half")
    assert "fedbragg: a message of 500 bytes is cut short." in story.errors
    assert "damaged     2 messages" in story.errors


def test_a_series_shorter_than_announced_says_so(story: Watch) -> None:
    assert "not sent    3 of 10 announced images, the last ones" in summary(story, "short")


def test_the_next_series_is_whole_after_all_that(story: Watch) -> None:
    assert numbers(story, "last") == [0, 1, 2]


def test_every_verdict_is_a_line_of_json(story: Watch) -> None:
    rows = [json.loads(line) for line in story.said.splitlines()]
    series = ("joined", "gaps", "endless", "other", "broken", "half", "short", "last")
    assert [(row["series"], row["image"]) for row in rows] == [
        (name, number) for name in series for number in numbers(story, name)
    ]
    scores = [verdict.score for name in series for verdict in story.verdicts(name)]
    assert [row["score"] for row in rows] == scores


def large(name: str, images: int) -> Series:
    """Messages so large that few fit into the buffers of the network, whose content a killed process takes along."""
    return Series(name, images, (700, 700), compression="none")


def test_ctrl_c_says_what_was_not_received_and_once_ends_with_3_for_the_gap(tmp_path: Path) -> None:
    address, series = free_address(), Series("s", 40)
    with detector(address) as send:
        with watching(tmp_path, address) as watch:
            send([series.start, *map(series.image, range(15))])
            watch.wait_for(lambda: len(watch.verdicts("s")) == 15)
            assert watch.ended(signal.SIGINT) == 128 + signal.SIGINT
            assert watch.errors.splitlines()[-1] == (
                f"fedbragg: stopped after 15 frames; all that were received are written to {tmp_path}/out. "
                "Not received: the images of s from 15 on."
            )
        with watching(tmp_path, address, "--once") as watch:
            send([*map(series.image, range(20, 40)), series.end])
            assert watch.ended() == 3
            assert "missing     5 (images 15-19)" in watch.said
            assert "frames      35" in watch.said
            assert numbers(watch, "s") == [*range(15), *range(20, 40)]


def test_a_killed_watch_loses_no_more_than_the_queues_hold_and_the_next_counts_it(tmp_path: Path) -> None:
    address, series, queue, images = free_address(), large("s", 200), 6, 200
    stream = [series.start, *[series.image(number, COUNTS) for number in range(images)], series.end]
    with detector(address) as send:
        sender = threading.Thread(target=send, args=(stream,))
        sender.start()
        with watching(tmp_path, address, "--queue", str(queue)) as watch:
            watch.wait_for(lambda: len(watch.verdicts("s")) >= 40)
            assert watch.ended(signal.SIGKILL) == -signal.SIGKILL
        before = len(watch.verdicts("s"))
        with watching(tmp_path, address, "--queue", str(queue), "--once") as watch:
            assert watch.ended() == 3
            sender.join()
        after = numbers(watch, "s")
    lost = images - len(after)
    assert after == [*range(before), *range(before + lost, images)]
    assert f"missing     {lost} (images {before}" in watch.said
    in_the_kernel = (
        13  # 4 MB of the sender's buffer and 8 MB of the receiver's, which Linux doubles, of 0.98 MB each
    )
    assert 0 < lost <= queue + 2 * HIGH_WATER + 1 + in_the_kernel


COUNTS = np.random.default_rng(3).poisson(1, (700, 700)).astype(np.uint16)


def test_frames_are_kept_unscored_when_the_sender_is_not_to_wait(tmp_path: Path) -> None:
    address, series = free_address(), large("s", 80)
    stream = [series.start, *[series.image(number, COUNTS) for number in range(80)], series.end]
    options = ("--queue", "2", "--when-full", "keep", "--once")
    with detector(address) as send, watching(tmp_path, address, *options) as watch:
        send(stream)
        assert watch.ended() == 3
    verdicts = watch.verdicts("s")
    assert [verdict.index for verdict in verdicts] == list(range(80))
    unscored = [verdict for verdict in verdicts if verdict.score is None]
    assert 0 < len(unscored) < 79
    assert {verdict.reason for verdict in unscored} == {"not scored: the queue was full"}
    assert all(verdict.keep for verdict in unscored)
    assert f"unscored    {len(unscored)} (kept, the queue was full)" in watch.said


def test_kept_images_are_forwarded_to_a_second_watch(tmp_path: Path) -> None:
    first, second, series = free_address(), free_address(), Series("s", 9)
    with (
        detector(first) as send,
        watching(tmp_path / "one", first, "--once", "--forward", second) as one,
        watching(tmp_path / "two", second, "--once") as two,
    ):
        send(series.whole())
        assert one.ended() == 0, one.errors
        assert two.ended() == 3  # the misses were not sent on
    kept = [verdict for verdict in one.verdicts("s") if verdict.keep]
    assert kept
    assert [(v.index, v.score) for v in two.verdicts("s")] == [(v.index, v.score) for v in kept]


def test_kept_images_and_their_spots_are_given_to_crystfel(tmp_path: Path) -> None:
    """A client that asks as indexamajig does gets each kept image, and one that comes late misses none."""
    first, second, series = free_address(), free_address(), Series("s", 9)
    arguments = ("--once", "--forward", second, "--forward-format", "msgpack")
    with detector(first) as send, watching(tmp_path / "out", first, *arguments) as watch:
        send(series.whole())
        with zmq.Context() as context, context.socket(zmq.REQ) as ask:
            ask.LINGER = 0
            ask.connect(second)
            ask.send(b"next")
            found = []
            while watch.process.poll() is None:
                if ask.poll(100):
                    found.append(msgpack.unpackb(ask.recv()))
                    ask.send(b"next")
        assert watch.ended() == 0, watch.errors
    kept = [verdict for verdict in watch.verdicts("s") if verdict.keep]
    assert kept
    assert [image["event_id"] for image in found] == [f"s//{verdict.index}" for verdict in kept]
    assert [len(image["peak_list"]["fs"]) for image in found] == [verdict.spot_count for verdict in kept]


def test_what_cannot_be_watched_or_sent_is_refused_in_one_line(tmp_path: Path) -> None:
    assert refused("watch", "tcp://localhost:1", "--forward-format", "msgpack") == (
        "--forward-format applies to --forward only. Give its address too."
    )
    assert refused("watch", "http://detector") == (
        "http://detector: no live source. Give the detector's address, such as tcp://host:31001, a channel, such as "
        "pva://13SIM1:Pva1:Image, or a path."
    )
    assert refused("watch", "tcp://nowhere").startswith("tcp://nowhere: cannot be used")
    some_run(tmp_path / "run.h5")
    run, address = tmp_path / "run.h5", free_address()
    assert refused("replay", run, "--to", "nonsense").startswith("nonsense: cannot be used")
    assert "--compression gzip: unknown. Choose bslz4" in refused(
        "replay", run, "--to", address, "--compression", "gzip"
    )
    assert "no such file" in refused("replay", tmp_path / "none.h5", "--to", address)


def test_frames_that_cannot_be_read_are_left_out_of_a_replay(tmp_path: Path) -> None:
    run, address = some_run(tmp_path / "run.h5"), free_address()
    (tmp_path / "zzz.cbf").write_bytes(b"no CBF")
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.connect(address)
        said = here("replay", run, tmp_path / "zzz.cbf", "--to", address)
        assert (said.returncode, "left out    1 frames" in said.stdout) == (3, True)


def test_results_that_cannot_be_written_end_the_watch_in_one_line(tmp_path: Path) -> None:
    address, series = free_address(), Series("s", 40)
    (tmp_path / "out").write_text("a file where the folder should be")
    with detector(address) as send, watching(tmp_path, address) as watch:
        send([series.start, series.image(0)])
        assert watch.ended() == 2
    assert [
        line for line in watch.errors.splitlines() if "cannot write there" in line
    ] == watch.errors.splitlines()[-1:]
