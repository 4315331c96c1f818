"""The build of the workspace images: what goes in, and what the built image is like inside and when it runs."""

import contextlib
import http.client
import http.server
import importlib.machinery
import importlib.util
import ipaddress
import json
import re
import stat
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGES = ROOT / "images"
NOTEBOOK = IMAGES / "analysis" / "home" / "はじめに-first-steps.ipynb"
PREFIX = "/user/tanaka/nafld-fib"
TOKEN = "token-of-this-server"

needs_docker = [pytest.mark.docker, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """The build script as a module."""
    loader = importlib.machinery.SourceFileLoader("images_build", str(IMAGES / "build"))
    spec = importlib.util.spec_from_loader("images_build", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["images_build"] = module
    loader.exec_module(module)
    return module


# -- inputs ---------------------------------------------------------------------------------------
def test_both_notations_of_package_sources_are_read(build: ModuleType) -> None:
    """One line per source, or stanzas; source packages and disabled stanzas are left out."""
    found = list(
        build.parse_sources(
            "deb [signed-by=/k] http://one/debian bookworm main contrib # comment\n"
            "deb-src http://one/debian bookworm main\n\n"
            "Types: deb deb-src\n# a comment\nURIs: http://two/debian\nSuites: bookworm bookworm-updates\nComponents: main\n\n"
            "Enabled: no\nTypes: deb\nURIs: http://three/debian\nSuites: bookworm\nComponents: main\n"
        )
    )
    assert [(s.uri, s.suite, s.components) for s in found] == [
        ("http://one/debian", "bookworm", "main contrib"),
        ("http://two/debian", "bookworm", "main"),
        ("http://two/debian", "bookworm-updates", "main"),
    ]


@pytest.mark.parametrize("change", ["content", "mode", "name", "added"])
def test_any_change_of_an_input_gives_another_name(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """A tag names exactly its inputs: bytes, names and modes."""
    monkeypatch.setattr(build, "ROOT", tmp_path)
    file = tmp_path / "install"
    file.write_text("one")
    before = build.digest([tmp_path], "base")
    assert before == build.digest([tmp_path], "base") != build.digest([tmp_path], "another base")
    match change:
        case "content":
            file.write_text("two")
        case "mode":
            file.chmod(file.stat().st_mode | stat.S_IXUSR)
        case "name":
            file.rename(tmp_path / "setup")
        case "added":
            (tmp_path / "more").write_text("")
    assert build.digest([tmp_path], "base") != before


def test_another_base_gives_other_images(build: ModuleType) -> None:
    """`--base` reaches through to the names of everything built upon it."""
    ours, theirs = build.names(None), build.names("debian:trixie")
    assert theirs.base == "debian:trixie"
    assert {ours.python, ours.analysis}.isdisjoint({theirs.python, theirs.analysis})


def test_every_locked_package_has_a_hash_and_no_address() -> None:
    """The lock can be fetched from any mirror, and from none but what it says."""
    lock = (IMAGES / "python" / "requirements.txt").read_text()
    packages = re.findall(
        r"^([A-Za-z0-9._-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", lock, re.M
    )
    assert len(packages) == len(re.findall(r"^[A-Za-z0-9]", lock, re.M)) > 80
    assert "://" not in lock
    assert "jupyterhub==6.1.1" in lock


def test_no_address_of_a_registry_is_written_anywhere() -> None:
    """Mirrors are read from the host at build time; the tree names none."""
    kept = subprocess.run(
        ["git", "ls-files", "-z", "images", "enclave/client"],
        cwd=ROOT,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout
    files = [ROOT / name for name in kept.split("\0") if name]
    assert len(files) > 20
    for file in files:
        if file.exists():
            assert not re.search(r"https?://[\w.-]*(debian|pypi|python|docker)\b", file.read_text()), file


def test_the_first_notebook_holds_no_output_and_both_languages() -> None:
    """Outputs of a kept notebook could hold data; its words exist in Japanese and English."""
    notebook = json.loads(NOTEBOOK.read_text())
    texts = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert all(
        not cell["outputs"] and cell["execution_count"] is None
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    )
    assert all(re.search("[ぁ-ん]", text) and re.search("[a-z]{4}", text) for text in texts)


# -- the image at rest ----------------------------------------------------------------------------
def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


@pytest.fixture(scope="module")
def image() -> str:
    """Built if its inputs changed; minutes the first time."""
    return subprocess.run([IMAGES / "build"], check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def inside(image: str, script: str, *options: str) -> str:
    """What a shell in a throw-away, read-only container of the image prints."""
    return docker(
        "run", "--rm", "--read-only", "--network", "none", "--tmpfs", "/tmp", *options, "--entrypoint", "/bin/sh", image, "-c", script
    )  # fmt: skip


class TestImage:
    """What is in the image, and what is not."""

    pytestmark = needs_docker

    def test_a_second_build_is_over_at_once(self, image: str) -> None:
        """Nothing changed, nothing done."""
        begun = time.monotonic()
        again = subprocess.run([IMAGES / "build"], check=True, text=True, capture_output=True)
        assert again.stdout.strip() == image
        assert again.stderr == ""
        assert time.monotonic() - begun < 20  # 0.1 s on an idle machine, minutes where something is built

    def test_it_runs_as_the_researcher_under_an_init(self, image: str) -> None:
        """uid and gid 1000, tini first, and no setting of the build left in the environment."""
        config = json.loads(docker("image", "inspect", image))[0]["Config"]
        assert config["User"] == "1000:1000"
        assert config["Entrypoint"] == ["/usr/bin/tini", "-g", "--", "/usr/local/bin/enclave-workspace"]
        assert not config["Cmd"]
        assert {entry.split("=")[0] for entry in config["Env"]} == {"LANG", "HOME", "PATH", "MATPLOTLIBRC"}
        assert inside(image, "id -u; id -g") == "1000\n1000"

    def test_no_file_changes_its_user(self, image: str) -> None:
        """No setuid, no setgid, no capabilities on files."""
        assert inside(image, "find / -xdev -perm /6000 2>/dev/null", "--user", "0:0") == ""
        scan = "import os\nfor d, _, fs in os.walk('/usr'):\n for f in fs:\n  p = os.path.join(d, f)\n  if not os.path.islink(p) and 'security.capability' in os.listxattr(p): print(p)"
        assert inside(image, f'/opt/analysis/bin/python -I -c "{scan}"', "--user", "0:0") == ""

    def test_nothing_of_the_build_host_remains(self, image: str) -> None:
        """Neither its certificates nor its mirrors, nor a tool to install with, in any layer."""
        look = (
            "ls -d /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/pip.conf /root/.config /root/.cache "
            "/etc/ssl/certs/ca-certificates.crt /usr/local/share/ca-certificates/* /opt/analysis/bin/pip* 2>/dev/null; "
            "find / -xdev \\( -name ca.crt -o -name pip.conf \\) 2>/dev/null"
        )
        assert inside(image, look + "; true", "--user", "0:0") == ""
        history = docker("image", "history", "--no-trunc", image)
        assert "PIP_" not in history
        assert "proxy" not in history.lower()

    def test_the_researcher_owns_the_home_and_nothing_else(self, image: str) -> None:
        """Settings, programs and the client cannot be replaced even where the root were writable."""
        elsewhere = "find / -xdev \\( -user 1000 -o -perm -0002 \\) -not -type l -not -path '/home/researcher*' -not -path '/proc/*' 2>/dev/null"
        places = set(inside(image, elsewhere, "--user", "0:0").split())
        assert places <= {"/tmp", "/var/tmp", "/run/lock", "/var/lock"}

    def test_what_an_analysis_needs_can_be_imported(self, image: str) -> None:
        """The packages, the client, and a font for Japanese plots that needs no search."""
        script = (
            "import pandas, polars, pyarrow, matplotlib, jupyterhub, enclave_client, sys; "
            "from matplotlib import font_manager as f; import pyarrow.ipc; "
            "print(sys.version_info[:2], jupyterhub.__version__, matplotlib.rcParams['font.family'][0], "
            "f.findfont('IPAexGothic', fallback_to_default=False))"
        )
        said = inside(image, f'/opt/analysis/bin/python -I -c "{script}"')
        assert said.startswith("(3, 13) 6.1.1 IPAexGothic /usr/share/fonts/")

    def test_it_is_no_larger_than_what_is_used(self, image: str) -> None:
        """Below 0.95 GB (a third of it R, a fifth polars); what is left out is not missed by what stays."""
        assert json.loads(docker("image", "inspect", image))[0]["Size"] < 950_000_000
        script = (
            "import babel, io, pandas, pyarrow as pa, pyarrow.dataset, pyarrow.fs, pyarrow.parquet as pq; "
            "from jedi import Interpreter; kept = io.BytesIO(); pq.write_table(pa.table({'a': [1]}), kept); "
            "print(pq.read_table(kept).num_rows, babel.Locale.parse('ja_JP').get_display_name('ja'), "
            "[c.name for c in Interpreter('f.group', [{'f': pandas.DataFrame()}]).complete()])"
        )
        home = ("--tmpfs", "/home/researcher:uid=1000")
        said = inside(image, f'/opt/analysis/bin/python -I -c "{script}"', *home)
        assert said == "1 日本語 (日本) ['groupby']"

    def test_r_has_its_packages_and_plots_without_a_screen(self, image: str) -> None:
        """The distribution's packages and this tree's client; the kernel is the client's own; no server of a screen."""
        names = "DBI bit64 curl enclave ggplot2 jsonlite nanoarrow survival IRkernel".split()  # noqa: SIM905
        script = (
            f"for (p in c({', '.join(map(repr, names))})) loadNamespace(p); "
            "cat(capabilities('cairo'), packageVersion('enclave') >= '1.0', basename(find.package('enclave')))"
        )
        assert inside(image, f'R --slave -e "{script}"') == "TRUE TRUE enclave"
        home = ("--tmpfs", "/home/researcher:uid=1000")
        kernels = json.loads(
            inside(image, "/opt/analysis/bin/jupyter kernelspec list --json 2>/dev/null", *home)
        )
        argv = {name: one["spec"]["argv"] for name, one in kernels["kernelspecs"].items()}
        assert set(argv) == {"python3", "ir"}
        assert "enclave:::kernel()" in argv["ir"]
        assert (
            inside(
                image,
                "ls -d /usr/bin/Xorg /usr/bin/Xvfb /usr/bin/gcc /usr/bin/make /usr/bin/curl 2>/dev/null; true",
            )
            == ""
        )

    def test_nothing_can_be_installed(self, image: str) -> None:
        """A workspace runs what was built."""
        assert inside(image, "/opt/analysis/bin/python -I -m pip --version 2>&1; true").endswith(
            "No module named pip"
        )


# -- the image at work ----------------------------------------------------------------------------
class _Hub(http.server.BaseHTTPRequestHandler):
    """As much of a hub as a notebook server asks: its version, and whose token this is."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Silent: the test's output is the test's."""

    def do_GET(self) -> None:
        known = self.headers.get("Authorization", "").endswith(TOKEN)
        scopes = ["access:servers!server=tanaka/nafld-fib", "access:servers"]
        user = {"kind": "user", "name": "tanaka", "scopes": scopes, "admin": False, "groups": []}
        if self.path.startswith("/hub/api/user"):
            body, status = (user, 200) if known else ({"status": 403}, 403)
        else:
            body, status = {"version": "6.1.1"}, 200
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("X-JupyterHub-Version", "6.1.1")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@dataclass(frozen=True)
class Workspace:
    """A running container of the image, reached at its own address."""

    name: str
    address: str

    def ask(
        self, method: str, path: str, *, known: bool = True, body: object = None, cookie: str = ""
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.address, 8888, timeout=60)
        headers = {"Authorization": f"token {TOKEN}"} if known else {}
        if cookie:
            headers["Cookie"] = cookie
        connection.request(method, PREFIX + path, json.dumps(body) if body is not None else None, headers)
        return connection.getresponse()

    def run(self, code: str, *options: str) -> str:
        return docker("exec", *options, self.name, "/opt/analysis/bin/python", "-I", "-c", code)


@pytest.fixture(scope="module")
def workspace(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Started as the plan of a workspace does: read-only, no capabilities, the hub's token in a file.

    The home holds settings of a researcher who would like terminals and downloads, and the environment a token that a
    careless spawner left there.
    """
    name = f"enclave-images-test-{uuid.uuid4().hex[:8]}"
    # The default bridge is the first address of its subnet (the engine does not always name it).
    subnet = json.loads(docker("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]["Subnet"]
    bridge = str(next(ipaddress.ip_network(subnet).hosts()))
    hub = http.server.ThreadingHTTPServer((bridge, 0), _Hub)
    threading.Thread(target=hub.serve_forever, args=(0.05,), daemon=True).start()
    session = tmp_path_factory.mktemp("session")
    session.chmod(0o755)
    (session / "hub-token").write_text(TOKEN)
    wish = "c.ServerApp.terminals_enabled = True; c.ServerApp.tornado_settings = {}; c.ServerApp.jpserver_extensions = {'jupyter_server_terminals': True}"
    inside(
        image,
        f'mkdir -p ~/.jupyter && echo "{wish}" > ~/.jupyter/jupyter_server_config.py',
        "--volume",
        f"{name}:/home/researcher",
    )
    environment = {
        "JUPYTERHUB_USER": "tanaka",
        "JUPYTERHUB_SERVER_NAME": "nafld-fib",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_SERVICE_PREFIX": f"{PREFIX}/",
        "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-tanaka-nafld-fib",
        "JUPYTERHUB_API_URL": f"http://{bridge}:{hub.server_address[1]}/hub/api",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:servers!server=tanaka/nafld-fib"]',
        "JUPYTERHUB_API_TOKEN": "careless",
        "JPY_API_TOKEN": "careless",
    }
    docker(
        "run", "--detach", "--name", name, "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--tmpfs", "/tmp", "--volume", f"{name}:/home/researcher", "--volume", f"{session}:/run/enclave:ro",
        *(word for key, value in environment.items() for word in ("--env", f"{key}={value}")), image,
    )  # fmt: skip
    try:
        address = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name)
        started = Workspace(name, address)
        until = time.monotonic() + 180
        while True:
            with contextlib.suppress(OSError):
                if started.ask("GET", "/api", known=False).status == 200:
                    break
            assert time.monotonic() < until, docker("logs", name)
            time.sleep(0.1)
        yield started
    finally:
        docker("rm", "--force", name)
        docker("volume", "rm", name)
        hub.shutdown()
        hub.server_close()


class TestWorkspace:
    """A workspace as it runs, without any part of the enclave around it."""

    pytestmark = needs_docker

    def test_a_stranger_is_sent_to_the_hub(self, workspace: Workspace) -> None:
        """Whoever is not logged in sees no page of the workspace."""
        answer = workspace.ask("GET", "/lab", known=False)
        assert answer.status == 302
        assert answer.headers["Location"].startswith("/hub/api/oauth2/authorize?")
        assert workspace.ask("GET", "/api/contents", known=False).status == 403

    def test_entering_empties_what_other_projects_left_and_leads_to_one_place(
        self, workspace: Workspace
    ) -> None:
        """Cache and storage are cleared; a target in the request is not followed."""
        answer = workspace.ask("GET", "/enclave/enter?next=//elsewhere.example/&url=//elsewhere.example/")
        assert answer.status == 302
        assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
        assert answer.headers["Location"].split("?")[0] == f"{PREFIX}/lab"
        cookie = answer.headers["Set-Cookie"]
        assert {"HttpOnly", "Secure", "Path=/"} <= set(cookie.split("; ")), cookie
        assert workspace.ask("GET", "/").headers["Location"].split("?")[0] == f"{PREFIX}/enclave/enter"

    def test_a_browser_keeps_the_cache_of_the_same_project_alone(self, workspace: Workspace) -> None:
        """Who comes back to a project keeps the lab's files; who comes from another keeps nothing."""
        kept = workspace.ask("GET", "/enclave/enter").headers["Set-Cookie"].split(";")[0]
        name = kept.split("=")[0]
        for cookie, cleared in ((kept, '"storage"'), (f"{name}=elsewhere", '"cache", "storage"')):
            answer = workspace.ask("GET", "/enclave/enter", cookie=cookie)
            assert answer.headers["Clear-Site-Data"] == cleared

    def test_a_home_that_opens_nothing_opens_the_first_notebook(self, workspace: Workspace) -> None:
        """A lab that would come up empty is led to the first notebook; a layout that opens one is left alone."""
        home = "import pathlib; p = next(pathlib.Path.home().glob('.jupyter/lab/workspaces/default-*')); "
        saved = workspace.run(home + "print(p.read_text())")
        try:
            workspace.run(home + "p.write_text('{}')")
            place = f"{PREFIX}/lab/tree/%E3%81%AF%E3%81%98%E3%82%81%E3%81%AB-first-steps.ipynb"
            assert workspace.ask("GET", "/enclave/enter").headers["Location"].split("?")[0] == place
        finally:
            workspace.run(home + f"p.write_text({saved!r})")
        assert workspace.ask("GET", "/enclave/enter").headers["Location"].split("?")[0] == f"{PREFIX}/lab"

    @pytest.mark.parametrize("path", ["/lab", "/api/contents", "/static/favicons/favicon.ico"])
    def test_every_page_keeps_requests_on_its_own_origin(self, workspace: Workspace, path: str) -> None:
        """The policy of contents names no other origin, and forbids downloads and popups."""
        headers = workspace.ask("GET", path).headers
        rules = dict(rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";"))
        assert rules["default-src"] in ("'self'", "'none'")
        assert rules["connect-src"] == "'self'"
        assert rules["img-src"] == "'self' data: blob:"
        assert "'unsafe-inline'" not in rules["script-src"]
        assert rules["sandbox"] == "allow-same-origin allow-scripts allow-forms allow-modals"
        assert not re.search(r"(^|\s)(https?:|wss?:|\*)", " ".join(rules.values()))
        assert headers["Referrer-Policy"] == "no-referrer"

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/files/%E3%81%AF%E3%81%98%E3%82%81%E3%81%AB-first-steps.ipynb"),
            ("GET", "/view/x.html"),
            ("GET", "/nbconvert/html/x.ipynb"),
            ("GET", "/api/nbconvert"),
            ("GET", "/api/terminals"),
            ("POST", "/api/terminals"),
            ("POST", "/api/shutdown"),
            ("GET", "/lsp/status"),
        ],
    )
    def test_what_is_not_needed_is_not_there(self, workspace: Workspace, method: str, path: str) -> None:
        """No files, conversion, terminals, whatever the researcher's own settings say."""
        assert workspace.ask(method, path, body={} if method == "POST" else None).status in (404, 405)

    def test_no_extension_is_offered_and_no_news_is_fetched(self, workspace: Workspace) -> None:
        """The lab's page says so to its own scripts."""
        page = workspace.ask("GET", "/lab").read().decode()
        found = re.search(r'id="jupyter-config-data" type="application/json">(.*?)</script>', page, re.S)
        assert found is not None
        config = json.loads(found.group(1))
        assert config["extensionManager"]["can_install"] is False
        assert config["news"] == {"disabled": True}
        disabled = config["disabledExtensions"]
        assert {"@jupyterlab/terminal-extension", "@jupyterlab/filebrowser-extension:download"} <= set(
            disabled
        )

    def test_a_kernel_finds_no_token_in_its_environment(self, workspace: Workspace) -> None:
        """Neither the hub's token nor one that a spawner left in the container's environment."""
        made = workspace.ask("POST", "/api/kernels", body={"name": "python3"})
        assert made.status == 201, made.read()
        kernel = json.loads(made.read())["id"]
        ask = (
            "import glob, time; from jupyter_client import BlockingKernelClient as K\n"
            f"c = K(connection_file='/tmp/jupyter/kernel-{kernel}.json'); c.load_connection_file(); c.start_channels(); c.wait_for_ready(30)\n"
            "c.execute_interactive('import os, json; print(json.dumps(dict(os.environ)))', timeout=120)"
        )
        environment = json.loads(workspace.run(ask).splitlines()[-1])
        assert environment["JUPYTERHUB_USER"] == "tanaka"
        assert not [name for name in environment if "TOKEN" in name.upper() or "SECRET" in name.upper()]
        assert not {TOKEN, "careless"} & set(environment.values())
        workspace.ask("DELETE", f"/api/kernels/{kernel}")

    def test_the_server_s_own_environment_holds_no_token(self, workspace: Workspace) -> None:
        """A kernel runs as the same user and could read it under /proc."""
        look = (
            "import pathlib\n"
            "for p in pathlib.Path('/proc').glob('[0-9]*'):\n"
            # The name is put together so that this script does not find itself.
            "    if b'enclave_' + b'workspace' in (p / 'cmdline').read_bytes():\n"
            "        print((p / 'environ').read_bytes().decode())"
        )
        environment = workspace.run(look)
        assert "JUPYTERHUB_USER=tanaka" in environment
        assert "TOKEN" not in environment
        assert TOKEN not in environment

    def test_the_root_is_read_only_and_the_home_is_not(self, workspace: Workspace) -> None:
        """Work is kept in the home; nothing else can be changed."""
        workspace.run("open('/home/researcher/kept.txt', 'w').write('x')")
        with pytest.raises(subprocess.CalledProcessError):
            workspace.run("open('/etc/jupyter/jupyter_server_config.py', 'a').write('')")

    def test_a_plot_with_japanese_text_is_drawn_from_the_prepared_list_of_fonts(
        self, workspace: Workspace
    ) -> None:
        """The first plot of a session neither searches fonts nor misses a letter."""
        draw = (
            "import warnings; warnings.simplefilter('error'); import matplotlib; matplotlib.use('agg')\n"
            "import matplotlib.pyplot as p; f, a = p.subplots(); a.set_title('生存曲線 Survival'); f.savefig('/tmp/x.png'); print('drawn')"
        )
        begun = time.monotonic()
        assert workspace.run(draw) == "drawn"
        assert time.monotonic() - begun < 60
