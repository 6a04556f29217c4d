"""The sentences of the first screen: which figures they speak of, and what they say with them."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from synthetic_steps import KNOWN, share

from adversity.contracts.values import Measure
from adversity.report import Section, Text, report_json, story_lines, write_html, write_markdown
from adversity.report.sections import register
from adversity.report.sections.story import hardest_cell
from adversity.report.values.model import Caveat, CellResult, Gain, Report, StepSummary
from adversity.report.values.paired import HARMS, NO_EVIDENCE
from adversity.report.words.counting import count_text, hits
from adversity.report.words.reading import with_words

if TYPE_CHECKING:
    from pathlib import Path


def answers(step: str, path: tuple[str, ...], right: dict[str, int], n: int = 20) -> StepSummary:
    """Predictions with so many right answers in each cell of `severity`."""
    cells = tuple(
        CellResult({"severity": at} if at else {}, n, {"accuracy": share(count / n, n)})
        for at, count in right.items()
    )
    made = ("photos", *path, step)
    return StepSummary(step, "classifier/net", "classifier", "predictions", path=made, cells=cells)


def view(step: str, kind: str, uses: str, *path: str) -> StepSummary:
    return StepSummary(step, f"{kind}/{uses}", kind, "images", path=("photos", *path, step))


def attack(step: str, left: dict[float, int], **more: Any) -> StepSummary:
    """An attack on the clean answers that leaves so many of 20 under each budget."""
    cells = tuple(
        CellResult(
            {"eps": f"{eps:g}"},
            20,
            {"robust_accuracy": share(count / 20, 20)},
            parameters={"norm": "linf", "eps": eps},
        )
        for eps, count in left.items()
    )
    threat = {"type": "norm", "access": "gradients", "norm": "linf", "eps": "$eps"}
    made = StepSummary(
        step,
        f"attack/{step}",
        "attack",
        "adversarial",
        ("photos",),
        ("photos", step),
        against="clean",
        knowledge="white-box",
        threat=threat,
        cells=cells,
    )
    return replace(made, **{**more, "threat": {**threat, **more.get("threat", {})}})


def made(bare: Report, *steps: StepSummary, **more: Any) -> Report:
    known = with_words(steps, KNOWN)
    return replace(bare, steps=known, caveats=more.pop("caveats", ()), **more)


CLEAN = answers("clean", (), {"": 15})
DARK = view("dark", "degradation", "low_light")
DARK_ANSWERS = answers("dark_answers", ("dark",), {"1": 14, "5": 3, "3": 9})


def test_the_hardest_cell_is_told_with_counts_and_intervals(bare_report: Report) -> None:
    """3 of 20 with Wilson's interval, 0.0524 to 0.3604 (by hand), at the cell with fewest right."""
    report = made(bare_report, CLEAN, DARK, DARK_ANSWERS)
    (said,) = story_lines(report)
    assert said == (
        "Degraded. As they are, 15 of 20 images of photos are recognised, 0.750 [0.531, 0.888]. "
        "Through dark (low_light) at severity = 5, the worst of 3 cells, 3 still are, "
        "0.150 [0.052, 0.360]."
    )
    assert hardest_cell(report) == {"severity": "5"}


def test_the_best_restoration_is_told_and_that_it_was_chosen(bare_report: Report) -> None:
    """Of two restorations of the hardest cell the better one speaks; one of another cell does not."""

    def gain(step: str, at: str, change: float, low: float) -> Gain:
        difference = Measure(change, 20, low, change + 0.2)
        return Gain(step, "dark_answers", f"{step}_answers", {"severity": at}, difference, 8, 1)

    lime, gamma = (view(name, "restoration", name, "dark") for name in ("lime", "gamma"))
    after = [
        answers("lime_answers", ("dark", "lime"), {"1": 15, "5": 10, "3": 9}),
        answers("gamma_answers", ("dark", "gamma"), {"1": 15, "5": 4, "3": 19}),
    ]
    gains = (
        gain("gamma", "3", 0.5, 0.3),
        gain("gamma", "5", 0.05, -0.1),
        gain("lime", "5", 0.35, 0.1),
    )
    steps = (CLEAN, DARK, DARK_ANSWERS, lime, gamma, *after)
    restored = story_lines(made(bare_report, *steps, gains=gains))[1]
    assert restored == (
        "Restored. lime brings that to 10 of 20: change +0.350 [+0.100, +0.550], paired by image "
        "(8 recovered, 1 newly broken). It is the best of 2 restorations there, chosen on these "
        "images, which flatters it."
    )
    alone = story_lines(made(bare_report, *steps, gains=gains[1:2]))[1]
    assert alone.endswith("(8 recovered, 1 newly broken), which may be chance.")
    worse = replace(gains[1], difference=Measure(-0.3, 20, -0.5, -0.1))
    assert (
        "gamma takes that to 4 of 20" in story_lines(made(bare_report, *steps, gains=(worse,)))[1]
    )


