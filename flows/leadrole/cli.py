"""The command ``leadrole``. Each command imports what it runs only when it runs."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console
from rich.markup import escape

from leadrole import __version__
from leadrole.errors import ConfigError, LeadroleError

if TYPE_CHECKING:
    from leadrole.night import NightResult
    from leadrole.settings import Settings
    from leadrole.summary import Summary
    from leadrole.terminal import TerminalWatcher

_STALE = 6
_home = click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("."),
    show_default="the current directory",
    help="The company's directory: config/, data/, published/.",
)
_config = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="The config file.  [default: HOME/config/leadrole.yml]",
)
_language = click.option(
    "--lang", "language", type=click.Choice(["nl", "en"]), default=None, help="The report's first language."
)
_verbose = click.option("-v", "--verbose", is_flag=True, help="Show the traceback of an error.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="leadrole")
def main() -> None:
    """Measure a sales team per role, and say which role to fill, split or speed up next."""


@main.command()
@_home
@_config
@_language
@click.option("--no-prefect", is_flag=True, help="Run the steps without Prefect.")
@click.option("--force", is_flag=True, help="Publish also when nothing changed since the last publication.")
@click.option(
    "--accept-shrink",
    is_flag=True,
    help="Take over a source from which more than half of the records were removed on purpose.",
)
@click.option(
    "--retries",
    type=click.IntRange(0, 10),
    default=0,
    show_default=True,
    help="Try the extraction again this often, ten minutes apart, when the CRM is down or limited.",
)
@_verbose
def run(
    home: Path,
    config: Path | None,
    language: str | None,
    no_prefect: bool,
    force: bool,
    accept_shrink: bool,
    retries: int,
    verbose: bool,
) -> None:
    """Run one night: extract, load, build, check, publish.

    Exit codes: 0 published, 2 config, 3 token or permission, 4 CRM down or limited, 5 CRM's data not as agreed,
    6 checks failed, 7 storage, 8 already running, 9 internal, 10 nothing new.
    """
    console = Console()
    # A scheduler's SIGTERM ends the night as Ctrl+C does: cleanly, with a status that says so.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    with _telling_errors(console, verbose):
        from leadrole import settings as settings_module

        settings = settings_module.load(home, config)
        _run_night(
            console,
            settings,
            language=language,
            use_prefect=not no_prefect,
            force=force,
            accept_shrink=accept_shrink,
            retries=retries,
        )


@main.command()
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Where the demo company lives.",
)
@_language
@click.option(
    "--nights", type=click.IntRange(1, 60), default=None, help="Nights to run.  [default: 1, then 2]"
)
@click.option("--no-prefect", is_flag=True, help="Run the steps without Prefect.")
@click.option("--reset", is_flag=True, help="Start the demo company anew.")
@_verbose
def demo(
    home: Path, language: str | None, nights: int | None, no_prefect: bool, reset: bool, verbose: bool
) -> None:
    """Run the nights of a made-up Dutch company against a CRM on this machine."""
    console = Console()
    with _telling_errors(console, verbose):
        from leadrole import demo as demo_module

        if reset:
            shutil.rmtree(home, ignore_errors=True)
        demo_module.run(
            home,
            nights=nights,
            console=console,
            night=lambda settings: _run_night(
                console,
                settings,
                language=language,
                use_prefect=not no_prefect,
                force=True,
                accept_shrink=False,
                retries=0,
            ),
        )


@main.command()
@_home
@_config
@_language
@click.option("--cron", default="0 4 * * *", show_default=True, help="When, in the company's time zone.")
@_verbose
def serve(home: Path, config: Path | None, language: str | None, cron: str, verbose: bool) -> None:
    """Run a night at every hour that CRON names, until stopped (a Prefect deployment)."""
    console = Console()
    with _telling_errors(console, verbose):
        from leadrole import settings as settings_module

        settings = settings_module.load(home, config)
        _prefect_home(settings.home)
        from leadrole import nightly

        console.print(
            f"serving nightly at '{cron}' {settings.company.timezone}; stop with Ctrl+C", highlight=False
        )
        nightly.serve(home, config, cron=cron, timezone=settings.company.timezone, language=language)


@main.command()
@_home
def status(home: Path) -> None:
    """Say what the last run did, and how old the publication is. Exit 6 when it is stale."""
    from leadrole import lock
    from leadrole import status as status_module

    console = Console()
    found = status_module.read(home / "status.json")
    if found is None:
        console.print(f"no run yet in {home}: start with `leadrole run --home {home}`", highlight=False)
        return
    if found.state == status_module.RUNNING and not lock.is_running(home / "data"):
        console.print(f"killed: run {found.run_id} did not end by itself; run again", highlight=False)
    else:
        console.print(f"{found.state}: {escape(found.message)}", highlight=False)
    if found.where:
        console.print(f"  where      {escape(found.where)}", highlight=False)
    if found.next_step:
        console.print(f"  next step  {escape(found.next_step)}", highlight=False)
    if found.publish_id:
        console.print(
            f"  published  {found.publish_id}, as of {found.as_of}, fresh until {found.valid_until}",
            highlight=False,
        )
    if found.is_stale(datetime.now(UTC)):
        console.print("  stale      the publication is older than it promised to be", highlight=False)
        sys.exit(_STALE)


@main.command()
@_home
@_config
@_language
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The directory to write the pages to.",
)
@_verbose
def report(home: Path, config: Path | None, language: str | None, out: Path, verbose: bool) -> None:
    """Write the report of the current publication again, for instance in the other language."""
    console = Console()
    with _telling_errors(console, verbose):
        from leadrole import settings as settings_module
        from leadrole.night import render_report
        from leadrole.publish import current

        settings = settings_module.load(home, config, is_offline=True)
        publication = current(home)
        if publication is None:
            raise ConfigError(
                "there is no publication yet",
                where=str(home),
                next_step=f"run `leadrole run --home {home}` first",
            )
        for page in render_report(
            settings,
            home / "published" / "leadrole.duckdb",
            out,
            language,
            datetime.fromisoformat(publication.valid_until),
        ):
            console.print(str(page), highlight=False, soft_wrap=True)


@main.command()
@_home
@_config
@_verbose
def replay(home: Path, config: Path | None, verbose: bool) -> None:
    """Make data/raw.duckdb anew from the landing files that are still kept; the old one stays as raw.duckdb.old."""
    console = Console()
    with _telling_errors(console, verbose):
        from leadrole import load, run
        from leadrole import settings as settings_module
        from leadrole.lock import single_run

        settings = settings_module.load(home, config, is_offline=True)
        with single_run(settings.home / "data"):
            work = run.new_run(settings.home, datetime.now(UTC))
            results = load.remake(work, settings.sources)
        for result in results:
            console.print(
                f"{result.run_id} {result.source}: {result.changed:,} rows changed", highlight=False
            )
        console.print(
            f"{work.raw_path} made anew; the next run goes on from here", highlight=False, soft_wrap=True
        )


@main.command(name="check-config")
@_home
@_config
@_verbose
def check_config(home: Path, config: Path | None, verbose: bool) -> None:
    """Check the config file without any call over the network; all mistakes at once."""
    console = Console()
    with _telling_errors(console, verbose):
        from leadrole import settings as settings_module

        settings = settings_module.load(home, config)
        kinds = ", ".join(f"{source.name} ({source.kind})" for source in settings.sources)
        console.print(f"{settings.config_path}: valid; sources: {kinds}", highlight=False, soft_wrap=True)


@main.command()
@_home
def init(home: Path) -> None:
    """Start a company's directory with a commented config file."""
    from leadrole import paths

    console = Console()
    target = home / "config" / "leadrole.yml"
    if target.exists():
        console.print(f"{target} exists; it was left as it is", highlight=False)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(paths.config() / "leadrole.example.yml", target)
    console.print(
        f"{target} written: fill it in, then `leadrole check-config --home {home}`",
        highlight=False,
        soft_wrap=True,
    )


