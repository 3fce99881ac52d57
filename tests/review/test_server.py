"""The page over HTTP, from a server as it runs: who gets in, what can be read, what is said when it goes wrong."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import numpy as np
import pytest
import uvicorn

from fedbragg.errors import ConfigError
from fedbragg.images import read_labels
from fedbragg.review.labelling_session import LabellingSession
from fedbragg.review.opening import ReviewRequest, open_session
from fedbragg.review.server import application
from fedbragg.review.teaching.session import Teaching
from fedbragg.tasks import hits
from fedbragg.types import Label
from fedbragg.web.guard import Admission
from fedbragg.web.serving import Listening

TOKEN = "a-token-of-the-test"
UNREADABLE = 4


@dataclass(frozen=True)
class Server:
    port: int
    session: LabellingSession
    table: Path

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, token: str = TOKEN, **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        """Send a path as it stands, with the headers of a browser that shows the page."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        origin = {"Origin": f"http://127.0.0.1:{self.port}"} if method == "POST" else {}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, f"/{token}/{path}" if token else path, body, {**origin, **given})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, content

    def json(self, path: str, method: str = "GET", body: str | None = None) -> dict:
        response, content = self.ask(path, method, body)
        assert response.status == 200, content
        return json.loads(content)

    def label(self, frame: int, label: str) -> dict:
        return self.json(f"frames/{frame}/label", "POST", json.dumps({"label": label}))


@pytest.fixture(scope="module")
def server(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    table = tmp_path_factory.mktemp("labels") / "labels.csv"
    request = ReviewRequest((str(run),), table, "ada")
    session, geometry = open_session(request, hits.open_model(hits.default_model()))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        teaching = Teaching(session, ("false",))
        app = application(
            session, teaching, geometry, Admission(TOKEN, frozenset({f"http://127.0.0.1:{port}"}))
        )
        running = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        yield Server(port, session, table)
        running.should_exit = True
        thread.join()
        teaching.close()
        session.scores.stop()


def test_the_page_and_all_that_it_loads_are_there(server: Server) -> None:
    response, content = server.ask("")
    assert response.status == 200
    page = content.decode()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {"main.js", "review.css", "icon.svg"} <= set(loaded)
    for name in loaded:
        script = server.ask(name)[1].decode()
        assert server.ask(name)[0].status == 200
        for module in re.findall(r'from "\./([^"]+)"', script):
            assert server.ask(module)[0].status == 200
    assert not re.search(r"https?://(?!www\.w3\.org)", page)


def test_every_answer_allows_only_the_page_itself(server: Server) -> None:
    for path in ("", "state", "main.js", "nothing", "frames/0/picture"):
        headers = server.ask(path)[0].headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("token", ["wrong", "", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "%00", "%C3%A9"])
def test_without_the_token_there_is_nothing(server: Server, token: str) -> None:
    for path in ("", "state", "main.js"):
        response, content = server.ask(f"/{token}/{path}", token="")
        assert response.status == 404
        assert content.startswith(b"Not found")


def test_the_root_and_the_token_without_a_slash_are_nothing(server: Server) -> None:
    for path in ("/", f"/{TOKEN}", "/state"):
        assert server.ask(path, token="")[0].status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
    ],
)
def test_a_foreign_origin_or_host_gets_nothing(server: Server, headers: dict[str, str]) -> None:
    assert server.ask("state", **headers)[0].status == 404
    response, _ = server.ask("frames/0/label", "POST", '{"label": "hit"}', **headers)
    assert response.status == 404
    assert server.session.label_of(0) is None


def test_a_label_needs_an_origin(server: Server) -> None:
    connection = HTTPConnection("127.0.0.1", server.port)
    connection.request("POST", f"/{TOKEN}/frames/0/label", '{"label": "hit"}')
    assert connection.getresponse().status == 404
    connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "../../../../etc/passwd",
        "%2e%2e/%2e%2e/etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "/etc/passwd",
        "//etc/passwd",
        "web/main.js",
        "__init__.py",
        "../server.py",
        "frames/../main.js",
        "frames//etc/passwd/picture",
        "frames/a.h5/picture",
        "frames/-1/picture",
        "frames/0/../../server.py",
        "frames/0%2f..%2f1/picture",
        "frames/7/picture",
        "frames/99999999999999999999/picture",
        "link",
        "order/../state",
        "order/nothing",
    ],
)
def test_no_path_can_be_read(server: Server, run: Path, path: str) -> None:
    link = run.parent / "link"
    if not link.is_symlink():
        link.symlink_to("/etc/passwd")
    response, content = server.ask(path)
    assert response.status == 404, content
    assert b"root:" not in content


