"""The process that executes: one DuckDB connection over one extract, inside limits that the system enforces.

Run as a program of its own (`python -I engine_worker.py`), started with an empty environment and three pipes. It
imports nothing of enclave, so that nothing of the gateway is in its memory. Untrusted SQL is contained by the operating
system, not by the engine's own settings (FINDINGS: `memory_limit` did not hold, RLIMIT_AS did): address space, no core
file, no new privileges, no new processes or files. It decides one thing, and that mechanically: whether the engine's
own account of a statement (its unoptimised plan) names more tables or columns than it was told to expect.

Pipe protocol: frames of one type byte, eight bytes of length, and that many bytes. In: J (JSON command `open`, `run`,
`go`, `cancel`). Out: R ready, S Arrow schema, B Arrow record batch, P progress in percent, D done, E error code. Texts of the
engine's errors hold values and never leave this process.
"""

import ctypes
import json
import os
import resource
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

HEADER = struct.Struct(">cQ")

CATALOG = "held"
"""The attached extract's catalog; no database may have this name (query.schema.RESERVED_DATABASES)."""

PLAN_LEAVES = frozenset(
    {"DUMMY_SCAN", "EXPRESSION_SCAN", "COLUMN_DATA_SCAN", "CTE_SCAN", "CTE_REF", "DELIM_GET", "EMPTY_RESULT"}
)
"""Leaves of an unoptimised plan that read nothing of the extract. Anything else but a scan is a refusal."""

BATCH_ROWS = 65_536

TICK = 0.1
"""Seconds between two frames that say how far a statement is."""

IDLE_TICKS = 20
"""Ticks without a statement after which nothing ticks until there is one."""


