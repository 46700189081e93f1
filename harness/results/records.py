"""The lines of a results file. docs/results-format.md describes them for readers.

One JSON object per line, told apart by `record`: a header, then trials, checks and
notes as they happen, then a footer. Times are integers in nanoseconds, sizes are
bytes. Everything else (medians, intervals, ranks) is derived by whoever reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec

from harness.core.arms import pinned
from harness.core.digests import version_of
from harness.core.verdicts import Code, Facts, Judgement, Verdict

SCHEMA = 2
ROUND_TRIP_SHARE = 0.05
ROUND_TRIP_NS = 50_000
"""A network keeps its promise of a round trip within this share of it, or this time."""
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A count, or nanoseconds, or bytes: 2⁶³ ns are 292 years. Beyond, nothing was measured."""


class Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="record"):
    """A line of a results file."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """The machine as far as it decides whether two runs can be compared."""

    system: str
    release: str
    cpu: str
    cores: Whole
    memory_bytes: Whole
    python: str
    implementation: str
    hostname_hash: str
    virtual: str = ""

    @property
    def fingerprint(self) -> tuple[str, ...]:
        """Equal for runs whose times may be compared."""
        return (self.system, self.cpu, str(self.cores), self.hostname_hash)

    @property
    def key(self) -> str:
        """The fingerprint as a word of twelve letters, for names of files and folders."""
        told = "\0".join(self.fingerprint)
        return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:12]


class ServerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The server: never an address, never a password."""

    label: str
    version: str
    version_num: Whole
    managed: bool
    transport: str
    settings: dict[str, str]
    extensions: dict[str, str]


class ArmFacts(msgspec.Struct, frozen=True, kw_only=True):
    """An arm with the terms under which its driver works.

    `twin` is the id of the arm that it repeats, for an A/A arm. `problem` says why an
    arm could not take part; its terms are then empty. `reference` says what it is a
    reference for, if it is no driver; `isolates` is the layer whose own cost it shows, if
    it does that. `python` is what its workers ran on and `gil`
    whether threads took turns there. `packages` and `source` are those of an environment
    of its own; empty for an arm that ran in pgdyno's. `vital` is what its installed package
    says of itself.
    """

    id: str
    driver: str
    options: list[str]
    profile: str
    kind: str
    twin: str = ""
    terms: dict[str, str] = msgspec.field(default_factory=dict)
    problem: str = ""
    reference: str = ""
    isolates: str = ""
    python: str = ""
    gil: str = ""
    packages: dict[str, str] = msgspec.field(default_factory=dict)
    source: str = ""
    vital: dict[str, str] = msgspec.field(default_factory=dict)

    @property
    def competes(self) -> bool:
        """Whether it is a driver of its own: neither an A/A arm nor a reference."""
        return not self.twin and not self.reference


class TaskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A task of a mix: its weight as the file has it, and its turns in a cycle.

    `statements` and `round_trips` are those of one op as the case says; 0 where only the
    server or the driver knows.
    """

    cell: str
    title: str
    op: str
    weight: str
    turns: Whole
    statements: Whole = 0
    round_trips: Whole = 0


class CellFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A cell as the scenario file describes it."""

    id: str
    scenario: str
    case: str
    point: dict[str, Whole | str]
    title: str
    why: str
    op: str
    strategy: str = ""
    unit: str = "ops"
    units_per_op: Whole = 1
    clients: Whole = 0
    pool: Whole = 0
    arrivals: str = ""
    rate: Whole = 0
    sql: str = ""
    digest: str = ""
    work: str = ""
    task: str = ""
    tasks: list[TaskFacts] = msgspec.field(default_factory=list)

    def asks_as(self, other: CellFacts) -> bool:
        """Whether both ask the same work, as far as the files can tell.

        Digests of two versions say nothing of each other; then the SQL must be the same.
        """
        if version_of(self.digest) == version_of(other.digest):
            return self.digest == other.digest
        return self.sql == other.sql


class JobFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The job of a plan that a run is. `attempt` counts the tries before it, `moved_from`
    is where the last of them was lost."""

    plan: str
    id: str
    attempt: Whole = 0
    moved_from: str = ""


class PartFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was joined into another: its id, its job, the tries before it."""

    run: str
    job: str
    attempt: Whole = 0


class Header(Record, frozen=True, kw_only=True, tag="header"):
    """The first line: what was asked, of whom, where. `parts` are the runs that were joined
    into this."""

    schema: Whole
    run: str
    kind: str
    pgdyno: str
    started: str
    seed: Whole
    effort: str = ""
    lane: str = ""
    command: list[str] = msgspec.field(default_factory=list)
    machine: Machine
    server: ServerFacts
    placement: dict[str, str] = msgspec.field(default_factory=dict)
    arms: list[ArmFacts] = msgspec.field(default_factory=list)
    cells: list[CellFacts] = msgspec.field(default_factory=list)
    job: JobFacts | None = None
    parts: list[PartFacts] = msgspec.field(default_factory=list)


