"""The walls of a workspace, tried from inside a real container that runs after the real plan.

A site of its own (`walls`): its addresses, bridges and rules touch no running site. Everything tried lies on this
machine: listeners that the test starts, and addresses that the machine itself has. Needs root, Docker and the image.
"""

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from enclave.adapters import firewall
from enclave.adapters.containers import Containers, create_home, purge
from enclave.adapters.machine import put_address, take_address
from enclave.config import Site
from enclave.core.ids import PersonId
from enclave.core.permit import Permit, parse
from enclave.core.refusal import Refused
from enclave.hub.plan import ContainerPlan, Image, Limits, container_plan, differences

pytestmark = pytest.mark.docker

SITE = Site("walls", 41)
IMAGE = "enclave-analysis:current"
PYTHON = "/opt/analysis/bin/python"
SECRET = "a-token-that-no-inspection-may-show"
OTHER_PORT = 9099
NEIGHBOUR_PORT = 8888

LISTEN = f"""
import http.server, os
os.chdir("/tmp")
http.server.HTTPServer(("0.0.0.0", {NEIGHBOUR_PORT}), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
COMMAND = (PYTHON, "-I", "-c", LISTEN)

REACH = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def reach(target):
    host, port, family = target
    with socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET) as s:
        s.settimeout(1.5)
        try:
            s.connect(tuple(socket.getaddrinfo(host, port, s.family, socket.SOCK_STREAM)[0][4]))
            return s.recv(16).decode() or "closed"
        except OSError as error:
            return type(error).__name__
with ThreadPoolExecutor(16) as pool:
    print(json.dumps(list(pool.map(reach, json.loads(sys.argv[1])))))
"""


def permit(project: str = "nafld-fib", handlers: tuple[str, ...] = ("tanaka",)) -> Permit:
    return parse(
        {
            "schema": "enclave.permit/1",
            "permit_id": "p-2026-0001",
            "revision": 1,
            "project": project,
            "provision": "v-1",
            "handlers": list(handlers),
            "purpose": "walls",
            "tier": "record",
            "databases": {"nafld": {"patients": {"columns": ["pid"]}}},
            "rule_sets": ["ndb-2024-09"],
            "outputs": [],
            "valid_from": "2026-01-01T00:00:00Z",
            "valid_to": "2036-01-01T00:00:00Z",
        }
    )


def plan_for(person: str, number: int, **changed: Any) -> ContainerPlan:
    image = Image(*Containers().image(IMAGE))
    secrets = {"JUPYTERHUB_API_TOKEN": SECRET, "JPY_API_TOKEN": SECRET, "JUPYTERHUB_USER": person}
    plan = container_plan(
        site=SITE,
        permit=permit(handlers=(person,)),
        person=PersonId(person),
        image=image,
        number=number,
        hub_env=secrets,
        limits=Limits(memory=512 * 1024**2),
        command=COMMAND,
    )
    return replace(plan, **changed)


def start(plan: ContainerPlan, alter: Callable[[dict[str, Any]], None] = lambda _body: None) -> str:
    """Start a container after its plan; `alter` is what somebody slipped in between."""
    containers = Containers()
    plan.session_folder.mkdir(parents=True, exist_ok=True)
    (plan.session_folder / "session.json").write_text(
        json.dumps({"gateway": SITE.gateway_url, "token": SECRET})
    )
    create_home(containers, SITE, plan.home_volume)
    containers.create_network(plan.network.to_api())
    body = plan.to_api()
    alter(body)
    identity = containers.create(plan.name, body)
    containers.start(identity)
    return identity


def found(plan: ContainerPlan) -> list[str]:
    containers = Containers()
    inspected = containers.inspect(plan.name)
    assert inspected is not None
    return differences(plan, inspected, containers.inspect_network(plan.network.name))


