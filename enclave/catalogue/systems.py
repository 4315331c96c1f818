"""Code systems that a column of type `code` may name, each with its form, where it is kept, and where its codes stand.

Decides which systems exist and what a code of each looks like (whole value, as text). Does not decide whether a code
is in use on a day: masters change, and a code that a master no longer lists still stands in old records.

`table` names the reference table of the catalogue that says what a code means; None where no list may be kept here
(the terms of use of the complete masters are not established), where the column's own `values` say it, or where the
register of persons has its own list.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from enclave.catalogue.words import Title


@dataclass(frozen=True)
class CodeSystem:
    """`pattern` matches a whole code. `keeper` is who maintains the list."""

    id: str
    title: Title
    pattern: re.Pattern[str]
    keeper: str
    table: str | None = None


def _system(id_: str, ja: str, en: str, pattern: str, keeper: str, table: str | None = None) -> CodeSystem:
    return CodeSystem(id_, Title(ja, en), re.compile(pattern), keeper, table)


_ROWS: tuple[CodeSystem, ...] = (
    _system("pref", "都道府県コード", "Prefecture code", r"[0-9]{2}", "JIS X 0401", "core.pref"),
    _system("sma", "二次医療圏コード", "Secondary medical area code", r"[0-9]{4}", "MHLW", "core.sma"),
    _system("muni", "市区町村コード", "Municipality code", r"[0-9]{5}", "JIS X 0402", "core.muni"),
    _system("icd10", "ICD-10（点なし）", "ICD-10 without the point", r"[A-Z][0-9]{2}[0-9A-Z]{0,2}", "WHO / MHLW", "core.icd10"),
    _system("ssk_disease", "傷病名コード", "Claim disease code", r"[0-9]{7}", "SSK", "core.disease"),
    _system("ssk_act", "診療行為コード", "Claim procedure code", r"[0-9]{9}", "SSK", "core.act"),
    _system("ssk_drug", "医薬品コード", "Claim drug code", r"[0-9]{9}", "SSK", "core.drug"),
    _system("ssk_material", "特定器材コード", "Claim material code", r"[0-9]{9}", "SSK", "core.material"),
    _system("yj12", "薬価基準収載医薬品コード", "Drug price list code", r"[0-9]{4}[0-9A-Z]{8}", "MHLW", "core.drug"),
    _system("kubun", "点数表の区分番号", "Section of the fee schedule", r"[A-Z][0-9]{3}(-[0-9]+)*", "MHLW", "core.kubun"),
    _system("dpc14", "診断群分類番号", "DPC code", r"[0-9x]{6}[0-9x]{8}", "MHLW", "core.dpc14"),
    _system("jlac10", "臨床検査項目分類コード JLAC10", "Laboratory test code JLAC10", r"[0-9A-Z]{17}", "JSLM", "core.jlac10"),
    _system("kaigo_service", "介護サービス種類コード", "Long-term care service kind", r"[0-9]{2}", "MHLW", "core.kaigo_service"),
    _system("kaigo_item", "介護サービスコード", "Long-term care service code", r"[0-9]{6}", "MHLW"),
    _system("welfare_service", "障害福祉サービス種類コード", "Disability service kind", r"[0-9]{2}", "MHLW", "core.welfare_service"),
    _system("vaccine", "ワクチンの種類", "Kind of vaccine", r"[A-Z0-9-]{2,20}", "this catalogue", "core.vaccine"),
    _system("topo", "ICD-O-3 局在コード", "ICD-O-3 topography", r"C[0-9]{2}\.[0-9]", "WHO", "core.topo"),
    _system("morph", "ICD-O-3 形態コード", "ICD-O-3 morphology", r"[0-9]{4}", "WHO", "core.morph"),
    _system("nanbyo", "指定難病の告示番号", "Number of the designated disease", r"[0-9]{1,3}", "MHLW", "core.nanbyo"),
    _system("insurer_kind", "法別番号", "Kind of insurer", r"[0-9]{2}", "MHLW"),
)  # fmt: skip

SYSTEMS: Mapping[str, CodeSystem] = {system.id: system for system in _ROWS}
"""By id, as a descriptor's `system:` names them."""
