"""The only form of a no. A refusal carries a stable dotted code and facts that never hold a data value.

Bugs are ordinary exceptions; a `Refused` is an expected outcome that every edge knows how to show
(HTTP: problem+json with `status`; commands: JSON and exit status 3).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from enclave.core.clock import as_read, parse_rfc3339

type_of_problem = "urn:enclave:refused:"


@dataclass(frozen=True)
class Wording:
    """What a person reads for a code, in both languages. `{name}` is filled from the refusal's facts, in words where `terms`
    has them: a fact's word, or its beginning up to a space → Japanese, English."""

    title_ja: str
    title_en: str
    hint_ja: str = ""
    hint_en: str = ""
    status: int = 403
    terms: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)

    def title(self, language: str) -> str:
        return self.title_ja if language == "ja" else self.title_en

    def hint(self, language: str) -> str:
        return self.hint_ja if language == "ja" else self.hint_en


class Refused(Exception):  # noqa: N818  the project's word for a no; it is not an error
    """A no with its code (`query.*`, `permit.*`, `export.*`, `disclosure.*`, `session.*`, `application.*`, …).

    `facts` are names, limits and places; a data value in them is a defect. `codes` lists every code
    when more than one rule said no; `code` is the first of them. Two refusals with the same content are equal.
    """

    def __init__(
        self, code: str, facts: Mapping[str, object] | None = None, codes: tuple[str, ...] = ()
    ) -> None:
        super().__init__(code)
        self.code = code
        self.facts: Mapping[str, object] = dict(facts or {})
        self.codes = codes or (code,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refused) and (self.code, self.facts, self.codes) == (
            other.code,
            other.facts,
            other.codes,
        )

    def __hash__(self) -> int:
        return hash((self.code, self.codes))

    def __repr__(self) -> str:
        return f"Refused({self.code!r}, {dict(self.facts)!r})"


_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")


def _as_read(fact: object, language: str, terms: Mapping[str, tuple[str, str]]) -> object:
    if isinstance(fact, list | tuple):
        several = ("、" if language == "ja" else "; ").join(
            str(_as_read(one, language, terms)) for one in fact
        )
        return several or "-"
    if not isinstance(fact, str):
        return fact
    if _TIME.fullmatch(fact):
        return as_read(parse_rfc3339(fact), language)
    return _in_words(fact, language, terms)


def _in_words(fact: str, language: str, terms: Mapping[str, tuple[str, str]]) -> str:
    """A fact in words; of several that are written one after the other each that has any."""
    place = 0 if language == "ja" else 1
    if fact in terms:
        return terms[fact][place]
    for begin, words in terms.items():
        if begin.endswith(" ") and fact.startswith(begin):
            return words[place] + fact.removeprefix(begin)
    for mark in ("; ", ", "):
        parts = fact.split(mark)
        if len(parts) > 1 and any(part in terms for part in parts):
            return mark.join(terms[part][place] if part in terms else part for part in parts)
    return fact


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "…"


def problem(refused: Refused, wordings: Mapping[str, Wording], language: str) -> dict[str, object]:
    """The problem+json object of a refusal (SHAPES, Query): `{type, status, code, title, facts, hint}`.

    A code without a wording is shown as itself: a missing sentence must not hide a no. Times among the facts stand in the
    sentences as people read them.
    """
    wording = wordings.get(refused.code, Wording(refused.code, refused.code))
    facts = _Facts({name: _as_read(value, language, wording.terms) for name, value in refused.facts.items()})
    return {
        "type": type_of_problem + refused.code,
        "status": wording.status,
        "code": refused.code,
        "codes": list(refused.codes),
        "title": wording.title(language).format_map(facts),
        "facts": dict(refused.facts),
        "hint": wording.hint(language).format_map(facts),
    }