def inside(plan: ContainerPlan, code: str, *arguments: str) -> str:
    """Run Python inside the workspace, as its user, and return what it printed."""
    words = ["docker", "exec", plan.name, PYTHON, "-I", "-c", code, *arguments]
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=60).stdout


def reach(plan: ContainerPlan, targets: list[tuple[str, int]], family: int = 4) -> list[str]:
    """What connecting to each address from inside the workspace gave: the listener's word, or the error's name."""
    return list(json.loads(inside(plan, REACH, json.dumps([[*t, family] for t in targets]))))


@dataclass
class Listeners:
    """Ports of this machine that greet whoever reaches them and remember that someone did."""

    greeted: list[tuple[str, int]] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)

    def tcp(self, host: str, port: int, family: socket.AddressFamily = socket.AF_INET) -> None:
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(32)
        self.sockets.append(listener)
        threading.Thread(target=self._greet, args=(listener, host, port), daemon=True).start()

    def udp(self, host: str, port: int) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listener.bind((host, port))
        self.sockets.append(listener)
        threading.Thread(target=self._note, args=(listener, host, port), daemon=True).start()

    def _greet(self, listener: socket.socket, host: str, port: int) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                self.greeted.append((host, port))
                connection.sendall(b"reached")

    def _note(self, listener: socket.socket, host: str, port: int) -> None:
        while True:
            try:
                listener.recvfrom(2048)
            except OSError:
                return
            self.greeted.append((host, port))

    def close(self) -> None:
        for listener in self.sockets:
            # Wakes the thread that waits in accept; a datagram socket refuses.
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def machine_addresses() -> list[str]:
    """Every IPv4 address of this machine but loopback's and this site's."""
    text = subprocess.run(["ip", "-j", "-4", "addr"], capture_output=True, text=True, check=True).stdout
    every = [a["local"] for link in json.loads(text) for a in link["addr_info"]]
    return [a for a in every if not a.startswith("127.") and a != SITE.service_ip]


@dataclass(frozen=True)
class Walls:
    mine: ContainerPlan
    neighbour: ContainerPlan
    listeners: Listeners


@pytest.fixture(scope="module")
def walls() -> Iterator[Walls]:
    """Two workspaces behind the wall, and listeners on every address that they must not reach."""
    assert os.geteuid() == 0, "the walls are put up by root: run as root"
    purge(SITE, volumes=True)
    listeners = Listeners()
    try:
        put_address(SITE)
        firewall.install(SITE)
        mine, neighbour = plan_for("tanaka", 0), plan_for("mori", 1)
        for plan in (mine, neighbour):
            start(plan)
        for port in (SITE.hub_port, SITE.gateway_port, SITE.portal_port, SITE.proxy_api_port, OTHER_PORT):
            listeners.tcp(SITE.service_ip, port)
        for address in (*machine_addresses(), "127.0.0.1"):
            listeners.tcp(address, OTHER_PORT)
        listeners.tcp("::", OTHER_PORT, socket.AF_INET6)
        for address in (SITE.service_ip, str(mine.network.gateway)):
            listeners.udp(address, 53)
        yield Walls(mine, neighbour, listeners)
    finally:
        listeners.close()
        purge(SITE, volumes=True)
        firewall.remove(SITE)
        take_address(SITE)
        shutil.rmtree(SITE.home, ignore_errors=True)


def test_what_was_started_is_what_was_planned(walls: Walls) -> None:
    """Docker's own account of container and network agrees with the plan in every place."""
    assert found(walls.mine) == []


def test_only_hub_and_gateway_answer(walls: Walls) -> None:
    """Of the services' address two ports answer; the portal's, the proxy's and any other do not."""
    open_ports = [(SITE.service_ip, SITE.hub_port), (SITE.service_ip, SITE.gateway_port)]
    closed = [(SITE.service_ip, p) for p in (SITE.portal_port, SITE.proxy_api_port, OTHER_PORT, 53)]
    answers = reach(walls.mine, open_ports + closed)
    assert answers[:2] == ["reached", "reached"]
    assert "reached" not in answers[2:]
    assert not [g for g in walls.listeners.greeted if g in closed]


