"""The hub of a site, wired once. JupyterHub reads this file; ENCLAVE_SITE names the site.

Decides the hub's own rules: nobody is an admin, nobody mints a token, nobody starts a server but through the portal.
Run as the hub's user: `jupyterhub -f <this file>`.
"""

import asyncio
import os
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from jupyterhub.app import JupyterHub
from markupsafe import Markup

from enclave.adapters import firewall, signing
from enclave.adapters.containers import Containers
from enclave.adapters.ledger_client import LedgerClient
from enclave.adapters.policy_server import PolicyServer
from enclave.adapters.records import Records, connect
from enclave.config import load_site
from enclave.core.refusal import CODES as CORE
from enclave.hub.authenticator import Desk, PersonsAuthenticator
from enclave.hub.codes import CODES as HUB
from enclave.hub.spawner import Floor, WorkspaceSpawner
from enclave.hub.sweep import sweep_for_ever

c: Any = get_config()  # type: ignore[name-defined]  # noqa: F821  given by traitlets

site = load_site(os.environ["ENCLAVE_SITE"])
here = Path(__file__).parent
own = site.secrets / "hub"
wordings = {**CORE, **HUB}


def secret(name: str) -> str:
    return (own / f"{name}.token").read_text().strip()


# -- what the hub stands on ------------------------------------------------------------------------
records = Records(connect(site.records), LedgerClient(site.ledger_socket, secret("ledger")), site.blobs)
PersonsAuthenticator.desk = Desk(records, wordings)
WorkspaceSpawner.floor = Floor(
    site=site,
    records=records,
    trusted=lambda: signing.load_trusted(signing.trusted_file(site)),
    policy=PolicyServer(site.policy_socket),
    containers=Containers(),
    check_wall=lambda: firewall.check_wall(site),
    wordings=wordings,
)


# -- addresses: hub and portal on one site, every person's workspaces on another --------------------
def subdomain_hook(name: str, domain: str, kind: str) -> str:
    """A person's host; services live on the hub's own, so that one log-in serves both."""
    return site.workspace_host(name) if kind == "user" else domain


c.JupyterHub.subdomain_host = site.origin
c.JupyterHub.subdomain_hook = subdomain_hook
c.JupyterHub.public_url = f"{site.origin}/"
c.JupyterHub.bind_url = f"https://127.0.0.1:{site.https_port}/"
c.JupyterHub.hub_bind_url = f"http://{site.service_ip}:{site.hub_port}"
c.JupyterHub.hub_connect_url = f"http://{site.service_ip}:{site.hub_port}"
c.JupyterHub.hub_routespec = f"{site.hub_host}/hub/"
c.JupyterHub.default_url = f"{site.origin}/"

# -- the proxy runs under the supervisor, as its own user -------------------------------------------
c.JupyterHub.proxy_class = "configurable-http-proxy"
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = f"http://{site.service_ip}:{site.proxy_api_port}"
c.ConfigurableHTTPProxy.auth_token = secret("proxy")
c.Proxy.extra_routes = {f"{site.hub_host}/": site.portal_url}
# With each look at who is active the hub puts back the routes that a restarted proxy has lost.
c.JupyterHub.last_activity_interval = 3

# -- persons ----------------------------------------------------------------------------------------
c.JupyterHub.authenticator_class = PersonsAuthenticator
c.Authenticator.allow_all = True  # whoever the records let in; nobody else passes `authenticate`
c.Authenticator.request_otp = True
c.Authenticator.enable_auth_state = False
c.Authenticator.auth_refresh_age = 30
c.Authenticator.refresh_pre_spawn = False  # the portal starts workspaces; admission asks anew at every spawn
c.JupyterHub.cookie_secret = bytes.fromhex(secret("cookie"))
c.JupyterHub.cookie_max_age_days = 0.5
c.JupyterHub.cookie_host_prefix_enabled = True
c.JupyterHub.shutdown_on_logout = True

