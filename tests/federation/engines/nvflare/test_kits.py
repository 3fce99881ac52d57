"""Kits: made by the command, each for one participant."""

from __future__ import annotations

import fcntl
import json
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from deployment import FEDBRAGG
from waiting import wait_for

from fedbragg.errors import ConfigError, SumRefused
from fedbragg.federation.engines.nvflare.kit import open_kit
from fedbragg.federation.engines.nvflare.kit_credentials import KitIdentity, kit_credentials

SETTINGS = '[server]\naddress = "localhost:18371"\nobservers = ["guest"]\n[[sites]]\nname = "north"\n'


def provisioned(folder: Path, settings: str) -> subprocess.CompletedProcess[str]:
    (folder / "federation.toml").write_text(settings)
    command = [FEDBRAGG, "provision", "federation.toml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kits")
    done = provisioned(folder, SETTINGS)
    assert done.returncode == 0, done.stderr
    lines = [
        "server: for server",
        "coordinator: for coordinator",
        "north: for the site north",
        "guest: for observer",
    ]
    assert done.stdout.splitlines() == [f"kits/{line}" for line in lines]
    return folder / "kits"


def subject(certificate: Path) -> set[str]:
    return set(load_pem_x509_certificate(certificate.read_bytes()).subject.rfc4514_string().split(","))


def test_each_certificate_has_the_name_and_role_of_its_kit(made: Path) -> None:
    assert "CN=north" in subject(made / "north/startup/client.crt")
    assert "CN=localhost" in subject(made / "server/startup/server.crt")
    for name, role in (("coordinator", "lead"), ("guest", "member")):
        parts = subject(made / name / "startup/client.crt")
        assert f"CN={name}@fedbragg.local" in parts
        assert (
            f"1.2.840.113549.1.9.2={role}" in parts
        )  # PKCS 9's unstructuredName, in which FLARE puts a role


def test_a_site_signs_with_its_kit_and_no_other_certificate_counts_as_its_own(made: Path) -> None:
    north = kit_credentials(made / "north")
    certificate, signature = north.identity.certificate, north.identity.sign(b"content")
    north.authority.check("north", certificate, b"content", signature)
    for name, content, own in (("north", b"other", certificate), ("south", b"content", certificate)):
        with pytest.raises(SumRefused):
            north.authority.check(name, own, content, signature)
    for name, folder, file in (
        ("localhost", "server", "server"),  # the same authority signs it, but it is no site's
        ("guest@fedbragg.local", "guest", "client"),
    ):
        startup = made / folder / "startup"
        key = load_pem_private_key((startup / f"{file}.key").read_bytes(), None)
        shown = load_pem_x509_certificate((startup / f"{file}.crt").read_bytes()).public_bytes(Encoding.DER)
        with pytest.raises(SumRefused, match="not that of a site"):
            north.authority.check(name, shown, b"content", KitIdentity(key, shown).sign(b"content"))
    with pytest.raises(ConfigError, match="this kit is for an observer"):
        kit_credentials(made / "guest")


