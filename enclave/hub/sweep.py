"""What no request would ever clean up: workspaces whose time is over, and containers that no server of the hub owns.

Decides who is swept: a workspace past its session's end, no longer admitted by the policy or no longer as it was planned
(someone with Docker at hand gave it memory, a network, a neighbour), and a container or network of the site that has
belonged to no server for two rounds (one round may fall into the middle of a start). Relies on the hub's list of servers
and on Docker's word; a hub that was killed finds its containers again, with their plans, in its own database before the
first round.
"""

import asyncio
import logging
from typing import Any

from jupyterhub import orm

from enclave.adapters import edge
from enclave.core.event import Actor, Outcome, Thing
from enclave.core.ids import PersonId, ProjectId
from enclave.core.refusal import Refused
from enclave.hub.plan import differences
from enclave.hub.spawner import Floor, WorkspaceSpawner, admitted, close

EVERY = 5.0

log = logging.getLogger("enclave.sweep")

Place = tuple[str, str]


async def sweep_for_ever(floor: Floor, hub: Any, every: float = EVERY) -> None:
    """Sweep until cancelled. `hub` is the running JupyterHub. Nothing that goes wrong in one round ends the next."""
    suspects: frozenset[Place] = frozenset()
    while True:
        await asyncio.sleep(every)
        try:
            await end_what_is_over(floor, hub)
            suspects = await remove_orphans(floor, hub, suspects)
        except Refused as refused:
            log.warning("sweep: %s", refused.code)
        except Exception:
            log.exception("sweep failed; trying again")


def servers(hub: Any) -> list[WorkspaceSpawner]:
    """Every server that the hub holds as active, starting or stopping."""
    return [s for user in hub.users.values() for s in user.spawners.values() if s.active or s.pending]


def owned(hub: Any) -> set[Place]:
    """(person, project) of every server, also of those that a restarted hub has in its database and not in hand yet."""
    kept = hub.db.query(orm.Spawner).filter(orm.Spawner.server_id.is_not(None)).all()
    return {(s.person, s.project) for s in servers(hub)} | {(s.user.name, s.name) for s in kept}


async def end_what_is_over(floor: Floor, hub: Any) -> None:
    """Stop every running workspace that could not start any more."""
    for server in servers(hub):
        if not server.ready or not (code := await asyncio.to_thread(_over, floor, server)):
            continue
        if not server.ready:
            continue  # its person stopped it meanwhile: what was compared was half gone
        log.warning("workspace %s ends: %s", server.workspace, code)
        server.ending = code
        await hub.proxy.delete_user(server.user, server.name)
        await server.user.stop(server.name)


def _over(floor: Floor, server: WorkspaceSpawner) -> str | None:
    if server.expired(floor.now()):
        return "session.ended"
    try:
        admitted(floor, server.person, server.project)
    except Refused as refused:
        # A silent machine is no reason to end work that nothing can be read or taken out with meanwhile.
        return None if refused.code.endswith(".unavailable") else refused.code
    return "session.plan_changed" if _changed(floor, server) else None


def _changed(floor: Floor, server: WorkspaceSpawner) -> bool:
    """Whether Docker runs something else than was planned. One that ended by itself is the hub's own poll to notice."""
    container = floor.containers.inspect(server.workspace)
    if container is None or not container["State"]["Running"]:
        return False
    if server.planned is None:
        return True
    network = floor.containers.inspect_network(server.planned.network.name)
    places = differences(server.planned, container, network)
    if places:
        log.error("workspace %s is no longer as planned: %s", server.workspace, ", ".join(places))
    return bool(places)


async def remove_orphans(floor: Floor, hub: Any, suspects: frozenset[Place]) -> frozenset[Place]:
    """Remove what was an orphan in the last round and still is; the orphans of this round."""
    found = {(w.person, w.project) for w in await asyncio.to_thread(floor.containers.workspaces, floor.site)}
    found |= {
        (person, project)
        for _, person, project in await asyncio.to_thread(floor.containers.networks, floor.site)
    }
    orphans = frozenset(found - owned(hub))
    for person, project in sorted(orphans & suspects):
        log.warning("workspace of %s for %s belongs to no server: removed", person, project)
        event = edge.event(
            Actor("hub", "service"),
            "workspace.stopped",
            Thing("workspace", floor.site.workspace_name(person, project)[:128]),
            project=project,
            outcome=Outcome.ABORTED,
            codes=("session.ended",),
        )
        await asyncio.to_thread(close, floor, PersonId(person), ProjectId(project), event, True)
    return orphans
