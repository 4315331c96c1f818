"""The notebook server's own part of the boundary: which handlers exist, and the page through which a person enters.

Decides: no `/files`, no conversion, no `/view`, no shutdown by request; `enclave/enter` empties what an earlier
project's pages left in the browser (all workspaces of a person share one origin) before the lab opens. A notebook that
can be worked in is what a person waits for, so what it will need is made ready while the browser is still on its way.
Relies on the settings in /etc/jupyter (root-owned) for the rest, and on the hub for who may enter.
Does not: stop a person with developer tools from reading what their own browser shows.
"""

import asyncio
import contextlib
import sys
import types
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.log import log_request
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import ensure_async, url_path_join
from tornado import web
from tornado.ioloop import IOLoop

FIRST_NOTEBOOK = "はじめに-first-steps.ipynb"
FIRST_PLACE = ("lab", "tree", quote(FIRST_NOTEBOOK))
DOCUMENTS = ("notebook", "editor", "console")
LAST_PROJECT = "__Host-enclave-workspace"
"""The cookie that tells whose cached answers this browser holds. No script reads or writes it."""

ABSENT_SERVICES = frozenset({"files", "nbconvert", "view", "shutdown"})
ABSENT_PARTS = (
    "jupyterhub.log", "jupyterhub.orm", "jupyterhub.roles", "sqlalchemy", "sqlalchemy.exc",
    "requests", "jupyterlab.extensions.pypi",
)  # fmt: skip
"""What is imported for a name alone, and never used here: lists of extensions are fetched from nowhere."""


class EnterHandler(JupyterHandler):
    """Always leads to the same place: a target taken from the request could lead out of the workspace."""

    @web.authenticated
    def get(self) -> None:
        # The lab's own files may stay in the cache of a browser that comes back to the same project.
        same = self.get_cookie(LAST_PROJECT) == quote(self.base_url, safe="")
        self.set_header("Clear-Site-Data", '"storage"' if same else '"cache", "storage"')
        self.set_cookie(
            LAST_PROJECT, quote(self.base_url, safe=""), path="/", secure=True, httponly=True, samesite="Lax"
        )
        self.set_header("Cache-Control", "no-store")
        layout = _layout(self.serverapp)
        place = ("lab",) if layout or not _first_notebook(self.serverapp) else FIRST_PLACE
        self.redirect(url_path_join(self.base_url, *place))
        if FIRST_NOTEBOOK in layout or place == FIRST_PLACE:
            IOLoop.current().spawn_callback(_first_kernel, self.session_manager)


def _first_notebook(server: Any) -> bool:
    return (Path(server.root_dir) / FIRST_NOTEBOOK).is_file()


def _layout(server: Any) -> str:
    """What the person left open in the lab, as the lab keeps it; empty where it opens no document at all.

    A new home comes with a layout that has the first notebook open: opened by its address, it waits for the layout first.
    """
    layouts = (Path(server.root_dir) / ".jupyter" / "lab" / "workspaces").glob(
        "default-*.jupyterlab-workspace"
    )
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = "".join(one.read_text() for one in layouts)
        return text if any(f'"{kind}:' in text for kind in DOCUMENTS) else ""
    return ""


async def _make_ready(server: Any) -> None:
    """What the lab asks for first, once before it does: the first notebook's kernel, its reader, the settings."""
    await _first_kernel(server.session_manager)
    with contextlib.suppress(web.HTTPError):
        # The reader of notebooks compiles their schema when it is first used.
        await ensure_async(server.contents_manager.get(FIRST_NOTEBOOK, content=True))


_starting = asyncio.Lock()


async def _first_kernel(sessions: Any) -> None:
    """Start the first notebook's kernel before the browser asks for it; the lab then finds it and attaches."""
    async with _starting:
        if not await sessions.session_exists(path=FIRST_NOTEBOOK):
            await sessions.create_session(
                path=FIRST_NOTEBOOK, name=FIRST_NOTEBOOK, type="notebook", kernel_name="python3"
            )


class WorkspaceApp(ExtensionApp):
    """Registers the entrance."""

    name = "enclave_workspace"

    def initialize_handlers(self) -> None:
        self.handlers.append((r"/enclave/enter/?", EnterHandler))
        if _first_notebook(self.serverapp):
            IOLoop.current().add_callback(_make_ready, self.serverapp)


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    return [{"module": "enclave_workspace", "app": WorkspaceApp}]


def _without_what_is_not_used() -> None:
    """Keep what no request needs out of this process: the better part of a second of its start.

    `jupyterhub.log` imports the hub's own pages and database for one handler's name and one metric, `jupyterhub.utils`
    for one exception, the lab two programs that ask for pages elsewhere, `jupyter_client` all of IPython for the name of a
    folder in the home where kernels may be described. (Kernels are processes of their own and have theirs.)
    """
    absent = {name: types.ModuleType(name) for name in ABSENT_PARTS}
    absent["jupyterhub.log"].log_request = log_request  # type: ignore[attr-defined]
    absent["sqlalchemy.exc"].SQLAlchemyError = type("SQLAlchemyError", (Exception,), {})  # type: ignore[attr-defined]
    absent["jupyterlab.extensions.pypi"].PyPIExtensionManager = None  # type: ignore[attr-defined]
    sys.modules.update(absent)
    sys.modules["IPython"] = None  # type: ignore[assignment]  # asked for, it is not found


def main() -> None:
    _without_what_is_not_used()
    ServerApp.default_services = tuple(
        name for name in ServerApp.default_services if name not in ABSENT_SERVICES
    )
    # Imported only now: it reads the environment, and builds on the services settled above.
    from jupyterhub.singleuser import main as singleuser

    singleuser()


if __name__ == "__main__":
    main()