class Frames:
    """Frames out, whole, from several threads."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._lock = threading.Lock()

    def send(self, kind: bytes, data: Any = b"", *, more: bool = False) -> None:
        """`more`: another frame follows at once, and the two may leave together."""
        view = memoryview(data)
        with self._lock:
            self._out.write(HEADER.pack(kind, view.nbytes))
            self._out.write(view)
            if not more:
                self._out.flush()


def read_frame(source: BinaryIO) -> tuple[bytes, bytes] | None:
    """The next frame, None at the end of the pipe."""
    header = source.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    kind, size = HEADER.unpack(header)
    data = source.read(size)
    return (kind, data) if len(data) == size else None


# -- walls ------------------------------------------------------------------------------------------------------------


def limit(address_space: int, niceness: int) -> None:
    """What holds from the first moment."""
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    os.setpriority(os.PRIO_PROCESS, 0, max(niceness, os.getpriority(os.PRIO_PROCESS, 0)))
    # Where the machine runs out of memory all the same, this process ends, and none that others need.
    with open("/proc/self/oom_score_adj", "w") as first:
        first.write("1000")
    libc = ctypes.CDLL(None, use_errno=True)
    pr_set_dumpable, pr_set_no_new_privs, pr_set_pdeathsig, sigkill = 4, 38, 1, 9
    libc.prctl(pr_set_dumpable, 0, 0, 0, 0)
    libc.prctl(pr_set_pdeathsig, sigkill, 0, 0, 0)
    if libc.prctl(pr_set_no_new_privs, 1, 0, 0, 0) != 0:
        sys.exit("no_new_privs")


def limit_cpu(seconds: float) -> None:
    """CPU seconds from now on; the system ends the process beyond them (the parent's clock usually comes first)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def close_the_doors() -> None:
    """After the extract is open: no program, no socket, no new file, no signal to others, ever again in this process.

    A seccomp filter (classic BPF, x86-64 and arm64 numbers below); every denied call fails with EPERM. Where the
    system does not know seccomp the process ends: it does not run without the wall.
    """
    machine = os.uname().machine
    denied = DENIED_CALLS.get(machine)
    if denied is None:
        sys.exit("seccomp: unknown machine")
    arch, numbers = denied
    ld, jeq, jge, ret = 0x20, 0x15, 0x35, 0x06
    allow, eperm, kill = 0x7FFF0000, 0x00050001, 0x80000000
    program = [(ld, 0, 0, 4), (jeq, 1, 0, arch), (ret, 0, 0, kill), (ld, 0, 0, 0)]
    program += [(jge, 0, 1, 0x40000000), (ret, 0, 0, eperm)]  # the x32 numbers of the same calls
    for number in numbers:
        program += [(jeq, 0, 1, number), (ret, 0, 0, eperm)]
    program.append((ret, 0, 0, allow))
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    libc = ctypes.CDLL(None, use_errno=True)
    prepared = Program(len(program), ctypes.cast(buffer, ctypes.c_void_p))
    pr_set_seccomp, filter_mode, seccomp_call, tsync = 22, 2, {"x86_64": 317, "aarch64": 277}[machine], 1
    # TSYNC: the engine's own threads exist already and must be inside too.
    done = libc.syscall(seccomp_call, 1, tsync, ctypes.byref(prepared))
    if done != 0 and libc.prctl(pr_set_seccomp, filter_mode, ctypes.byref(prepared), 0, 0) != 0:
        sys.exit("seccomp")


_X86 = {
    "open": 2, "socket": 41, "connect": 42, "bind": 49, "fork": 57, "vfork": 58, "execve": 59, "kill": 62,
    "ptrace": 101, "mount": 165, "openat": 257, "unshare": 272, "process_vm_readv": 310, "process_vm_writev": 311,
    "bpf": 321, "execveat": 322, "io_uring_setup": 425, "openat2": 437, "creat": 85, "unlink": 87, "rename": 82,
    "memfd_create": 319, "pidfd_getfd": 438,
}  # fmt: skip
_ARM = {
    "socket": 198, "connect": 203, "bind": 200, "execve": 221, "kill": 129, "ptrace": 117, "mount": 40,
    "openat": 56, "unshare": 97, "process_vm_readv": 270, "process_vm_writev": 271, "bpf": 280, "execveat": 281,
    "io_uring_setup": 425, "openat2": 437, "unlinkat": 35, "memfd_create": 279, "pidfd_getfd": 438,
}  # fmt: skip
DENIED_CALLS = {
    "x86_64": (0xC000003E, tuple(_X86.values())),
    "aarch64": (0xC00000B7, tuple(_ARM.values())),
}


# -- the engine -------------------------------------------------------------------------------------------------------


def connect(command: dict[str, Any]) -> Any:
    """A hardened connection over the extract. The order is that of FINDINGS: attach, then lock."""
    import duckdb
    import pyarrow as pa

    con = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_unsigned_extensions": "false",
            "python_enable_replacements": "false",
            "threads": str(command["threads"]),
            "memory_limit": f"{command['memory']}B",
            "temp_directory": "",
        },
    )
    for setting in (
        "enable_progress_bar = true",
        "enable_progress_bar_print = false",
        "explain_output = 'all'",
    ):
        con.execute(f"SET {setting}")
    key = command["key"]
    secured = f", ENCRYPTION_KEY {_text(key)}" if key is not None else ""
    con.execute(f"ATTACH {_text(command['path'])} AS {CATALOG} (READ_ONLY{secured})")
    con.execute(f"USE {CATALOG}")
    # Everything that is imported or read late is read now: no file can be opened once the doors are closed.
    account_differs(con, "SELECT 1", {})
    warm = con.sql("SELECT count(*) AS n, sum(1) AS s, 'a' AS t, DATE '2020-01-01' AS d").to_arrow_reader(1)
    whole = _whole(warm.read_next_batch(), _whole_schema(warm.schema))
    pa.ipc.read_record_batch(whole.serialize(), pa.ipc.read_schema(whole.schema.serialize()))
    con.execute("SET enable_external_access = false")
    con.execute("SET disabled_filesystems = 'LocalFileSystem'")
    con.execute("SET lock_configuration = true")
    return con


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def account_differs(con: Any, sql: str, expected: dict[str, list[str]]) -> bool:
    """Whether the engine's own plan of `sql` reads any table or column beyond `expected`.

    Every scan must stand alone under a projection of expected columns (a filter of the permit's rows between them);
    every other leaf must be one that reads nothing of the extract.
    """
    rows = con.execute("EXPLAIN (FORMAT JSON) " + sql).fetchall()
    plans = [text for name, text in rows if name == "logical_plan"]
    if len(plans) != 1:
        return True
    stack: list[tuple[dict[str, Any], tuple[dict[str, Any], ...]]] = [
        (node, ()) for node in json.loads(plans[0])
    ]
    while stack:
        node, above = stack.pop()
        children = node.get("children") or []
        if node["name"].strip() == "SEQ_SCAN":
            if not _scan_expected(node, above, expected):
                return True
        elif not children and node["name"].strip() not in PLAN_LEAVES:
            return True
        stack += [(child, (node, *above)) for child in children]
    return False


