"""A workspace's life: decided anew at every spawn, walled in by a plan, recorded before it runs, and gone without rest.

Decides the order of the steps (numbered in `_open`). Relies on `admission` for who may, on `plan` for the walls, on the
packet filter's guard for the network, and on the records for the session. DockerSpawner gives the frame that JupyterHub
expects; none of its settings shapes a container here, and what a user asks for (`user_options`) is never read.
"""

import asyncio
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from docker.errors import APIError
from dockerspawner import DockerSpawner
from jupyterhub.spawner import SpawnException

from enclave.adapters import edge
from enclave.adapters.containers import Containers, create_home
from enclave.adapters.permit_records import (
    Trusted,
    WorkspaceSession,
    create_workspace_session,
    permit_of_project,
    revoke_workspace_sessions,
)
from enclave.adapters.person_records import find_person
from enclave.adapters.records import Records
from enclave.config import Site
from enclave.core.clock import parse_rfc3339, rfc3339
from enclave.core.event import Actor, Event, Outcome, Thing
from enclave.core.ids import PROJECT, PersonId, ProjectId, SessionId
from enclave.core.permit import Permit
from enclave.core.refusal import Refused, Wording
from enclave.hub import admission
from enclave.hub.answering import until_it_answers
from enclave.hub.plan import PORT, ContainerPlan, Image, container_plan, differences, free_number
from enclave.hub.wording import sentence

IMAGE = "enclave-analysis:current"


@dataclass(frozen=True)
class Floor:
    """What the workspaces of a site stand on; made once by the hub's configuration."""

    site: Site
    records: Records
    trusted: Callable[[], Trusted]
    policy: admission.PolicyPort
    containers: Containers
    check_wall: Callable[[], None]
    wordings: Mapping[str, Wording]
    now: Callable[[], datetime] = edge.now


