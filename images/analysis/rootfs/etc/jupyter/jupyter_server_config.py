"""Settings of the notebook server. Root-owned and read-only in the workspace; settings in the home are not read."""

import base64
import hashlib
import os
import re
import sys
from pathlib import Path

from jupyterlab.handlers.announcements import NeverCheckForUpdate

c = get_config()  # noqa: F821  given by traitlets

# The token with which this server asks the hub who a visitor is. It comes from a file and goes into this one object:
# an environment variable would be inherited by every kernel.
token = Path("/run/enclave/hub-token")
if token.is_file():
    c.HubOAuth.api_token = token.read_text().strip()

# -- what exists ------------------------------------------------------------------------------------
c.ServerApp.jpserver_extensions = {"jupyterlab": True, "enclave_workspace": True}
c.ServerApp.terminals_enabled = False
c.ServerApp.root_dir = "/home/researcher"
c.ServerApp.default_url = "/enclave/enter"
c.ServerApp.allow_unauthenticated_access = False
c.ServerApp.log_level = "WARN"
c.ContentsManager.allow_hidden = False
c.ContentsManager.files_handler_class = (
    None  # nothing is served as a file, so nothing is offered as a download
)
c.FileContentsManager.delete_to_trash = False

# -- the lab ----------------------------------------------------------------------------------------
c.LabApp.extension_manager = "readonly"
c.LabApp.lock_all_plugins = True
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = NeverCheckForUpdate
language = "ja" if os.environ.get("ENCLAVE_LANGUAGE", "ja") == "ja" else "en"
c.LabApp.app_settings_dir = f"/etc/enclave/lab/{language}"

# -- the browser is part of the boundary ------------------------------------------------------------
# Every request a page can be made to send (an image in a Markdown cell fires when the notebook is opened) stays on this
# origin. `sandbox` without allow-downloads and allow-popups takes both from every page. What remains is named in the
# documentation: WebRTC, and a person with developer tools.
page = Path(sys.prefix, "share/jupyter/lab/static/index.html").read_text()
own = " ".join(
    f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
    for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
)
POLICY = (
    ("default-src", "'self'"),
    # The lab compiles the schemas of its settings, and has one inline script of its own, admitted by its digest.
    # Inline scripts of a notebook's output do not run.
    ("script-src", f"'self' 'unsafe-eval' {own}".strip()),
    ("style-src", "'self' 'unsafe-inline'"),
    ("img-src", "'self' data: blob:"),
    ("font-src", "'self' data:"),
    ("connect-src", "'self'"),
    ("worker-src", "'self' blob:"),
    ("frame-src", "'none'"),
    ("object-src", "'none'"),
    ("base-uri", "'self'"),
    ("form-action", "'self'"),
    ("frame-ancestors", "'self'"),
    ("sandbox", "allow-same-origin allow-scripts allow-forms allow-modals"),
)
c.ServerApp.tornado_settings = {
    "xsrf_cookie_kwargs": {"secure": True, "samesite": "Lax"},
    "headers": {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), serial=()",
    },
}