def _scan_expected(
    scan: dict[str, Any], above: tuple[dict[str, Any], ...], expected: dict[str, list[str]]
) -> bool:
    parts = [part.strip('"') for part in str(scan["extra_info"].get("Table", "")).split(".")]
    if len(parts) != 3 or parts[0] != CATALOG:
        return False
    holder = above[0] if above else {}
    if holder.get("name", "").strip() == "FILTER" and len(above) > 1:
        holder = above[1]
    named = holder.get("extra_info", {}).get("Expressions", [])
    columns = [named] if isinstance(named, str) else list(named)
    permitted = set(expected.get(f"{parts[1]}.{parts[2]}", ()))
    return (
        holder.get("name", "").strip() == "PROJECTION"
        and bool(columns)
        and {column.strip('"') for column in columns} <= permitted
    )


def code_of(error: BaseException) -> str:
    """The refusal that an engine's error becomes. Its text may print a value of the data and is dropped."""
    import duckdb

    if isinstance(error, MemoryError | duckdb.OutOfMemoryException):
        return "query.out_of_memory"
    if "AES tag" in str(error):
        # A block of the file is not what custody wrote: no fault of the question, and nothing it could mend.
        return "query.extract_unreadable"
    if isinstance(error, duckdb.InterruptException):
        return "query.cancelled"
    if isinstance(
        error, duckdb.ConversionException | duckdb.OutOfRangeException | duckdb.InvalidInputException
    ):
        # Also what a failed allocation looks like inside a vector operation.
        return "query.out_of_memory" if "allocat" in str(error).lower() else "query.value"
    if isinstance(error, duckdb.BinderException | duckdb.TypeMismatchException | duckdb.InvalidTypeException):
        return "query.types"
    if "bad_alloc" in str(error) or "allocat" in str(error).lower():
        return "query.out_of_memory"
    if isinstance(error, OSError):
        # Between two batches the same errors come through Arrow's C stream, which keeps their text alone.
        return next(
            (code for start, code in STREAMED.items() if str(error).startswith(start)), "query.failed"
        )
    return "query.failed"


STREAMED = {
    "Conversion Error": "query.value",
    "Out of Range Error": "query.value",
    "Invalid Input Error": "query.value",
    "Out of Memory Error": "query.out_of_memory",
    "INTERRUPT Error": "query.cancelled",
}


def run(
    con: Any,
    command: dict[str, Any],
    frames: Frames,
    ticks: "Ticks",
    state: dict[str, Any],
    until_told: Callable[[], None],
) -> None:
    """Execute one statement and stream its answer. One that is `held` is accounted for, and executed once it may be."""
    import pyarrow as pa

    limit_cpu(command["cpu"])
    rows = 0
    try:
        if account_differs(con, command["sql"], command["expected"]):
            frames.send(b"E", b"query.account_differs")
            return
        if command["held"]:
            until_told()
        if state["cancelled"]:
            frames.send(b"E", b"query.cancelled")
            return
        ticks.begin()
        # Bound once: a relation (`con.sql`) is bound to say its columns, and once more to run.
        reader = con.execute(command["sql"]).to_arrow_reader(BATCH_ROWS)
        schema = _whole_schema(reader.schema)
        # Whoever reads wakes up once for a small answer: its schema, its only batch and its end leave together.
        frames.send(b"S", schema.serialize(), more=True)
        for batch in reader:
            rows += batch.num_rows
            if command["max_rows"] is not None and rows > command["max_rows"]:
                frames.send(b"E", b"query.limit_rows")
                return
            whole = batch if schema == reader.schema else _whole(batch, schema)
            frames.send(b"B", whole.serialize(), more=batch.num_rows < BATCH_ROWS)
        frames.send(b"D", json.dumps({"rows": rows}).encode())
    except pa.ArrowInvalid:
        frames.send(b"E", b"query.value")
    except BrokenPipeError:
        os._exit(0)
    except BaseException as error:
        # The error's kind goes along for the service's log; its text may print a value and does not.
        frames.send(b"E", f"{code_of(error)} {type(error).__name__}".encode())
    finally:
        ticks.end()


