"""A person without a browser: the same routes, forms, cookies and log-in as a browser would use, over HTTPS.

Used by the demo's walk and by tests. Names under `.localhost` are looked up as RFC 6761 says (this machine), which
Python's resolver does not do by itself. TLS is verified against the site's own authority.
"""

import json
import socket
import ssl
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin

import httpx
from tornado.httpclient import HTTPRequest
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect

from enclave.config import Site

PATIENCE_S = 180.0


@contextmanager
def local_names() -> Iterator[None]:
    """While inside, `*.localhost` is this machine for this process."""
    ask = socket.getaddrinfo

    def answer(host: Any, *rest: Any, **named: Any) -> Any:
        if isinstance(host, str) and host.endswith(".localhost"):
            host = "127.0.0.1"
        return ask(host, *rest, **named)

    socket.getaddrinfo = answer
    try:
        yield
    finally:
        socket.getaddrinfo = ask


@dataclass
class Form:
    """A form as it stands on a page: where it goes and what its fields hold. `actions` are its buttons' `data-action`s."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    actions: set[str] = field(default_factory=set)
    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._area: str | None = None
        self._select: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {k: v or "" for k, v in attrs}
        if tag == "form":
            self._open = Form(a.get("action") or a.get("hx-post", ""), a.get("method", "get").lower())
            self.forms.append(self._open)
        form = self._open
        if form is None:
            return
        name = a.get("name", "")
        if tag == "input" and name:
            kind = a.get("type", "text")
            if kind in {"checkbox", "radio"} and "checked" not in a:
                form.fields.setdefault(name, [])
            elif kind not in {"submit", "button", "file"}:
                form.fields.setdefault(name, []).append(a.get("value", "on" if kind == "checkbox" else ""))
        elif tag == "textarea" and name:
            self._area = name
            form.fields[name] = [""]
        elif tag == "select" and name:
            self._select = name
            form.fields[name] = []
        elif tag == "option" and self._select and ("selected" in a or not form.fields[self._select]):
            form.fields[self._select] = [a.get("value", "")]
        elif tag == "button" and a.get("data-action"):
            form.actions.add(a["data-action"])
            form.buttons[a["data-action"]] = (name, a.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._area and self._open:
            self._open.fields[self._area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea":
            self._area = None
        elif tag == "select":
            self._select = None


def forms(page: httpx.Response) -> list[Form]:
    """Every form of a page, with what its fields hold."""
    parser = _Forms()
    parser.feed(page.text)
    return parser.forms


class Visitor:
    """One person at one computer: cookies, language, and the habit of following redirects."""

    def __init__(self, site: Site, language: str = "en") -> None:
        self.site = site
        tls = ssl.create_default_context(cafile=str(site.ca))
        self._tls = tls
        self.http = httpx.Client(
            base_url=site.origin,
            verify=tls,
            follow_redirects=True,
            timeout=PATIENCE_S,
            trust_env=False,
            headers={"Accept-Language": language, "Sec-Fetch-Site": "same-origin"},
        )

    def get(self, path: str) -> httpx.Response:
        """A page; raises httpx.HTTPStatusError for a refusal."""
        return self.http.get(path).raise_for_status()

    def send(self, page: httpx.Response, action: str, **values: str | list[str]) -> httpx.Response:
        """Fill in the form that has the button `data-action=<action>` and press it; the page that follows.

        Raises LookupError where the page has no such button, httpx.HTTPStatusError for a refusal.
        """
        for form in forms(page):
            if action in form.actions:
                data: dict[str, Any] = {**form.fields, **values}
                name, value = form.buttons[action]
                if name:
                    data[name] = value
                target = urljoin(str(page.url), form.action or str(page.url))
                return self.http.post(
                    target, data=data, headers={"Origin": self.site.origin}
                ).raise_for_status()
        raise LookupError(f"no button {action} on {page.url}")

    def log_in(self, person: str, password: str, code: str, path: str = "/login") -> httpx.Response:
        """Log in with password and one-time code; the page that follows."""
        page = self.http.get(path)
        form = next(f for f in forms(page) if "password" in f.fields)
        data = {**form.fields, "username": [person], "password": [password], "otp": [code]}
        target = urljoin(str(page.url), form.action or str(page.url))
        return self.http.post(target, data=data, headers={"Origin": self.site.origin})

    def run_in_notebook(self, base: str, code: str) -> list[dict[str, Any]]:
        """Run code in a fresh kernel of the workspace at `base` (its URL) and return the messages of its output.

        The same HTTP and WebSocket routes that JupyterLab uses. Raises TimeoutError.
        """
        return self.run_cells(base, [code])[0]

    def run_cells(self, base: str, cells: Sequence[str]) -> list[list[dict[str, Any]]]:
        """Run cells one after another in one fresh kernel; the messages of each. Raises TimeoutError."""
        answer = self.http.post(urljoin(base, "api/kernels"), json={}, headers=self._own(base))
        kernel = answer.raise_for_status().json()["id"]
        try:
            return [
                IOLoop().run_sync(lambda code=code: self._execute(base, kernel, code), timeout=PATIENCE_S)
                for code in cells
            ]
        finally:
            self.http.delete(urljoin(base, f"api/kernels/{kernel}"), headers=self._own(base))

    def keep_notebook(self, base: str, name: str, notebook: dict[str, Any]) -> None:
        """Save a notebook into the home of the workspace at `base`, as JupyterLab saves one."""
        self.http.put(
            urljoin(base, f"api/contents/{quote(name)}"),
            json={"type": "notebook", "content": notebook},
            headers=self._own(base),
        ).raise_for_status()

    def remove_file(self, base: str, name: str) -> None:
        """Delete a file of the home of the workspace at `base`; one that is not there is no error."""
        answer = self.http.delete(urljoin(base, f"api/contents/{quote(name)}"), headers=self._own(base))
        if answer.status_code != httpx.codes.NOT_FOUND:
            answer.raise_for_status()

    def arrange(self, base: str, notebook: str) -> None:
        """Leave JupyterLab of the workspace at `base` as if this notebook had been open in it last."""
        widget = f"notebook:{notebook}"
        layout = {
            "layout-restorer:data": {
                "main": {
                    "dock": {"type": "tab-area", "currentIndex": 0, "widgets": [widget]},
                    "current": widget,
                },
                "left": {
                    "collapsed": False,
                    "visible": True,
                    "current": "filebrowser",
                    "widgets": ["filebrowser", "running-sessions", "@jupyterlab/toc:plugin"],
                },
                "right": {"collapsed": True, "visible": True, "widgets": ["jp-property-inspector"]},
                "relativeSizes": [0.2, 0.8, 0],
            },
            widget: {"data": {"path": notebook, "factory": "Notebook"}},
        }
        self.http.put(
            urljoin(base, "lab/api/workspaces/default"),
            json={"data": layout, "metadata": {"id": "default"}},
            headers=self._own(base),
        ).raise_for_status()

    def _own(self, base: str) -> dict[str, str]:
        """What a script of the workspace's own pages sends along."""
        return {"X-XSRFToken": self._cookie(base, "_xsrf"), "Origin": base.split("/user/", maxsplit=1)[0]}

    def _cookie(self, url: str, name: str) -> str:
        host = httpx.URL(url).host
        path = httpx.URL(url).path
        found = [
            c
            for c in self.http.cookies.jar
            if c.name == name and c.domain in {host, f".{host}", f"{host}.local"}
        ]
        found = [c for c in found if path.startswith(c.path)] or found
        return max(found, key=lambda c: len(c.path)).value or "" if found else ""

    async def _execute(self, base: str, kernel: str, code: str) -> list[dict[str, Any]]:
        address = urljoin(base, f"api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}")
        asked = self.http.build_request("GET", address)
        request = HTTPRequest(
            address.replace("https://", "wss://"),
            headers={
                "Cookie": asked.headers.get("cookie", ""),
                "Origin": base.split("/user/", maxsplit=1)[0],
            },
            ssl_options=self._tls,
        )
        connection = await websocket_connect(request)
        number = uuid.uuid4().hex
        await connection.write_message(
            json.dumps(
                {
                    "channel": "shell",
                    "header": {
                        "msg_id": number,
                        "msg_type": "execute_request",
                        "username": "",
                        "session": "",
                        "version": "5.3",
                    },
                    "parent_header": {},
                    "metadata": {},
                    "content": {"code": code, "silent": False, "store_history": False, "allow_stdin": False},
                }
            )
        )
        messages: list[dict[str, Any]] = []
        while True:
            raw = await connection.read_message()
            if raw is None:
                raise ConnectionError("the kernel's channel was closed")
            message = json.loads(raw)
            if message.get("parent_header", {}).get("msg_id") != number:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind in {"stream", "display_data", "execute_result", "error"}:
                messages.append({"type": kind, **content})
            if kind == "status" and content["execution_state"] == "idle":
                connection.close()
                return messages