def test_where_a_restoration_harms_is_told_beside_where_it_helps(bare_report: Report) -> None:
    """The worst of the changes that are found to harm; one that may be chance is no harm."""

    def gain(at: str, change: float, high: float) -> Gain:
        difference = Measure(change, 20, change - 0.2, high)
        gain = Gain("lime", "dark_answers", "lime_answers", {"severity": at}, difference, 0, 3)
        return replace(gain, finding=HARMS if high < 0 else NO_EVIDENCE)

    steps = (
        *(CLEAN, DARK, DARK_ANSWERS, view("lime", "restoration", "lime", "dark")),
        answers("lime_answers", ("dark", "lime"), {"1": 4, "3": 6, "5": 4}),
    )
    helps, chance = gain("5", 0.05, 0.2), gain("1", -0.5, 0.01)
    harms, less = gain("3", -0.25, -0.05), gain("1", -0.2, -0.01)
    told = story_lines(made(bare_report, *steps, gains=(helps, harms, less)))[1]
    assert told.endswith(
        " lime harms at severity = 3: change \N{MINUS SIGN}0.250 [\N{MINUS SIGN}0.450, "
        "\N{MINUS SIGN}0.050], to 6 of 20, the worst of 3 changes."
    )
    assert "harms" not in story_lines(made(bare_report, *steps, gains=(helps, chance)))[1]
    assert "harms" not in story_lines(made(bare_report, *steps, gains=(gain("5", -0.3, -0.1),)))[1]
    gone = Caveat("void", "all images are one", "lime_answers", {"severity": "3"})
    void = made(bare_report, *steps, gains=(helps, harms, less), caveats=(gone,))
    assert "lime harms at severity = 1: " in story_lines(void)[1]


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ({0.5 / 255: 7, 0.1 / 255: 8, 1 / 255: 0}, "0.5 of 255 grey levels (L∞ 0.5/255): 7 of 20"),
        ({0.5 / 255: 9, 0.1 / 255: 12}, "0.5 of 255 grey levels (L∞ 0.5/255): 9 of 20"),
    ],
    ids=["half falls", "less falls"],
)
def test_the_smallest_budget_that_takes_half_is_told(
    bare_report: Report, left: dict[float, int], said: str
) -> None:
    """Half of the 15 that were right is 7.5: 7 are left below it, 8 and 9 above."""
    (_, attacked) = story_lines(made(bare_report, CLEAN, attack("pgd", left)))
    assert said in attacked
    assert "before 15." in attacked
    rule = "smallest that takes at least half" if 7 in left.values() else "largest, and none takes"
    assert rule in attacked


def test_the_strongest_attack_speaks_and_the_control_beside_it(bare_report: Report) -> None:
    """At one budget the attack that leaves least; grey-box, nearest failures and controls do not."""
    eps = 4 / 255
    steps = (
        CLEAN,
        attack("control", {eps: 14}, threat={"control": True}),
        attack("grey", {eps: 0}, knowledge="grey-box"),
        attack("far", {eps: 1}, threat={"nearest": True, "eps": None}),
        attack("weak", {eps: 9}),
        attack("strong", {eps: 5}),
    )
    (_, said) = story_lines(made(bare_report, *steps))
    assert said.startswith(
        "Attacked. strong (strong, white-box) changes each image by at most 4 of"
    )
    assert said.endswith("before 15. Random noise of the same size leaves 14 of 20.")


def test_a_void_figure_speaks_only_where_there_is_no_other(bare_report: Report) -> None:
    """The believed attack is told, though it leaves more; alone, a void one is marked."""
    eps = 4 / 255
    void = (Caveat("void", "strong: gradients of zero.", "strong"),)
    both = made(
        bare_report, CLEAN, attack("strong", {eps: 0}), attack("weak", {eps: 9}), caveats=void
    )
    assert story_lines(both)[1].startswith("Attacked. weak (")
    alone = made(bare_report, CLEAN, attack("strong", {eps: 0}), caveats=void)
    assert story_lines(alone)[1].startswith("Attacked. VOID: strong (")
    dark = made(
        bare_report, CLEAN, DARK, DARK_ANSWERS, caveats=(Caveat("void", "dark: no.", "dark"),)
    )
    assert "VOID: 3 still are" in story_lines(dark)[0]