def _run_night(
    console: Console,
    settings: Settings,
    *,
    language: str | None,
    use_prefect: bool,
    force: bool,
    accept_shrink: bool,
    retries: int,
) -> NightResult:
    from leadrole.summary import summarise
    from leadrole.terminal import TerminalWatcher

    published = settings.home / "published"
    before = summarise(published) if published.exists() else None
    with TerminalWatcher(console) as watcher:
        result = _with_or_without_prefect(
            settings,
            watcher,
            use_prefect=use_prefect,
            retries=retries,
            language=language,
            force=force,
            accept_shrink=accept_shrink,
        )
    _show(console, settings.home, before, summarise(published), result)
    return result


def _with_or_without_prefect(
    settings: Settings, watcher: TerminalWatcher, *, use_prefect: bool, retries: int, **options: Any
) -> NightResult:
    from leadrole.night import night

    if not use_prefect:
        return night(settings, watcher=watcher, **options)
    _prefect_home(settings.home)
    # On a terminal the watcher tells what happens; Prefect's own lines would come between its bars.
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "false")
    try:
        from leadrole import nightly
    except Exception as failure:
        watcher.noted(f"Prefect can't be loaded ({type(failure).__name__}); running without it")
        return night(settings, watcher=watcher, **options)
    return nightly.run_with_prefect(settings, watcher=watcher, extract_retries=retries, **options)


def _prefect_home(home: Path) -> None:
    """Keep Prefect's database with the company, unless the user chose another place or a server."""
    directory = (home / "data" / "prefect").resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ.setdefault("PREFECT_HOME", str(directory))


def _show(console: Console, home: Path, before: Summary | None, after: Summary, result: NightResult) -> None:
    from rich.table import Table

    from leadrole.summary import changes, role_line

    table = Table(title=f"Publication {after.publish_id}, as of {after.as_of}", title_justify="left")
    for heading in ("role", "load", "state", "advice"):
        table.add_column(heading)
    for verdict in after.roles:
        table.add_row(verdict.role, role_line(verdict), verdict.state, verdict.advice)
    console.print()
    console.print(table)
    if after.worst:
        console.print(
            f"worst of {after.findings} findings ({after.worst.severity}): {escape(after.worst.text)}",
            highlight=False,
        )
        console.print(f"  next step: {escape(after.worst.action)}", highlight=False)
    for line in changes(before, after):
        console.print(f"  changed  {line}", highlight=False)
    seconds = ", ".join(f"{step} {spent:.1f}" for step, spent in result.seconds.items())
    console.print(f"seconds: {seconds}", highlight=False, soft_wrap=True)
    published = home / "published"
    for label, path in (
        ("database", published / "leadrole.duckdb"),
        ("parquet", published / "parquet"),
        ("report", published / "report" / "index.html"),
    ):
        console.print(f"{label:<9}{path}", highlight=False, soft_wrap=True)


class _telling_errors:
    """Print a ``LeadroleError`` as one line and end with its exit code."""

    def __init__(self, console: Console, verbose: bool) -> None:
        self._console = console
        self._verbose = verbose

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, LeadroleError):
            if self._verbose:
                self._console.print_exception(show_locals=False)
            Console(stderr=True).print(f"leadrole: {escape(str(error))}", highlight=False, soft_wrap=True)
            _exit(error.exit_code)
        if isinstance(error, KeyboardInterrupt):
            Console(stderr=True).print(
                "leadrole: stopped; the last publication is untouched", highlight=False
            )
            _exit(130)


def _exit(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.exit(code)