def test_a_link_in_the_folder_is_read_as_an_image_or_not_at_all(run: Path, tmp_path: Path) -> None:
    """A link of an image's name to another file is a frame that cannot be read; its content is never shown."""
    (tmp_path / "secret.cbf").symlink_to("/etc/passwd")
    (tmp_path / "a.h5").symlink_to(run / "a.h5")
    request = ReviewRequest((str(tmp_path),), tmp_path / "labels.csv", "ada")
    session, _ = open_session(request, hits.open_model(hits.default_model()))
    assert len(session.numbers) == 5
    with pytest.raises(Exception, match=r"secret\.cbf") as found:
        session.cache.frame(4)
    assert "root:" not in str(found.value)


def test_a_picture_says_what_its_codes_mean(server: Server) -> None:
    response, content = server.ask("frames/0/picture?longest=150")
    about = json.loads(response.headers["x-picture"])
    assert about["shape"] == [256, 300]
    assert about["blocks"] == [128, 150]
    assert about["region"]["step"] == 2
    assert about["frame"] == 0
    assert about["name"].endswith("run/a.h5")
    codes = np.frombuffer(content, np.uint8 if about["scale"]["bits"] == 8 else "<u2").reshape(128, 150)
    frame = server.session.cache.frame(0).frame
    highest = np.where(frame.mask, 0, frame.counts).reshape(128, 2, 150, 2).max(axis=(1, 3))
    valid = codes <= 253
    np.testing.assert_array_equal(codes[valid], highest[valid])


def test_a_region_at_full_resolution(server: Server) -> None:
    response, content = server.ask("frames/0/picture?step=1&top=10&left=20&rows=30&cols=1000")
    about = json.loads(response.headers["x-picture"])
    assert about["region"] == {"top": 10, "left": 20, "rows": 30, "cols": 280, "step": 1}
    assert len(content) == 30 * 280 * about["scale"]["bits"] // 8


def test_neighbours_are_summed_on_request(server: Server) -> None:
    """Of three frames around the second, each block is the highest sum; the mask is theirs."""
    response, content = server.ask("frames/1/picture?longest=300&together=3")
    about = json.loads(response.headers["x-picture"])
    assert about["positions"] == [0, 1, 2]
    frames = [server.session.cache.frame(i).frame for i in range(3)]
    total = sum(frame.counts.astype(int) for frame in frames)
    codes = np.frombuffer(content, np.uint8 if about["scale"]["bits"] == 8 else "<u2").reshape(256, 300)
    valid = ~frames[0].mask
    np.testing.assert_array_equal(codes[valid], total[valid])
    counts = server.ask("frames/1/counts?row=10&col=10&together=3")[1]
    assert np.frombuffer(counts, "<f8", 1)[0] == total[0, 0]
    around_the_unreadable = json.loads(server.ask("frames/3/picture?together=3")[0].headers["x-picture"])
    assert around_the_unreadable["positions"] == [2, 3]


def test_the_background_of_every_frame_fills_the_grid_map(server: Server) -> None:
    server.session.scores.start()
    server.session.scores._thread.join()  # type: ignore[union-attr]
    levels = np.frombuffer(server.ask("levels")[1], "<f4")
    assert np.flatnonzero(np.isnan(levels)).tolist() == [UNREADABLE]
    assert levels[1] == pytest.approx(3, rel=0.05)  # a frame of Poisson noise with mean 3


@pytest.mark.parametrize(
    "query",
    [
        "together=0",
        "together=51",
        "step=-1",
        "step=1e9",
        "step=1&top=9999999999",
        "longest=x",
        "step=1&rows=0x10",
    ],
)
def test_numbers_that_are_none_are_refused(server: Server, query: str) -> None:
    assert server.ask(f"frames/0/picture?{query}")[0].status == 400


def test_an_unreadable_frame_says_why_and_takes_no_label(server: Server) -> None:
    response, content = server.ask(f"frames/{UNREADABLE}/picture")
    assert content == b""
    assert "b.cbf" in json.loads(response.headers["x-picture"])["unreadable"]
    response, content = server.ask(f"frames/{UNREADABLE}/label", "POST", '{"label": "hit"}')
    assert response.status == 409
    assert "b.cbf" in json.loads(content)["problem"]
    assert server.session.label_of(UNREADABLE) is None


def test_the_score_is_secret_until_the_label_is_given(server: Server) -> None:
    assert server.ask("frames/2/judgement")[0].status == 403
    answer = server.label(2, "hit")
    judgement = server.json("frames/2/judgement")
    assert answer["judgement"] == judgement
    assert judgement["score"] > 0.5
    assert judgement["spots"] > 5
    server.json("undo", "POST")
    assert server.ask("frames/2/judgement")[0].status == 403


