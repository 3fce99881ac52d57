"""Examples labelled by ticking: the journal, the tables that tasks read, and what the page may ask for."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn

from fedbragg.errors import ConfigError, FrameError, InputError, LabelError
from fedbragg.images import write_run
from fedbragg.review.labels.entry import Entry
from fedbragg.review.labels.label_store import LabelStore, journal_of
from fedbragg.review.ticks.tick_server import tick_application
from fedbragg.review.ticks.tick_session import TickReviewer, TickSession
from fedbragg.review.ticks.tick_table import TickTable
from fedbragg.tasks import hits
from fedbragg.tasks.checklist import Curve
from fedbragg.tasks.phases.labels import read_phase_labels
from fedbragg.tasks.registry import open_checklist
from fedbragg.tasks.tags.labels import read_tags
from fedbragg.types import Frame, Geometry, Label
from fedbragg.web.guard import Admission

TIME = "2026-11-27T08:15:17+00:00"
NAMES = ("ring", "halo", "spots")


class MadeExamples:
    """Three examples: an image, a pattern, and one that cannot be read."""

    names = NAMES
    columns = ("path", "frame")

    def __init__(self, folder: Path) -> None:
        self.files = [(str(folder / "a.h5"), 2), (str(folder / "b.cbf"), 1)]

    def show(self, position: int) -> Frame | Curve:
        if position == 2:
            raise FrameError("b.cbf", 0, "no picture.")
        if position == 1:
            return Curve(np.arange(3.0), np.array([1.0, 4.0, 9.0]), "degrees", {"ring": np.array([1.5])})
        return Frame(np.full((4, 6), 7, np.uint16), np.zeros((4, 6), bool), "a.h5", 0)

    def probabilities(self, position: int) -> Sequence[float]:
        self.show(position)
        return [0.25, 0.5, 0.75]


def session(folder: Path, person: str = "ada") -> TickSession:
    return TickSession(MadeExamples(folder), TickReviewer(person, folder / "t.csv", hits.default_model()))


@dataclass(frozen=True)
class Response:
    status: int
    headers: HTTPMessage
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Client:
    port: int

    def get(self, path: str) -> Response:
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: str = "") -> Response:
        return self._ask("POST", path, body, {"Origin": f"http://127.0.0.1:{self.port}"})

    def tick(self, position: int, *names: str) -> Response:
        return self.post(f"frames/{position}/label", json.dumps({"ticks": names}))

    def _ask(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Response:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, f"/token/{path}", body, headers)
        response = connection.getresponse()
        found = Response(response.status, response.headers, response.read())
        connection.close()
        return found


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        app = tick_application(session(tmp_path), Admission("token", frozenset({f"http://127.0.0.1:{port}"})))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Client(port)
        server.should_exit = True
        thread.join()


def test_ticks_are_the_same_after_writing_and_reading() -> None:
    for ticks in ((), ("ring",), ("ring", "halo")):
        written = Entry("a.h5", 0, ticks, "ada", TIME, "abc")
        assert Entry.from_line(written.to_line()) == written
    with pytest.raises(ValueError, match="not text"):
        Entry.from_line(Entry("a.h5", 0, (), "ada", TIME).to_line().replace("[]", "[1]"))


def test_the_table_has_what_more_than_half_say_and_nothing_where_they_are_even(tmp_path: Path) -> None:
    store = LabelStore(tmp_path / "t.csv", TickTable(("path", "frame"), NAMES))
    for person, ticks in (("ada", ("ring", "halo")), ("ben", ("ring",))):
        store.give(Entry("a.h5", 10, ticks, person, TIME))
    store.give(Entry("a.h5", 9, (), "ada", TIME))
    assert (tmp_path / "t.csv").read_text() == "path,frame,ring,halo,spots\na.h5,9,0,0,0\na.h5,10,1,,0\n"
    assert read_tags(tmp_path / "t.csv", NAMES).tags(str(tmp_path / "a.h5"), 10).tolist() == [1, -1, 0]  # type: ignore[union-attr]
    assert store.agreements()[0].frames == 1
    store.take_back("ben", TIME)
    assert "a.h5,10,1,1,0\n" in (tmp_path / "t.csv").read_text()


def test_a_table_that_the_page_did_not_write_is_refused_and_another_tasks_journal_is_left(
    tmp_path: Path,
) -> None:
    hit_labels = LabelStore(tmp_path / "t.csv")
    hit_labels.give(Entry("a.h5", 0, Label.HIT, "ada", TIME))
    with pytest.raises(
        LabelError, match=r"the page did not write it, and would replace it. Give another --labels"
    ):
        session(tmp_path)
    assert (tmp_path / "t.csv").read_text() == "path,frame,label\na.h5,0,hit\n"
    with pytest.raises(InputError, match="give a name"):
        session(tmp_path / "other", " ")


def test_answers_are_on_the_disk_and_undo_takes_them_back(client: Client, tmp_path: Path) -> None:
    assert client.get("state").json()["answers"] == [None, None, None]
    assert client.get("frames/0/judgement").status == 403
    assert client.tick(0, "spots", "ring").json() == {"warning": ""}
    assert client.tick(1).status == 200
    assert client.get("frames/0/judgement").json() == {"probabilities": [0.25, 0.5, 0.75]}
    assert client.get("state").json()["answers"] == [["ring", "spots"], [], None]
    assert (tmp_path / "t.csv").read_text() == "path,frame,ring,halo,spots\na.h5,0,1,0,1\na.h5,1,0,0,0\n"
    assert session(tmp_path).answer_of(0) == ["ring", "spots"]  # opened again
    assert client.post("undo").json()["position"] == 1
    assert client.post("undo").json()["position"] == 0
    assert client.post("undo").json() == {"position": None, "warning": ""}
    assert len(journal_of(tmp_path / "t.csv").read_text().splitlines()) == 4


def test_an_image_a_curve_and_an_unreadable_example(client: Client) -> None:
    image = client.get("frames/0/picture")
    assert image.content == bytes([7] * 24)
    about = json.loads(client.get("frames/1/picture").headers["x-picture"])
    assert about["curve"] == "degrees"
    assert client.get("frames/1/picture").json() == {"x": [0, 1, 2], "y": [1, 4, 9], "lines": {"ring": [1.5]}}
    assert "no picture" in json.loads(client.get("frames/2/picture").headers["x-picture"])["unreadable"]
    assert client.tick(2).status == 409
    assert client.get("frames/3/picture").status == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", 400),
        ("[]", 400),
        ('{"ticks": "ring"}', 400),
        ('{"ticks": [1]}', 400),
        ('{"ticks": ["moon"]}', 409),
        (" " * 10001, 413),
    ],
)
def test_an_answer_that_is_none_is_refused(client: Client, body: str, code: int) -> None:
    response = client.post("frames/0/label", body)
    assert response.status == code
    assert response.json()["problem"]


def test_only_tasks_with_answers_to_tick_can_be_ticked(tmp_path: Path) -> None:
    for task in ("hits", "segments"):
        with pytest.raises(ConfigError, match="not labelled by ticking"):
            open_checklist(task, ["run"], None, tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("path,calcite\n")  # the table of answers is no pattern
    with pytest.raises(InputError, match="holds no pattern"):
        open_checklist("phases", [str(tmp_path)], None, tmp_path / "t.csv")


def test_tags_and_phases_show_their_examples_and_their_tables_are_read(tmp_path: Path) -> None:
    write_run(
        tmp_path / "run.h5",
        [np.random.default_rng(1).poisson(5, (64, 64)).astype(np.uint16)],
        geometry=Geometry(),
    )
    angles = np.linspace(5, 24, 800)
    np.save(tmp_path / "p.npy", np.stack([angles, 100 + 900 * np.exp(-(((angles - 10.6) / 0.05) ** 2))]))
    for task, paths in (("tags", "run.h5"), ("phases", "p.npy")):
        checklist, model = open_checklist(task, [str(tmp_path / paths)], None, tmp_path / "t.csv")
        found = TickSession(checklist, TickReviewer("ada", tmp_path / f"{task}.csv", model))
        probabilities = found.probabilities(0)
        assert len(probabilities) == len(checklist.names)
        assert all(0 <= one <= 1 for one in probabilities)
        found.give(0, checklist.names[1:2])
        if task == "tags":
            tags = read_tags(tmp_path / "tags.csv", checklist.names).tags(str(tmp_path / "run.h5"), 0)
            assert tags is not None
            assert tags.tolist() == [0, 1, *[0] * (len(checklist.names) - 2)]
        else:
            labels = read_phase_labels(tmp_path / "phases.csv", checklist.names)
            assert labels == {(tmp_path / "p.npy").resolve(): [0, 1, 0]}
            shown = checklist.show(0)
            assert isinstance(shown, Curve)
            np.testing.assert_allclose(shown.x, angles, atol=1e-6)
            assert (
                np.abs(shown.lines["calcite"] - 10.6).min() < 0.03
            )  # calcite 104 at 0.5608 angstrom: 10.60 degrees