def test_no_other_address_of_the_machine_answers(walls: Walls) -> None:
    """The bridge's own address, other bridges, the outer interface, loopback and the cloud's metadata stay silent."""
    addresses = [*machine_addresses(), "127.0.0.1", "169.254.169.254"]
    assert str(walls.mine.network.gateway) in addresses
    assert "172.17.0.1" in addresses or len(addresses) > 3
    targets = [(address, OTHER_PORT) for address in addresses]
    answers = reach(walls.mine, targets)
    assert "reached" not in answers
    assert not [g for g in walls.listeners.greeted if g in targets]
    with socket.create_connection(("127.0.0.1", OTHER_PORT), 2) as connection:
        assert connection.recv(16) == b"reached", (
            "the listener itself must work, or silence would prove nothing"
        )


def test_the_hub_ports_answer_on_no_other_address(walls: Walls) -> None:
    """The two open ports are open on the services' address alone: the same numbers elsewhere do not answer."""
    gateway = str(walls.mine.network.gateway)
    walls.listeners.tcp(gateway, SITE.hub_port)
    assert "reached" not in reach(walls.mine, [(gateway, SITE.hub_port), (gateway, SITE.gateway_port)])


def test_ipv6_is_closed(walls: Walls) -> None:
    """The workspace has no IPv6 address but its own loopback, and reaches no IPv6 address of the machine."""
    held = inside(walls.mine, "print(open('/proc/net/if_inet6').read())").split("\n")
    assert [line for line in held if line.strip() and not line.endswith(" lo")] == []
    text = subprocess.run(["ip", "-j", "-6", "addr"], capture_output=True, text=True, check=True).stdout
    addresses = [a["local"] for link in json.loads(text) for a in link["addr_info"] if a["scope"] == "global"]
    targets = [(a, OTHER_PORT) for a in ["::1", "fe80::1%eth0", *addresses]]
    assert "reached" not in reach(walls.mine, targets, family=6)
    with socket.create_connection(("::1", OTHER_PORT), 2) as connection:
        assert connection.recv(16) == b"reached"


def test_no_name_resolves(walls: Walls) -> None:
    """Neither the container's resolver nor one that a notebook brings answers, and no question leaves."""
    code = """
import socket, struct
def ask(server):
    question = b"\\x06secret\\x08attacker\\x04test\\x00" + struct.pack(">HH", 16, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        try:
            s.sendto(struct.pack(">6H", 1, 256, 1, 0, 0, 0) + question, (server, 53))
            return s.recv(512)[3] & 15 == 0
        except OSError:
            return False
def resolves(name):
    try:
        return bool(socket.getaddrinfo(name, 80))
    except OSError:
        return False
names = ("secret.attacker.test", "enclave.localhost", "example.com", "host.docker.internal")
print(any(map(resolves, names)), any(ask(a) for a in ("127.0.0.11", %r, %r, "192.0.2.0")))
"""
    answer = inside(walls.mine, code % (SITE.service_ip, str(walls.mine.network.gateway)))
    assert answer.split() == ["False", "False"]
    assert not [g for g in walls.listeners.greeted if g[1] == 53]


def test_another_workspace_is_out_of_reach(walls: Walls) -> None:
    """A neighbour's server answers this machine, and does not answer another workspace, either way."""
    for here, there in ((walls.mine, walls.neighbour), (walls.neighbour, walls.mine)):
        target = (str(there.address), NEIGHBOUR_PORT)
        with socket.create_connection(target, 5):
            pass
        assert reach(here, [target]) == ["TimeoutError"]


