"""A progress bar that appears only when a query takes long enough for someone to wonder. It carries no data."""

import html
import sys
import time
from types import TracebackType
from typing import Any, Self

from enclave_client.words import Language, word

PATIENCE_SECONDS = 0.6


def in_notebook() -> bool:
    """Whether rich output can be shown."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


class Bar:
    """Shown while a query runs, gone when it is done. In a terminal one line of text; elsewhere silent."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._begun = time.monotonic()
        self._handle: Any = None
        self._text = False

    def __enter__(self) -> Self:
        return self

    def show(self, progress: float, waiting: bool = False) -> None:
        """`progress` from 0 to 1. `waiting`: its turn has not come, as others' queries run."""
        waited = time.monotonic() - self._begun
        if waited < PATIENCE_SECONDS:
            return
        share = min(max(progress, 0.0), 1.0)
        label = word("waiting" if waiting else "running", self._language)
        if in_notebook():
            from IPython.display import HTML, display

            bar = HTML(
                f'<div role="progressbar" aria-valuenow="{share:.0%}" style="display:flex;gap:.8em;align-items:center">'
                '<div style="width:18em;height:.5em;border-radius:.25em;background:var(--jp-layout-color2,#ddd)">'
                f'<div style="width:{share:.0%};height:100%;border-radius:.25em;background:#1f5a7a"></div></div>'
                f"<span>{html.escape(label)} {share:.0%} · {waited:.0f} s</span></div>"
            )
            if self._handle is None:
                self._handle = display(bar, display_id=True)
            else:
                self._handle.update(bar)
        elif sys.stderr.isatty():
            self._text = True
            print(f"\r{label} {share:4.0%} {waited:.0f} s", end="", file=sys.stderr, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            from IPython.display import HTML

            self._handle.update(HTML(""))
        if self._text:
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)
