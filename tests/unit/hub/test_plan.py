"""The plan of a workspace, and that any difference from it is named."""

import copy
import json
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enclave.config import SITES, Site
from enclave.core.ids import PersonId
from enclave.core.permit import parse
from enclave.core.refusal import Refused
from enclave.hub.plan import (
    ENTER,
    ContainerPlan,
    Image,
    container_plan,
    differences,
    free_number,
    network_plan,
)

SITE = SITES["test"]
IMAGE = Image("sha256:" + "1" * 64, ("PATH=/opt/analysis/bin:/usr/bin", "LANG=C.UTF-8"))
PERMIT = parse(
    {
        "schema": "enclave.permit/1",
        "permit_id": "p-2026-0007",
        "revision": 2,
        "project": "nafld-fib",
        "provision": "v-81c2",
        "handlers": ["tanaka"],
        "purpose": "…",
        "tier": "record",
        "databases": {"nafld": {"patients": {"columns": ["pid"]}}},
        "rule_sets": ["ndb-2024-09"],
        "outputs": [],
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_to": "2027-01-01T00:00:00Z",
    }
)
HUB_ENV = {
    "JUPYTERHUB_API_TOKEN": "secret-one",
    "JPY_API_TOKEN": "secret-one",
    "JUPYTERHUB_USER": "tanaka",
    "JUPYTERHUB_API_URL": "http://10.87.1.1:8081/hub/api",
    "AWS_SECRET_ACCESS_KEY": "secret-two",
}


def plan(number: int = 3) -> ContainerPlan:
    return container_plan(
        site=SITE, permit=PERMIT, person=PersonId("tanaka"), image=IMAGE, number=number, hub_env=HUB_ENV
    )


def as_inspected(planned: ContainerPlan) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an honest engine says it runs, in the engine's own form."""
    body = copy.deepcopy(planned.to_api())
    host, network = body.pop("HostConfig"), planned.network.to_api()
    body["Env"] = [*body["Env"], *IMAGE.env]
    container = {
        "Id": "c1",
        "Name": f"/{planned.name}",
        "Image": IMAGE.id,
        "AppArmorProfile": "",
        "Config": body,
        "HostConfig": {**host, "Runtime": "runc", "CapAdd": None, "Devices": [], "ExtraHosts": None},
        "Mounts": [
            {"Type": "volume", "Name": planned.home_volume, "Destination": "/home/researcher", "RW": True},
            {
                "Type": "bind",
                "Source": str(planned.session_folder),
                "Destination": "/run/enclave",
                "RW": False,
            },
        ],
        "NetworkSettings": {
            "Ports": {"8888/tcp": None},
            "Networks": {
                planned.network.name: {
                    "IPAMConfig": {"IPv4Address": str(planned.address)},
                    "IPAddress": str(planned.address),
                    "IPPrefixLen": 29,
                    "GlobalIPv6Address": "",
                }
            },
        },
    }
    return container, {**network, "IPAM": {"Config": network["IPAM"]["Config"]}, "Containers": {"c1": {}}}


def test_a_plan_is_a_value() -> None:
    """The same inputs give the same plan, and the same body."""
    assert plan() == plan()
    assert plan().to_api() == plan().to_api()


def test_a_plan_that_was_kept_is_the_same_plan() -> None:
    """A hub that comes back compares with what it planned before it went."""
    assert ContainerPlan.recalled(json.loads(json.dumps(plan().kept()))) == plan()


def test_no_secret_is_in_the_plan() -> None:
    """Of the hub's environment only listed names pass, and neither of its tokens is among them."""
    body = json.dumps(plan().to_api())
    assert "secret" not in body
    assert "JUPYTERHUB_USER=tanaka" in body
    assert f"JUPYTERHUB_DEFAULT_URL={ENTER}" in body


def test_every_wall_stands_in_the_body() -> None:
    """The walls, one by one, as Docker is asked for them."""
    body = plan().to_api()
    host = body["HostConfig"]
    walls = {
        "User": (body["User"], "1000:1000"),
        "root": (host["ReadonlyRootfs"], True),
        "capabilities": (host["CapDrop"], ["ALL"]),
        "added": (host["CapAdd"], []),
        "privileges": (host["SecurityOpt"], ["no-new-privileges"]),
        "swap": (host["MemorySwap"], host["Memory"]),
        "ports": (host["PortBindings"], {}),
        "all ports": (host["PublishAllPorts"], False),
        "resolver": (host["Dns"], ["192.0.2.0"]),
        "ipc": (host["IpcMode"], "private"),
        "restart": (host["RestartPolicy"]["Name"], "no"),
        "session": (host["Binds"][1], f"{SITE.workspaces}/tanaka--nafld-fib:/run/enclave:ro"),
        "internal": (plan().network.to_api()["Internal"], True),
        "ipv6": (plan().network.to_api()["EnableIPv6"], False),
    }
    assert {name: got for name, (got, _) in walls.items()} == {
        name: wanted for name, (_, wanted) in walls.items()
    }
    assert 0 < host["PidsLimit"] <= 1024
    assert "noexec" in host["Tmpfs"]["/tmp"]


def test_what_is_as_planned_has_no_difference() -> None:
    """An honest inspection of container and network is accepted."""
    assert differences(plan(), *as_inspected(plan())) == []


