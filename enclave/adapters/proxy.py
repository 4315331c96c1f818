"""Start of the hub's proxy (configurable-http-proxy) for a site: its command line, and its token out of a file.

Decides addresses and TLS files only; routes come from the hub. The token goes from a file into the environment of the
proxy's own process, so that no configuration of the supervisor and no command line ever shows it.
Run as the proxy's user: `python -m enclave.adapters.proxy SITE`.
"""

import os
import sys
from pathlib import Path

from enclave.config import PREFIX, Site, load_site

LISTEN = "127.0.0.1"
"""The browser comes from this machine or through a tunnel; a real site puts its own address here (ENCLAVE_LISTEN)."""


def token_file(site: Site) -> Path:
    """The proxy's copy of the token that the hub presents (`site.token("hub", "proxy")`); 0400, the proxy's user."""
    return site.secrets / "proxy" / "hub.token"


def command(site: Site) -> list[str]:
    """The proxy's command line."""
    return [
        "/usr/bin/env",
        "node",
        str(PREFIX / "node" / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"),
        "--ip", os.environ.get("ENCLAVE_LISTEN", LISTEN),
        "--port", str(site.https_port),
        "--ssl-cert", str(site.tls / "public.pem"),
        "--ssl-key", str(site.tls / "public.key"),
        "--api-ip", site.service_ip,
        "--api-port", str(site.proxy_api_port),
        "--error-target", f"http://{site.service_ip}:{site.hub_port}/hub/error",
        "--host-routing",
        "--log-level", "warn",
    ]  # fmt: skip


def main(name: str) -> None:
    """Become the proxy of that site."""
    site = load_site(name)
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "CONFIGPROXY_AUTH_TOKEN": token_file(site).read_text().strip(),
        "NODE_ENV": "production",
    }
    arguments = command(site)
    os.execve(arguments[0], arguments, environment)


if __name__ == "__main__":
    main(sys.argv[1])
