"""Read, prepare, label, write: the batch job behind ``santun label``.

Memory is bounded: a block of whole conversations is read, labelled and written before the next. A conversation is a
run of neighbouring rows with the same conversation id. A job that was killed goes on from its last block and ends with
the same bytes, if inputs, model and options are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from santun_corpora import InputError, Problem, Utterance, describe, open_source, read

from santun.model import Labels, Model
from santun.path import PathSummary, Turn, trace_path
from santun.roles import called, set_roles
from santun.write import SCORED, Writer, can_resume, open_writer, partial_path

BLOCK = 9_000
_LONGEST_RUN = 20_000  # a longer run of one conversation id is taken in pieces
_TWICE = frozenset(("aws-contact-lens",))  # systems that write a call into two files
_OWN = frozenset(
    [
        "id",
        "conversation_id",
        "turn",
        "speaker",
        "role",
        "lang",
        "text",
        "labels",
        "scores",
        "mixed",
        "source",
        "skipped",
        "input",
        "other_fields",
        "escaped",
    ]
)


@dataclass
class Account:
    """Where every row went: ``read = labelled + skipped + bad``.

    Attributes
    ----------
    read, labelled, skipped, bad : int
        Skipped rows are written, without labels, and say why: an empty text, a system's line.
    problems : list of str
        Bad rows by place, the first hundred.
    unreadable : list of str
        Inputs that could not be read at all.
    notes : list of str
        What was decided on the way: encodings, formats.
    labels : dict of str to int
        Rows with each behaviour.
    langs : dict of str to int
        Labelled rows in each language.
    mixed : int
        Labelled rows that mix languages.
    paths : PathSummary
    model : str
        Version of the model that labelled.
    redacted : dict of str to int
        Identifiers of each kind that tags stand for in the texts.
    """

    read: int = 0
    labelled: int = 0
    skipped: int = 0
    bad: int = 0
    problems: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    langs: dict[str, int] = field(default_factory=dict)
    mixed: int = 0
    paths: PathSummary = field(default_factory=PathSummary)
    model: str = ""
    redacted: dict[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 all rows labelled, 3 some rows bad, 4 an input unreadable."""
        return 4 if self.unreadable else 3 if self.bad else 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "exit_code": self.exit_code}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Account:
        """Read what `to_dict` gave."""
        rest = {k: v for k, v in values.items() if k not in ("paths", "exit_code")}
        return cls(**rest, paths=PathSummary(**values["paths"]))


def why_skipped(utterance: Utterance) -> str | None:
    """Why an utterance is not to be labelled; None where it is."""
    return utterance.skip or ("system line" if utterance.role == "system" else None)


def blocks(items: Iterator[Utterance | Problem], size: int = BLOCK) -> Iterator[list[Utterance | Problem]]:
    """Cut a stream into blocks that never part a conversation (unless it runs over 20,000 rows)."""
    block: list[Utterance | Problem] = []
    run, name = 0, None
    for item in items:
        here = item.conversation_id if isinstance(item, Utterance) else name
        continues = here is not None and here == name and run < _LONGEST_RUN
        if not continues:
            if len(block) >= size:
                yield block
                block = []
            run, name = 0, here
        run += 1
        block.append(item)
    if block:
        yield block


def label_block(model: Model, block: Sequence[Utterance], account: Account) -> list[dict[str, Any]]:
    """Label the utterances of a block, as records in order, and count them."""
    reasons = [why_skipped(u) for u in block]
    kept = [u for u, reason in zip(block, reasons, strict=True) if reason is None]
    result = model.label_utterances(kept)
    records = []
    row = 0
    for utterance, reason in zip(block, reasons, strict=True):
        if reason is None:
            record = _record(model, utterance, result, row)
            if result.empty[row]:
                record["skipped"] = "no text"
            row += 1
        else:
            record = _record(model, utterance, None, 0)
            record["skipped"] = reason
        records.append(_with_fields(record, utterance))
    labelled = ~result.empty
    account.read += len(block)
    account.labelled += int(labelled.sum())
    account.skipped += len(block) - int(labelled.sum())
    account.mixed += int(result.mixed[labelled].sum())
    for name, count in zip(model.behaviours, result.predicted.sum(axis=0).tolist(), strict=True):
        account.labels[name] = account.labels.get(name, 0) + count
    for code, is_labelled in zip(result.lang, labelled.tolist(), strict=True):
        if is_labelled:
            account.langs[code] = account.langs.get(code, 0) + 1
    _count_paths(records, account.paths)
    return records


def _record(model: Model, u: Utterance, result: Labels | None, row: int) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": u.id,
        "conversation_id": u.conversation_id,
        "turn": u.turn,
        "speaker": u.speaker,
        "role": u.role,
        **({"role_guessed": True} if u.role_guessed else {}),
        "lang": result.lang[row] if result else u.lang,
        "text": u.text,
    }
    if result:
        record |= model.verdict(result, row)
        record["mixed"] = bool(result.mixed[row])
    else:
        record |= {"labels": [], "scores": dict.fromkeys(model.behaviours, 0.0), "mixed": False}
    record["source"] = u.source
    # what a table says itself comes with its fields
    told = {"start": u.start, "end": u.end, "time": u.time} if u.fields.keys() <= {"flags"} else {}
    return record | {name: value for name, value in told.items() if value is not None}


