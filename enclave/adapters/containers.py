"""The container engine, as far as workspaces need it: images, one network and one container each, and their removal.

Decides nothing: what to start is a plan computed elsewhere (`enclave.hub.plan`) and arrives as the bodies of Docker's
own API. Every call is idempotent where it removes. A silent engine is Refused `session.containers_unavailable`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from enclave.config import Site
from enclave.core.refusal import Refused

T = TypeVar("T")

STOP_SECONDS = 2
"""Time a workspace has between being asked to end and being ended; notebooks save themselves while they run."""


@dataclass(frozen=True)
class Workspace:
    """A container of a site, running or not."""

    id: str
    name: str
    person: str
    project: str
    number: int
    running: bool


class Containers:
    """A connection to Docker. Safe to share between threads: each call is one request."""

    def __init__(self) -> None:
        self._client: Any = None

    @property
    def client(self) -> Any:
        """Docker's low-level client, which speaks in the bodies of its API and is typed in parts only."""
        if self._client is None:
            self._client = _reached(lambda: docker.APIClient(version="1.41", timeout=60))
        return self._client

    def image(self, reference: str) -> tuple[str, tuple[str, ...]]:
        """Id of an image and the environment that it brings. Raises Refused `session.image_missing`."""
        try:
            found = _reached(lambda: self.client.inspect_image(reference))
        except NotFound as error:
            raise Refused("session.image_missing") from error
        return str(found["Id"]), tuple(found["Config"].get("Env") or ())

    def numbers(self, site: Site) -> set[int]:
        """Places of the site's address pool that a network holds."""
        networks = _reached(lambda: self.client.networks(filters={"label": [site.label]}))
        numbers = (network["Labels"].get("enclave.workspace", "") for network in networks)
        return {int(number) for number in numbers if number.isdecimal()}

    def create_network(self, body: Mapping[str, Any]) -> str:
        """Create a network from its API body; its id."""
        made = _reached(
            lambda: self.client.create_network(
                body["Name"],
                driver=body["Driver"],
                options=body["Options"],
                ipam=body["IPAM"],
                check_duplicate=True,
                internal=body["Internal"],
                labels=body["Labels"],
                enable_ipv6=body["EnableIPv6"],
                attachable=body["Attachable"],
            )
        )
        return str(made["Id"])

    def create(self, name: str, body: Mapping[str, Any]) -> str:
        """Create a container, not yet started, from its API body; its id."""
        made = _reached(lambda: self.client.create_container_from_config(dict(body), name))
        return str(made["Id"])

    def start(self, container: str) -> None:
        _reached(lambda: self.client.start(container))

    def inspect(self, container: str) -> dict[str, Any] | None:
        """The engine's own account of a container, None where there is none of that name or id."""
        try:
            return dict(_reached(lambda: self.client.inspect_container(container)))
        except NotFound:
            return None

    def inspect_network(self, network: str) -> dict[str, Any] | None:
        try:
            return dict(_reached(lambda: self.client.inspect_network(network)))
        except NotFound:
            return None

    def running(self, container: str) -> bool:
        """Whether that very container is there and runs."""
        found = self.inspect(container)
        return found is not None and bool(found["State"]["Running"])

    def remove(self, name: str, *, gently: bool = True) -> None:
        """End and remove the container of that name and the network of that name; nothing to do where they are gone."""
        if gently:
            _if_there(lambda: self.client.stop(name, timeout=STOP_SECONDS))
        _if_there(lambda: self.client.remove_container(name, force=True, v=True))
        # A container that someone joined to the network would keep it; its own home is elsewhere.
        for joined in (self.inspect_network(name) or {}).get("Containers") or ():
            _if_there(partial(self.client.disconnect_container_from_network, joined, name, force=True))
        _if_there(lambda: self.client.remove_network(name))

    def networks(self, site: Site) -> tuple[tuple[str, str, str], ...]:
        """Name, person and project of every workspace network of the site."""
        found = _reached(lambda: self.client.networks(filters={"label": [site.label, "enclave.workspace"]}))
        return tuple(
            (n["Name"], n["Labels"]["enclave.person"], n["Labels"]["enclave.project"]) for n in found
        )

    def workspaces(self, site: Site) -> tuple[Workspace, ...]:
        """Every workspace container of the site."""
        found = _reached(
            lambda: self.client.containers(all=True, filters={"label": [site.label, "enclave.workspace"]})
        )
        return tuple(
            Workspace(
                c["Id"],
                c["Names"][0].removeprefix("/"),
                c["Labels"].get("enclave.person", ""),
                c["Labels"].get("enclave.project", ""),
                int(c["Labels"]["enclave.workspace"]),
                c["State"] == "running",
            )
            for c in found
        )


def purge(site: Site, *, volumes: bool = False) -> int:
    """Remove every container and network that carries the site's label, home volumes only where asked; how many.

    For `enclave down` and the end of a test: finds by label, so it also removes what no process remembers.
    """
    client = Containers().client
    wanted = {"label": [site.label]}
    removed = 0
    for container in _reached(lambda: client.containers(all=True, filters=wanted)):
        identity = container["Id"]
        removed += _if_there(partial(client.remove_container, identity, force=True, v=True))
    for network in _reached(lambda: client.networks(filters=wanted)):
        identity = network["Id"]
        removed += _if_there(partial(client.remove_network, identity))
    if volumes:
        for volume in _reached(lambda: client.volumes(filters=wanted))["Volumes"] or ():
            name = volume["Name"]
            removed += _if_there(partial(client.remove_volume, name, force=True))
    return removed


def create_home(containers: Containers, site: Site, name: str) -> None:
    """The home volume, labelled with the site; does nothing where it is there. It survives every session."""
    key, value = site.label.split("=", 1)
    _reached(lambda: containers.client.create_volume(name, labels={key: value}))


def _reached(call: Callable[[], T]) -> T:
    """The call's result. An engine that does not answer is a refusal; what it answers otherwise stays as it is."""
    try:
        return call()
    except APIError:
        raise
    except (DockerException, requests.exceptions.RequestException) as error:
        raise Refused("session.containers_unavailable") from error


def _if_there(call: Callable[[], object]) -> bool:
    """Make a removing call; False where there was nothing to remove, or it is being removed already."""
    try:
        _reached(call)
    except NotFound:
        return False
    except APIError as error:
        if error.status_code in (304, 409) and "in progress" in str(error):
            return False
        raise
    return True