class Judged(Record, frozen=True, kw_only=True):
    """A record of a cell that was judged; what is read most stands here once more."""

    judgement: Judgement

    @property
    def verdict(self) -> Verdict:
        """What became of the cell."""
        return self.judgement.verdict

    @property
    def code(self) -> Code:
        """Why, for programs."""
        return self.judgement.code

    @property
    def facts(self) -> Facts:
        """On what the judgement rests, for programs."""
        return self.judgement.facts

    @property
    def detail(self) -> str:
        """Why, for people."""
        return self.judgement.detail

    @property
    def observed(self) -> str:
        """What came, for people."""
        return self.judgement.observed

    @property
    def expected(self) -> str:
        """What had to come, for people."""
        return self.judgement.expected


class Slices(msgspec.Struct, frozen=True, kw_only=True):
    """The timed slices of one cell and arm in one round, in the order of their timing.

    Every list has one entry per slice: entry k is the arm's turn in pass k. All arms of a
    block have as many passes, but for references, which have a turn in the first ones only.
    `ops` are those of one client. `server_cpu_ns` is
    empty where the server's CPU time cannot be read, `burden_ns` (by the wall clock) where
    ops are not slowed on purpose. `client_wait_ns` and `server_wait_ns` are how long the
    client's threads and its backends were ready to run and had no processor, in the slice
    and its lead-in; empty where the kernel does not tell.
    """

    ops: Whole
    lead: Whole
    wall_ns: list[Whole]
    cpu_ns: list[Whole]
    server_cpu_ns: list[Whole] = msgspec.field(default_factory=list)
    voluntary_switches: list[Whole] = msgspec.field(default_factory=list)
    involuntary_switches: list[Whole] = msgspec.field(default_factory=list)
    client_wait_ns: list[Whole] = msgspec.field(default_factory=list)
    server_wait_ns: list[Whole] = msgspec.field(default_factory=list)
    burden_ns: list[Whole] = msgspec.field(default_factory=list)


class OpenLoop(msgspec.Struct, frozen=True, kw_only=True):
    """Ops that were due at moments of their own, in order. Lag and response are counted
    from the moment at which an op was due to when it began, and to when it was back;
    `planned_ns` is from the start to the last of these moments."""

    planned_ns: Whole
    lag_ns: list[Whole]
    response_ns: list[Whole]
    cpu_ns: Whole


class Trial(Judged, frozen=True, kw_only=True, tag="trial"):
    """One cell of one arm in one round: its verdict and, if that allows, its times.

    `attempt` counts the repetitions of a block that was disturbed; only the last
    attempt of a round that is not `disturbed` counts. `left_out` are the passes that do
    not count, by their index in the lists of `slices`: the same for all arms of a block.
    `latency_ns` are single ops, in order, from a pass of their own. `import_cpu_ns` is the
    CPU time that the worker's driver took to import, `first_cpu_ns` that of the op's first
    call; 0 where nobody knows.
    """

    cell: str
    arm: str
    round: Whole
    attempt: Whole = 0
    disturbed: str = ""
    steady: bool = True
    slices: Slices | None = None
    left_out: list[Whole] = msgspec.field(default_factory=list)
    latency_ns: list[Whole] = msgspec.field(default_factory=list)
    latency_wall_ns: Whole = 0
    open_loop: OpenLoop | None = None
    rss_peak_bytes: Whole = 0
    import_cpu_ns: Whole = 0
    first_cpu_ns: Whole = 0


class Rounds(Judged, frozen=True, kw_only=True, tag="rounds"):
    """All rounds that count of one cell and arm, of a baseline: a run whose trials are
    folded. `wall_ps` is the median slice of each of the `rounds`, picoseconds per op of a
    single client; both are empty where the verdict forbids times."""

    cell: str
    arm: str
    rounds: list[Whole] = msgspec.field(default_factory=list)
    wall_ps: list[Whole] = msgspec.field(default_factory=list)


class LaneRecord(Judged, frozen=True, kw_only=True):
    """What a lane records of one cell of one arm in one repeat. A lane's own record
    declares its numbers; `footed` names the total of the footer that it counts for."""

    footed: ClassVar[str] = "trials"

    cell: str
    arm: str
    repeat: Whole

    @property
    def measured(self) -> bool:
        """Whether it has numbers."""
        raise NotImplementedError

    def problems(self) -> Iterator[str]:
        """What is wrong with its numbers beyond their types: whoever computes need not
        ask again."""
        return iter(())