class WorkspaceSpawner(DockerSpawner):  # type: ignore[misc]  # JupyterHub's classes carry no types
    """One named server = one person's workspace for one project. `floor` is set by the hub's configuration."""

    floor: ClassVar[Floor]
    numbering: ClassVar[asyncio.Lock] = asyncio.Lock()
    """Held from reading which numbers are free until the network that takes one exists."""

    session: str = ""
    expires: str = ""
    permit_reference: str = ""
    planned: ContainerPlan | None = None
    """What was started: the sweep goes on comparing it with what Docker says it runs."""
    ending: str = ""
    """Why the sweep ends this workspace; it stands in the log and the person is told."""

    # -- what JupyterHub keeps of us -------------------------------------------------------------
    def get_state(self) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "session": self.session,
            "expires": self.expires,
            "permit": self.permit_reference,
        }
        if self.planned is not None:
            kept["plan"] = self.planned.kept()
        return {name: value for name, value in kept.items() if value}

    def load_state(self, state: dict[str, Any]) -> None:
        self.session = state.get("session", "")
        self.expires = state.get("expires", "")
        self.permit_reference = state.get("permit", "")
        self.planned = ContainerPlan.recalled(state["plan"]) if "plan" in state else None

    def clear_state(self) -> None:
        self.load_state({})
        self.ending = ""

    @property
    def person(self) -> PersonId:
        return PersonId(self.user.name)

    @property
    def project(self) -> ProjectId:
        return ProjectId(self.name)

    @property
    def workspace(self) -> str:
        """Name of the container and of its network."""
        return self.floor.site.workspace_name(self.person, self.project)

    @property
    def folder(self) -> Path:
        return self.floor.site.workspaces / f"{self.person}--{self.project}"

    # -- JupyterHub's three verbs -----------------------------------------------------------------
    async def start(self) -> tuple[str, int]:
        """Address and port of the workspace, once it answers. A refusal becomes a SpawnException that carries its code."""
        try:
            return await self._open()
        except Refused as refused:
            status = self.floor.wordings[refused.code].status if refused.code in self.floor.wordings else 403
            raise SpawnException(
                sentence(refused, self.floor.wordings),
                reason=refused.code,
                log_message=f"{refused.code} {dict(refused.facts)}",
                status_code=status,
            ) from None

    async def poll(self) -> int | None:
        """None while the workspace runs. One whose session this hub does not know counts as ended."""
        if not self.session:
            return 0
        running = await asyncio.to_thread(self.floor.containers.running, self.workspace)
        return None if running else 0

    async def stop(self, now: bool = False) -> None:
        """End the session, the container and its network; the home stays."""
        ended = (Outcome.ABORTED, (self.ending,)) if self.ending else (Outcome.OK, ())
        event = self._event("workspace.stopped", *ended)
        await asyncio.to_thread(close, self.floor, self.person, self.project, event, not now)
        self.clear_state()

    # -- opening ----------------------------------------------------------------------------------
    async def _open(self) -> tuple[str, int]:
        # 1. Only a project's name may be a server's name.
        admission.check_names(self.person, self.name)
        # 2. The permit as signed, in force, and the policy's decision; before anything of the person is touched.
        permit, expires = await asyncio.to_thread(self._admit)
        self.permit_reference = permit.reference
        # 3. One workspace at a time: all of a person's servers share an origin.
        await self._stop_others()
        try:
            return await self._walled(permit, expires)
        except BaseException as error:
            self.log.warning("Workspace %s is taken down: %s", self.workspace, type(error).__name__)
            codes = error.codes if isinstance(error, Refused) else ("session.did_not_start",)
            event = self._event("workspace.stopped", Outcome.ABORTED, codes)
            # Shielded: a cancelled spawn must not leave a container behind.
            await asyncio.shield(
                asyncio.to_thread(close, self.floor, self.person, self.project, event, False)
            )
            self.clear_state()
            if isinstance(error, APIError):
                raise Refused("session.containers_unavailable") from error
            raise

    def _admit(self) -> tuple[Permit, datetime]:
        """The permit and the end of the session that it allows; a no is recorded. Raises Refused."""
        floor = self.floor
        try:
            return admitted(floor, self.person, self.project)
        except Refused as refused:
            if not refused.code.endswith(".unavailable"):
                with floor.records.change(self._event("workspace.refused", Outcome.REFUSED, refused.codes)):
                    pass
            raise

    async def _stop_others(self) -> None:
        for name, other in list(self.user.spawners.items()):
            if other is self:
                continue
            if other.pending == "stop" and other._stop_future is not None:
                await asyncio.wait([other._stop_future])
            elif other.pending:
                raise Refused("session.another_starting", {"project": name})
            elif other.active and self.handler is not None:
                await (await self.handler.stop_single_user(self.user, name))
            elif other.active:
                await self.user.stop(name)
        # What this hub does not know of (it was restarted, its database lost) goes too.
        everything = await asyncio.to_thread(self.floor.containers.workspaces, self.floor.site)
        for left in everything:
            if left.person == self.person:
                await asyncio.to_thread(self.floor.containers.remove, left.name)
        await asyncio.to_thread(self.floor.containers.remove, self.workspace, gently=False)

    async def _walled(self, permit: Permit, expires: datetime) -> tuple[str, int]:
        floor = self.floor
        # 4. The packet filter stands at this moment, by the word of the guard that reads the kernel.
        await asyncio.to_thread(floor.check_wall)
        # 5. The plan, and the network that it names.
        image = Image(*await asyncio.to_thread(floor.containers.image, IMAGE))
        async with self.numbering:
            number = free_number(await asyncio.to_thread(floor.containers.numbers, floor.site))
            plan = container_plan(
                site=floor.site,
                permit=permit,
                person=self.person,
                image=image,
                number=number,
                hub_env=self.get_env(),
                language=self._language(),
            )
            await asyncio.to_thread(floor.containers.create_network, plan.network.to_api())
        # 6. What the workspace must know lies in its folder, and nowhere else.
        token = edge.new_token()
        await asyncio.to_thread(self._write_folder, plan, token)
        identity = await asyncio.to_thread(self._create, plan)
        # 7. No record, no effect: the session and its event are durable before the container runs.
        self.session, self.expires = edge.new_id(), rfc3339(expires)
        await asyncio.to_thread(self._record, permit, plan, expires, token)
        # 8. Run it, and compare again with what Docker says it runs.
        await asyncio.to_thread(floor.containers.start, identity)
        await asyncio.to_thread(self._compare, plan, identity, True)
        self.planned = plan
        # 9. JupyterHub's own waiting starts at 0.2 s and doubles; this one notices at once.
        await until_it_answers(str(plan.address), PORT, lambda: floor.containers.running(identity))
        return str(plan.address), PORT

    def _write_folder(self, plan: ContainerPlan, token: str) -> None:
        folder = plan.session_folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # Its parent is the hub's alone (0700), so these modes open the files to the workspace's user and to nobody else.
        folder.chmod(0o755)
        session = json.dumps({"gateway": self.floor.site.gateway_url, "token": token})
        for name, text in (
            ("session.json", session),
            ("hub-token", self.api_token),
            ("ca.pem", self.floor.site.ca.read_text()),
        ):
            with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "w") as file:
                file.write(text)
            (folder / name).chmod(0o444)

    def _create(self, plan: ContainerPlan) -> str:
        containers = self.floor.containers
        create_home(containers, self.floor.site, plan.home_volume)
        identity = containers.create(plan.name, plan.to_api())
        self._compare(plan, identity, False)
        return identity

    def _compare(self, plan: ContainerPlan, identity: str, started: bool) -> None:
        containers = self.floor.containers
        container, network = containers.inspect(identity), containers.inspect_network(plan.network.name)
        if container is not None and started and not container["State"]["Running"]:
            raise Refused("session.did_not_start")
        if places := differences(plan, container or {}, network, started=started):
            self.log.error("Workspace %s differs from its plan: %s", plan.name, ", ".join(places))
            raise Refused("session.plan_differs", {"places": ", ".join(places)})

    def _record(self, permit: Permit, plan: ContainerPlan, expires: datetime, token: str) -> None:
        session = WorkspaceSession(
            SessionId(self.session),
            self.person,
            self.project,
            permit.permit_id,
            permit.revision,
            str(plan.address),
            expires,
        )
        event = self._event("workspace.started")
        create_workspace_session(
            self.floor.records, event, session, edge.token_digest(token), self.floor.now()
        )

    def _event(self, action: str, outcome: Outcome = Outcome.OK, codes: tuple[str, ...] = ()) -> Event:
        return edge.event(
            Actor(self.person, "handler", self.session or None),
            action,
            Thing("workspace", self.workspace[:128]),
            project=self.project if PROJECT.fullmatch(self.name) else None,
            permit=self.permit_reference or None,
            outcome=outcome,
            codes=codes,
        )

    def _language(self) -> str:
        """`ja` or `en`, from what the request that starts the workspace accepts first."""
        request = getattr(self.handler, "request", None)
        accepted = request.headers.get("Accept-Language", "") if request is not None else ""
        return "en" if accepted.strip().lower().startswith("en") else "ja"

    def expired(self, now: datetime) -> bool:
        return bool(self.expires) and parse_rfc3339(self.expires) <= now


def admitted(floor: Floor, person: PersonId, project: ProjectId) -> tuple[Permit, datetime]:
    """The project's permit as it stands now, and the end of a session that may begin now. Raises Refused."""
    permit = permit_of_project(floor.records, project, floor.trusted()).permit
    found = find_person(floor.records, person)
    active = found is not None and found.active
    return permit, admission.admit(floor.policy, permit, person, project, active=active, now=floor.now())


def close(floor: Floor, person: PersonId, project: ProjectId, event: Event, gently: bool) -> None:
    """End a workspace: its sessions, its container and network, its folder. The home stays.

    The session goes first, so that the gateway turns the token away while the container still ends. Where the ledger is
    silent the container goes all the same; the row then ends at its hour, its address is gone and its token with it.
    """
    unrecorded: Refused | None = None
    try:
        revoke_workspace_sessions(floor.records, event, floor.now(), person=person, project=project)
    except Refused as refused:
        unrecorded = refused
    name = floor.site.workspace_name(person, project)
    try:
        floor.containers.remove(name, gently=gently)
    finally:
        shutil.rmtree(floor.site.workspaces / f"{person}--{project}", ignore_errors=True)
    if unrecorded is not None:
        raise unrecorded