def _with_fields(record: dict[str, Any], utterance: Utterance) -> dict[str, Any]:
    """Add what the input brought along; fields whose name santun uses otherwise are kept under ``input``."""
    kept = {}
    for name, value in utterance.fields.items():
        if name not in _OWN and not name.startswith(SCORED):
            record[name] = value
        elif name not in record or record[name] != value:
            kept[name] = value
    if kept:
        record["input"] = kept
    return record


def _count_paths(records: Sequence[dict[str, Any]], summary: PathSummary) -> None:
    """Trace the conversations of a block; rows without a conversation have no path."""
    start = 0
    for end in range(1, len(records) + 1):
        name = records[start]["conversation_id"]
        if end < len(records) and records[end]["conversation_id"] == name and name is not None:
            continue
        # a call that was skipped whole is none: another file has it, or nobody speaks
        if name is not None and not all("skipped" in r for r in records[start:end]):
            turns = [
                Turn(r["turn"] or i, r["role"], r["text"], r["labels"]) for i, r in enumerate(records[start:end], 1)
            ]
            summary.add(trace_path(turns, name))
        start = end


def label_files(
    model: Model,
    paths: Sequence[Path],
    out: Path | None,
    *,
    kind: str = "jsonl",
    lang: str | None = None,
    role: str | None = None,
    agents: Sequence[str] = (),
    guess: bool = False,
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    format_in: str | None = None,
    restart: bool = False,
    redact: bool = False,
    on_block: Callable[[Account, Path], None] | None = None,
    on_note: Callable[[str], None] | None = None,
) -> Account:
    """Label files into one file, in order.

    Parameters
    ----------
    model : Model
    paths : sequence of Path
    out : Path or None
        None for standard output.
    kind : str, default="jsonl"
        One of `santun.write.FORMATS`.
    lang : str, default=None
        Language of every row that does not name its own.
    role : str, default=None
        Role of every row whose speaker names none.
    agents : sequence of str, default=()
        Speakers who are agents; every other named speaker of unknown role is a customer.
    guess : bool, default=False
        Whether to guess who the agent is; see `santun.roles.guess_roles`.
    columns, encoding, format_in
        See `santun_corpora.read` and `open_source`.
    restart : bool, default=False
        Forget a partial result instead of going on from it.
    redact : bool, default=False
        Write tags for what identifies a person (see `santun.redact`); labels are those of the texts as they came.
    on_block, on_note : callable, default=None
        Told of progress, and of what is decided on the way.

    Returns
    -------
    Account

    Raises
    ------
    OSError
        If the output cannot be written.
    """
    options: dict[str, Any] = {
        "kind": kind,
        "lang": lang,
        "role": role,
        "columns": dict(columns or {}),
        "encoding": encoding,
    }
    options |= {
        "agents": list(agents),
        "guess": guess,
        "format_in": format_in,
        "model": model.facts.get("content_sha256", ""),
    }
    options["redact"] = redact
    twins = {name for name, n in Counter(path.name for path in paths).items() if n > 1}
    names = [path.as_posix() if path.name in twins else path.name for path in paths]
    job = _Job(out, kind, options, paths, restart)
    account, skip = job.account, job.rows
    account.model = model.version
    writer = open_writer(out, kind, model.behaviours, resume_at=job.resume_at)
    if skip and on_note:
        on_note(f"going on after {skip:,} rows of an earlier run (--restart begins anew)")
    finished = False
    rows = 0
    unseen = {called(name): name for name in agents}
    calls: dict[str, str] = {}
    try:
        for number, path in enumerate(paths):
            for block in _file_blocks(
                path,
                names[number],
                account,
                columns,
                encoding,
                format_in,
                on_note,
                told=_told(number, job),
                calls=calls,
            ):
                rows += len(block)
                for item in block if unseen else ():
                    unseen.pop(called(item.speaker), None) if isinstance(item, Utterance) and item.speaker else None
                if rows <= skip:
                    continue
                set_roles([item for item in block if isinstance(item, Utterance)], agents, guess=guess)
                _label_one(model, block, account, writer, lang, role, redact)
                if on_block:
                    on_block(account, path)
                job.save(writer, rows, number)
        for name in unseen.values():
            account.notes.append(f"no speaker is called {name!r}; the labels are under `speaker` in the output")
            if on_note:
                on_note(account.notes[-1])
        finished = True
    finally:
        writer.close(finished=finished)
    job.done()
    return account


def _told(number: int, job: _Job) -> tuple[bool, bool]:
    """Whether an earlier run has already told how a file is read, and that it cannot be."""
    return job.rows > 0 and number <= job.files, job.rows > 0 and number < job.files


