"""The gateway's routes as one table, and the OpenAPI 3.1 document that is made from it.

`ROUTES` is what `web.build` serves, route by route, and what the document describes: neither has one more than the other.
Which codes a route may answer with are families of the wordings, so that a new code stands in the document by itself.
Decides nothing about requests. `python -m enclave.gateway.openapi` writes the documents of `docs`; a test holds them equal.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enclave.core.refusal import Wording
from enclave.gateway.door import WORDINGS
from enclave.gateway.openapi_shapes import SHAPES, UUID, Schema, Words, ref
from enclave.gateway.stream import MEDIA_TYPE

VERSION = "1"
LANGUAGES = ("ja", "en")

ALWAYS = ("gateway.request", "gateway.crowded", "internal")
"""What any request may be told."""

SESSION = (
    "session.required",
    "session.unknown",
    "session.ended",
    "session.address",
    "permit.",
    "ledger.unavailable",
)
"""What a request may be told before it is known who asks."""

BODY = (
    "gateway.content_type", "gateway.too_large", "gateway.slow_body", "gateway.json", "gateway.not_utf8",
    "gateway.name_twice", "gateway.not_a_number", "gateway.not_an_object",
)  # fmt: skip
"""What a body may be told before anybody looks at its fields."""

ANSWERING = ("query.", "disclosure.", "custody.", "policy.", "session.permit_changed")


_IN_HEADER, _IN_BODY = "$response.header.Enclave-Query", "$response.body#/id"


@dataclass(frozen=True)
class Answer:
    """An answer that is a yes. `shape` names one of `SHAPES`; None for what is no JSON."""

    status: int
    words: Words
    shape: str | None = None
    media_type: str = "application/json"
    leads: tuple[tuple[str, str], ...] = ()
    """(operation, where in this answer its id stands)."""


@dataclass(frozen=True)
class Operation:
    """One method of one path. `may`: codes, and families that end with a dot, of its noes. `key`: what opens it."""

    id: str
    method: str
    path: str
    words: Words
    answer: Answer
    may: tuple[str, ...]
    key: str | None = "session"
    body: str | None = None
    example: Mapping[str, Any] | None = None

    def codes(self) -> tuple[str, ...]:
        """Every code that this operation may answer with."""
        return tuple(sorted(code for code in WORDINGS if _named(code, (*ALWAYS, *self.may))))


def _named(code: str, families: Iterable[str]) -> bool:
    return any(code.startswith(one) if one.endswith(".") else code == one for one in families)


ROUTES: tuple[Operation, ...] = (
    Operation(
        "ask", "POST", "/v1/queries",
        Words(
            "1 つの SELECT を尋ねます。答えは Arrow の流れで、Enclave-Query ヘッダーに問い合わせの番号が付きます。"
            "流れが始まった後で断るときは終わりの印なしに切れ、理由は GET /v1/queries/{id} で分かります。",
            "Ask one SELECT. The answer is an Arrow stream; the header Enclave-Query holds the query's id. Where it is"
            " refused after the stream began, the stream is cut without its end, and GET /v1/queries/{id} says why.",
        ),
        Answer(200, Words("Arrow IPC の流れ", "An Arrow IPC stream"), None, MEDIA_TYPE,
               (("look", _IN_HEADER), ("cancel", _IN_HEADER))),
        (*SESSION, *BODY, *ANSWERING, "gateway.unknown_field", "gateway.field", "gateway.params",
         "gateway.busy", "gateway.extract_absent"),
        body="Question",
        example={"sql": "SELECT male, count(*) AS n FROM patients GROUP BY male", "form": "table"},
    ),
    Operation(
        "look", "GET", "/v1/queries/{id}",
        Words("自分の問い合わせの状態、進み具合、受領証。", "State, progress and receipt of one's own query."),
        Answer(200, Words("状態", "Its state"), "State"),
        (*SESSION, "query.unknown"),
    ),
    Operation(
        "cancel", "DELETE", "/v1/queries/{id}",
        Words(
            "実行中の自分の問い合わせを取り消します。終わったものは、その状態を返します。",
            "Cancel one's own running query. Of one that has ended, its state is told.",
        ),
        Answer(200, Words("取り消した後の状態", "Its state afterwards"), "Cancelled"),
        (*SESSION, "query.unknown"),
    ),
    Operation(
        "session", "GET", "/v1/session",
        Words(
            "承諾を言葉で: 表と列、水準、上限、今日の残り、残りが戻る時刻、上限を増やす方法。",
            "The permit in words: tables, columns, tier, limits, what is left today, when it is renewed, how to get more.",
        ),
        Answer(200, Words("この部屋でできること", "What this workspace may do"), "Session"),
        SESSION,
    ),
    Operation(
        "submit", "POST", "/v1/exports",
        Words(
            "表と図の持出しを申請します。機械の検査の結果がすぐに返り、通れば確認者に回ります。",
            "Ask to take tables and figures out. What the machine finds is told at once; what passes goes to the checkers.",
        ),
        Answer(201, Words("申請と検査の結果", "The submission and its findings"), "Export", leads=(("submission", _IN_BODY),)),
        (*SESSION, *BODY, *ANSWERING, "export.", "gateway.params", "gateway.busy", "gateway.extract_absent"),
        body="Submission",
        example={
            "output": "t1",
            "purpose": "学会発表の表 1",
            "items": [{
                "kind": "table", "name": "table.csv", "csv": "male,n\n0,120\n1,98\n",
                "dimensions": ["male"], "counts": ["n"], "receipt": None,
            }],
        },
    ),
    Operation(
        "submitted", "GET", "/v1/exports",
        Words("プロジェクトの持出し申請、新しい順。", "What the project submitted, newest first."),
        Answer(200, Words("一覧", "The list"), "Exports"),
        SESSION,
    ),
    Operation(
        "submission", "GET", "/v1/exports/{id}",
        Words("1 つの持出し申請と検査の結果。", "One submission and its findings."),
        Answer(200, Words("申請", "The submission"), "Export"),
        (*SESSION, "export.unknown"),
    ),
    Operation(
        "document", "GET", "/v1/openapi.json",
        Words("この文書、読み手の言語で。", "This document, in the reader's language."),
        Answer(200, Words("OpenAPI 3.1", "OpenAPI 3.1"), None, "application/json"),
        SESSION,
    ),
    Operation(
        "measured", "GET", "/metrics",
        Words("コードと件数だけの計測値。専用のトークンで読みます。", "Metrics: codes and counts only, read with a token of their own."),
        Answer(200, Words("Prometheus の形式", "As Prometheus reads them"), None, "text/plain"),
        ("session.required", "session.unknown"),
        key="metrics",
    ),
    Operation(
        "alive", "GET", "/healthz",
        Words("動いているか。", "Whether it runs."),
        Answer(200, Words("ok", "ok"), None, "text/plain"),
        (),
        key=None,
    ),
)  # fmt: skip
"""Every route of the gateway."""

ABOUT = Words(
    "エンクレーブの問い合わせ口。ワークスペースの中からだけ届きます。すべての断りは problem+json で、読み手の言語"
    "（Accept-Language: ja または en）の一文と変わらないコードを持ち、データの値を含みません。"
    "知らない経路は 404 gateway.no_such_route、使えないメソッドは 405 gateway.method です。"
    "問い合わせ文字列（?…）と % を含む経路は受け付けません。",
    "The query gateway of Enclave, reachable from workspaces only. Every no is a problem+json with a sentence in the"
    " reader's language (Accept-Language: ja or en) and a stable code, and holds no value of the data. An unknown route"
    " is 404 gateway.no_such_route, a method that a route does not take 405 gateway.method. Query strings (?…) and paths"
    " with % are not taken.",
)


def document(language: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document in `ja` or `en`."""
    paths: dict[str, dict[str, Any]] = {}
    for one in ROUTES:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    for path, known in paths.items():
        if "{id}" in path:
            known["parameters"] = [_ID]
    whole: Schema = {
        "openapi": "3.1.0",
        "info": {"title": "Enclave", "version": VERSION, "description": ABOUT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": SHAPES,
            "headers": {"Enclave-Query": _QUERY_ID},
            "securitySchemes": {
                "session": {"type": "http", "scheme": "bearer", "description": _SESSION_KEY},
                "metrics": {"type": "http", "scheme": "bearer", "description": _METRICS_KEY},
            },
        },
        "x-enclave-codes": {
            code: _code(WORDINGS[code], language)
            for code in sorted({code for one in ROUTES for code in one.codes()} | set(_NO_ROUTE))
        },
    }
    spoken: dict[str, Any] = _spoken(whole, language)
    return spoken


