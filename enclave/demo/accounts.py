"""The demo's people. Their passwords and one-time secrets are fixed and printed: they exist in the profile `demo` only."""

from dataclasses import dataclass

import pyotp

from enclave.adapters.person_records import TOTP_SECONDS, Person
from enclave.core.ids import PersonId
from enclave.core.roles import Role


@dataclass(frozen=True)
class Account:
    person: Person
    password: str
    totp_secret: str


def _account(person: str, ja: str, en: str, place_ja: str, place_en: str, role: Role, secret: str) -> Account:
    return Account(
        Person(PersonId(person), ja, en, place_ja, place_en, frozenset({role}), True),
        f"{person}-visits-2026",
        secret,
    )


ACCOUNTS: tuple[Account, ...] = (
    _account("tanaka", "田中 恵", "Megumi Tanaka", "北都大学", "Hokuto University", Role.RESEARCHER, "ENCLAVEDEMOTANAKA23456ABCDEFGHIJ"),
    _account("mori", "森 健太", "Kenta Mori", "北都大学", "Hokuto University", Role.RESEARCHER, "ENCLAVEDEMOMORIKENTA2345ABCDEFGH"),
    _account("sato", "佐藤 誠", "Makoto Sato", "専門委員会", "Expert committee", Role.COMMITTEE, "ENCLAVEDEMOSATOMAKOTO234ABCDEFGH"),
    _account("suzuki", "鈴木 京子", "Kyoko Suzuki", "専門委員会", "Expert committee", Role.COMMITTEE, "ENCLAVEDEMOSUZUKIKYOKO23ABCDEFGH"),
    _account("takahashi", "高橋 直", "Nao Takahashi", "公表物確認", "Output checking", Role.CHECKER, "ENCLAVEDEMOTAKAHASHI2345ABCDEFGH"),
    _account("ito", "伊藤 渚", "Nagisa Ito", "公表物確認", "Output checking", Role.CHECKER, "ENCLAVEDEMOITONAGISA2345ABCDEFGH"),
    _account("yamamoto", "山本 修", "Osamu Yamamoto", "データ管理室", "Data custody office", Role.CUSTODIAN, "ENCLAVEDEMOYAMAMOTO23456ABCDEFGH"),
    _account("kobayashi", "小林 梓", "Azusa Kobayashi", "監査室", "Audit office", Role.AUDITOR, "ENCLAVEDEMOKOBAYASHI2345ABCDEFGH"),
    _account("watanabe", "渡辺 豊", "Yutaka Watanabe", "運用室", "Operations", Role.OPERATOR, "ENCLAVEDEMOWATANABE23456ABCDEFGH"),
)  # fmt: skip


def account(person: str) -> Account:
    """The demo account of that name. Raises KeyError."""
    return {a.person.id: a for a in ACCOUNTS}[PersonId(person)]


def unused_code(secret: str, last_step: int, unix_time: float) -> tuple[str, float]:
    """A one-time code that still works, and in how many seconds it begins to be accepted (0 for now).

    A code works once; one step ahead is accepted already, so the next unused step is given.
    """
    present = int(unix_time) // TOTP_SECONDS
    step = max(present, last_step + 1)
    accepted_from = (step - 1) * TOTP_SECONDS
    return pyotp.TOTP(secret, interval=TOTP_SECONDS).generate_otp(step), max(0.0, accepted_from - unix_time)
