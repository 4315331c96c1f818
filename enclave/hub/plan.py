"""The walls of a workspace as one frozen value, and the comparison with what was really started.

Decides how a container is confined: computed from permit, site, person, image and address, never from what a user or
a configuration line asks for. Relies on Docker doing what its inspection says. Does not talk to Docker
(`enclave.adapters.containers`) and does not filter packets (`enclave.adapters.firewall`).

Why a plan of our own and not DockerSpawner's settings: it deep-merges `extra_host_config` over its defaults, so one
line can silently undo a hardening. Here every wall stands in one value, and `differences` reads the inspection back.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from enclave.config import Site
from enclave.core.ids import PersonId, ProjectId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused

USER = "1000:1000"
HOME = "/home/researcher"
ENTRYPOINT = ("/usr/bin/tini", "-g", "--")
"""Process 1: collects what kernels leave behind, and hands a stop on to all of them."""

COMMAND = ("/usr/local/bin/enclave-workspace",)
PORT = 8888
ENTER = "/enclave/enter"
"""Where a person lands: it sends Clear-Site-Data, since all of a person's servers share an origin, and goes on to the lab."""

DEAD_RESOLVER = "192.0.2.0"
"""TEST-NET-1 (RFC 5737): Docker 20.10 forwards names out of internal networks when the host's resolver is on loopback
(CVE-2024-29018)."""

SUBNET_BITS = 29
"""Six addresses: the bridge, the container, and no room to speak of."""

ENV_FROM_HUB = (
    "JUPYTERHUB_CLIENT_ID",
    "JUPYTERHUB_COOKIE_HOST_PREFIX_ENABLED",
    "JUPYTERHUB_COOKIE_OPTIONS",
    "JUPYTERHUB_HOST",
    "JUPYTERHUB_OAUTH_CALLBACK_URL",
    "JUPYTERHUB_OAUTH_ACCESS_SCOPES",
    "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES",
    "JUPYTERHUB_USER",
    "JUPYTERHUB_SERVER_NAME",
    "JUPYTERHUB_API_URL",
    "JUPYTERHUB_ACTIVITY_URL",
    "JUPYTERHUB_BASE_URL",
    "JUPYTERHUB_SERVICE_PREFIX",
    "JUPYTERHUB_SERVICE_URL",
    "JUPYTERHUB_PUBLIC_URL",
    "JUPYTERHUB_PUBLIC_HUB_URL",
)
"""What the notebook server needs to know. An allow-list: the hub's own environment also carries the server's token,
and an environment shows in every inspection; the token goes into a file of the bind mount."""


@dataclass(frozen=True)
class Limits:
    """What one workspace may use. Bytes, processors, processes."""

    memory: int = 2 * 1024**3
    cpus: float = 2.0
    processes: int = 256
    tmp: int = 512 * 1024**2
    shm: int = 128 * 1024**2


@dataclass(frozen=True)
class Image:
    """An image resolved to its id when the plan is made, with the environment that it brings."""

    id: str
    env: tuple[str, ...] = ()


@dataclass(frozen=True)
class NetworkPlan:
    """The internal network of one workspace: an explicit /29 and an explicit bridge name, which the firewall matches."""

    name: str
    bridge: str
    subnet: IPv4Network
    gateway: IPv4Address
    labels: tuple[tuple[str, str], ...]

    def to_api(self) -> dict[str, Any]:
        """Body of `POST /networks/create`."""
        return {
            "Name": self.name,
            "CheckDuplicate": True,
            "Driver": "bridge",
            "Internal": True,
            "EnableIPv6": False,
            "Attachable": False,
            "Ingress": False,
            "IPAM": {
                "Driver": "default",
                "Config": [{"Subnet": str(self.subnet), "Gateway": str(self.gateway)}],
            },
            "Options": {
                "com.docker.network.bridge.name": self.bridge,
                "com.docker.network.bridge.enable_icc": "false",
                "com.docker.network.bridge.enable_ip_masquerade": "false",
            },
            "Labels": dict(self.labels),
        }


