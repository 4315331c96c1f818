"""Which language a page is in, and how times, sizes and states read in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from enclave.core.clock import JAPAN, MONTHS, as_read

COOKIE = "__Host-enclave-lang"
LANGUAGES = ("ja", "en")


def choose(asked: str | None, kept: str | None, accepted: str | None) -> str:
    """`?lang=` first, then the cookie, then the browser's Accept-Language, then English."""
    for wanted in (asked, kept):
        if wanted in LANGUAGES:
            return wanted or "en"
    ranked: list[tuple[float, str]] = []
    for part in (accepted or "").split(","):
        tag, _, weight = part.strip().partition(";")
        primary = tag.split("-")[0].lower()
        if primary in LANGUAGES:
            try:
                quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
            except ValueError:
                quality = 0.0
            ranked.append((-quality, primary))
    return min(ranked, key=lambda r: r[0])[1] if ranked else "en"


@dataclass(frozen=True)
class Speech:
    """The words of one language, for templates."""

    language: str

    def say(self, ja: str, en: str) -> str:
        return ja if self.language == "ja" else en

    def moment(self, at: datetime) -> str:
        """Times are shown as in Japan, and say so."""
        return as_read(at, self.language)

    def second(self, at: datetime) -> str:
        return at.astimezone(JAPAN).strftime("%Y-%m-%d %H:%M:%S")

    def day(self, at: datetime | date) -> str:
        if isinstance(at, datetime):
            at = at.astimezone(JAPAN).date()
        if self.language == "ja":
            return f"{at.year}年{at.month}月{at.day}日"
        return f"{at.day} {MONTHS[at.month - 1]} {at.year}"

    def last_day(self, end: datetime) -> str:
        """The last day before a half-open end."""
        return self.day(end - timedelta(microseconds=1))

    def size(self, count: int) -> str:
        amount = float(count)
        for unit in ("B", "kB", "MB", "GB"):
            if amount < 1000 or unit == "GB":
                return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
            amount /= 1000
        return ""

    def number(self, value: int) -> str:
        return f"{value:,}"

    def word(self, kind: str, value: str) -> str:
        """A closed word (a state, a role, a verdict) as people read it; an unknown one as itself."""
        ja, en = WORDS.get(kind, {}).get(value, (value, value))
        return self.say(ja, en)


WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "role": {
        "researcher": ("研究者", "Researcher"),
        "committee": ("専門委員", "Committee member"),
        "checker": ("公表物確認者", "Output checker"),
        "custodian": ("データ管理者", "Data custodian"),
        "auditor": ("監査者", "Auditor"),
        "operator": ("運用担当者", "Operator"),
    },
    "application": {
        "draft": ("下書き", "Draft"),
        "submitted": ("提出済み", "Submitted"),
        "under_review": ("審査中", "In review"),
        "approved": ("承諾", "Approved"),
        "refused": ("不承諾", "Refused"),
        "withdrawn": ("取下げ", "Withdrawn"),
    },
    "opinion": {
        "approve": ("承諾してよい", "May be granted"),
        "refuse": ("承諾すべきでない", "Should not be granted"),
    },
    "criterion": {
        "met": ("満たす", "Met"),
        "doubt": ("懸念あり", "Doubt"),
        "na": ("該当なし", "Not applicable"),
    },
    "column_role": {
        "person": ("仮名番号", "pseudonym"),
        "identifying": ("属性（識別性あり）", "identifying"),
        "clinical": ("臨床", "clinical"),
        "outcome": ("転帰", "outcome"),
        "facility": ("施設", "facility"),
        "date": ("日付", "date"),
        "area": ("地域", "area"),
        "measure": ("測定値", "measure"),
        "record": ("記録の番号", "record"),
    },
    "unit": {
        "year": ("年", "year"),
        "week": ("週", "week"),
        "day": ("日", "day"),
        "hour": ("時", "hour"),
        "time": ("回", "times"),
        "point": ("点", "points"),
        "unit": ("単位", "units"),
        "person": ("人", "persons"),
        "JPY": ("円", "JPY"),
    },
    "certainty": {
        "stated": ("出典あり", "stated"),
        "reconstructed": ("読み取り", "reconstructed"),
        "planned": ("予定", "planned"),
        "assumed": ("未確認", "unverified"),
    },
    "identifiability": {
        "named": ("顕名", "Identifiable"),
        "pseudonymised": ("仮名化", "Pseudonymised"),
        "anonymised": ("匿名", "Anonymised"),
        "aggregate": ("統計", "Aggregates"),
    },
    "fact": {
        "full_name": ("正式名称", "Full name"),
        "since": ("開始", "Since"),
        "holder": ("保有者", "Holder"),
        "source_data": ("元になるデータ", "Source data"),
        "items": ("主な項目", "Main items"),
        "identifiability": ("識別性", "Held as"),
        "consent": ("収集時の同意", "Consent at collection"),
        "provided_to": ("提供先", "Provided to"),
        "purpose": ("利用目的", "Purpose"),
        "body": ("意見を聴く会議", "Body heard"),
        "keys": ("連結に使う識別子", "Identifiers for linkage"),
        "special": ("特別な規則", "Special rule"),
        "use_period": ("利用期間", "Period of use"),
        "volume": ("規模", "Volume"),
    },
    "no_link": {
        "alone": ("他と連結しない", "linked with nothing"),
        "undecided": ("未定", "undecided"),
        "not_yet": ("まだ始まっていない", "not begun yet"),
        "ended": ("終わった", "ended"),
        "not_listed": ("定めがない", "no rule allows it"),
    },
    "sensitivity": {
        "ordinary": ("通常", "ordinary"),
        "sensitive": ("機微", "sensitive"),
        "restricted": ("個別審査", "own review"),
    },
    "review_path": {"full": ("通常の審査", "Full review"), "simplified": ("簡易な審査", "Simplified review")},
    "file": {
        "table": ("表", "Table"),
        "figure": ("図", "Figure"),
        "data": ("図の元データ", "Data of a figure"),
    },
    "place": {"description": ("列の説明", "the description"), "evidence": ("根拠の表", "the evidence")},
    "dimension": {
        "age": ("年齢", "age"),
        "pref": ("都道府県", "prefecture"),
        "sma": ("二次医療圏", "secondary medical area"),
        "muni": ("市区町村", "municipality"),
        "birth_weight": ("出生体重", "birth weight"),
        "death_time": ("死亡の時刻", "time of death"),
        "insurer_kind": ("保険者の種別", "kind of insurer"),
        "siblings": ("きょうだいの数", "number of siblings"),
    },
    "statistic": {
        "sum": ("合計", "sum"),
        "mean": ("平均", "mean"),
        "ratio": ("割合・率", "ratio or rate"),
        "quantile": ("分位点", "quantile"),
        "extreme": ("最小値・最大値", "minimum or maximum"),
        "survival": ("生存曲線の段", "step of a survival curve"),
        "model": ("モデルの推定値", "estimate of a model"),
        "quantity": ("数量", "quantity"),
    },
    "evidence": {
        "contributors": ("寄与した数", "contributors"),
        "total": ("合計", "sum"),
        "numerator": ("分子の人数", "persons in the numerator"),
        "below": ("以下の人数", "persons at or below"),
        "above": ("以上の人数", "persons at or above"),
        "at": ("その値の人数", "persons with this value"),
        "at_risk": ("リスク集合の人数", "persons at risk"),
        "df": ("残差自由度", "residual degrees of freedom"),
    },
    "route": {"oral": ("内服・外用", "oral"), "injection": ("注射", "injection")},
    "output": {"table": ("表", "Table"), "figure": ("図", "Figure"), "model": ("モデル", "Model")},
    "tier": {
        "record": ("個票（仮名化）", "Records (pseudonymised)"),
        "aggregate": ("集計のみ", "Aggregates only"),
    },
    "export": {
        "submitted": ("提出済み", "Submitted"),
        "returned": ("差戻し", "Turned back"),
        "queued": ("確認待ち", "With the checkers"),
        "approved": ("承認", "Approved"),
        "rejected": ("不承認", "Rejected"),
        "released": ("公表可", "Released"),
    },
    "standing": {
        "in_force": ("有効", "In force"),
        "not_yet": ("開始前", "Not yet valid"),
        "expired": ("終了", "Expired"),
    },
    "verdict": {
        "pass": ("問題なし", "Passed"),
        "fail": ("基準を満たさない", "Not safe"),
        "human": ("目視で確認", "For a human to judge"),
    },
    "vote": {"approve": ("承認", "Approve"), "reject": ("不承認", "Reject")},
    "outcome": {"ok": ("完了", "Done"), "refused": ("拒否", "Refused"), "aborted": ("中断", "Aborted")},
    "workspace": {
        "stopping_other": ("別のワークスペースを終了しています", "Stopping your other workspace"),
        "starting": ("隔離されたコンテナーを起動しています", "Starting your isolated container"),
        "ready": ("準備ができました", "Ready"),
        "off": ("停止中", "Not running"),
        "unknown": ("不明", "Unknown"),
        "failed": ("開けませんでした", "Could not be opened"),
        "stopping": ("終了しています", "Stopping"),
    },
}
