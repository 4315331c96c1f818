"""The shapes that the gateway's document names: what goes in and what comes out, as JSON Schema in two languages.

Decides nothing: what a body must be is decided where it is read (`body`, `question`, `exports`); a test fuzzes the gateway
against these shapes, so that they say the same.
"""

from typing import Any, NamedTuple

from enclave.core.permit import Tier
from enclave.core.refusal import type_of_problem
from enclave.export.checks import MAX_FILES
from enclave.export.request import Verdict
from enclave.export.review import State
from enclave.query.stages import Form


class Words(NamedTuple):
    """A sentence for a reader of the document, in both languages."""

    ja: str
    en: str


Schema = dict[str, Any]
"""JSON Schema (2020-12) in which every `description` may be `Words`."""

UUID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}


def said(ja: str, en: str, **schema: Any) -> Schema:
    """A schema with its sentence."""
    return {"description": Words(ja, en), **schema}


def listed(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def shape(optional: dict[str, Schema] | None = None, /, **required: Schema) -> Schema:
    """An object with these fields; others may be added in later versions."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


_SCALAR: Schema = {
    "anyOf": [
        {"type": ["string", "boolean", "null"]},
        {"type": "integer", "minimum": -(1 << 63), "maximum": (1 << 63) - 1},
        {"type": "number"},
    ]
}
_VALUE: Schema = {"anyOf": [ref("Scalar"), listed(ref("Scalar"))]}
_TIME = said("RFC 3339、協定世界時", "RFC 3339, UTC", type="string", format="date-time")
_MAYBE_TIME = said("RFC 3339、協定世界時", "RFC 3339, UTC", type=["string", "null"], format="date-time")
_MAYBE_DIGEST: Schema = {"type": ["string", "null"]}
_BUDGET: Schema = {"type": ["integer", "null"], "minimum": 0}
_BUDGETS = shape(queries_day=_BUDGET, rows_day=_BUDGET, bytes_day=_BUDGET)
_TITLE = shape(ja=TEXT, en=TEXT)
_VERDICT: Schema = {"type": "string", "enum": [one.value for one in Verdict]}

SHAPES: dict[str, Schema] = {
    "Problem": said(
        "断りの理由（RFC 9457）。データの値は含まれません。",
        "Why not (RFC 9457). It never holds a value of the data.",
        **shape(
            type=said("断りの種類", "The kind of no", type="string", pattern=f"^{type_of_problem}"),
            status={"type": "integer"},
            code=said(
                "変わらないコード。文言ではなくこれで判断してください。",
                "A stable code: judge by this, not by the words.",
                type="string",
            ),
            codes=said(
                "複数の規則が断ったときは、そのすべて。", "Every code, where several rules said no.", **listed(TEXT)
            ),
            title=said("読み手の言語での一文", "A sentence in the reader's language", type="string"),
            facts=said("上限、名前、位置。", "Limits, names and places.", type="object"),
            hint=said("次にできること", "What to do instead", type="string"),
        ),
    ),
    "Scalar": _SCALAR,
    "Question": said(
        "1 つの問い合わせ。知らない項目と二度書かれた名前は断ります。",
        "One question. Unknown fields and names that stand twice are refused.",
        type="object",
        additionalProperties=False,
        required=["sql"],
        properties={
            "sql": said(
                "承諾された表に対する SELECT 文 1 つ。",
                "One SELECT over the tables of the permit.",
                type="string",
            ),
            "params": said(
                "SQL の中の $名前 または ? の値。",
                "Values for $name or ? in the SQL.",
                anyOf=[
                    {"type": "null"},
                    {"type": "object", "additionalProperties": _VALUE},
                    listed(_VALUE),
                ],
            ),
            "form": said(
                "rows はワークスペース内での行、table は保護されたセル。",
                "rows: records inside the workspace. table: protected cells.",
                type="string",
                enum=[one.value for one in Form],
                default=Form.ROWS.value,
            ),
            "tier": said(
                "承諾の水準を狭めるとき。広げることはできません。",
                "To narrow the permit's tier; it cannot be widened.",
                type=["string", "null"],
                enum=[*(one.value for one in Tier), None],
            ),
        },
    ),
    "Receipt": said(
        "答えの受領証。log は監査記録の中の位置です。",
        "The receipt of an answer. log: its places in the audit log.",
        **shape(
            id=TEXT,
            time=_TIME,
            permit=TEXT,
            sql_digest=TEXT,
            run_digest=TEXT,
            extract=TEXT,
            policy=TEXT,
            rule_sets=listed(TEXT),
            form={"type": "string", "enum": [one.value for one in Form]},
            rows=WHOLE,
            cells={"type": ["object", "null"], "additionalProperties": WHOLE},
            log=listed({"type": ["integer", "null"]}),
        ),
    ),
    "State": said(
        "問い合わせの状態。waiting は、まだ順番を待っていることを示します。集計水準では、値に依存するため進み具合は 0 のままです。",
        "Where a query stands; waiting says that its turn has not come yet. In the aggregate tier progress stays 0, since it"
        " would depend on values.",
        **shape(
            {"receipt": ref("Receipt"), "code": TEXT, "problem": ref("Problem"), "waiting": {"type": "boolean"}},
            id=TEXT,
            state={"type": "string", "enum": ["running", "done", "refused", "aborted", "cancelled"]},
            progress={"type": "number", "minimum": 0, "maximum": 1},
        ),
    ),
    "Cancelled": shape(
        {"progress": {"type": "number"}, "receipt": ref("Receipt"), "code": TEXT, "problem": ref("Problem")},
        id=TEXT,
        state={"type": "string", "enum": ["done", "refused", "aborted", "cancelled"]},
    ),
    "Session": said(
        "承諾を言葉にしたもの: 表と列、水準、上限と残り。",
        "The permit in words: tables and columns, tier, limits and what is left of them.",
        **shape(
            person=TEXT,
            project=TEXT,
            permit=TEXT,
            tier={"type": "string", "enum": [one.value for one in Tier]},
            purpose=TEXT,
            valid_to=_TIME,
            session_ends=_TIME,
            language={"type": "string", "enum": ["ja", "en"]},
            rule_sets=listed(TEXT),
            tables=listed(
                shape(
                    {"reference": {"type": "boolean"}},
                    name=TEXT,
                    database=TEXT,
                    title=_TITLE,
                    columns=listed(
                        shape(
                            {"unit": TEXT, "values": {"type": "object", "additionalProperties": _TITLE}},
                            name=TEXT,
                            title=_TITLE,
                            type=TEXT,
                            role=TEXT,
                        )
                    ),
                )
            ),
            outputs=listed(shape(id=TEXT, kind=TEXT, title=TEXT, dimensions=listed(TEXT))),
            limits=said(
                "プロジェクトの 1 日の上限。null は上限なし。",
                "What the project may use in a day; null is no limit.",
                **_BUDGETS,
            ),
            used=said(
                "今日、プロジェクトが使った分。", "What the project has used today.",
                **shape(queries_day=WHOLE, rows_day=WHOLE, bytes_day=WHOLE),
            ),
            left=said("今日の残り。null は上限なし。", "What is left today; null is no limit.", **_BUDGETS),
            renewed=said(
                "残りが上限に戻る時刻。", "When what is left is the limit again.", type="string", format="date-time"
            ),
            more=said(
                "上限を増やす方法を、読み手の言語で。", "How to apply for more, in the reader's language.", type="string"
            ),
        ),
    ),
    "Data": said(
        "表の中身と、その列の役割。",
        "The content of a table, and what its columns are.",
        **shape(
            {
                "dimensions": listed(TEXT),
                "counts": said("人数の列", "Columns that count persons", **listed(TEXT)),
                "receipt": said(
                    "table() の答えの番号。再計算して照合します。",
                    "The id of the answer of table(): it is recomputed and compared.",
                    type=["string", "null"],
                ),
                "description": said(
                    "列の説明。enclave check の --spec と同じ形（YAML の文字列または JSON）。指摘を増やすことはあっても減らしません。",
                    "What the columns are, in the form of enclave check --spec (YAML text, or JSON). It adds findings and takes none away.",
                    type=["string", "object", "null"],
                ),
                "evidence": said(
                    "説明が挙げる根拠の表 (CSV)。持ち出されません。",
                    "The table of evidence that the description names, as CSV. It does not leave.",
                    type=["string", "null"],
                ),
            },
            name=TEXT,
            csv=TEXT,
        ),
    ),
    "Table": said(
        "持ち出す表。",
        "A table to take out.",
        allOf=[ref("Data"), shape(kind={"type": "string", "const": "table"})],
    ),
    "Figure": said(
        "持ち出す図。元の表も必要です。",
        "A figure to take out, with the table that it shows.",
        **shape(
            kind={"type": "string", "const": "figure"},
            name=TEXT,
            png=said("PNG を base64 で", "A PNG in base64", type="string", contentEncoding="base64"),
            data=ref("Data"),
        ),
    ),
    "Submission": said(
        "持出し申請。",
        "What is asked to be taken out.",
        **shape(
            output=said("承諾にある出力の番号", "The id of an output of the permit", type="string"),
            purpose=TEXT,
            items={
                "type": "array",
                "maxItems": MAX_FILES,
                "items": {"oneOf": [ref("Table"), ref("Figure")]},
            },
        ),
    ),
    "ExportLine": shape(
        id=TEXT,
        output=TEXT,
        state={"type": "string", "enum": [one.value for one in State]},
        verdict=_VERDICT,
        person=TEXT,
        digest=TEXT,
        submitted=_TIME,
        decided=_MAYBE_TIME,
        files=listed(shape(name=TEXT)),
    ),
    "Exports": shape(exports=listed(ref("ExportLine"))),
    "Export": {
        "allOf": [
            ref("ExportLine"),
            shape(
                purpose=TEXT,
                files=listed(
                    shape(
                        name=TEXT,
                        kind=TEXT,
                        digest=TEXT,
                        size=WHOLE,
                        description=_MAYBE_DIGEST,
                        evidence=_MAYBE_DIGEST,
                        verdict=_VERDICT,
                        findings=listed(
                            shape(
                                code=TEXT,
                                verdict=_VERDICT,
                                where={"type": "object"},
                                facts={"type": "object"},
                                rule_set={"type": ["string", "null"]},
                                title=TEXT,
                                hint=TEXT,
                            )
                        ),
                    )
                ),
            ),
        ]
    },
}  # fmt: skip
"""Every shape by its name."""
