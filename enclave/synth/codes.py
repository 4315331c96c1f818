"""What people read when synthetic databases cannot be made."""

from enclave.core.refusal import Wording

CODES: dict[str, Wording] = {
    "synth.people": Wording(
        "人数 {people} では作れません（{least}～{most}人）。",
        "Databases of {people} people cannot be made ({least} to {most}).",
        "--people を直してください。何も書き込まれていません。",
        "Correct --people. Nothing was written.",
        400,
    ),
    "synth.years": Wording(
        "年度 {first}～{last} は指定できません（{from}～{to}）。",
        "The fiscal years {first} to {last} cannot be made ({from} to {to}).",
        "--years は「2019-2023」のように、始めと終わりの年度（4月～翌3月）で指定します。",
        "--years takes the first and last fiscal year (April to March), as in 2019-2023.",
        400,
    ),
    "synth.seed": Wording(
        "乱数の種 {seed} は使えません。",
        "The seed {seed} cannot be used.",
        "0 以上 4294967295 以下の整数を指定してください。",
        "It is a whole number from 0 to 4294967295.",
        400,
    ),
    "synth.unknown_database": Wording(
        "知らないデータベースです: {databases}。",
        "Unknown databases: {databases}.",
        "作れるもの: {known}。",
        "What can be made: {known}.",
        400,
    ),
    "synth.not_empty": Wording(
        "出力先に既に {folders} があります。",
        "The output folder already holds {folders}.",
        "別の --out を指定するか、それらを消してください。上書きはしません。",
        "Name another --out, or remove them. Nothing is overwritten.",
        409,
    ),
    "synth.not_made": Wording(
        "{folder} に合成データの集計（truth/counted.parquet）がありません。",
        "{folder} holds no counts of a synthetic run (truth/counted.parquet).",
        "NDB を含めて `enclave data synth` で作ったフォルダを指定してください。",
        "Name a folder that `enclave data synth` made, NDB included.",
        400,
    ),
}