def container_change(*path: str, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    def change(container: dict[str, Any], _network: dict[str, Any]) -> None:
        for step in path[:-1]:
            container = container[step]
        container[path[-1]] = value

    return change


def network_change(name: str, value: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda _container, network: network.__setitem__(name, value)


CHANGES = {
    "host.CapAdd": container_change("HostConfig", "CapAdd", value=["SYS_ADMIN"]),
    "host.CapDrop": container_change("HostConfig", "CapDrop", value=None),
    "host.Privileged": container_change("HostConfig", "Privileged", value=True),
    "host.ReadonlyRootfs": container_change("HostConfig", "ReadonlyRootfs", value=False),
    "host.SecurityOpt": container_change(
        "HostConfig", "SecurityOpt", value=["no-new-privileges", "seccomp=unconfined"]
    ),
    "host.PidsLimit": container_change("HostConfig", "PidsLimit", value=None),
    "host.Memory": container_change("HostConfig", "Memory", value=0),
    "host.MemorySwap": container_change("HostConfig", "MemorySwap", value=-1),
    "host.NanoCpus": container_change("HostConfig", "NanoCpus", value=0),
    "host.Tmpfs": container_change("HostConfig", "Tmpfs", value={"/tmp": "exec"}),
    "host.Dns": container_change("HostConfig", "Dns", value=[]),
    "host.IpcMode": container_change("HostConfig", "IpcMode", value="host"),
    "host.PidMode": container_change("HostConfig", "PidMode", value="host"),
    "host.UsernsMode": container_change("HostConfig", "UsernsMode", value="host"),
    "host.NetworkMode": container_change("HostConfig", "NetworkMode", value="host"),
    "host.Devices": container_change("HostConfig", "Devices", value=[{"PathOnHost": "/dev/mem"}]),
    "host.DeviceRequests": container_change("HostConfig", "DeviceRequests", value=[{"Driver": "x"}]),
    "host.GroupAdd": container_change("HostConfig", "GroupAdd", value=["docker"]),
    "host.Mounts": container_change("HostConfig", "Mounts", value=[{"Type": "bind"}]),
    "host.Sysctls": container_change("HostConfig", "Sysctls", value={"net.ipv6.conf.all.disable_ipv6": "0"}),
    "host.ExtraHosts": container_change("HostConfig", "ExtraHosts", value=["evil:1.2.3.4"]),
    "host.Runtime": container_change("HostConfig", "Runtime", value="other"),
    "host.PortBindings": container_change("HostConfig", "PortBindings", value={"1/tcp": []}),
    "host.RestartPolicy": container_change("HostConfig", "RestartPolicy", value={"Name": "always"}),
    "config.User": container_change("Config", "User", value="0"),
    "config.Cmd": container_change("Config", "Cmd", value=["/bin/sh"]),
    "config.Entrypoint": container_change("Config", "Entrypoint", value=None),
    "config.Env": container_change("Config", "Env", value=["A=1"]),
    "config.Labels": container_change("Config", "Labels", value={}),
    "image": container_change("Image", value="sha256:" + "2" * 64),
    "name": container_change("Name", value="/other"),
    "apparmor": container_change("AppArmorProfile", value="unconfined"),
    "mounts": container_change("Mounts", value=[]),
    "networks": container_change("NetworkSettings", "Networks", value={"a": {}, "b": {}}),
    "endpoint.ports": container_change("NetworkSettings", "Ports", value={"8888/tcp": [{"HostPort": "1"}]}),
    "network.Internal": network_change("Internal", False),
    "network.EnableIPv6": network_change("EnableIPv6", True),
    "network.Attachable": network_change("Attachable", True),
    "network.Options": network_change("Options", {"com.docker.network.bridge.name": "br-x"}),
    "network.IPAM": network_change(
        "IPAM", {"Config": [{"Subnet": "10.101.0.0/16", "Gateway": "10.101.0.1"}]}
    ),
    "network.Containers": network_change("Containers", {"c1": {}, "c2": {}}),
}


@pytest.mark.parametrize("place", sorted(CHANGES))
def test_a_difference_is_named(place: str) -> None:
    """Each change of what runs shows under its own place."""
    container, network = as_inspected(plan())
    CHANGES[place](container, network)
    assert place in differences(plan(), container, network)


def test_nothing_inspected_is_not_nothing_wrong() -> None:
    """A container or network that cannot be inspected differs in every place."""
    assert len(differences(plan(), {}, None)) > 20


@given(st.integers(0, 8191), st.integers(0, 49))
def test_workspaces_never_share_a_subnet(number: int, index: int) -> None:
    """Each number has its own /29 within its site's pool, its bridge's name fits, and the next one does not overlap."""
    site = Site("x", index)
    mine = network_plan(site, "n", (), number)
    assert mine.subnet.subnet_of(site.workspace_pool)
    assert mine.gateway == mine.subnet.network_address + 1
    assert len(mine.bridge) <= 15
    if number < 8191:
        assert not mine.subnet.overlaps(network_plan(site, "n", (), number + 1).subnet)


def test_the_pool_has_an_end() -> None:
    """Beyond the last subnet there is no room, and it is said so."""
    with pytest.raises(Refused, match=r"session\.no_room"):
        network_plan(SITE, "n", (), 8192)


@given(st.sets(st.integers(0, 50)))
def test_the_lowest_free_number_is_taken(used: set[int]) -> None:
    """It is free, and every smaller one is used."""
    number = free_number(used)
    assert number not in used
    assert all(smaller in used for smaller in range(number))


def test_addresses_are_those_of_the_number() -> None:
    """The third workspace of site `test` is where the firewall and the gateway expect it."""
    assert plan(3).network.subnet == IPv4Network("10.101.0.24/29")
    assert plan(3).address == IPv4Address("10.101.0.26")
    assert plan(3).network.bridge == "enw1-3"