def _whole_schema(schema: Any) -> Any:
    """128-bit sums of whole numbers arrive as decimals; researchers and the protection expect whole numbers."""
    import pyarrow as pa

    return pa.schema(
        [
            field.with_type(pa.int64())
            if pa.types.is_decimal(field.type) and field.type.scale == 0
            else field
            for field in schema
        ]
    )


def _whole(batch: Any, schema: Any) -> Any:
    """Raises pyarrow.ArrowInvalid for a number beyond 64 bits."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays(
        [column.cast(field.type, safe=True) for column, field in zip(batch.columns, schema, strict=True)],
        schema=schema,
    )


class Ticks:
    """Says every `TICK` seconds how far a statement is, from one thread: one for each would cost more than a short
    statement does. It goes on for a while after the last one, so that the next need not wake it."""

    def __init__(self, con: Any, frames: Frames) -> None:
        self._con, self._frames = con, frames
        self._changed = threading.Condition()
        self._running = False
        self._idle = IDLE_TICKS
        threading.Thread(target=self._watch, daemon=True).start()

    def begin(self) -> None:
        """A statement runs from here on."""
        with self._changed:
            self._running = True
            if self._idle >= IDLE_TICKS:
                self._changed.notify()
            self._idle = 0

    def end(self) -> None:
        """Nothing is said any more until the next one begins."""
        with self._changed:
            self._running = False

    def _watch(self) -> None:
        while True:
            with self._changed:
                while not self._running and self._idle >= IDLE_TICKS:
                    self._changed.wait()
            time.sleep(TICK)
            with self._changed:
                self._idle = 0 if self._running else self._idle + 1
                if self._running:
                    self._say()

    def _say(self) -> None:
        try:
            done = self._con.query_progress()
        except Exception:  # between statements there is none to ask about
            done = -1.0
        self._frames.send(b"P", struct.pack(">d", done))


def main() -> None:
    source, out = sys.stdin.buffer, sys.stdout.buffer
    frames = Frames(out)
    first = read_frame(source)
    if first is None:
        return
    settings = json.loads(first[1])
    limit(settings["address_space"], settings["niceness"])
    import duckdb  # noqa: F401  imported before the extract is named: the spare process is warm
    import pyarrow  # noqa: F401

    frames.send(b"R", b"started")
    opened = read_frame(source)
    if opened is None:
        return
    command = json.loads(opened[1])
    try:
        con = connect(command)
    except BaseException:  # wrong key, tampered or missing file: the parent says which extract
        frames.send(b"E", b"query.extract_unreadable")
        return
    del command, opened
    close_the_doors()
    frames.send(b"R", b"open")
    _serve(con, source, frames)


def _serve(con: Any, source: BinaryIO, frames: Frames) -> None:
    """Commands arrive on a thread of their own, so that `cancel` is heard while a statement runs."""
    wake, ticks = threading.Condition(), Ticks(con, frames)
    state: dict[str, Any] = {"work": None, "cancelled": False, "told": False, "number": 0}

    def listen() -> None:
        while (frame := read_frame(source)) is not None:
            command = json.loads(frame[1])
            with wake:
                if command["op"] == "cancel":
                    if command["number"] == state["number"]:
                        state["cancelled"] = True
                        con.interrupt()
                        wake.notify()
                elif command["op"] == "go":
                    state["told"] = state["told"] or command["number"] == state["number"]
                    wake.notify()
                else:
                    state.update(work=command, cancelled=False, told=False, number=command["number"])
                    wake.notify()
        os._exit(0)  # the parent is gone

    def until_told() -> None:
        with wake:
            while not (state["told"] or state["cancelled"]):
                wake.wait()

    threading.Thread(target=listen, daemon=True).start()
    while True:
        with wake:
            while state["work"] is None:
                wake.wait()
            command, state["work"] = state["work"], None
        run(con, command, frames, ticks, state, until_told)


if __name__ == "__main__":
    main()