def test_over_seeds_means_are_told_and_changes_over_all_of_them(bare_report: Report) -> None:
    """The mean of each severity speaks, not the worst seed, and the gain over all of them."""

    def mean(value: float) -> dict[str, Measure]:
        return {"accuracy": Measure(value, 20, value - 0.1, value + 0.1, details={"seeds": 3})}

    def seeded(step: StepSummary, means: dict[str, float]) -> StepSummary:
        cells = tuple(
            CellResult({"severity": at, "seed": seed}, 20, {"accuracy": share(lowest, 20)})
            for at, value in means.items()
            for seed, lowest in (("0", 0.0), ("1", 1.0), ("2", value))
        )
        own = tuple(CellResult({"severity": at}, 20, mean(value)) for at, value in means.items())
        return replace(
            step, cells=cells, over_seeds=with_words((replace(step, cells=own),), KNOWN)[0].cells
        )

    steps = (
        DARK,
        seeded(DARK_ANSWERS, {"1": 0.6, "5": 0.41}),
        view("lime", "restoration", "lime", "dark"),
        seeded(answers("lime_answers", ("dark", "lime"), {}), {"1": 0.6, "5": 0.52}),
    )
    at = {"severity": "5"}
    alone = tuple(
        Gain("lime", "dark_answers", "lime_answers", {**at, "seed": seed}, Measure(9, 20), 1, 0)
        for seed in "012"
    )
    mean_gain = Measure(0.11, 20, 0.02, 0.2, details={"seeds": 3, "spread": 0.04})
    gains = {
        "gains": alone,
        "gains_over_seeds": (replace(alone[0], cell=at, difference=mean_gain, recovered=8),),
    }
    report = made(bare_report, *steps, **gains)
    assert story_lines(report) == (
        (
            "Degraded. Through dark (low_light) at severity = 5, the worst of 2 cells, 41.0% of 20 "
            "images of photos are recognised, 0.410 [0.310, 0.510], the mean over 3 seeds."
        ),
        (
            "Restored. lime brings that to 52.0% of 20: change +0.110 [+0.020, +0.200], paired by "
            "image over 3 seeds (8 recovered, 0 newly broken in all of them)."
        ),
    )
    assert hardest_cell(report) == at


def test_nothing_is_told_of_what_was_not_done(bare_report: Report) -> None:
    """One answer to images as they are is one sentence; no answer is none."""
    assert story_lines(bare_report) == (
        "Answers. As they are, 3 of 3 images of one are recognised, 1.000 [0.439, 1.000].",
    )
    assert story_lines(replace(bare_report, steps=())) == ()


def test_two_classifiers_are_not_mixed_up(bare_report: Report) -> None:
    """Where two steps could be the answer to clean images, neither is called the beginning."""
    other = replace(CLEAN, id="other", path=("photos", "other"))
    (said,) = story_lines(made(bare_report, CLEAN, other, DARK, DARK_ANSWERS))
    assert said.startswith("Degraded. Through dark")


def test_the_story_is_the_same_everywhere(full_report: Report, page: str, tmp_path: Path) -> None:
    """Page, markdown and record say the same sentences, before the gates."""
    lines = story_lines(full_report)
    assert [line.split(".")[0] for line in lines] == ["Degraded", "Restored", "Attacked"]
    assert report_json(full_report)["story"] == list(lines)
    write_markdown(full_report, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text(encoding="utf-8").replace("\\", "")
    shown = html.unescape(page)
    for line in lines:
        lead, _, said = line.partition(" ")
        assert f"**{lead}** {said}" in text
        assert 0 < shown.index(said) < shown.index('id="gates"')
        assert text.index(said) < text.index("| verdict |")


def test_sections_of_the_first_screen_stand_before_the_gates(
    full_report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to `FIRST` a section is shown after the story and before the gates, in page and markdown."""
    monkeypatch.setattr(register, "_KNOWN", dict(register._KNOWN))
    register.section(order=register.FIRST)(lambda _report: Section("new", "News", [Text("Flips.")]))
    write_html(full_report, tmp_path / "r.html", interactive=False)
    write_markdown(full_report, tmp_path / "r.md")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    text = (tmp_path / "r.md").read_text(encoding="utf-8")
    assert page.index('class="story"') < page.index('id="new"') < page.index('id="gates"')
    assert text.index("Attacked") < text.index("## News") < text.index("| verdict |")


def test_a_share_is_a_count_only_where_it_counts() -> None:
    """0.155 of 20 is no whole number of images; 1/3 of 3 is, in floating point, too."""
    assert [hits(Measure(value, n)) for value, n in ((1 / 3, 3), (0.155, 20), (0.0, 7))] == [
        1,
        None,
        0,
    ]
    assert count_text(Measure(0.155, 20)) == "15.5% of 20"