def test_only_the_owner_of_a_kit_can_read_its_key(made: Path) -> None:
    for key in made.glob("*/startup/*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    for folder in (made / "north", made / "authority"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_kit_has_no_script_to_start_flare_without_our_rules(made: Path) -> None:
    assert not [path for path in made.rglob("*") if path.suffix in (".sh", ".ipynb", ".default")]


def test_each_readme_has_the_one_command(made: Path) -> None:
    commands = {
        "server": "fedbragg serve KIT",
        "north": "fedbragg join KIT --data my-runs.toml",
        "coordinator": "fedbragg federate federation.toml --engine nvflare --kit KIT",
        "guest": "fedbragg status --kit KIT",
    }
    for name, command in commands.items():
        text = (made / name / "README.md").read_text()
        assert command in text
        assert "18371" in text
    assert "Open no port" in (made / "north" / "README.md").read_text()


def test_a_site_grants_nobody_any_right(made: Path) -> None:
    rights = json.loads((made / "north/local/authorization.json").read_text())["permissions"]
    assert set(rights) == {"project_admin", "org_admin", "lead", "member"}
    for role in rights.values():
        assert role["byoc"] == role["submit_job"] == role["shell_commands"] == "none"
        assert set(role.values()) == {"none"}


def test_a_new_site_gets_a_kit_and_the_other_kits_stay_as_they_are(made: Path) -> None:
    before = (made / "north/startup/client.key").read_bytes()
    done = provisioned(made.parent, SETTINGS + '[[sites]]\nname = "south"\n')
    assert done.stdout == "kits/south: for the site south\n", done.stderr
    assert (made / "north/startup/client.key").read_bytes() == before
    roots = {(made / name / "startup/rootCA.pem").read_bytes() for name in ("north", "south", "server")}
    assert len(roots) == 1
    assert provisioned(made.parent, SETTINGS).stdout == "kits: every kit exists already\n"


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ('[[sites]]\nname = "a"\nruns = ["a.h5"]\nlabels = "a.csv"\n', "[server] has no address"),
        (SETTINGS.replace("guest", "north"), "two kits would be named 'north'"),
        (SETTINGS.replace("north", "server"), "two kits would be named 'server'"),
        (SETTINGS.replace("north", "authority"), "two kits would be named 'authority'"),
    ],
)
def test_settings_that_cannot_be_provisioned_are_refused_in_one_line(
    tmp_path: Path, settings: str, part: str
) -> None:
    done = provisioned(tmp_path, settings)
    assert done.returncode == 2
    assert part in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_folder_that_is_no_kit_is_refused(tmp_path: Path, made: Path) -> None:
    with pytest.raises(ConfigError, match="no kit"):
        open_kit(tmp_path, "site")
    with pytest.raises(ConfigError, match="this kit is for a site; the command needs that of the server"):
        open_kit(made / "north", "server")


@pytest.mark.parametrize(
    ("command", "code", "trace", "seconds"),
    [
        (["join", "kits/north", "--data", "own.toml"], 0, "log.txt", 1.0),
        (["status", "--kit", "kits/guest", "--wait", "60"], 130, "kit.json", 4.0),
    ],
)
def test_ctrl_c_ends_a_command_that_waits_for_a_server(
    made: Path, command: list[str], code: int, trace: str, seconds: float
) -> None:
    (made.parent / "own.toml").write_text('runs = ["a"]\nlabels = "b"\n')
    sign = made.parent / command[1 + ("--kit" in command)] / trace
    with subprocess.Popen(
        [FEDBRAGG, *command], cwd=made.parent, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_for(sign.exists, "the first try")
            time.sleep(seconds)
            process.send_signal(signal.SIGINT)
            errors = process.communicate(timeout=20)[1]
        finally:
            process.kill()
    assert process.returncode == code
    assert "Traceback" not in errors


@pytest.mark.parametrize("name", ["localhost", "x" * 64, "a.b", "a-", "1"])
def test_a_name_that_flare_refuses_is_an_error_of_one_line(tmp_path: Path, name: str) -> None:
    done = provisioned(tmp_path, SETTINGS.replace('"north"', f'"{name}"'))
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or done.stderr.count("\n") == 1


def refusal(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [FEDBRAGG, *command], cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    return done.stderr


def test_a_kit_runs_once_at_a_time(made: Path) -> None:
    (made.parent / "own.toml").write_text('runs = ["a"]\nlabels = "b"\n')
    for folder in (made / "north/site", made / "server/flare"):
        folder.mkdir(exist_ok=True)
    with (made / "north/site/lock").open("w") as site, (made / "server/flare/lock").open("w") as server:
        fcntl.flock(site, fcntl.LOCK_EX)
        fcntl.flock(server, fcntl.LOCK_EX)
        assert "is running already" in refusal(made.parent, "join", "kits/north", "--data", "own.toml")
        assert "is running already" in refusal(made.parent, "serve", "kits/server")


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert provisioned(tmp_path, SETTINGS.replace("18371", str(port))).returncode == 0
        assert f"port {port} cannot be listened on" in refusal(tmp_path, "serve", "kits/server")
