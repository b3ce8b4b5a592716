"""The terminal's view of a night: a bar while a step runs, one line when it is done."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.progress import TimeElapsedColumn as ElapsedColumn


class TerminalWatcher:
    """Draws progress with rich on a terminal and plain lines elsewhere (a log, a pipe)."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            ElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._labels: dict[str, str] = {}
        self.seconds: dict[str, float] = {}

    def __enter__(self) -> TerminalWatcher:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, step: str, label: str) -> None:
        """Show a bar of unknown length."""
        self._labels[step] = label
        self._tasks[step] = self._progress.add_task(label, total=None, detail="")

    def advanced(self, step: str, done: int, total: int | None, detail: str) -> None:
        """Move the bar."""
        if step in self._tasks:
            self._progress.update(self._tasks[step], completed=done, total=total, detail=detail)

    def finished(self, step: str, seconds: float, facts: Mapping[str, int | str]) -> None:
        """Replace the bar by one line with counts and seconds."""
        self.seconds[step] = seconds
        if step in self._tasks:
            self._progress.remove_task(self._tasks.pop(step))
        counted = ", ".join(
            f"{value:,} {name}" if isinstance(value, int) else f"{name} {value}"
            for name, value in facts.items()
        )
        label = self._labels.get(step, step)
        self._console.print(
            f"[green]✓[/] {label:<28} {seconds:6.1f} s   {counted}", highlight=False, soft_wrap=True
        )

    def noted(self, message: str) -> None:
        """Print a remark."""
        self._console.print(f"[yellow]![/] {message}", highlight=False, markup=True)