@dataclass(frozen=True)
class ContainerPlan:
    """Everything that confines one workspace. Two plans of the same inputs are equal."""

    name: str
    hostname: str
    image: Image
    command: tuple[str, ...]
    env: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]
    network: NetworkPlan
    address: IPv4Address
    home_volume: str
    session_folder: Path
    limits: Limits

    def kept(self) -> dict[str, Any]:
        """The plan as JSON values, for a hub that comes back and finds its workspaces running."""
        plain = asdict(self)
        network = plain["network"]
        network |= {"subnet": str(self.network.subnet), "gateway": str(self.network.gateway)}
        return plain | {"address": str(self.address), "session_folder": str(self.session_folder)}

    @classmethod
    def recalled(cls, kept: Mapping[str, Any]) -> "ContainerPlan":
        """The plan that was `kept`. Raises KeyError, TypeError or ValueError for anything else."""
        image, network = kept["image"], kept["network"]
        return cls(
            name=kept["name"],
            hostname=kept["hostname"],
            image=Image(image["id"], tuple(image["env"])),
            command=tuple(kept["command"]),
            env=_pairs(kept["env"]),
            labels=_pairs(kept["labels"]),
            network=NetworkPlan(
                network["name"],
                network["bridge"],
                IPv4Network(network["subnet"]),
                IPv4Address(network["gateway"]),
                _pairs(network["labels"]),
            ),
            address=IPv4Address(kept["address"]),
            home_volume=kept["home_volume"],
            session_folder=Path(kept["session_folder"]),
            limits=Limits(**kept["limits"]),
        )

    def _tmpfs(self) -> dict[str, str]:
        return {"/tmp": f"rw,nosuid,nodev,noexec,mode=1777,size={self.limits.tmp}"}  # noqa: S108  inside the container, its own

    def _binds(self) -> list[str]:
        return [f"{self.home_volume}:{HOME}:rw", f"{self.session_folder}:/run/enclave:ro"]

    def to_api(self) -> dict[str, Any]:
        """Body of `POST /containers/create?name=…`. No published port, no device, no secret in the environment."""
        return {
            "Hostname": self.hostname,
            "Domainname": "",
            "User": USER,
            "Image": self.image.id,
            "Entrypoint": list(ENTRYPOINT),
            "Cmd": list(self.command),
            "Env": [f"{name}={value}" for name, value in self.env],
            "Labels": dict(self.labels),
            "WorkingDir": HOME,
            "Tty": False,
            "OpenStdin": False,
            "StopTimeout": 3,
            "HostConfig": {
                "NetworkMode": self.network.name,
                "ReadonlyRootfs": True,
                "Privileged": False,
                "CapAdd": [],
                "CapDrop": ["ALL"],
                # The default seccomp profile applies because none is named here; `differences` refuses any other.
                "SecurityOpt": ["no-new-privileges"],
                "PidsLimit": self.limits.processes,
                "Memory": self.limits.memory,
                # Equal to Memory: no swap, where the kernel accounts for it.
                "MemorySwap": self.limits.memory,
                "NanoCpus": int(self.limits.cpus * 1e9),
                "ShmSize": self.limits.shm,
                # No core files: they would hold what a notebook had in memory.
                "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
                "Tmpfs": self._tmpfs(),
                "Binds": self._binds(),
                "Dns": [DEAD_RESOLVER],
                "DnsOptions": ["timeout:1", "attempts:1"],
                "DnsSearch": ["."],
                "ExtraHosts": [],
                "IpcMode": "private",
                "PidMode": "",
                "UTSMode": "",
                "UsernsMode": "",
                "PublishAllPorts": False,
                "PortBindings": {},
                "Devices": [],
                "GroupAdd": [],
                "Init": False,
                "AutoRemove": False,
                "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
                "LogConfig": {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "2"}},
            },
            "NetworkingConfig": {
                "EndpointsConfig": {self.network.name: {"IPAMConfig": {"IPv4Address": str(self.address)}}}
            },
        }