CODES: dict[str, Wording] = {
    "policy.unavailable": Wording(
        "方針を判定する機構が応答しません。",
        "The policy server does not answer.",
        "何も実行されていません。しばらくしてからもう一度お試しください。",
        "Nothing was done. Try again in a moment; the operator has been told.",
        503,
    ),
    "policy.input_incomplete": Wording(
        "方針への問い合わせに、判定に必要な事実が欠けていました。",
        "The question to the policy lacked a fact that the decision rests on.",
        "何も実行されていません。運用担当者にお問い合わせください。",
        "Nothing was done. Tell the operator.",
    ),
    "ledger.unavailable": Wording(
        "記録台帳が応答しないため、処理を行いませんでした。",
        "The ledger does not answer, so nothing was done.",
        "記録できないことは行いません。入力は失われていません。しばらくしてからもう一度お試しください。",
        "What cannot be recorded does not happen. Nothing you entered is lost; try again in a moment.",
        503,
    ),
    "custody.unavailable": Wording(
        "データの管理機構が応答しません。",
        "Custody does not answer.",
        "しばらくしてからもう一度お試しください。",
        "Try again in a moment; the operator has been told.",
        503,
    ),
    "custody.custodian_needed": Wording(
        "この操作を行うデータ管理者を指定してください。",
        "Say which custodian does this step.",
        "--person に次のいずれかを指定: {custodians}",
        "Give --person one of: {custodians}",
    ),
    "custody.own_project": Wording(
        "データ管理者自身が取扱者であるプロジェクトの抽出データは作れません。",
        "A custodian does not build the extract of a project that they are a handler of.",
        "別のデータ管理者に依頼してください。",
        "Ask another custodian.",
    ),
    "session.required": Wording(
        "ログインが必要です。",
        "You need to be logged in.",
        "ログインしてからもう一度お試しください。",
        "Log in and try again.",
        401,
    ),
    "session.role_missing": Wording(
        "この操作を行う権限がありません。",
        "Your role does not allow this.",
        "必要な役割: {role}。",
        "It needs the role: {role}.",
    ),
    "session.cross_site": Wording(
        "別のサイトからの操作は受け付けません。",
        "A request from another site is not accepted.",
        "このポータルのページを開き直して、もう一度お試しください。",
        "Open the page in the portal again and retry from there.",
    ),
    "session.login_failed": Wording(
        "ログインできませんでした。",
        "Login failed.",
        "利用者名、パスワード、ワンタイムコードのいずれかが正しくありません。コードは30秒ごとに変わります。",
        "The name, the password or the one-time code is wrong. Codes change every 30 seconds.",
        401,
    ),
    "session.otp_used": Wording(
        "このワンタイムコードは使用済みです。",
        "This one-time code was already used.",
        "各コードは一度だけ使えます。次のコードが表示されるまで最大30秒お待ちください。",
        "Each code works once. Wait up to 30 seconds for the next one.",
        401,
    ),
    "session.too_many_failures": Wording(
        "ログインの失敗が続いたため、しばらく受け付けません。",
        "Too many failed logins; none are accepted for a while.",
        "{minutes} 分後にもう一度お試しください。",
        "Try again in {minutes} minutes.",
        429,
    ),
    "session.inactive": Wording(
        "この利用者は現在利用を停止されています。",
        "This person's access is suspended.",
        "事務局にお問い合わせください。",
        "Ask the secretariat.",
    ),
    "session.project_differs": Wording(
        "このワークスペースは別のプロジェクトのものです。",
        "This workspace belongs to another project.",
        "ポータルから、そのプロジェクトのワークスペースを開いてください。",
        "Open that project's workspace from the portal.",
    ),
    "session.workspace_unavailable": Wording(
        "承諾が定める種類のワークスペースは、まだ提供されていません。",
        "The kind of workspace that the permit asks for is not offered yet.",
        "事務局にお問い合わせください。",
        "Ask the secretariat.",
    ),
    "session.unknown": Wording(
        "このワークスペースの認証を確認できません。",
        "This workspace is not known here.",
        "ポータルからワークスペースを開き直してください。",
        "Open the workspace again from the portal.",
        401,
    ),
    "session.ended": Wording(
        "このワークスペースのセッションは終了しています。",
        "This workspace's session has ended.",
        "保存したファイルは残っています。ポータルから開き直してください。",
        "Your files are kept. Open the workspace again from the portal.",
        401,
    ),
    "session.address": Wording(
        "このセッションは別のワークスペースのものです。",
        "This session belongs to another workspace.",
        "ポータルからワークスペースを開き直してください。",
        "Open the workspace again from the portal.",
        401,
    ),
    "permit.unknown": Wording(
        "この承諾は存在しません。",
        "There is no such permit.",
        "承諾の番号を確かめてください。",
        "Check the permit's number.",
        404,
    ),
    "permit.malformed": Wording(
        "承諾の内容を読み取れません（{place}）。",
        "The permit cannot be read (at {place}).",
        "承諾の形式を確かめてください。",
        "Check the permit against its schema, enclave.permit/1.",
        400,
    ),
    "permit.signature": Wording(
        "承諾の署名を確認できません。",
        "The permit's signature does not verify.",
        "署名された承諾だけが有効です。",
        "Only a signed permit is valid.",
    ),
    "permit.not_yet_valid": Wording(
        "承諾の利用期間がまだ始まっていません。",
        "The permit is not valid yet.",
        "{valid_from} から利用できます。",
        "It can be used from {valid_from}.",
    ),
    "permit.expired": Wording(
        "承諾の利用期間が終わっています。",
        "The permit has expired.",
        "{valid_to} に終了しました。延長するには変更申出を行ってください。",
        "It ended at {valid_to}. Apply for an extension to go on.",
    ),
    "permit.not_handler": Wording(
        "この承諾の取扱者ではありません。",
        "You are not a handler of this permit.",
        "取扱者の追加には変更申出が必要です。",
        "Adding a handler needs an amendment.",
    ),
    "permit.revoked": Wording(
        "この承諾は取り消されています。",
        "The permit was revoked.",
        "事務局にお問い合わせください。",
        "Ask the secretariat.",
    ),
}
