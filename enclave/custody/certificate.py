"""The certificate of an erasure: what was destroyed, where that is on record, and what nobody can promise.

Decides what a certificate says. Relies on the acts of custody for its facts; the service that issues it signs it (DSSE,
`enclave.adapters.signing`). Schema `enclave.erasure/1`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from enclave.catalogue.words import Title

SCHEMA = "enclave.erasure/1"

DESTROYED: tuple[Title, ...] = (
    Title(
        "この提供の仮名化鍵。対応表は保存されておらず、番号と鍵から計算されるものであったため、鍵の破棄により再計算できなくなりました。",
        "The provision's pseudonym key. No map was ever stored: it was computed from numbers and this key, and without "
        "the key it cannot be computed again.",
    ),
    Title(
        "各抽出データの暗号鍵と、抽出データのファイル。",
        "The encryption key of every extract, and the extracts' files.",
    ),
    Title(
        "作成途中のファイルと、その鍵。",
        "Files of a build that was not finished, and their key.",
    ),
)
"""What erasing destroys."""

BACKUPS = Title(
    "バックアップに残る抽出データは暗号化されており、その鍵は本証明書の日時に破棄されました。鍵庫の主鍵も同時に新しくされ、"
    "古い主鍵は本機から破棄されました。この日時より前の鍵庫のバックアップは、本機に残るものでは開けません。古い主鍵の"
    "写しが別に保管されている場合は、廃棄する必要があります。",
    "Copies of the extracts in backups are encrypted, and their keys were destroyed at the time of this certificate. The "
    "vault's master key was replaced at the same time, and the one before was destroyed on this machine: a backup of the "
    "vault that is older than this time opens with nothing that is left here. Copies of the earlier master key that are "
    "kept elsewhere must be discarded.",
)
"""What must happen to backups where the master key is a file. The operator's duty, and said so."""

BACKUPS_DEVICE = Title(
    "バックアップに残る抽出データは暗号化されており、その鍵は本証明書の日時に破棄されました。主鍵は外部の装置にあり、"
    "この日時より前の鍵庫のバックアップは廃棄する必要があります（廃棄するまでは、装置を使える者が鍵を取り出せます）。",
    "Copies of the extracts in backups are encrypted, and their keys were destroyed at the time of this certificate. The "
    "master key lies in a device: backups of the vault that are older than this time must be discarded. Until then, "
    "whoever has one and may use the device can still unwrap the keys.",
)
"""The same where it lies in a device, which custody cannot make replace its key."""

KEPT: tuple[Title, ...] = (
    Title(
        "提供の記録（いつ、誰に、何を、何件）と、誰が含まれていたかの名簿（仮名は含まない）。本人からの照会に答えるためです。",
        "The record of the provision (when, to whom, what, how many) and the list of who was in it (no pseudonyms): a "
        "person may ask whether they were.",
    ),
    Title("台帳の記録。", "The leaves in the log."),
)
"""What remains by law, and why it is no map."""

REMAINS: tuple[Title, ...] = (
    Title(
        "仮名化の対応は失われましたが、元のデータベースを持つ者は、抽出データの平文の写しを手に入れれば、属性の組合せ"
        "（生年月、性別、地域、受診日、傷病名、診療行為など）を突き合わせて本人の記録を探せます。記録の並びは人ごとに"
        "ほぼ一意だからです。",
        "The mapping is gone. But whoever holds the source database and obtains a plaintext copy of the extract can "
        "look for a person's records by matching attributes (month of birth, sex, area, dates, diagnoses, acts): the "
        "sequence of a person's records is nearly unique.",
    ),
    Title(
        "これを防ぐのは鍵ではなく、平文が環境の外に出ないこと（Visiting環境）、照合の禁止、そして出力の確認です。",
        "What stands against this is not a key but that no plaintext leaves the environment, that matching is "
        "forbidden by law, and that every output is checked.",
    ),
)
"""What a source holder could still do."""


def statement(
    provision: str,
    permit: str,
    erased: str,
    extracts: Sequence[Mapping[str, Any]],
    keys: int,
    *,
    master_replaced: bool,
) -> dict[str, Any]:
    """The certificate's content, before it has its place in the log and its signature."""
    return {
        "schema": SCHEMA,
        "provision": provision,
        "permit": permit,
        "erased": erased,
        "extracts": [dict(one) for one in extracts],
        "keys_destroyed": keys,
        "destroyed": _both(DESTROYED),
        "backups": _one(BACKUPS if master_replaced else BACKUPS_DEVICE),
        "kept": _both(KEPT),
        "remains": _both(REMAINS),
    }


def _one(title: Title) -> dict[str, str]:
    return {"ja": title.ja, "en": title.en}


def _both(titles: Sequence[Title]) -> list[dict[str, str]]:
    return [_one(title) for title in titles]