_NO_ROUTE = ("gateway.no_such_route", "gateway.method")
_SESSION_KEY = Words(
    "ワークスペースの /run/enclave/session.json にあるトークン。そのワークスペースの番地からだけ使えます。",
    "The token in the workspace's /run/enclave/session.json. It opens from that workspace's address only.",
)
_METRICS_KEY = Words("計測値のためのトークン。", "The token for metrics.")
_QUERY_ID: Schema = {
    "description": Words("問い合わせの番号", "The query's id"),
    "required": True,
    "schema": {"type": "string", "pattern": UUID},
}
_ID: Schema = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": Words("番号（UUID）", "Its id (a UUID)"),
    "schema": {"type": "string", "pattern": UUID},
}
_LANGUAGE: Schema = {
    "name": "Accept-Language",
    "in": "header",
    "required": False,
    "description": Words("ja または en", "ja or en"),
    "schema": {"type": "string", "examples": ["ja", "en"]},
}
_BESIDE: Mapping[int, Schema] = {
    401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Bearer"}}},
    429: {"Retry-After": {"required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}},
    503: {"Retry-After": {"required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}},
}


def _operation(one: Operation) -> Schema:
    found: Schema = {
        "operationId": one.id,
        "description": one.words,
        "parameters": [_LANGUAGE],
        "security": [] if one.key is None else [{one.key: []}],
        "responses": {str(one.answer.status): _yes(one.answer), **_noes(one.codes())},
    }
    if one.body is not None:
        content: Schema = {"schema": ref(one.body)}
        if one.example is not None:
            content["example"] = one.example
        found["requestBody"] = {"required": True, "content": {"application/json": content}}
    return found


def _yes(answer: Answer) -> Schema:
    schema: Schema = {"type": "object"} if answer.media_type == "application/json" else {}
    if answer.shape is not None:
        schema = ref(answer.shape)
    found: Schema = {"description": answer.words, "content": {answer.media_type: {"schema": schema}}}
    if answer.leads:
        found["links"] = {to: {"operationId": to, "parameters": {"id": place}} for to, place in answer.leads}
    if answer.media_type == MEDIA_TYPE:
        found["headers"] = {"Enclave-Query": {"$ref": "#/components/headers/Enclave-Query"}}
    return found


def _noes(codes: Iterable[str]) -> Schema:
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(WORDINGS[code].status, []).append(code)
    return {str(status): _no(status, known) for status, known in sorted(by_status.items())}


def _no(status: int, codes: list[str]) -> Schema:
    narrowed = {
        "type": "object",
        "properties": {"status": {"const": status}, "code": {"type": "string", "enum": codes}},
    }
    found: Schema = {
        "description": " ".join(codes) if len(codes) < 4 else Words("断り", "A no"),
        "content": {"application/problem+json": {"schema": {"allOf": [ref("Problem"), narrowed]}}},
    }
    if status in _BESIDE:
        found["headers"] = _BESIDE[status]
    return found


def _code(wording: Wording, language: str) -> Schema:
    return {"status": wording.status, "title": wording.title(language), "hint": wording.hint(language)}


def _spoken(tree: Any, language: str) -> Any:
    match tree:
        case Words():
            return tree.ja if language == "ja" else tree.en
        case Mapping():
            return {name: _spoken(below, language) for name, below in tree.items()}
        case list() | tuple():
            return [_spoken(below, language) for below in tree]
    return tree


def written(language: str) -> str:
    """The document as it is kept in `docs`."""
    return json.dumps(document(language), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    for spoken_in in LANGUAGES:
        Path(sys.argv[1], f"openapi.{spoken_in}.json").write_text(written(spoken_in), "utf-8")