def test_the_root_file_system_is_read_only(walls: Walls) -> None:
    """Nothing but the home and /tmp can be written; the session's files least of all."""
    code = """
import json, os
def writes(folder):
    try:
        path = os.path.join(folder, ".enclave-try")
        with open(path, "w"):
            os.unlink(path)
        return True
    except OSError:
        return False
folders = [f for f, _, _ in os.walk("/", onerror=None) if f.count("/") < 4 and not f.startswith(("/proc", "/sys"))]
print(json.dumps(sorted(f for f in folders if writes(f))))
"""
    writable = json.loads(inside(walls.mine, code))
    assert {"/home/researcher", "/tmp"} <= set(writable)
    allowed = ("/home/researcher", "/tmp", "/dev/shm", "/dev/mqueue")
    assert [f for f in writable if not f.startswith(allowed)] == []


def test_no_file_of_the_host_is_visible(walls: Walls) -> None:
    """Of the host there is the home volume, the session's folder and what Docker writes for names, and nothing else."""
    code = "print(open('/proc/self/mountinfo').read())"
    kernel = {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "tmpfs", "overlay"}
    lines = [line.split() for line in inside(walls.mine, code).splitlines() if line]
    on_disk = {words[4]: words[3] for words in lines if words[words.index("-") + 1] not in kernel}
    assert set(on_disk) == {
        "/home/researcher",
        "/run/enclave",
        "/etc/resolv.conf",
        "/etc/hostname",
        "/etc/hosts",
    }
    assert on_disk["/run/enclave"].endswith(str(walls.mine.session_folder))
    paths = [
        str(SITE.home),
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/var/lib/docker",
        "/opt/enclave",
        "/work",
    ]
    seen = inside(walls.mine, "import os, sys; print([p for p in sys.argv[1:] if os.path.exists(p)])", *paths)
    assert seen.strip() == "[]"
    devices = inside(walls.mine, "import os; print(sorted(os.listdir('/dev')))")
    assert not {"mem", "kmsg", "sda", "vda", "loop0", "kvm", "fuse"} & set(eval(devices))  # noqa: S307  our own output


def test_the_session_is_readable_inside_and_by_nobody_else(walls: Walls) -> None:
    """The workspace reads its token; an inspection, which more people may see, does not hold it."""
    token = inside(
        walls.mine, "import json; print(json.load(open('/run/enclave/session.json'))['token'])"
    ).strip()
    assert token == SECRET
    inspected = json.dumps(Containers().inspect(walls.mine.name))
    assert SECRET not in inspected
    assert "API_TOKEN" not in inspected


