"""Runs that look like measured ones, from a seed: for the tests of whatever reads runs."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from harness.core.phases import Phase
from harness.core.verdicts import EXACT, Judgement
from harness.lanes.instructions.record import Count
from harness.results import schema_1
from harness.results.records import (
    SCHEMA,
    ArmFacts,
    CellFacts,
    Check,
    Footer,
    Header,
    Machine,
    Note,
    Run,
    ServerFacts,
    Slices,
    Trial,
)

MACHINE = Machine(
    system="Linux",
    release="6.8.0-45-generic",
    cpu="AMD EPYC 7763 64-Core Processor",
    cores=2,
    memory_bytes=8_322_195_456,
    python="3.11.9",
    implementation="CPython",
    hostname_hash="5f1c09aa",
    virtual="kvm",
)
SERVER = ServerFacts(
    label="wheel:18",
    version="18.4",
    version_num=180004,
    managed=True,
    transport="unix socket",
    settings={
        "autovacuum": "off",
        "fsync": "off",
        "jit": "off",
        "max_connections": "120",
        "shared_buffers": "256MB",
        "synchronous_commit": "off",
    },
    extensions={"vector": "0.8.5"},
)

TERMS = {
    "asyncpg": (
        "asyncpg",
        "0.32.0",
        "Cython",
        "",
        "binary",
        "binary",
        "asyncpg.Record",
        "$1",
        "100 statements, at once",
        "always",
        "asyncpg.Pool",
        "asyncio",
    ),
    "psycopg": (
        "psycopg",
        "3.3.9",
        "C (binary wheel)",
        "17.6",
        "text",
        "text",
        "tuple",
        "%s",
        "prepared at the 5th execution",
        "set",
        "psycopg_pool",
        "none",
    ),
    "psycopg-async": (
        "psycopg",
        "3.3.9",
        "C (binary wheel)",
        "17.6",
        "text",
        "text",
        "tuple",
        "%s",
        "prepared at the 5th execution",
        "set",
        "psycopg_pool, async",
        "asyncio",
    ),
    "psycopg2": (
        "psycopg2",
        "2.9.13",
        "C",
        "17.6",
        "text",
        "interpolated by the client",
        "tuple",
        "%s",
        "none",
        "set",
        "ThreadedConnectionPool (does not wait)",
        "none",
    ),
    "psqlpy": (
        "psqlpy",
        "0.13.1",
        "Rust (tokio-postgres)",
        "",
        "binary",
        "binary",
        "dict",
        "$1",
        "per statement, prepared=True",
        "always",
        "psqlpy.ConnectionPool",
        "asyncio",
    ),
}
NAMES = (
    "library",
    "version",
    "implementation",
    "libpq",
    "wire_results",
    "wire_parameters",
    "row_shape",
    "placeholders",
    "statement_cache",
    "autocommit",
    "pool",
    "loop",
)

ARMS = ("psycopg2", "psycopg", "psycopg-async", "asyncpg", "asyncpg+uvloop", "psqlpy")
SPEED = {
    "psycopg2": 1.0,
    "psycopg": 1.1,
    "psycopg-async": 1.75,
    "asyncpg": 1.12,
    "asyncpg+uvloop": 1.0,
    "psqlpy": 2.6,
}

REFERENCES = {
    "pgbench": ("program", "libpq in C", 0.8),
    "null": ("sync", "the harness, called", 0.002),
    "null-async": ("async", "the harness, awaited", 0.004),
}
FLOOR_CELL = "point/by-key#one-row"

# scenario, case, point, title, why, op, unit, units per op, clients, µs per op
CELLS = (
    (
        "point/by-key",
        "one-row",
        {},
        "One row by primary key",
        "The most frequent query of web applications. Almost all of its time is protocol "
        "and the driver's own Python.",
        "fetch_one",
        "ops",
        1,
        0,
        30,
    ),
    (
        "point/by-key",
        "one-value",
        {},
        "One value by primary key",
        "The least a driver can do: one parameter, one integer.",
        "fetch_val",
        "ops",
        1,
        0,
        27,
    ),
    (
        "rows/wide",
        "fetch",
        {"rows": 100},
        "A hundred rows of twelve columns",
        "Decoding dominates: how dear is a value?",
        "fetch_all",
        "rows",
        100,
        0,
        240,
    ),
    (
        "rows/wide",
        "fetch",
        {"rows": 10_000},
        "Ten thousand rows of twelve columns",
        "Decoding dominates: how dear is a value?",
        "fetch_all",
        "rows",
        10_000,
        0,
        21_000,
    ),
    (
        "jsonb/containment",
        "dict-param",
        {},
        "JSONB: find documents by containment",
        "Most JSONB filters are @>. Drivers differ in how a dict becomes a jsonb parameter "
        "and in what comes back.",
        "fetch_all",
        "ops",
        1,
        0,
        410,
    ),
    (
        "jsonb/write",
        "insert",
        {},
        "JSONB: store a document",
        "Serialising is Python's part.",
        "execute",
        "ops",
        1,
        0,
        62,
    ),
    (
        "copy/in",
        "rows",
        {"format": "binary", "rows": 10_000},
        "COPY ten thousand rows in",
        "The fast way in, from Python tuples.",
        "copy_in",
        "rows",
        10_000,
        0,
        5200,
    ),
    (
        "copy/out",
        "csv",
        {"rows": 10_000},
        "COPY ten thousand rows out as CSV",
        "The fast way out.",
        "copy_out",
        "rows",
        10_000,
        0,
        2300,
    ),
    (
        "pipeline/small",
        "selects",
        {"statements": 100},
        "A hundred small selects in a pipeline",
        "One round trip instead of a hundred, where the library can.",
        "pipeline",
        "statements",
        100,
        0,
        1300,
    ),
    (
        "pool/checkout",
        "acquire-release",
        {},
        "Check a connection out of the pool and return it",
        "What a request pays before its first query.",
        "checkout",
        "ops",
        1,
        0,
        11,
    ),
    (
        "concurrency/point",
        "threads-or-tasks",
        {"clients": 16},
        "Point queries by 16 clients",
        "Sixteen clients share eight connections: threads for sync, tasks for async.",
        "fetch_one",
        "ops",
        1,
        16,
        41,
    ),
    (
        "vector/nearest",
        "hnsw",
        {},
        "pgvector: the ten nearest of 2,000 vectors",
        "768 dimensions each way; recall is checked.",
        "fetch_all",
        "ops",
        1,
        0,
        900,
    ),
)


def arm_facts(
    name: str, *, twin: str = "", version: str = "", problem: str = ""
) -> ArmFacts:
    driver, *options = name.removesuffix(" (A/A)").partition("==")[0].split("+")
    terms = dict(zip(NAMES, TERMS.get(driver, TERMS["psycopg"]), strict=True))
    if "uvloop" in options:
        terms["loop"] = "uvloop"
    if version:
        terms["version"] = version
    kind = "async" if driver in ("asyncpg", "psycopg-async", "psqlpy") else "sync"
    return ArmFacts(
        id=name,
        driver=driver,
        options=options,
        profile="configured",
        kind=kind,
        twin=twin,
        terms={} if problem else terms,
        problem=problem,
    )


def reference_facts(name: str, *, problem: str = "") -> ArmFacts:
    """A reference: it takes part in one cell only, see `with_references`."""
    kind, sentence, _ = REFERENCES[name]
    terms = dict.fromkeys(NAMES, "none") | {"library": name, "version": "18.4"}
    return ArmFacts(
        id=name,
        driver=name,
        options=[],
        profile="configured",
        kind="" if problem else kind,
        terms={} if problem else terms,
        problem=problem,
        reference=sentence,
    )


def cell_facts(row: Sequence) -> CellFacts:
    scenario, case, point, title, why, op, unit, units, clients, _ = row
    axes = ",".join(f"{name}={value}" for name, value in point.items())
    return CellFacts(
        id=f"{scenario}#{case}" + (f"@{axes}" if axes else ""),
        scenario=scenario,
        case=case,
        point=point,
        title=title,
        why=why,
        op=op,
        unit=unit,
        units_per_op=units,
        clients=clients,
        pool=clients // 2,
        digest=f"d-{scenario}-{case}",
        sql="select id, body from docs where body @> $1 order by id limit 20",
    )


def many_cells(count: int) -> list[Sequence]:
    """The cells above, repeated at other points until there are `count`."""
    rows = []
    for index in range(count):
        row = CELLS[index % len(CELLS)]
        point = {**row[2], "point": index // len(CELLS)} if index >= len(CELLS) else row[2]
        rows.append((*row[:2], point, *row[3:]))
    return rows


Override = Callable[[Trial], Trial | None]


def bench(
    *,
    run: str = "2031-03-02T10-15-00-7c1f",
    seed: int = 1,
    rows: Sequence[Sequence] = CELLS,
    arms: Sequence[ArmFacts] | None = None,
    rounds: int = 10,
    slices: int = 10,
    noise: float = 0.006,
    factor: Mapping[str, float] | Callable[[str, str], float] | None = None,
    override: Override = lambda trial: trial,
    notes: Sequence[Note] = (),
    truncated: str = "",
    machine: Machine = MACHINE,
    server: ServerFacts = SERVER,
    placement: Mapping[str, str] | None = None,
    latency: bool = False,
    twin_factor: float = 1.0,
) -> Run:
    """A bench run. `factor` slows arms down: by id, or as a function of cell and arm."""
    rng = random.Random(seed)
    if arms is None:
        arms = [*map(arm_facts, ARMS), arm_facts("psycopg (A/A)", twin="psycopg")]
    slow = factor if callable(factor) else lambda _, arm: (factor or {}).get(arm, 1.0)
    trials = []
    for row in rows:
        cell = cell_facts(row)
        taste = random.Random(f"{cell.scenario}")
        taste_of = {library(arm): taste.choice((0.9, 1.0, 1.1, 1.2)) for arm in arms}
        for number in range(rounds):
            for arm in arms:
                if arm.problem:
                    continue
                name = library(arm)
                speed = REFERENCES[name][2] if name in REFERENCES else SPEED.get(name, 1.0)
                centre = row[9] * 1e3 * speed * taste_of[name]
                centre *= slow(cell.id, arm.id) * (twin_factor if arm.twin else 1.0)
                here = centre * rng.gauss(1, noise)
                trial = _trial(rng, cell, arm, number, here, slices, latency)
                kept = override(trial)
                if kept is not None:
                    trials.append(kept)
    header = _header(
        run, "bench", seed, machine, server, arms, [cell_facts(r) for r in rows], placement
    )
    return Run(
        path=f"results/runs/{run}.jsonl",
        header=header,
        trials=trials,
        checks=[],
        notes=list(notes),
        truncated=truncated,
        footer=None if truncated else _footer(len(trials), 0),
    )


def library(arm: ArmFacts) -> str:
    """What is as fast as it is: its A/A arm, and other versions of it."""
    return (arm.twin or arm.id).partition("==")[0]


def with_references(run: Run, seed: int = 99) -> Run:
    """The same run, with references in the cell that has a floor."""
    arms = list(map(reference_facts, REFERENCES))
    rows = [row for row in CELLS if cell_facts(row).id == FLOOR_CELL]
    rounds = 1 + max(trial.round for trial in run.trials)
    played = bench(rows=rows, arms=arms, rounds=rounds, seed=seed)
    trials = [_as_reference(trial) for trial in played.trials]
    header = replace(run.header, arms=[*run.header.arms, *arms])
    return replace(run, header=header, trials=[*run.trials, *trials])


def _as_reference(trial: Trial) -> Trial:
    """A program's processor time is not known."""
    assert trial.slices is not None
    names = ["server_cpu_ns"]
    if trial.arm == "pgbench":
        names += ["cpu_ns", "voluntary_switches", "involuntary_switches"]
    slices = replace(trial.slices, **{name: [] for name in names})
    detail = f"a reference: {REFERENCES[trial.arm][1]}"
    return changed(trial, slices=slices, detail=detail)


