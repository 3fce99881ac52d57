"""The record of what left a site: complete, chained, and equal to the server's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fedbragg.cli.main import app
from fedbragg.federation.engines.remote.audit import compare, read_audit, totals
from fedbragg.federation.engines.remote.audit_log import RECEIVED, AuditedLink, AuditLog
from fedbragg.federation.engines.remote.protocol import Message, encode_message


def message(**fields: object) -> bytes:
    return encode_message(Message(fields))


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A site's kit and the server's record beside it, after five messages of which two repeat."""
    site, server = AuditLog(tmp_path / "kit/site/sent.jsonl"), AuditLog(tmp_path / RECEIVED)
    for log in (site, server):
        for payload in (message(client="a"), message(client="a"), message(client="b")):
            log.message("north", "poll", payload)
        log.message("north", "update", message(loss=0.5))
        log.message("north", "update", message(loss=0.5))
    server.message("south", "poll", message(client="z"))
    (tmp_path / "kit/kit.json").write_text(
        json.dumps({"kind": "site", "name": "north", "organisation": "north", "address": "localhost:1"})
    )
    return tmp_path / "kit"


def audited(kit: Path, *options: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(app, ["audit", str(kit), *options], standalone_mode=False)
    return result.return_value, result.output.splitlines()


def test_equal_records_pass(kit: Path) -> None:
    code, lines = audited(kit, "--server", str(kit.parent / RECEIVED))
    assert (code, [line.split(",")[0] for line in lines]) == (0, ["poll: 2 messages", "update: 1 messages"])
    entries = read_audit(kit / "site/sent.jsonl").entries
    assert entries[0].keys() == {
        "time", "site", "topic", "bytes", "fields", "tensors", "sha256", "chain", "line"
    }  # fmt: skip
    assert (entries[2]["fields"], entries[2]["tensors"]) == (["loss"], 0)


@pytest.mark.parametrize(
    "position", [0, 3, 20, 75, 76, 80, 130, 230, 290, 330, 440, 592, 640, -1, -2, -40, -90]
)
def test_a_flipped_bit_is_found(kit: Path, position: int) -> None:
    path = kit / "site/sent.jsonl"
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    assert read_audit(path).problems


@pytest.mark.parametrize("line", [0, 1, 2])
@pytest.mark.parametrize("whose", ["site", "server"])
def test_a_missing_line_is_found(kit: Path, line: int, whose: str) -> None:
    path = kit / "site/sent.jsonl" if whose == "site" else kit.parent / RECEIVED
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:line], *lines[line + 1 :]]))
    own, other = read_audit(kit / "site/sent.jsonl"), read_audit(kit.parent / RECEIVED)
    lacking = "site" if whose == "site" else "server"
    [said] = compare(own.entries, other.entries, "north")
    assert said.endswith(f"the {lacking}'s record lacks it")
    # Without the other record a last line that is cut off is not missed.
    assert bool(own.problems) == (whose == "site" and line < 2)
    assert whose == "site" or line != 1 or audited(kit, "--server", str(kit.parent / RECEIVED))[0] == 3


def test_a_message_without_an_answer_need_not_have_arrived(tmp_path: Path) -> None:
    class Silent:
        def ask(self, topic: str, payload: bytes, timeout: float) -> memoryview:
            from fedbragg.errors import NoAnswerError

            raise NoAnswerError("silence")

    log = AuditLog(tmp_path / "sent.jsonl")
    with pytest.raises(Exception, match="silence"):
        AuditedLink(Silent(), "north", log).ask("update", message(loss=1.0), 1.0)
    entries = read_audit(tmp_path / "sent.jsonl").entries
    assert compare(entries, [], "north") == []
    assert totals(entries)["update"][0] == 1


def test_what_is_no_record_is_one_line_and_exit_code_2(kit: Path) -> None:
    for options in ([str(kit.parent)], [str(kit), "--server", str(kit.parent / "none")]):
        with pytest.raises(Exception, match=r"no kit|cannot be read"):
            CliRunner().invoke(app, ["audit", *options], standalone_mode=False, catch_exceptions=False)
