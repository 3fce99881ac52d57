"""The section [server]: the address of a federation of real sites, and its timeouts."""

from __future__ import annotations

from pydantic import Field, field_validator

from fedbragg.config.section import Name, Section


class ServerSettings(Section):
    """The server's address, and how long each side waits for another; the local engine uses none of it."""

    address: str = Field(default="", pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:[0-9]{1,5})?$")
    """``host:port`` of the server, as sites and the coordinator reach it; its certificate bears the host's name."""
    observers: tuple[Name, ...] = ()
    """Accounts that may look at a federation but not change it."""
    heartbeat: float = Field(default=2.0, gt=0)
    """Seconds between two polls of a site."""
    site_timeout: float = Field(default=60.0, gt=0)
    """Seconds without a message after which a site counts as gone, until its next message."""
    training_timeout: float = Field(default=0.0, ge=0)
    """Seconds that one training may take at a site before it is stopped; 0 takes the deadline."""
    message_timeout: float = Field(default=120.0, gt=0)
    """Seconds without progress after which a message is cancelled and sent again."""
    server_timeout: float = Field(default=600.0, gt=0)
    """Seconds that the coordinator's command waits for a server that does not answer."""
    preparation: float = Field(default=7200.0, gt=0)
    """Seconds that the server may take for the start model."""

    @field_validator("address")
    @classmethod
    def _port_exists(cls, address: str) -> str:
        if address and not 0 < int(address.rsplit(":", 1)[1]) < 65536:
            raise ValueError("a port is a number from 1 to 65535")
        return address
