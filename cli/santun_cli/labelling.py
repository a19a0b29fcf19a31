"""Commands that label: ``label``, ``explain``, ``path``."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from santun_cli.options import (
    UNREADABLE,
    USAGE,
    Agent,
    Encoding,
    FormatIn,
    GuessRoles,
    Inputs,
    Json,
    Lang,
    Map,
    ModelName,
    Role,
    check_codes,
    fail,
    find_model,
    open_model,
    parse_columns,
    print_json,
    print_table,
    unwritable,
)

if TYPE_CHECKING:
    from santun.label import Account


def label(
    inputs: Inputs = None,
    text: Annotated[list[str] | None, typer.Option("--text", help="Label this utterance; may be given again.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write here; standard output if not given.")] = None,
    format_out: Annotated[
        str | None, typer.Option("--format", help="jsonl, csv, xlsx or parquet; by the ending of OUT if not given.")
    ] = None,
    lang: Lang = None,
    role: Role = None,
    agent: Agent = None,
    guess_roles: GuessRoles = False,
    columns: Map = None,
    model: ModelName = "default",
    encoding: Encoding = None,
    format_in: FormatIn = None,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew instead of going on after a kill.")] = False,
    redact: Annotated[
        bool,
        typer.Option("--redact", help="Write [PHONE_1], [MYKAD_1] … for what identifies a person: docs/redaction.md."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the summary to standard error as JSON.")] = False,
) -> None:
    """Label every utterance of transcripts, one record an utterance, in the order of the input.

    Examples
    --------
        santun label calls/ -o labelled.jsonl

        santun label export.csv --map text=Isi,speaker=Pengirim -o labelled.xlsx

        cat call.txt | santun label - --lang ms

        santun label chats/ --agent "CS Toko" -o labelled.xlsx

        santun label --text "Mohon maaf atas keterlambatannya, Kak" --lang id

    Every input row is accounted for in the summary: read = labelled + skipped + bad. A job that was killed goes on
    where it stopped when the same command is given again.
    """
    check_codes(lang, role)
    if bool(inputs) == bool(text):
        fail("give files to label, or --text", USAGE)
    loaded_columns = parse_columns(columns)
    if text:
        if out or format_out:
            fail("--text prints; give a file to write one", USAGE)
        loaded = open_model(model)
        for record in loaded.label([t.encode("utf-8", "replace").decode() for t in text], lang=lang, speaker=role):
            if redact:
                from santun.redact import redact as redacted

                record["text"] = redacted(record["text"], {})
            typer.echo(json.dumps(record, ensure_ascii=False))
        return
    from santun.label import Account, label_files
    from santun.write import FORMATS, partial_path
    from santun_corpora.read import formats

    endings = {".csv": "csv", ".xlsx": "xlsx", ".parquet": "parquet"}
    if format_out is None and out is not None and out.suffix.lower() in (".tsv", ".xls", ".ods", ".json", ".txt"):
        fail(f"{out}: no such format; end it in .jsonl, .csv, .xlsx or .parquet, or say --format", USAGE)
    kind = format_out or (endings.get(out.suffix.lower(), "jsonl") if out else "jsonl")
    if kind not in FORMATS:
        fail(f"unknown format {kind!r}; the formats are {', '.join(FORMATS)}", USAGE)
    if kind in ("xlsx", "parquet") and (out is None or (out.exists() and not out.is_file() and not out.is_dir())):
        where = "standard output" if out is None else f"{out}, which is no file"
        fail(f"{kind} cannot go to {where}; name a file with -o", USAGE)
    if format_in is not None and format_in not in formats():
        fail(f"unknown format {format_in!r}; the formats are {', '.join(formats())}", USAGE)
    called, loaded = find_model(model)
    if out is not None and (out.is_dir() or not out.resolve().parent.is_dir()):
        fail(f"{out}: is a folder; name a file" if out.is_dir() else f"{out.parent}: no such folder", USAGE)
    out = out.resolve() if out is not None and out.is_symlink() and (out.is_file() or not out.exists()) else out
    ours = {out.resolve(), partial_path(out).resolve()} if out is not None else set()
    if (inputs or []).count("-") > 1:
        fail("standard input can be read once; give `-` once", USAGE)
    paths, missing, spooled = _gather(inputs or [], ours)
    clash = next((path for path in paths if path.resolve() in ours), None)
    if clash is not None:
        fail(f"{clash}: is an input too; write somewhere else", USAGE)
    account = Account()
    try:
        if paths:
            with _Progress(paths, quiet) as progress:
                account = label_files(
                    loaded, paths, out, kind=kind, lang=lang, role=role, agents=agent or [], guess=guess_roles,
                    columns=loaded_columns, encoding=encoding, format_in=format_in, restart=restart, redact=redact,
                    on_block=progress.update, on_note=progress.note,
                )  # fmt: skip
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        unwritable(out or "standard output", error)
    except KeyboardInterrupt:
        fail("stopped; give the same command again to go on" if out else "stopped", 130)
    finally:
        for path in spooled:
            shutil.rmtree(path.parent, ignore_errors=True)
    account.unreadable = missing + account.unreadable
    account.model = called
    if not quiet:
        _summary(account, as_json)
    else:
        for message in account.unreadable:
            typer.echo(f"santun: unreadable: {message}", err=True)
    raise typer.Exit(account.exit_code)


def _gather(inputs: list[str], ours: set[Path]) -> tuple[list[Path], list[str], list[Path]]:
    """Files of inputs, what could not be found, and which files are temporary copies of streams.

    Of a folder the job's own output (`ours`) is no input.
    """
    from santun_corpora import InputError, find_files, spool

    paths: list[Path] = []
    missing: list[str] = []
    spooled: list[Path] = []
    for name in inputs:
        if name == "-":
            spooled.append(spool(sys.stdin.buffer, "stdin"))
            paths.append(spooled[-1])
            continue
        try:
            found = find_files([name])
        except InputError as error:
            missing.append(str(error))
            continue
        if Path(name).is_dir():
            paths += [path for path in found if path.resolve() not in ours]
        elif found[0].is_file():
            paths += found
        else:
            with found[0].open("rb") as stream:
                spooled.append(spool(stream, found[0].name))
            paths.append(spooled[-1])
    return paths, missing, spooled


class _Progress:
    """A progress bar on a terminal; nothing elsewhere."""

    def __init__(self, paths: list[Path], quiet: bool) -> None:
        self.bar: Any = None
        self.quiet = quiet
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            self.bar = Progress(
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("rows"),
                TimeRemainingColumn(), console=Console(stderr=True), transient=True,
            )  # fmt: skip
            total = sum(map(_lines, paths))
            self.task = self.bar.add_task("labelling", total=total or None)

    def __enter__(self) -> _Progress:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def update(self, account: Account, path: Path) -> None:
        """Show how many rows are done."""
        if self.bar:
            self.bar.update(self.task, completed=account.read, description=path.name[:30])

    def note(self, message: str) -> None:
        """Say something between."""
        if not self.quiet:
            typer.echo(f"santun: {message}", err=True)


def _lines(path: Path) -> int:
    """Rows of a file as far as they are cheap to count."""
    if path.suffix.lower() in (".xlsx", ".xlsm", ".parquet", ".json"):
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))


def _summary(account: Account, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(account.to_dict(), ensure_ascii=False), err=True)
        return
    a = account
    lines = [f"read {a.read:,} = labelled {a.labelled:,} + skipped {a.skipped:,} + bad {a.bad:,}   (model {a.model})"]
    if a.labelled:
        langs = ", ".join(f"{code} {n:,}" for code, n in sorted(a.langs.items(), key=lambda item: -item[1]))
        lines.append(f"languages: {langs}" + (f"; mixed {a.mixed:,}" if a.mixed else ""))
        lines.append("labels: " + ", ".join(f"{name} {n:,}" for name, n in a.labels.items()))
    if a.redacted:
        lines.append("redacted: " + ", ".join(f"{kind} {n:,}" for kind, n in a.redacted.items()))
    p = a.paths
    if p.conversations:
        steps = ", ".join(f"{step} {n:,}" for step, n in p.steps.items())
        lines.append(f"service path of {p.conversations:,} conversations: {steps}; all in order {p.in_order:,}")
        if p.empathy_and_apology or p.care_and_solution:
            lines.append(
                f"empathy before apology in {p.empathy_before_apology:,} of {p.empathy_and_apology:,}; "
                f"both before the solution in {p.care_before_solution:,} of {p.care_and_solution:,}"
            )
    for problem in a.problems[:10]:
        lines.append(f"bad: {problem}")
    if a.bad > 10:
        lines.append(f"bad: {a.bad - 10:,} more (--json lists up to a hundred)")
    lines += [f"unreadable: {message}" for message in a.unreadable]
    for line in lines:
        typer.echo(f"santun: {line}", err=True)


def explain(
    text: Annotated[str, typer.Argument(help="An utterance.")],
    lang: Lang = None,
    role: Role = None,
    behaviour: Annotated[
        list[str] | None, typer.Option("--behaviour", "-b", help="Only this one; may be given again.")
    ] = None,
    model: ModelName = "default",
    as_json: Json = False,
) -> None:
    """Show which words speak for and against each behaviour; the parts add up to the score's log-odds.

    Example:

        santun explain "Maaf sangat puan, saya faham puan kecewa" -b empathy
    """
    check_codes(lang, role)
    loaded = open_model(model)
    for name in behaviour or []:
        if name not in loaded.behaviours:
            fail(f"unknown behaviour {name!r}; the model knows {', '.join(loaded.behaviours)}", USAGE)
    text = text.encode("utf-8", "replace").decode()
    said = loaded.explain(text, lang=lang, speaker=role)
    if behaviour:
        said["behaviours"] = {name: said["behaviours"][name] for name in loaded.behaviours if name in behaviour}
    if as_json:
        print_json(said)
        return
    typer.echo(f"language {said['lang']}; read as: {' / '.join(said['prepared'].splitlines())}")
    shown = {k: v for k, v in said["behaviours"].items() if behaviour or v["predicted"] or v["score"] >= 0.1}
    if not shown:
        typer.echo("no behaviour comes near its threshold; -b NAME shows one all the same")
    for name, part in shown.items():
        verdict = "yes" if part["predicted"] else "no"
        rows = [(w["text"], f"{w['weight']:+.2f}") for w in part["words"]]
        rows += [("(speaker and turns around)", f"{part['context']:+.2f}"), ("(start)", f"{part['base']:+.2f}")]
        rows.append(("= log-odds", f"{part['log_odds']:+.2f}"))
        best = max(part["spans"], key=lambda span: span["weight"], default=None)
        if best and len(part["spans"]) > 1:
            rows.append((f"most in: “{best['text'][:60]}”", f"{best['weight']:+.2f}"))
        print_table(
            f"\n{name}: {verdict}, {part['score']:.2f} (from {part['threshold']:.2f})", ("word", "weight"), rows
        )


def path(
    call: Annotated[Path, typer.Argument(help="A transcript.")],
    lang: Lang = None,
    agent: Agent = None,
    guess_roles: GuessRoles = False,
    columns: Map = None,
    model: ModelName = "default",
    encoding: Encoding = None,
    format_in: FormatIn = None,
    as_json: Json = False,
) -> None:
    """Say which steps of the service path a conversation took (greet, rapport, need, solution, thanks), with quotations.

    Example:

        santun path call.txt
    """
    check_codes(lang, None)
    from santun.label import label_path
    from santun.path import Turn, trace_path
    from santun_corpora import InputError

    loaded = open_model(model)
    if not call.is_file():
        fail(f"{call}: no such file", UNREADABLE)
    try:
        conversations = label_path(
            loaded, call, lang=lang, agents=agent or [], guess=guess_roles, columns=parse_columns(columns),
            encoding=encoding, format_in=format_in,
        )  # fmt: skip
    except InputError as error:
        fail(str(error), UNREADABLE)
    traced = [
        trace_path([Turn(r["turn"] or i, r["role"], r["text"], r["labels"]) for i, r in enumerate(records, 1)], name)
        for name, records in conversations
    ]
    if as_json:
        print_json([one.to_dict() for one in traced])
        return
    for one in traced:
        typer.echo(f"{one.conversation_id or '(no conversation)'}")
        for line in one.lines():
            typer.echo(f"  {line}")
