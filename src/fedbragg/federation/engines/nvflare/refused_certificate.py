"""Find out whether a site and its server accept each other's certificate.

FLARE's client meets a refused certificate as a connection that closes, and tries again for ever.
"""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from nvflare.fuel.f3.drivers.driver_params import DriverParams
from nvflare.fuel.f3.drivers.net_utils import get_ssl_context

CONNECT = 5.0
"""Seconds for the connection and the TLS handshake."""
VERDICT = 2.0
"""Seconds after the handshake within which a server refuses a certificate; if it accepts, it waits for a message."""
ABOUT_CERTIFICATES = ("CERTIFICATE", "UNKNOWN_CA", "DECRYPT_ERROR")
"""Parts of the names of TLS alerts (RFC 8446, section 6.2); the last is for a signature that is wrong."""


def refused_certificate(kit: Path, address: str) -> str | None:
    """Connect to the server at host:port as FLARE does; return which side refuses a certificate, and what to do.

    Return None where both accept, and where the server cannot be reached or is too slow to decide.
    """
    host, port = address.rsplit(":", 1)
    try:
        with (
            socket.create_connection((host, int(port)), CONNECT) as plain,
            _context(kit / "startup").wrap_socket(plain, server_hostname=host) as connection,
        ):
            connection.settimeout(VERDICT)
            connection.recv(1)  # in TLS 1.3 the server judges after the client has finished
    except ssl.SSLCertVerificationError as error:
        return (
            f"this kit does not trust the server's certificate ({error.verify_message}). Ask the coordinator for the "
            "kit that belongs to this server"
        )
    except ssl.SSLError as error:
        reason = (error.reason or "").upper()
        if "ALERT" in reason and any(part in reason for part in ABOUT_CERTIFICATES):
            said = reason.partition("ALERT_")[2].lower().replace("_", " ")
            return f"the server refuses this kit's certificate ({said}). Ask the coordinator for a new kit"
    except OSError:
        pass  # no server, no route, or no verdict in time
    return None


def _context(startup: Path) -> ssl.SSLContext:
    """Return FLARE's own settings of TLS, so that both come to the same verdict."""
    parameters = {
        DriverParams.SECURE.value: True,
        DriverParams.CA_CERT.value: str(startup / "rootCA.pem"),
        DriverParams.CLIENT_CERT.value: str(startup / "client.crt"),
        DriverParams.CLIENT_KEY.value: str(startup / "client.key"),
    }
    context: ssl.SSLContext = get_ssl_context(parameters, ssl_server=False)
    return context
