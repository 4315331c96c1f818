"""A small gateway that really speaks the contract of the client: HTTPS, Arrow streams, problem+json, on 127.0.0.1.

It answers over an in-memory DuckDB; its one rule is that counts from 1 to 9 are hidden and that `case_pid` is not
permitted. It stands for the real gateway in tests of the client alone, and can show the first notebook at work.
"""

import base64
import csv
import datetime
import io
import ipaddress
import json
import shutil
import ssl
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TOKEN = "a-session-token"
SMALL = 10
DEMO = """
create table patients as
select range::uinteger pid, 30 + range % 60 age, range % 2 male, 20 + range % 17 + 0.5 bmi,
       (range * 7) % 3000 futime, ((range % 11) = 0)::int status,
       case when range % 5 = 0 then null else range % 4 end stage
from range(2000)
"""


def _problem(
    status: int, code: str, title: str, hint: str = "", **facts: object
) -> tuple[int, dict[str, Any]]:
    kind = f"urn:enclave:refused:{code}"
    return status, {
        "type": kind,
        "status": status,
        "code": code,
        "title": title,
        "facts": facts,
        "hint": hint,
    }


def authority(folder: Path, address: str) -> None:
    """Writes ca.pem (own authority), server.pem and server.key for `address`."""
    now = datetime.datetime.now(datetime.UTC)

    def certificate(
        name: str, key: Any, issuer: Any, signer: Any, *extensions: tuple[Any, bool]
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    root = certificate(
        "test authority",
        root_key,
        root_name,
        root_key,
        (x509.BasicConstraints(True, None), True),
        (usage, True),
        (x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), False),
    )
    leaf = certificate(
        "gateway",
        key,
        root_name,
        root_key,
        (x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False),
    )
    (folder / "ca.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


class SpeakingGateway:
    """Started by `with`; `folder` then holds session.json and ca.pem as a workspace finds them."""

    def __init__(
        self, address: str = "127.0.0.1", language: str = "en", setup: str = DEMO, port: int = 0
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="enclave-client-"))
        self.language = language
        self.queries: dict[str, dict[str, Any]] = {}
        self.cancelled = threading.Event()
        self.followed = threading.Event()
        self.submitted: list[dict[str, Any]] = []
        self.languages: list[str] = []
        self.connection = duckdb.connect()
        self.connection.execute("create schema nafld; use nafld")
        for statement in setup.split(";"):
            self.connection.execute(statement)
        authority(self.folder, address)
        gateway = self

        class Handler(_Handler):
            machine = gateway

        self.server = ThreadingHTTPServer((address, port), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        place = f"https://{address}:{self.server.server_address[1]}"
        (self.folder / "session.json").write_text(json.dumps({"gateway": place, "token": TOKEN}))

    def __enter__(self) -> "SpeakingGateway":
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cancelled.set()
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder)

    # -- answers ------------------------------------------------------------------------------
    def session(self) -> dict[str, Any]:
        columns = [
            {
                "name": "age",
                "title": {"ja": "年齢", "en": "age"},
                "type": "int",
                "role": "identifying",
                "unit": "year",
            },
            {"name": "status", "title": {"ja": "死亡", "en": "died"}, "type": "bool", "role": "outcome"},
        ]
        return {
            "person": "tanaka",
            "project": "nafld-fib",
            "permit": "p-2026-0007@1",
            "tier": "record",
            "purpose": "…",
            "valid_to": "2027-10-31T15:00:00Z",
            "language": self.language,
            "tables": [
                {"name": "nafld.patients", "title": {"ja": "患者", "en": "patients"}, "columns": columns}
            ],
            "outputs": [{"id": "t1", "kind": "table", "title": "Deaths by age"}],
            "limits": {"queries_day": 2000},
            "used": {"queries_day": 1},
            "left": {"queries_day": 1999},
            "renewed": "2026-11-22T00:00:00Z",
            "more": "Apply <in the portal>.",
        }

    def answer(self, sql: str, form: str, params: dict[str, Any]) -> pa.Table:
        cursor = self.connection.cursor()
        cursor.execute("use nafld")
        table = cursor.execute(sql, params or None).arrow()
        table = table.read_all() if hasattr(table, "read_all") else table
        if form != "table":
            return table
        columns: dict[str, Any] = {}
        for name in table.column_names:
            values = table[name].to_pylist()
            if not name.startswith("n"):
                columns[name] = table[name]
                if None in values and "cube" in sql.lower():
                    columns[f"{name}_status"] = ["total" if value is None else "detail" for value in values]
                continue
            hidden = [value is not None and 0 < value < SMALL for value in values]
            columns[name] = pa.array(
                [None if h else v for h, v in zip(hidden, values, strict=True)], pa.int64()
            )
            columns[f"{name}_status"] = ["hidden" if h else "shown" for h in hidden]
        return pa.table(columns)

    def examine(self, item: dict[str, Any]) -> dict[str, Any]:
        table = item if item["kind"] == "table" else item["data"]
        findings = []
        for number, row in enumerate(csv.DictReader(io.StringIO(table["csv"])), 1):
            for column in table["counts"]:
                if row[column] and 0 < float(row[column]) < SMALL:
                    where = {"row": number, "column": column}
                    finding = {"code": "disclosure.min_persons", "where": where, "facts": {"n": SMALL}}
                    words = {"title": "Fewer than 10 persons.", "hint": "Merge categories, or use table()."}
                    findings.append({**finding, "rule_set": "test", **words})
        return {
            "name": item["name"],
            "digest": "sha256:0",
            "verdict": "fail" if findings else "human" if item["kind"] == "figure" else "pass",
            "findings": findings,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    machine: SpeakingGateway

    def log_message(self, *_: object) -> None:
        """Silent: the test's output is the test's."""

    def _json(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/problem+json" if status >= 400 else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _admitted(self) -> bool:
        self.machine.languages.append(self.headers.get("Accept-Language", ""))
        if self.headers.get("Authorization") == f"Bearer {TOKEN}":
            return True
        self._json(*_problem(401, "session.unknown", "This session is not known."))
        return False

    def do_GET(self) -> None:
        if not self._admitted():
            return
        if self.path == "/v1/session":
            self._json(200, self.machine.session())
        elif self.path == "/v1/exports":
            kept = [
                {k: e[k] for k in ("id", "state", "output", "submitted", "files")}
                for e in self.machine.submitted
            ]
            self._json(200, {"exports": kept})
        elif self.path == "/v1/broken":
            self._json(502, "no problem+json at all")
        else:
            self._json(200, self.machine.queries[self.path.rsplit("/", 1)[1]])
            self.machine.followed.set()

    def do_DELETE(self) -> None:
        if self._admitted():
            query = self.machine.queries[self.path.rsplit("/", 1)[1]]
            query["state"] = "cancelled"
            self.machine.cancelled.set()
            self._json(200, query)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._admitted():
            return
        if self.path == "/v1/exports":
            self._export(body)
        else:
            self._query(body)

    def _query(self, body: dict[str, Any]) -> None:
        if "case_pid" in body["sql"]:
            hint = "The permit shows: pid, age, male, bmi, futime, status."
            facts = {"table": "nafld.patients", "column": "case_pid"}
            self._json(*_problem(403, "permit.column", "This column is not permitted.", hint, **facts))
            return
        try:
            table = self.machine.answer(body["sql"].replace("/* cut */", ""), body["form"], body["params"])
        except duckdb.Error:
            self._json(*_problem(400, "query.syntax", "This cannot be read as a query."))
            return
        query = f"q-{len(self.machine.queries) + 1}"
        state: dict[str, Any] = {"id": query, "state": "running", "progress": 0.0}
        self.machine.queries[query] = state
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.apache.arrow.stream")
        self.send_header("Enclave-Query", query)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        if "/* slow */" in body["sql"]:
            for step in range(1, 11):
                state["progress"] = step / 10
                if self.machine.cancelled.wait(0.2):
                    self.close_connection = True
                    return
        if "/* in line */" in body["sql"]:
            # Waits its turn, then runs, each until it was seen often enough for a person to be told.
            for waiting in (True, False):
                state["waiting"] = waiting
                for _ in range(8):
                    self.machine.followed.clear()
                    self.machine.followed.wait(30)
        if "/* lasting */" in body["sql"]:
            # Until somebody stops it; nobody would wait for as long.
            state["progress"] = 0.5
            if self.machine.cancelled.wait(240):
                self.close_connection = True
                return
        out = io.BytesIO()
        with pa.ipc.new_stream(out, table.schema) as writer:
            writer.write_table(table)
        data = out.getvalue()
        if "/* cut */" in body["sql"]:
            part = data[: len(data) // 2]
            self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            facts = {"seconds": 30}
            state.update(
                state="aborted", problem=_problem(403, "query.time", "It took too long.", **facts)[1]
            )
            self.close_connection = True
            return
        receipt = {"id": query, "rows": table.num_rows, "form": body["form"], "log": [1, 2]}
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n0\r\n\r\n")
        self.wfile.flush()
        # The outcome is recorded just before or after the last byte has left: a client has to wait for it.
        time.sleep(0.01)
        state.update(state="done", progress=1.0, receipt=receipt)

    def _export(self, body: dict[str, Any]) -> None:
        if body["output"] != "t1":
            self._json(
                *_problem(403, "export.output_unknown", "No such output is planned.", output=body["output"])
            )
            return
        for item in body["items"]:
            if item["kind"] == "figure":
                assert base64.b64decode(item["png"]).startswith(b"\x89PNG")
        files = [self.machine.examine(item) for item in body["items"]]
        state = "returned" if any(file["verdict"] == "fail" for file in files) else "queued"
        export = {"id": f"x-{len(self.machine.submitted) + 1}", "state": state, "files": files}
        self.machine.submitted.append({**export, **body, "submitted": "2026-11-21T00:00:00Z"})
        self._json(201, export)