def _trial(rng, cell, arm, number, here, slices, latency) -> Trial:
    ops = max(1, int(5e6 / here))
    times = [
        int(here * ops * max(1, cell.clients) * rng.lognormvariate(0, 0.02))
        for _ in range(slices)
    ]
    client = 0.95 if arm.driver == "psqlpy" else 0.55
    return Trial(
        cell=cell.id,
        arm=arm.id,
        round=number,
        judgement=EXACT,
        slices=Slices(
            ops=ops,
            lead=max(1, ops // 5),
            wall_ns=times,
            cpu_ns=[int(one * client * rng.gauss(1, 0.01)) for one in times],
            server_cpu_ns=[int(one * 0.35) for one in times],
            voluntary_switches=[
                ops * max(1, cell.clients) + rng.randrange(3) for _ in times
            ],
            involuntary_switches=[rng.randrange(2) for _ in times],
        ),
        latency_ns=[int(here * rng.lognormvariate(0, 0.2)) for _ in range(120)]
        if latency
        else [],
        rss_peak_bytes=int((48 + 9 * len(arm.id)) * 1e6),
    )


def _header(run, kind, seed, machine, server, arms, cells, placement=None) -> Header:
    return Header(
        schema=SCHEMA,
        run=run,
        kind=kind,
        pgdyno="0.1.0",
        started="2031-03-02T10:15:00+00:00",
        seed=seed,
        effort="standard",
        command=["pgdyno", kind, "--effort", "standard"],
        machine=machine,
        server=server,
        arms=list(arms),
        cells=list(cells),
        placement=dict(placement or {"mode": "split", "clients": "1", "server": "0"}),
    )


def _footer(trials: int, checks: int) -> Footer:
    return Footer(
        ended="2031-03-02T10:34:12+00:00",
        reason="finished",
        trials=trials,
        checks=checks,
        elapsed_ns=1_152_000_000_000,
    )


def changed(trial: Trial, **values) -> Trial:
    """A copy of a record with other values, those of its judgement among them."""
    texts = {name: getattr(trial, name) for name in TEXTS}
    if values.keys() & texts.keys():
        own = {name: values.pop(name, text) for name, text in texts.items()}
        values["judgement"] = judged(**own)
    return replace(trial, **values)


TEXTS = ("verdict", "detail", "observed", "expected")


def judged(verdict: str = "exact", *texts: str, **named: str) -> Judgement:
    """A judgement with the code and the facts that its texts speak of."""
    return msgspec.convert(schema_1.judgement(verdict, *texts, **named), Judgement)


def with_troubles(trial: Trial) -> Trial | None:
    """Verdicts of every sort, and a disturbed block that was measured again."""

    def verdict(kind: str, detail: str, observed: str = "", expected: str = "") -> Trial:
        return changed(
            trial,
            verdict=kind,
            detail=detail,
            observed=observed,
            expected=expected,
            slices=None,
            latency_ns=[],
        )

    key = (trial.cell.partition("@")[0], trial.arm)
    if key == ("jsonb/containment#dict-param", "asyncpg"):
        return changed(
            trial,
            verdict="differs",
            detail="jsonb arrives as str, not decoded",
            observed="str",
            expected="dict",
        )
    if key[0] == "pipeline/small#selects" and trial.arm in (
        "psycopg2",
        "asyncpg",
        "asyncpg+uvloop",
    ):
        return verdict(
            "unsupported", "the library has no pipeline of independent statements"
        )
    if key == ("vector/nearest#hnsw", "psqlpy"):
        return verdict(
            "lossy", "a value changed on its way", "[0.1, 0.2, 0.30000001]", "[0.1,0.2,0.3]"
        )
    if key == ("copy/in#rows", "psqlpy"):
        return verdict("crashed", "the worker died of SIGABRT while it ran copy_in")
    if key == ("pool/checkout#acquire-release", "psycopg2"):
        return verdict("rejected", "PoolError: connection pool exhausted")
    if key[0] == "rows/wide#fetch" and trial.round == 3:
        return changed(trial, disturbed="0.31 cores were used by others")
    return trial


BESIDE_A_HOG = ((2, 5), (0, 7, 8), (9,))
"""The passes in which a hog ran, by the round modulo three."""


def beside_a_hog(trial: Trial) -> Trial:
    """A hog halves the progress of some passes in one cell in two; waiting tells of it."""
    if trial.slices is None:
        return trial
    here = sum(trial.cell.encode()) % 2
    hit = BESIDE_A_HOG[trial.round % 3] if here else ()
    hit = tuple(at for at in hit if at < len(trial.slices.wall_ns))
    waits = [wall if at in hit else 0 for at, wall in enumerate(trial.slices.wall_ns)]
    walls = map(int.__add__, trial.slices.wall_ns, waits)
    none = [0] * len(waits)
    slices = replace(
        trial.slices, wall_ns=list(walls), client_wait_ns=waits, server_wait_ns=none
    )
    return replace(trial, slices=slices, left_out=list(hit))


PHASES = {
    Phase.READY: 420_000_000_000,
    Phase.TIMED: 310_000_000_000,
    Phase.WORKERS: 240_000_000_000,
    Phase.AGAIN: 130_000_000_000,
    Phase.ORACLE: 50_000_000_000,
    Phase.SERVER: 4_000_000_000,
}


def with_phases(run: Run, phases: Mapping[str, int] = PHASES) -> Run:
    """The same run, whose footer says where the time went."""
    assert run.footer is not None
    told = {str(name): ns for name, ns in phases.items()}
    return replace(run, footer=replace(run.footer, phases_ns=told))


NOTES = (
    Note(kind="dropped", text="2 cells were left out: the time was up", cell="", arm=""),
    Note(
        kind="disturbed",
        text="round 4 was disturbed: 0.31 cores were used by others",
        cell="rows/wide#fetch@rows=100",
    ),
    Note(kind="output", text="the driver wrote to stdout: '<b>hello</b>'", arm="psqlpy"),
)

_TYPES = (
    "int2",
    "int4",
    "int8",
    "numeric",
    "float4",
    "float8",
    "bool",
    "text",
    "bytea",
    "date",
    "timestamptz",
    "interval",
    "uuid",
    "inet",
    "jsonb",
    "int4[]",
    "numrange",
    "vector",
)
_TRIPS = ("read", "parameter", "array", "copy")
_LOST = ("lossy", "months were lost", "28 days, 2:03:04", "1 mon 28 days 02:03:04")
_PANIC = ("broken", "PanicException: not implemented; the connection is gone", "", "")
_TEXT = ("differs", "text, not numbers", "'[1,2,3]'", "[1,2,3]")
_TROUBLE = {
    ("psycopg2", "default", "uuid"): (
        "differs",
        "str, not UUID",
        "'0f4c…'",
        "UUID('0f4c…')",
    ),
    ("psycopg2", "default", "jsonb"): ("rejected", "can't adapt 'dict'", "an error", ""),
    ("asyncpg", "default", "jsonb"): (
        "differs",
        "undecoded JSON",
        "'{\"a\": 1}'",
        "{'a': 1}",
    ),
    ("psqlpy", "default", "interval"): _LOST,
    ("psqlpy", "configured", "interval"): _LOST,
    ("psqlpy", "default", "numrange"): _PANIC,
    ("psqlpy", "configured", "numrange"): _PANIC,
    ("psqlpy", "default", "inet"): ("crashed", "the worker died of SIGABRT", "", ""),
    ("psycopg2", "default", "vector"): _TEXT,
    ("psycopg-async", "default", "vector"): _TEXT,
    ("psycopg", "default", "vector"): _TEXT,
}


def check(
    *,
    run: str = "2031-03-02T09-40-00-a11e",
    drivers: Sequence[str] = ("psycopg", "psycopg-async", "psycopg2", "asyncpg", "psqlpy"),
    types: Sequence[str] = _TYPES,
    truncated: str = "",
) -> Run:
    """A conformance run with verdicts of every kind."""
    checks = [
        _check(driver, profile, name, trip)
        for name in types
        for trip in _TRIPS
        for driver in drivers
        for profile in ("default", "configured")
    ]
    arms = [arm_facts(driver) for driver in drivers]
    return Run(
        path=f"results/runs/{run}.jsonl",
        header=_header(run, "check", 1, MACHINE, SERVER, arms, []),
        trials=[],
        checks=checks,
        notes=[],
        truncated=truncated,
        footer=None if truncated else _footer(0, len(checks)),
    )


def _check(driver: str, profile: str, name: str, trip: str) -> Check:
    verdict, detail, observed, expected = "exact", "", "", ""
    trouble = _TROUBLE.get((driver, profile, name))
    if trouble and (trip != "array" or trouble[0] == "broken"):
        verdict, detail, observed, expected = trouble
    if trip == "copy" and driver == "psycopg2":
        verdict, detail = "unsupported", "the library cannot encode rows for COPY itself"
        observed = expected = ""
    if name == "vector" and trip == "array":
        verdict, detail, observed, expected = (
            "skipped",
            "the server lacks extension:vector",
            "",
            "",
        )
    if name == "text" and trip == "copy" and driver == "asyncpg" and profile == "default":
        verdict, detail = "invalid", "the oracle's statement failed: 42601"
    return Check(
        scenario=f"values/{name.replace('[]', '-array')}",
        case=trip,
        cell=f"values/{name.replace('[]', '-array')}#{trip}",
        driver=driver,
        profile=profile,
        judgement=judged(verdict, detail, observed, expected),
        elapsed_ns=1_234_567,
    )


def counts(arm: str, per_op: float, repeats: int = 3, noise: float = 0.0) -> list[Count]:
    """Processes of an arm whose instructions were counted in the first cell."""
    rng = random.Random(f"{arm}{per_op}")
    return [
        Count(
            cell=cell_facts(CELLS[0]).id,
            arm=arm,
            repeat=number,
            judgement=EXACT,
            counter="valgrind-3.19.0",
            low_ops=100,
            high_ops=500,
            low_instructions=5_000 + round(100 * per_op),
            high_instructions=5_000 + round(500 * per_op * (1 + rng.gauss(0, noise))),
            low_syscalls=3 + 2 * 100,
            high_syscalls=3 + 2 * 500,
        )
        for number in range(repeats)
    ]


def counted(run: str, *found: list[Count], **header: object) -> Run:
    """A run of the instruction lane over the first cell."""
    made = bench(run=run, seed=1, rows=CELLS[:1])
    return replace(
        made,
        header=replace(made.header, lane="instructions", **header),
        trials=[],
        lane_records=[count for counts in found for count in counts],
    )