def _file_blocks(
    path: Path,
    name: str,
    account: Account,
    columns: Mapping[str, str] | None,
    encoding: str | None,
    format_in: str | None,
    on_note: Callable[[str], None] | None,
    *,
    told: tuple[bool, bool],
    calls: dict[str, str],
) -> Iterator[list[Utterance | Problem]]:
    try:
        source = open_source(path, format=format_in, encoding=encoding, name=name, columns=columns)
        for note in (source.encoding.note if source.encoding else None, describe(source)):
            if note and not told[0]:
                account.notes.append(f"{name}: {note}")
                if on_note:
                    on_note(account.notes[-1])
        items = read(source, columns)
        yield from blocks(_once(items, name, calls) if source.format in _TWICE else items)
    except InputError as error:
        if not told[1]:
            account.unreadable.append(str(error))


def _once(items: Iterator[Utterance | Problem], name: str, calls: dict[str, str]) -> Iterator[Utterance | Problem]:
    """Skip what another file of the job has said already: a system writes a call twice, as it was and redacted."""
    for item in items:
        if isinstance(item, Utterance) and item.conversation_id is not None:
            first = calls.setdefault(item.conversation_id, name)
            if first != name:
                item.skip = f"the same call as in {first}"
        yield item


def _label_one(
    model: Model,
    block: Sequence[Utterance | Problem],
    account: Account,
    writer: Writer,
    lang: str | None,
    role: str | None,
    redact: bool,
) -> None:
    utterances = []
    for item in block:
        if isinstance(item, Problem):
            account.read += 1
            account.bad += 1
            if len(account.problems) < 100:
                account.problems.append(str(item))
            continue
        item.lang = item.lang or lang
        if role and item.role == "unknown":
            item.role = role
        utterances.append(item)
    records = label_block(model, utterances, account)
    if redact:
        from santun.redact import redact_records

        for kind, count in redact_records(records).items():
            account.redacted[kind] = account.redacted.get(kind, 0) + count
    writer.write(records)


class _Job:
    """What is needed to go on after a kill: the options, and how far the partial file is whole."""

    def __init__(
        self, out: Path | None, kind: str, options: Mapping[str, Any], paths: Sequence[Path], restart: bool
    ) -> None:
        self.account = Account()
        self.rows = self.files = 0
        self.resume_at: int | None = None
        self.state = None
        if out is None or not can_resume(out, kind):
            return
        listed = [[str(path), path.stat().st_size, path.stat().st_mtime_ns] for path in paths]
        self.key = hashlib.sha256(json.dumps([options, listed], sort_keys=True).encode()).hexdigest()
        self.state = partial_path(out).with_name(f"{out.name}.part.json")
        if restart or not self.state.is_file() or not partial_path(out).is_file():
            return
        try:
            saved = json.loads(self.state.read_text(encoding="utf-8"))
            if saved["key"] == self.key and saved["bytes"] <= partial_path(out).stat().st_size:
                self.rows, self.files, self.resume_at = saved["rows"], saved["files"], saved["bytes"]
                self.account = Account.from_dict(saved["account"])
        except (ValueError, KeyError, TypeError):
            self.account = Account()

    def save(self, writer: Writer, rows: int, files: int) -> None:
        """Note that the first `rows` rows are written."""
        if self.state is None:
            return
        position = writer.position()
        values = {"key": self.key, "rows": rows, "files": files, "bytes": position, "account": self.account.to_dict()}
        fresh = self.state.with_name(f"{self.state.name}.new")
        fresh.write_text(json.dumps(values), encoding="utf-8")
        fresh.replace(self.state)

    def done(self) -> None:
        """Forget the job."""
        if self.state is not None:
            self.state.unlink(missing_ok=True)


def label_path(model: Model, path: Path, **options: Any) -> list[tuple[str | None, list[dict[str, Any]]]]:
    """Label one file and give its conversations, as records.

    Parameters
    ----------
    model : Model
    path : Path
    **options
        ``lang``, ``agents``, ``guess``, ``columns``, ``encoding``, ``format_in``, as of `label_files`.

    Returns
    -------
    list of (conversation id, records)

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    lang, columns = options.pop("lang", None), options.get("columns")
    source = open_source(path, format=options.get("format_in"), encoding=options.get("encoding"), columns=columns)
    account = Account()
    conversations: list[tuple[str | None, list[dict[str, Any]]]] = []
    for block in blocks(read(source, columns)):
        utterances = [item for item in block if isinstance(item, Utterance)]
        set_roles(utterances, options.get("agents", ()), guess=options.get("guess", False))
        for utterance in utterances:
            utterance.lang = utterance.lang or lang
        for record in label_block(model, utterances, account):
            name = record["conversation_id"]
            if not conversations or conversations[-1][0] != name or name is None:
                conversations.append((name, []))
            conversations[-1][1].append(record)
    return conversations
