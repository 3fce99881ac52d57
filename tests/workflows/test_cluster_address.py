"""Which cluster is meant: the one named, the one that runs here, or one that is to be started."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fedbragg.errors import ClusterError, ConfigError
from fedbragg.workflows.cluster.address import check_address, find_cluster


@pytest.fixture
def listening() -> Iterator[str]:
    """The address of a server of gRPC, as Ray's is: it answers with the settings of HTTP/2, on any connection."""
    grpc = pytest.importorskip("grpc")
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ray's folder, in which no cluster was started yet."""
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "ray").mkdir()
    return tmp_path


def test_auto_is_the_cluster_that_runs_here_else_a_new_one(folder: Path, listening: str) -> None:
    assert find_cluster("auto") == "local"
    (folder / "ray" / "ray_current_cluster").write_text(listening + "\n")
    assert find_cluster("auto") == listening
    (folder / "ray" / "ray_current_cluster").write_text("127.0.0.1:1\n")  # one that has ended
    assert find_cluster("auto") == "local"


def test_a_cluster_that_the_environment_names_is_taken_or_missed(
    listening: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", listening)
    assert find_cluster("auto") == listening
    assert find_cluster("local") == "local"
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(ClusterError, match=r"--ray 127\.0\.0\.1:1: no cluster answers there"):
        find_cluster("auto")
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(ConfigError, match="--ray ray://head:10001: give auto, local, or HOST:PORT"):
        find_cluster("auto")


@pytest.mark.parametrize(
    "address", ["auto", "local", "node-01.beamline:6379", "10.0.0.7:6379", "[fe80::1]:6379"]
)
def test_addresses_that_can_be_meant(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize("address", ["", "head", "http://head:6379", "head:port", "head:6379/", "fe80::1"])
def test_addresses_that_cannot(address: str) -> None:
    with pytest.raises(ConfigError, match="give auto, local, or HOST:PORT"):
        check_address(address)


@pytest.mark.parametrize("says", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_port_of_something_else_is_no_cluster(says: bytes) -> None:
    """One that closes at once, one that speaks first, and one of the web."""

    def answer() -> None:
        with server.accept()[0] as link:
            link.sendall(says)

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(answer)
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterError, match="no cluster answers there"):
            find_cluster(address)