def test_no_capability_and_no_way_to_one(walls: Walls) -> None:
    """No capability in any set, no new privileges, the seccomp filter on; mount, unshare and ptrace of 1 refused."""
    status = inside(walls.mine, "print(open('/proc/self/status').read())")
    values = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {values[f"Cap{s}"] for s in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert (values["NoNewPrivs"], values["Seccomp"]) == ("1", "2")
    assert values["Uid"].split() == ["1000"] * 4
    code = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
calls = [libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.unshare(0x10000000), libc.unshare(0x00020000),
         libc.setuid(0), libc.syscall(321, 0, 0, 0), libc.syscall(425, 8, 0)]
print(calls)
"""
    assert set(eval(inside(walls.mine, code))) == {-1}  # noqa: S307  our own output


def test_processes_memory_and_scratch_are_bounded(walls: Walls) -> None:
    """A fork bomb, a greedy array and a full /tmp end inside the workspace with an error, and it lives on."""
    forks = """
import os
made, (here, there) = 0, os.pipe()
try:
    while made < 2000:
        if os.fork() == 0:
            # Until the first of them has ended.
            os.close(there); os.read(here, 1); os._exit(0)
        made += 1
except OSError:
    pass
print(made)
"""
    assert int(inside(walls.neighbour, forks).split()[0]) < walls.neighbour.limits.processes
    full = """
try:
    with open("/tmp/full", "wb") as f:
        for _ in range(10_000): f.write(b"x" * 1_000_000)
except OSError as error:
    print(error.errno)
finally:
    import os; os.unlink("/tmp/full")
"""
    small = "try:\n x = bytearray(900_000_000)\nexcept MemoryError: pass\nfor i in range(0, len(x), 4096): x[i] = 1"
    words = ["docker", "exec", walls.neighbour.name, PYTHON, "-I", "-c", small]
    killed = subprocess.run(words, capture_output=True, check=False, timeout=60)
    assert killed.returncode != 0
    assert Containers().running(walls.neighbour.name)
    words = ["docker", "exec", walls.neighbour.name, PYTHON, "-I", "-c", full]
    scratch = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    # The scratch space counts as the workspace's memory: whichever limit is met first ends it.
    assert scratch.returncode != 0 or scratch.stdout.strip() == "28"


ALTERATIONS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a capability": (lambda b: b["HostConfig"].update(CapAdd=["NET_RAW"]), "host.CapAdd"),
    "a writable root": (lambda b: b["HostConfig"].update(ReadonlyRootfs=False), "host.ReadonlyRootfs"),
    "a folder of the host": (lambda b: b["HostConfig"]["Binds"].append("/etc:/host-etc:ro"), "mounts"),
    "new privileges": (lambda b: b["HostConfig"].update(SecurityOpt=[]), "host.SecurityOpt"),
    "no seccomp": (lambda b: b["HostConfig"]["SecurityOpt"].append("seccomp=unconfined"), "host.SecurityOpt"),
    "a published port": (
        lambda b: b["HostConfig"].update(
            PortBindings={"8888/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
        ),
        "host.PortBindings",
    ),
    "a secret": (lambda b: b["Env"].append("JUPYTERHUB_API_TOKEN=x"), "config.Env"),
    "root": (lambda b: b.update(User="0:0"), "config.User"),
    "more memory": (lambda b: b["HostConfig"].update(Memory=8 << 30, MemorySwap=8 << 30), "host.Memory"),
    "a resolver": (lambda b: b["HostConfig"].update(Dns=["127.0.0.1"]), "host.Dns"),
    "the host's processes": (lambda b: b["HostConfig"].update(PidMode="host"), "host.PidMode"),
}


@pytest.mark.parametrize("what", sorted(ALTERATIONS))
def test_a_wall_taken_out_is_noticed(walls: Walls, what: str) -> None:
    """Whatever is slipped in between plan and start shows in the comparison with what really runs."""
    alter, place = ALTERATIONS[what]
    plan = plan_for("sora", 2)
    try:
        start(plan, alter)
        assert place in found(plan)
    finally:
        Containers().remove(plan.name, gently=False)


def test_a_second_network_is_noticed(walls: Walls) -> None:
    """A workspace joined to another network after its start no longer is what was planned."""
    plan = plan_for("sora", 2)
    try:
        start(plan)
        assert found(plan) == []
        subprocess.run(["docker", "network", "connect", "bridge", plan.name], check=True)
        assert "networks" in found(plan)
    finally:
        Containers().remove(plan.name, gently=False)


def test_a_network_that_is_not_internal_is_noticed(walls: Walls) -> None:
    """A network made by other hands under the planned name does not pass as the planned one."""
    plan = plan_for("sora", 2)
    containers = Containers()
    try:
        containers.create_network(plan.network.to_api() | {"Internal": False})
        network = containers.inspect_network(plan.network.name)
        container = {"Id": "x"}
        assert "network.Internal" in differences(plan, container, network)
    finally:
        containers.remove(plan.name, gently=False)


def test_without_the_firewall_rule_the_machine_lies_open(walls: Walls) -> None:
    """The control taken away: with the hook deleted other ports answer and the wall says so; put back, it holds."""
    target = [(SITE.service_ip, OTHER_PORT), (str(walls.mine.network.gateway), OTHER_PORT)]
    parent, rule = firewall.hooks(SITE)["iptables"][0]
    subprocess.run(["iptables", "-w", "-D", parent, *rule], check=True)
    try:
        assert reach(walls.mine, target) == ["reached", "reached"]
        assert not firewall.installed(SITE)
        assert firewall.missing(SITE) == (f"iptables {parent}",)
    finally:
        firewall.install(SITE)
    assert firewall.installed(SITE)
    assert "reached" not in reach(walls.mine, target)


def test_the_wall_is_gone_when_a_rule_lies_before_it(walls: Walls) -> None:
    """A rule that lets packets pass before ours makes the wall worthless, and it says so."""
    words = ["-i", f"{SITE.bridge_prefix}+", "-j", "ACCEPT"]
    subprocess.run(["iptables", "-w", "-I", "INPUT", "1", *words], check=True)
    try:
        assert firewall.missing(SITE) == ("iptables INPUT",)
        firewall.install(SITE)
        assert firewall.installed(SITE)
    finally:
        subprocess.run(["iptables", "-w", "-D", "INPUT", *words], check=True)


def test_the_guard_says_what_the_kernel_holds_and_puts_it_back(walls: Walls) -> None:
    """The hub asks the guard: yes while the wall stands, no when a rule is gone, no when nobody answers."""
    with pytest.raises(Refused, match=r"session\.wall_missing"):
        firewall.check_wall(SITE)
    SITE.run.mkdir(parents=True, exist_ok=True)
    words = ["/opt/enclave/venv/bin/python", "-m", "enclave.adapters.firewall", "guard", SITE.name]
    root = Path(__file__).parents[2]
    (SITE.home / "site.json").write_text(
        json.dumps({"name": SITE.name, "index": SITE.index, "profile": "demo"})
    )
    guard = subprocess.Popen(
        words, cwd=root, env=os.environ | {"PYTHONPATH": str(root)}, stderr=subprocess.DEVNULL
    )
    try:
        _until(lambda: firewall.wall_socket(SITE).exists())
        _until(lambda: _stands(SITE))
        for program, chain in (("iptables", firewall.chain(SITE)), ("ip6tables", firewall.chain(SITE))):

            def seen_to_be_gone(program: str = program, chain: str = chain) -> bool:
                # The guard looks every two seconds: it may have put it back before it is asked.
                subprocess.run([program, "-w", "-F", chain], check=True)
                return not _stands(SITE)

            _until(seen_to_be_gone)
            _until(lambda: _stands(SITE))
    finally:
        guard.terminate()
        guard.wait(60)
        shutil.rmtree(SITE.run, ignore_errors=True)


def _stands(site: Site) -> bool:
    try:
        firewall.check_wall(site)
    except Refused:
        return False
    return True


def _until(true: Callable[[], bool], seconds: float = 120) -> None:
    done = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if true():
            return
        done.wait(0.05)
    pytest.fail("it did not become true in time")


def test_a_home_outlives_its_session_and_a_purge_leaves_nothing_else() -> None:
    """Container and network go, the home stays with what was written in it, and goes when that is asked for."""
    plan = plan_for("hana", 3)
    client = Containers().client
    label = {"label": [SITE.label, "enclave.person=hana"]}
    try:
        start(plan)
        inside(plan, "open('/home/researcher/kept', 'w').write('yes')")
        Containers().remove(plan.name)
        assert not client.containers(all=True, filters=label)
        assert not client.networks(filters=label)
        start(plan)
        assert inside(plan, "print(open('/home/researcher/kept').read())").strip() == "yes"
    finally:
        Containers().remove(plan.name, gently=False)
        client.remove_volume(plan.home_volume, force=True)


def test_spawns_at_once_get_different_networks(walls: Walls) -> None:
    """Numbers of networks in use are read from Docker itself; a number taken twice is refused by it."""
    assert Containers().numbers(SITE) >= {0, 1}
    plan = plan_for("sora", 1)
    with ThreadPoolExecutor(1) as pool, pytest.raises(Exception, match=r"overlaps|already exists|conflicts"):
        pool.submit(Containers().create_network, plan.network.to_api()).result()
