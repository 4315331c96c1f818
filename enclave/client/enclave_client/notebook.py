"""What IPython gains by `connect()`: `%sql` and `%%sql`, and names offered while a statement is written.

Decides nothing. Values reach a statement as parameters only: `$name` is the notebook's variable of that name, and
nothing is ever put into the text (IPython's own expansion of `$name` and `{…}` is switched off for these magics).
"""

import re
from typing import TYPE_CHECKING, Any

from enclave_client.completion import offers, parameters_in, statement_at
from enclave_client.refusal import Refused

if TYPE_CHECKING:
    from enclave_client.session import Enclave

FORMS = ("table", "polars", "arrow")
_HEAD = re.compile(rf"\s*(?:([^\W\d]\w*)\s*<<)?((?:\s*--(?:{'|'.join(FORMS)})\b)*)\s*")


def shell() -> Any:
    """The IPython shell that runs this, or None."""
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def equip(ipython: Any, enclave: "Enclave | None") -> None:
    """Register everything once per shell; the session that was connected last answers."""
    known = getattr(ipython, "_enclave", None)
    if known is not None:
        known.enclave = enclave or known.enclave
        return
    from IPython.core.completer import context_matcher
    from IPython.core.magic import no_var_expand

    desk = ipython._enclave = _Desk(ipython, enclave)

    def sql(line: str, cell: str | None = None) -> Any:
        return desk.sql(line, cell)

    sql.__doc__ = desk.sql.__doc__
    ipython.register_magic_function(no_var_expand(sql), "line_cell", "sql")

    @context_matcher(identifier="enclave_sql")  # type: ignore[untyped-decorator]
    def names(context: Any) -> Any:
        return desk.names(context)

    ipython.Completer.custom_matchers.insert(0, names)


class _Desk:
    def __init__(self, ipython: Any, enclave: "Enclave | None") -> None:
        self._shell, self.enclave = ipython, enclave

    def _connected(self) -> "Enclave":
        if self.enclave is None:
            from enclave_client.session import connect

            self.enclave = connect()
        return self.enclave

    def sql(self, line: str, cell: str | None = None) -> Any:
        """`%sql SELECT …` or `%%sql [name <<] [--table|--polars|--arrow]` over a statement.

        `$x` is the variable x, sent as a parameter. `name <<` keeps the answer under that name instead of showing it.
        """
        e = self._connected()
        head = _HEAD.match(line)
        assert head is not None  # noqa: S101  every part of the pattern is optional
        name, forms = head.group(1), head.group(2).replace("--", " ").split()
        text = line[head.end() :] if cell is None else f"{line[head.end() :]}\n{cell}"
        variables = self._shell.user_ns
        for wanted in (names := parameters_in(text)):
            if wanted not in variables:
                raise Refused.own("client.variable", e.language, name=wanted)
        ask = getattr(e, forms[-1]) if forms else e.sql
        answer = ask(text.strip(), **{wanted: variables[wanted] for wanted in names})
        if not name:
            return answer
        self._shell.push({name: answer})
        return None

    def names(self, context: Any) -> Any:
        nothing = {"completions": []}
        if self.enclave is None:
            return nothing
        lines = context.full_text.split("\n")
        place = sum(len(line) + 1 for line in lines[: context.cursor_line]) + context.cursor_position
        statement = statement_at(context.full_text, place)
        if statement is None:
            return nothing
        from IPython.core.completer import SimpleCompletion

        begun, found = offers(*statement, self.enclave.names())
        return {
            "completions": [SimpleCompletion(offer.text, type=offer.kind) for offer in found],
            "matched_fragment": begun,
            # In a statement nothing of Python fits.
            "suppress": True,
            "ordered": True,
        }
