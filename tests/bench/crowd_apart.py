"""A gateway in a process of its own on real ground (policy server, ledger, custody, engine), for `python -m tests.bench.crowd`.

Stands for the installed one where no site may be started: TLS, places and limits are those of `enclave.app`. Prints one
line of JSON (where it is and who may ask), and ends when its input does.
"""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Thread

import sqlalchemy as sa
import uvicorn

from enclave.adapters import edge, signing
from enclave.adapters import records_schema as t
from enclave.adapters.connections import WorkspaceConnection
from enclave.adapters.engine import EnginePool, limits_of_machine
from enclave.adapters.records import Records
from enclave.core.clock import rfc3339
from enclave.core.event import Actor, Thing
from enclave.gateway.line import places_for
from enclave.gateway.web import build
from tests.fakes.custody_site import KEY
from tests.unit.gateway import ground
from tests.unit.gateway.conftest import building
from tests.unit.speaking_gateway import authority


def main(people: int, port: int) -> None:
    processors = len(os.sched_getaffinity(0))
    limits = limits_of_machine(processors, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    pool = EnginePool(limits)
    with tempfile.TemporaryDirectory(prefix="enclave-bench-crowd-") as name:
        folder = Path(name)
        with building(folder) as (site, custodian, policy, ledger):
            records = ground.fresh_records(folder / "gateway", ledger.client("portal"))
            names = [f"person-{n}" for n in range(people)]
            enter_people(records, names)
            custody = ground.CustodyHere(custodian)
            here = ground.Ground(site, folder, records, ledger, policy, pool, custody, None)  # type: ignore[arg-type]
            permit = ground.a_research_permit(handlers=["tanaka", *names])
            here.grant(permit)
            deps = ground.deps_of(site, records, policy, pool, custody, here.moment)  # type: ignore[arg-type]
            host = f"127.0.0.1:{port}"
            deps = replace(deps, hosts=frozenset({host}), places=places_for(processors, limits.workers))
            authority(folder, "127.0.0.1")
            config = uvicorn.Config(
                build(deps), host="127.0.0.1", port=port, log_level="error", timeout_keep_alive=75,
                ssl_certfile=str(folder / "server.pem"), ssl_keyfile=str(folder / "server.key"),
                **{**edge.HTTP, "http": WorkspaceConnection},
            )  # fmt: skip
            server = uvicorn.Server(config)

            def told() -> None:
                held = {
                    "pid": os.getpid(), "host": "127.0.0.1", "port": port, "ca": str(folder / "ca.pem"),
                    "file": str(next(site.extracts.rglob("extract.duckdb"))),
                    "key": custody.open(
                        permit.provision, None, signing.sign_permit(permit, KEY), session="bench", person="tanaka"
                    ).key,
                    "tokens": [
                        here.session(who, permit, address=address_of(n)) for n, who in enumerate(names)
                    ],
                }  # fmt: skip
                print(json.dumps(held), flush=True)
                sys.stdin.read()

            def until_told() -> None:
                try:
                    told()
                finally:
                    server.should_exit = True

            Thread(target=until_told, daemon=True).start()
            server.run()
    pool.close()


def enter_people(records: Records, names: Sequence[str]) -> None:
    """Researchers of those names, who only ask."""
    event = edge.event(Actor("operator", "operator"), "persons.entered", Thing("site", "bench"))
    with records.change(event) as tx:
        for name in names:
            tx.execute(
                sa.insert(t.persons).values(
                    id=name, name_ja=name, name_en=name, password_hash="-", totp_secret="-"
                )
            )
            tx.execute(
                sa.insert(t.person_roles).values(
                    person=name, role="researcher", granted_at=rfc3339(edge.now())
                )
            )


def address_of(number: int) -> str:
    """Where the n-th researcher's workspace is."""
    return f"127.7.{number // 200}.{number % 200 + 1}"


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