class Check(Judged, frozen=True, kw_only=True, tag="check"):
    """One cell of the conformance matrix.

    `expected_verdict`, `drift`, `deviation` and `link` say what was known of the cell
    before it was checked; all are empty where nothing was.
    """

    scenario: str
    case: str
    cell: str
    driver: str
    profile: str
    elapsed_ns: Whole = 0
    expected_verdict: str = ""
    drift: str = ""
    deviation: str = ""
    link: str = ""

    @property
    def trait(self) -> str:
        """The fact that the cell asked for, if it asks for one."""
        return self.observed if self.code is Code.OBSERVED else ""

    def marked(
        self, *, expected_verdict: str, drift: str, deviation: str, link: str
    ) -> Check:
        """The same check with what was known of its cell."""
        return msgspec.structs.replace(
            self,
            expected_verdict=expected_verdict,
            drift=drift,
            deviation=deviation,
            link=link,
        )


class NullOps(msgspec.Struct, frozen=True, kw_only=True):
    """What `ops` null ops took more through a route, with so many connections at once.

    More than `base_ns`, the median without it: without the network where there is one,
    else over a plain connection.
    """

    connections: Whole
    ops: Whole
    base_ns: Whole
    median_ns: Whole
    p5_ns: Whole
    p95_ns: Whole


class Route(Record, frozen=True, kw_only=True, tag="route"):
    """A way to the server other than a plain connection, and what it was seen to cost
    before anything was timed through it. `rtt_ms` is the round trip that was promised."""

    via: str
    rtt_ms: float = 0.0
    label: str
    versions: dict[str, str] = msgspec.field(default_factory=dict)
    null_ops: list[NullOps] = msgspec.field(default_factory=list)

    @property
    def tolerance_ns(self) -> float:
        """How far a round trip may be from its promise."""
        return max(ROUND_TRIP_NS, ROUND_TRIP_SHARE * self.rtt_ms * 1e6)

    @property
    def broken(self) -> str:
        """How the promise of a round trip is broken; empty if it is kept, or none."""
        if not self.rtt_ms:
            return ""
        return "; ".join(
            f"a round trip takes {seen.median_ns / 1e6:.2f} ms with "
            f"{seen.connections} {'connection' if seen.connections == 1 else 'connections'}"
            f" at once, and {self.rtt_ms:g} ms was promised"
            for seen in self.null_ops
            if abs(seen.median_ns - self.rtt_ms * 1e6) > self.tolerance_ns
        )


class Note(Record, frozen=True, kw_only=True, tag="note"):
    """Something a reader must know: dropped work, a disturbance, a chatty driver."""

    kind: str
    text: str
    cell: str = ""
    arm: str = ""


class Footer(Record, frozen=True, kw_only=True, tag="footer"):
    """The last line. A file without one is truncated.

    `phases_ns` is where the wall time went, by phase, from before the server was started;
    it may be longer than `elapsed_ns`, which begins with the header.
    """

    ended: str
    reason: str
    trials: Whole
    checks: Whole
    elapsed_ns: Whole
    counts: Whole = 0
    cache_hits: Whole = 0
    cache_reads: Whole = 0
    phases_ns: dict[str, Whole] = msgspec.field(default_factory=dict)


S = TypeVar("S", bound=msgspec.Struct)
L = TypeVar("L", bound=LaneRecord)
AnyRecord = Header | Trial | Rounds | LaneRecord | Check | Route | Note | Footer


class Run(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A results file, read. `truncated` says why, where the footer is missing.

    Trials may still lie in the file, see `store.Stored`; `lane_records` are those of
    another lane than time. What is derived from a run once stays with it, in its
    `__dict__`.
    """

    path: str
    header: Header
    trials: Sequence[Trial]
    checks: list[Check]
    notes: list[Note]
    footer: Footer | None
    truncated: str = ""
    lane_records: list[LaneRecord] = msgspec.field(default_factory=list)
    routes: list[Route] = msgspec.field(default_factory=list)

    @property
    def missing_arms(self) -> list[str]:
        """Versions, folders and commits that were asked for and took no part."""
        lost = [arm for arm in self.header.arms if arm.problem and arm.competes]
        return [arm.id for arm in lost if pinned(arm.id)]

    def of(self, kind: type[L]) -> list[L]:
        """The records of this type of a lane, in their order."""
        return [record for record in self.lane_records if isinstance(record, kind)]


def changed(record: S, **values: Any) -> S:
    """The same record with other values."""
    return msgspec.structs.replace(record, **values)