def test_labels_are_in_the_table_at_once_and_undo_takes_them_back(server: Server, run: Path) -> None:
    server.label(5, "miss")
    server.label(6, "maybe")
    assert server.ask("labels")[1] == bytes([0, 0, 0, 0, 0, 3, 2])
    assert read_labels(server.table).label(run / "c.h5", 1) is Label.MAYBE
    assert server.json("undo", "POST")["position"] == 6
    assert read_labels(server.table).label(run / "c.h5", 1) is None
    assert server.json("state")["labelled"] == {"hit": 0, "maybe": 0, "miss": 1}
    assert server.json("undo", "POST")["position"] == 5
    assert server.json("undo", "POST") == {"name": "", "position": None, "warning": ""}


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"label": "undo"}', '{"label": 1}', '{"label": "HIT"}'])
def test_a_label_that_is_none_is_refused(server: Server, body: str) -> None:
    response, content = server.ask("frames/0/label", "POST", body)
    assert response.status == 400
    assert json.loads(content)["problem"] == "Known labels: hit, maybe, miss."


def test_a_long_body_is_refused(server: Server) -> None:
    assert server.ask("frames/0/label", "POST", " " * 5000)[0].status == 413


def test_a_label_that_cannot_be_written_is_not_taken_and_said(server: Server) -> None:
    journal = server.session.store.journal
    before, journal.path = journal.path, Path("/proc/no such folder/labels.jsonl")
    try:
        response, content = server.ask("frames/0/label", "POST", '{"label": "hit"}')
    finally:
        journal.path = before
    assert response.status == 507
    assert json.loads(content)["problem"].startswith("The label was not taken: /proc/no such folder")
    assert server.session.label_of(0) is None


def test_orders(server: Server) -> None:
    def order(name: str) -> list[int]:
        return np.frombuffer(server.ask(f"order/{name}")[1], "<u4").tolist()

    assert order("time") == list(range(7))
    assert sorted(order("random")) == list(range(7)) != order("random")
    order("uncertain")
    server.session.scores._thread.join()  # type: ignore[union-attr]
    scores = server.session.scores.found()
    assert order("uncertain") == np.argsort(np.nan_to_num(abs(scores - 0.5), nan=9), kind="stable").tolist()
    assert server.json("state")["scoring"] == {"started": True, "done": 7, "screened": False}
    assert order("disagreement") == []


def test_labels_of_another_person_show_as_disagreement_and_kappa(server: Server, run: Path) -> None:
    """Hit and hit, hit and miss, miss and miss: observed 2/3, by chance (2 x 1 + 1 x 2) / 9 = 4/9, kappa 2/5."""
    other, _ = open_session(
        ReviewRequest((str(run),), server.table, "ben"), hits.open_model(hits.default_model())
    )
    for frame, (ada, ben) in enumerate((("hit", "hit"), ("hit", "miss"), ("miss", "miss"))):
        server.label(frame, ada)
        other.give(frame, Label(ben))
    state = server.json("state")
    assert state["disagreements"] == 1
    assert state["agreements"] == [["ada", "ben", 3, pytest.approx(0.4)]]
    assert np.frombuffer(server.ask("order/disagreement")[1], "<u4").tolist() == [1]
    assert read_labels(server.table).label(run / "a.h5", 1) is Label.MAYBE
    for _ in range(3):
        server.json("undo", "POST")
        other.take_back()


def test_teaching_and_the_promise_say_what_is_lacking(server: Server) -> None:
    server.label(0, "hit")
    state = server.json("teaching")
    assert (state["status"], state["teaching"], state["judging"]) == ("idle", 1, 0)
    assert state["lacking"].startswith(
        "To teach there must be 5 hits or maybes and 5 misses; there are 1 and 0."
    )
    assert state["promise"]["needed"] == 299
    for name, problem in (("start", "The labels do not suffice."), ("accept", "There is no trained model")):
        response, content = server.ask(f"teaching/{name}", "POST")
        assert response.status == 409
        assert json.loads(content)["problem"].startswith(problem)
    assert "--labels" in server.json("teaching/random-table", "POST")["command"]
    assert server.json("teaching/stop", "POST")["status"] == "idle"
    server.json("undo", "POST")


def test_the_geometry_has_rings_and_the_beam(server: Server) -> None:
    found = server.json("frames/0/geometry")
    assert found["wavelength"] == 1
    assert found["beam"] == pytest.approx([120, 150])
    assert len(found["rings"]) >= 2


@pytest.mark.parametrize(
    ("listening", "message"),
    [
        (Listening("example.org"), "shows the page to the network. Give --tls-cert and --tls-key"),
        (Listening("0.0.0.0"), "give the one name or address"),
        (Listening(certificate=Path("cert.pem")), "belong together"),
        (Listening("example.org", 0, Path("no.pem"), Path("no.key")), "no such file"),
    ],
)
def test_beyond_this_machine_only_with_tls(listening: Listening, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        listening.check()