# -- workspaces -------------------------------------------------------------------------------------
c.JupyterHub.spawner_class = WorkspaceSpawner
c.JupyterHub.allow_named_servers = True
c.JupyterHub.named_server_limit_per_user = 0  # a server per project of a person; one runs at a time
c.JupyterHub.redirect_to_server = False
c.JupyterHub.implicit_spawn_seconds = 0
c.JupyterHub.cleanup_servers = True  # an orderly end ends workspaces too; after a crash they are found again
c.JupyterHub.concurrent_spawn_limit = 10
c.Spawner.start_timeout = 45
c.Spawner.http_timeout = 20
c.Spawner.poll_interval = 10
c.Spawner.consecutive_failure_limit = 0
c.Spawner.port = 8888
c.Spawner.args = []
c.DockerSpawner.remove = True

# -- who may do what at the hub's API ---------------------------------------------------------------
c.JupyterHub.services = [
    {
        "name": "portal",
        "api_token": secret("portal.service"),
        "oauth_client_id": "service-portal",
        "oauth_redirect_uri": f"{site.origin}/oauth_callback",
        "oauth_no_confirm": True,
        "display": False,
    },
    {"name": "metrics", "api_token": secret("metrics.service"), "display": False},
]
c.JupyterHub.load_roles = [
    {
        # In place of JupyterHub's `self`: no token is minted, no server started or shared past the portal.
        "name": "user",
        "description": "Log in, and reach one's own workspace",
        "scopes": [
            "access:services!service=portal",
            "access:servers!user",
            "read:users:name!user",
            "read:users:groups!user",  # what a log-in asks for; there are no groups here
            "users:activity!user",
        ],
    },
    {
        "name": "portal",
        "description": "Start, stop and see workspaces",
        "scopes": ["servers", "read:users:name", "list:users"],
        "services": ["portal"],
    },
    {"name": "metrics", "description": "Counts only", "scopes": ["read:metrics"], "services": ["metrics"]},
]

# -- pages ------------------------------------------------------------------------------------------
css = (here / "templates" / "hub.css").read_text()
POLICY = (
    ("default-src", "'none'"),
    # The one style sheet stands in the page, known by its digest: no file to serve, no other style to slip in.
    ("style-src", f"'sha256-{b64encode(sha256(css.encode()).digest()).decode()}'"),
    ("img-src", "'self' data:"),
    ("connect-src", "'self'"),
    # A log-in may lead on to a workspace that asked for it.
    ("form-action", f"'self' https://*.{site.workspace_domain}:{site.https_port}"),
    ("frame-ancestors", "'none'"),
    ("base-uri", "'none'"),
)
policy = [f"{name} {value}" for name, value in POLICY]
c.JupyterHub.template_paths = [str(here / "templates")]
c.JupyterHub.template_vars = {
    "css": Markup(css),  # noqa: S704  our own style sheet
    # Also in the page: the proxy shows the hub's error page without the hub's headers. (A page cannot say who frames it.)
    "policy": "; ".join(rule for rule in policy if not rule.startswith("frame-ancestors")),
    "portal": f"{site.origin}/",
    "demo": site.profile == "demo",
}
c.JupyterHub.tornado_settings = {
    "headers": {
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
    },
    "cookie_options": {"samesite": "Lax", "secure": True},
    "xsrf_cookie_kwargs": {"samesite": "Lax", "secure": True},
    "slow_spawn_timeout": 20,  # one answer to the portal, when the workspace is ready, instead of polling
}

# -- what the hub keeps -----------------------------------------------------------------------------
c.JupyterHub.db_url = f"sqlite:///{site.home}/hub/jupyterhub.sqlite"
c.JupyterHub.log_level = "WARN"

sweeping = asyncio.get_event_loop().create_task(sweep_for_ever(WorkspaceSpawner.floor, JupyterHub.instance()))
