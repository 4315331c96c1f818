"""The sentences of the page, by rule and language: what the rule is, its source, and what it means to whom."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """`keys`: the keys of a rule set that it explains. Texts: title, the rule, source, to a researcher, to a checker."""

    keys: tuple[str, ...]
    ja: tuple[str, str, str, str, str]
    en: tuple[str, str, str, str, str]

    def text(self, language: str) -> tuple[str, str, str, str, str]:
        return self.ja if language == "ja" else self.en


SECTIONS: Mapping[str, Section] = {
    "min_persons": Section(
        ("min_persons",),
        (
            "最少人数",
            "1 人以上 n 人未満のセルは表示しません。0 をそのまま示すか秘匿するかは基準が決めます。平均・合計・割合の背後の人数と、割合の分子にも同じ n を使います。",
            "厚生労働省 NDB ガイドライン（公表物の満たすべき基準）、介護 DB ガイドライン。海外: ESSnet (2010)、DwB (2015)。",
            "数値ごとに重複のない人数を添えてください。人数のない数値は安全と判定されません。",
            "件数ではなく人数か、欠測を除いた後の人数かを確かめます。割合は分母と割合から分子が求まります。",
        ),
        (
            "Minimum persons",
            "A cell of 1 to n − 1 persons is not shown. Whether 0 is shown as 0 the rule set says. The same n holds for the persons behind a mean, sum or ratio, and for the numerator of a ratio.",
            "The Ministry's NDB guideline (criteria for publication) and guideline of the long-term care database; abroad ESSnet (2010), DwB (2015).",
            "Give the number of distinct persons with every number. A number without it is never called safe.",
            "See that persons were counted, not records, and after missing values were left out. A ratio and its denominator give its numerator.",
        ),
    ),
    "min_persons_by_population": Section(
        ("min_persons_by_population",),
        (
            "市区町村の人口による最少人数",
            "人口の少ない市区町村（政令指定都市の行政区を含む）では最少人数が大きくなり、最も小さい段では 0 も含めて人数を示しません。",
            "NDB ガイドライン、介護 DB ガイドライン（2,000 人・25,000 人の段）。",
            "市区町村の表はおよそ半数が 20 人の段に入ります。二次医療圏なら段はありません。",
            "人口がわからない市区町村は、最も厳しい段にあるかもしれないものとして扱います。",
        ),
        (
            "Minimum persons by the population of a municipality",
            "For a municipality (or ward of a designated city) with few inhabitants the minimum is higher, and in the smallest tier no number is shown, not even 0.",
            "NDB guideline and guideline of the long-term care database (tiers of 2,000 and 25,000 inhabitants).",
            "About half of all municipalities are in the tier of 20. Secondary medical areas have no tiers.",
            "A municipality of unknown population may be in the strictest tier, and is treated so.",
        ),
    ),
    "min_institutions": Section(
        ("min_institutions",),
        (
            "最少施設数",
            "背後の施設（事業所・保険者）が n 未満のセルは表示しません。NDB では 2024 年 9 月から通常は適用されず、介護 DB と障害福祉 DB では適用されます。",
            "介護 DB ガイドライン (2022-12-12)、NDB ガイドライン第 3 版 (2024-09)。",
            "二つのデータベースを連結した表には、両方の基準が適用されます。",
            "施設数を数えていない表は人が確かめます。患者が多くても、二つの病院は互いの数を引き算できます。",
        ),
        (
            "Minimum institutions",
            "A cell with fewer than n institutions (providers, insurers) behind it is not shown. Since September 2024 the NDB normally does not ask for it; the databases of long-term care and of disability services do.",
            "Guideline of the long-term care database (2022-12-12), NDB guideline, 3rd edition (2024-09).",
            "A table of two linked databases obeys the rules of both.",
            "Where institutions were not counted, a person looks. However many patients: two hospitals can subtract each other's.",
        ),
    ),
    "group": Section(
        ("group",),
        (
            "グループの開示",
            "全員、またはほとんど全員が一つのセルに入ると、そのグループに属すると知られた人の値がわかります。全体との差が n 人未満なら最少人数の基準だけでも秘匿します。",
            "ESSnet (2010)、全体の目安（行・列の 90% 以上のセル）。",
            "「全員が該当」という結果は、人数が多くても公表できないことがあります。",
            "「残りが少ない」セルは、全体の数が同じ表か別の表にあれば引き算で求まります。",
        ),
        (
            "Group disclosure",
            "Where all of a group, or nearly all, are in one cell, whoever is known to be of the group is known to be in it. Where fewer than n persons are left over, the minimum of persons alone hides the cell.",
            "ESSnet (2010), overall rule of thumb (cells with 90 % or more of their row or column).",
            "“All of them” may be unpublishable however many they are.",
            "The few left over are had by subtraction where the group's number stands in this table or another one.",
        ),
    ),
    "dominance": Section(
        ("dominance",),
        (
            "優越 (n, k)",
            "最大の n 者の合計がセルの合計の k% を超えるとき、秘匿します。",
            "Handbook on Statistical Disclosure Control 第 4 章（Hundepool ほか, Wiley 2012）。",
            "ファイルでは、費用・日数などの合計や平均に、最大の寄与を根拠として添えます。table() は自分で数えます（平均・割合・差し引きで残るものも、一人分ずつ合わせて）。人数だけの表には関係しません。",
            "(1, k) だけでは、二番目の者が自分の値を引く攻撃を見逃します（下の p% の例）。",
        ),
        (
            "Dominance (n, k)",
            "A sum is hidden where the n largest contributions together are more than k % of it.",
            "Handbook on Statistical Disclosure Control, chapter 4 (Hundepool et al., Wiley 2012).",
            "In a file, give the largest contributions as evidence of a sum or mean of costs, days and the like. table() counts them itself, person by person, also for means, rates and what one sum leaves over of another. Tables of persons are not concerned.",
            "(1, k) alone overlooks that the second largest subtracts its own (the example of p % below).",
        ),
    ),
    "p_percent": Section(
        ("p_percent", "pq", "interval", "insiders"),
        (
            "p% と p-q",
            "合計から最大と次の値を引いた残りが最大の p% より小さいとき、秘匿します。n > 1 なら、次の n 者が知識を持ち寄ると考えます。p-q は残りが事前に q% まで知られている場合で、p/q の p% と同じです。秘匿した値は、足りない分だけ上下に離れた値でもありえなければなりません（人数は interval の数だけ整数がありうること）。insiders は、n 者以下のセルの当事者が自分たちの値を使って他のセルを求めようとする、と考えます（enclave protect のみ）。",
            "同 Handbook 第 4 章、例 1・例 2。",
            "秘匿されたら区分を粗くします。丸めても判定は変わりません。",
            "判定は分数で行い、丸め誤差で変わりません。最大の寄与がわからない合計は安全と判定しません。",
        ),
        (
            "p % and p-q",
            "A sum is hidden where what the largest and the next leave of it is less than p % of the largest. With n > 1, the next n pool what they know. p-q is for a rest that is known beforehand to within q %, and is p % with p / q. A hidden sum must possibly lie as far up and down as it lacks (a hidden count must have as many whole numbers as interval says). With insiders, whoever is one of n or fewer in a cell is taken to open other cells by what they know (`enclave protect` only).",
            "The same Handbook, chapter 4, examples 1 and 2.",
            "Use coarser categories. Rounding changes nothing.",
            "Decided in fractions: no rounding error decides. A sum whose largest contributions nobody knows is not called safe.",
        ),
    ),
    "quantities": Section(
        ("quantities",),
        (
            "数量",
            "人数がわからない薬剤の数量は、内服・外用 1,000 未満、注射 400 未満なら表示しません。人数がわかれば人数で判定します。",
            "NDB ガイドライン第 3 版 (2024-09)、NDB オープンデータ各表の注記。",
            "人数を数えられるなら、そのほうが多く表示できます。",
            "リハビリテーションの単位数にも基準がありますが、手元の写しでは数が切れているため、人数のない単位数は表示しません。",
        ),
        (
            "Quantities",
            "Units of a drug whose patients nobody counted are not shown below 1,000 (oral, external) or 400 (injected). Where the patients are counted, they decide.",
            "NDB guideline, 3rd edition (2024-09), and the notes in the tables of NDB Open Data.",
            "Count persons where you can: more can be shown.",
            "There is a number for units of rehabilitation too; it is cut off in the copies at hand, so that units without persons are not shown.",
        ),
    ),
    "statistics": Section(
        ("statistics",),
        (
            "分位点・最小最大・生存曲線・モデル",
            "分位点は両側に、最小・最大はその値に、生存曲線の各段はリスク集合に、基準の人数が必要です。回帰などのモデルには残差自由度が必要です。",
            "ESSnet (2010)・DwB (2015) の出力確認ガイドライン、ACRO の既定値。日本の基準には記載が見つかりません。",
            "最小・最大の代わりに 5%・95% 点を示し、曲線はリスク集合が少なくなる前で打ち切ります。",
            "飽和したモデル（自由度 0）は表そのものです。係数ではなく人数の表として見ます。",
        ),
        (
            "Quantiles, extremes, survival curves, models",
            "A quantile needs so many persons on both sides, a minimum or maximum so many who have it, a step of a survival curve so many at risk. A model needs residual degrees of freedom.",
            "The guidelines for output checking of ESSnet (2010) and DwB (2015), defaults of ACRO. Not found in Japanese criteria.",
            "Show the 5 % and 95 % points instead of extremes, and end a curve before few are at risk.",
            "A saturated model (no degree of freedom) is the table itself: judge it as a table of persons.",
        ),
    ),
    "rounding": Section(
        ("rounding", "masking", "perturbation"),
        (
            "丸め、「‐」、ノイズ",
            "OpenSAFELY は 7 人以下を秘匿し、残りを 5 の倍数か 6 人ごとの中点（3, 9, 15, …）に丸めます。NDB オープンデータは 10 未満を「‐」とし、行に一箇所だけなら、第 1〜4 回は総計以外すべて、第 5 回以降は 10 以上の最小値をすべて「‐」とします。セルキー法は、同じ人々には常に同じノイズを人数に加えます（0 はそのまま）。",
            "OpenSAFELY ドキュメント (2025-08-20)、NDB オープンデータ各表 1 行目の注記。セルキー法は Fraser, Wooton (2005)、Giessing (2016)。",
            "この環境の table() はどれも使いません。他機関の表を読むとき、または enclave perturb で公表用の表を作るときの基準です（[説明](perturbation.ja.md)）。",
            "どれも証明ではありません。「‐」は行ごとなので列の合計から求まることがあり、丸めもノイズも、少しずつ違う表を多く集めると外れます。",
        ),
        (
            "Rounding, dashes and noise",
            "OpenSAFELY redacts 7 or fewer and rounds the rest to the nearest 5, or to the midpoint of its band of 6 (3, 9, 15, …). NDB Open Data puts a dash below 10; where that is one place of a row, editions 1 to 4 put dashes everywhere but in the total, later ones at the smallest number of 10 or more. The cell-key method adds noise to counts, the same for the same persons; 0 stays 0.",
            "OpenSAFELY documentation (2025-08-20); the notes in row 1 of the tables of NDB Open Data. The cell-key method: Fraser, Wooton (2005); Giessing (2016).",
            "table() uses none of them. These sets are for reading the tables of others, and for making public ones with `enclave perturb` ([how](perturbation.md)).",
            "None is a proof: dashes are kept by row, so that totals of columns may open them, and rounding and noise wear off over many tables that differ a little.",
        ),
    ),
    "age": Section(
        ("age",),
        (
            "年齢区分",
            "5 歳以上の幅の区分とし、最高齢（NDB・障害福祉 100 歳以上、介護 95 歳以上）と介護の 65 歳未満は一つにまとめます。障害福祉では 18 歳で区切れます。",
            "介護 DB・障害福祉 DB ガイドライン (2) 年齢区分。NDB の値は実務の慣行で、原文は未確認です。",
            "GROUP BY age // 5 * 5 のように区分します。",
            "二つの表の区分がずれていると、差から 1 歳ごとの数が求まります。",
        ),
        (
            "Age",
            "Bands of at least 5 years; the oldest (NDB and disability services 100 and over, care 95 and over) and, in care, everybody below 65 are one group. Disability services may cut at 18.",
            "Guidelines of the databases of long-term care and of disability services, (2) age. The NDB's values are the field's practice; their sentence was not found.",
            "Group by age // 5 * 5, for example.",
            "Two tables with shifted bands give single years by difference.",
        ),
    ),
    "area": Section(
        ("area",),
        (
            "地域と組み合わせの禁止",
            "居住地も施設の所在地も、二次医療圏または市区町村までです。市区町村と保険者種別は、保険者の同意がない限り組み合わせません。",
            "NDB ガイドライン第 3 版 (2024-09)。",
            "保険者種別で分けるときは二次医療圏を使います。",
            "同じ組み合わせが二つの表に分かれていないかも見ます。",
        ),
        (
            "Area, and what may not be crossed",
            "Residence and institution go by secondary medical area or municipality at the finest. A municipality is not crossed with the kind of insurer unless the insurer agrees.",
            "NDB guideline, 3rd edition (2024-09).",
            "Use secondary medical areas where you divide by insurer.",
            "See that the crossing does not come in two tables.",
        ),
    ),
    "death": Section(
        ("death",),
        (
            "死亡・出生に関する項目",
            "死亡時刻は 2 時間以上の幅、出生体重は 100 g ごとで 300 g 以下と 4,000 g 以上はまとめ、同胞の数は区分します。",
            "NDB ガイドライン第 3 版 (2024-09)、死亡情報。",
            "機微な項目です。必要性は申出の審査で問われます。",
            "死亡の日付と地域の組み合わせは、報道などと照合されやすいことに注意します。",
        ),
        (
            "Items of birth and death",
            "Time of death in bands of at least 2 hours; birth weight by 100 g, 300 g and less and 4,000 g and more together; siblings grouped.",
            "NDB guideline, 3rd edition (2024-09), death information.",
            "These are sensitive; why you need them is asked when you apply.",
            "A day of death with a place is easily matched with the news.",
        ),
    ),
}