def _pairs(kept: Iterable[Iterable[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in kept)


def network_plan(site: Site, name: str, labels: tuple[tuple[str, str], ...], number: int) -> NetworkPlan:
    """The `number`-th /29 of the site's pool and its bridge. Raises Refused `session.no_room` beyond the pool."""
    size = 1 << (32 - SUBNET_BITS)
    pool = site.workspace_pool
    if not 0 <= number < pool.num_addresses // size:
        raise Refused("session.no_room")
    subnet = IPv4Network((int(pool.network_address) + number * size, SUBNET_BITS))
    bridge = site.bridge(number)
    if len(bridge) > 15:
        raise ValueError(f"a bridge name of Linux has 15 characters at most: {bridge}")
    return NetworkPlan(name, bridge, subnet, subnet.network_address + 1, labels)


def free_number(used: Iterator[int] | set[int]) -> int:
    """The lowest number that no workspace of the site has."""
    taken = set(used)
    return next(n for n in range(len(taken) + 1) if n not in taken)


def container_plan(
    *,
    site: Site,
    permit: Permit,
    person: PersonId,
    image: Image,
    number: int,
    hub_env: Mapping[str, str],
    language: str = "ja",
    limits: Limits | None = None,
    command: tuple[str, ...] = COMMAND,
) -> ContainerPlan:
    """The plan of one person's workspace for the permit's project.

    `number` is the workspace's place in the site's pool; `hub_env` the hub's environment for the server, of which
    only ENV_FROM_HUB is taken.
    """
    limits = limits or Limits()
    project: ProjectId = permit.project
    name = site.workspace_name(person, project)
    key, value = site.label.split("=", 1)
    labels = (
        (key, value),
        ("enclave.person", person),
        ("enclave.permit", permit.reference),
        ("enclave.project", project),
        ("enclave.workspace", str(number)),
    )
    network = network_plan(site, name, labels, number)
    env = {name: hub_env[name] for name in ENV_FROM_HUB if name in hub_env}
    env |= {
        "ENCLAVE_LANGUAGE": "en" if language == "en" else "ja",
        "HOME": HOME,
        "JUPYTERHUB_DEFAULT_URL": ENTER,
        "JUPYTERHUB_ROOT_DIR": HOME,
        "JUPYTERHUB_DISABLE_USER_CONFIG": "1",
        "MEM_LIMIT": str(limits.memory),
        "CPU_LIMIT": str(limits.cpus),
    }
    return ContainerPlan(
        name=name,
        hostname="workspace",
        image=image,
        command=command,
        env=tuple(sorted(env.items())),
        labels=labels,
        network=network,
        address=network.subnet.network_address + 2,
        home_volume=site.home_volume(person, project),
        session_folder=site.workspaces / f"{person}--{project}",
        limits=limits,
    )


def differences(
    plan: ContainerPlan,
    container: Mapping[str, Any],
    network: Mapping[str, Any] | None,
    *,
    started: bool = True,
) -> list[str]:
    """Places where what Docker says it has differs from the plan; empty where it is as planned.

    `container` and `network` are the inspections of both. The names of places hold no value, so that they may be
    logged. Before the start (`started=False`) the address is not assigned yet and is compared as configured.
    """
    return [
        *_container_differences(plan, container),
        *_endpoint_differences(plan, container, started),
        *_network_differences(plan.network, network, container.get("Id", ""), started),
    ]


def _container_differences(plan: ContainerPlan, container: Mapping[str, Any]) -> Iterator[str]:
    config: Mapping[str, Any] = container.get("Config") or {}
    host: Mapping[str, Any] = container.get("HostConfig") or {}
    wanted = plan.to_api()
    for place in ("User", "Hostname", "Domainname", "WorkingDir", "Entrypoint", "Cmd", "Tty", "OpenStdin"):
        if config.get(place) != wanted[place]:
            yield f"config.{place}"
    if container.get("Image") != plan.image.id:
        yield "image"
    if container.get("Name") != f"/{plan.name}":
        yield "name"
    labels = config.get("Labels") or {}
    if any(labels.get(key) != value for key, value in plan.labels):
        yield "config.Labels"
    planned = {f"{name}={value}" for name, value in plan.env}
    ours = {name for name, _ in plan.env}
    brought = {item for item in plan.image.env if item.split("=", 1)[0] not in ours}
    if set(config.get("Env") or ()) != planned | brought:
        yield "config.Env"

    same = (
        "NetworkMode", "ReadonlyRootfs", "Privileged", "CapDrop", "SecurityOpt", "PidsLimit", "Memory", "MemorySwap",
        "NanoCpus", "ShmSize", "Tmpfs", "Binds", "Dns", "DnsOptions", "DnsSearch", "IpcMode", "PidMode", "UTSMode",
        "UsernsMode", "PublishAllPorts", "AutoRemove", "RestartPolicy", "LogConfig", "Ulimits",
    )  # fmt: skip
    for place in same:
        if host.get(place) != wanted["HostConfig"][place]:
            yield f"host.{place}"
    # Must be empty or absent: each would be a hole that the plan does not know.
    empty = (
        "CapAdd", "PortBindings", "Devices", "DeviceRequests", "DeviceCgroupRules", "GroupAdd", "ExtraHosts", "Links",
        "VolumesFrom", "Mounts", "Sysctls", "Cgroup", "OomKillDisable", "OomScoreAdj", "CgroupParent", "StorageOpt",
    )  # fmt: skip
    for place in empty:
        if host.get(place):
            yield f"host.{place}"
    if host.get("Runtime") not in (None, "", "runc"):
        yield "host.Runtime"
    if container.get("AppArmorProfile") == "unconfined":
        yield "apparmor"
    mounts = {
        (
            m.get("Type"),
            m.get("Name") if m.get("Type") == "volume" else m.get("Source"),
            m.get("Destination"),
            m.get("RW"),
        )
        for m in container.get("Mounts") or ()
        if m.get("Type") != "tmpfs"
    }
    if mounts != {
        ("volume", plan.home_volume, HOME, True),
        ("bind", str(plan.session_folder), "/run/enclave", False),
    }:
        yield "mounts"


def _endpoint_differences(plan: ContainerPlan, container: Mapping[str, Any], started: bool) -> Iterator[str]:
    settings: Mapping[str, Any] = container.get("NetworkSettings") or {}
    networks: Mapping[str, Any] = settings.get("Networks") or {}
    if set(networks) != {plan.network.name}:
        yield "networks"
        return
    endpoint = networks[plan.network.name]
    if (endpoint.get("IPAMConfig") or {}).get("IPv4Address") != str(plan.address):
        yield "endpoint.configured_address"
    if endpoint.get("GlobalIPv6Address") or endpoint.get("IPv6Gateway"):
        yield "endpoint.ipv6"
    if any((settings.get("Ports") or {}).values()):
        yield "endpoint.ports"
    if started:
        if endpoint.get("IPAddress") != str(plan.address):
            yield "endpoint.address"
        if endpoint.get("IPPrefixLen") != SUBNET_BITS:
            yield "endpoint.prefix"


def _network_differences(
    plan: NetworkPlan, network: Mapping[str, Any] | None, container_id: str, started: bool
) -> Iterator[str]:
    if network is None:
        yield "network"
        return
    wanted = plan.to_api()
    for place in ("Name", "Driver", "Internal", "EnableIPv6", "Attachable", "Ingress", "Options", "Labels"):
        if network.get(place) != wanted[place]:
            yield f"network.{place}"
    ipam = (network.get("IPAM") or {}).get("Config") or []
    if [(c.get("Subnet"), c.get("Gateway")) for c in ipam] != [(str(plan.subnet), str(plan.gateway))]:
        yield "network.IPAM"
    members = set(network.get("Containers") or {})
    if members != ({container_id} if started else set()):
        yield "network.Containers"
