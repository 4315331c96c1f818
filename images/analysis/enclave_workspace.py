"""The notebook server's own part of the boundary: which handlers exist, and the page through which a person enters.

Decides: no `/files`, no conversion, no `/view`, no shutdown by request; `enclave/enter` empties what an earlier
project's pages left in the browser (all workspaces of a person share one origin) before the lab opens.
Relies on the settings in /etc/jupyter (root-owned) for the rest, and on the hub for who may enter.
Does not: stop a person with developer tools from reading what their own browser shows.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.ioloop import IOLoop

FIRST_NOTEBOOK = "はじめに-first-steps.ipynb"
ABSENT_SERVICES = frozenset({"files", "nbconvert", "view", "shutdown"})


class EnterHandler(JupyterHandler):
    """Always leads to the same place: a target taken from the request could lead out of the workspace."""

    @web.authenticated
    def get(self) -> None:
        self.set_header("Clear-Site-Data", '"cache", "storage"')
        self.set_header("Cache-Control", "no-store")
        first = Path(self.serverapp.root_dir) / FIRST_NOTEBOOK  # type: ignore[union-attr]
        place = ("lab", "tree", quote(FIRST_NOTEBOOK)) if first.is_file() else ("lab",)
        self.redirect(url_path_join(self.base_url, *place))
        if first.is_file():
            IOLoop.current().spawn_callback(_first_kernel, self.session_manager)


async def _first_kernel(sessions: Any) -> None:
    """Start the first notebook's kernel while the browser still loads the lab, which then finds it and attaches."""
    if not await sessions.session_exists(path=FIRST_NOTEBOOK):
        await sessions.create_session(
            path=FIRST_NOTEBOOK, name=FIRST_NOTEBOOK, type="notebook", kernel_name="python3"
        )


class WorkspaceApp(ExtensionApp):
    """Registers the entrance."""

    name = "enclave_workspace"

    def initialize_handlers(self) -> None:
        self.handlers.append((r"/enclave/enter/?", EnterHandler))


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    return [{"module": "enclave_workspace", "app": WorkspaceApp}]


def main() -> None:
    ServerApp.default_services = tuple(
        name for name in ServerApp.default_services if name not in ABSENT_SERVICES
    )
    # Imported only now: it reads the environment, and builds on the services settled above.
    from jupyterhub.singleuser import main as singleuser

    singleuser()


if __name__ == "__main__":
    main()
