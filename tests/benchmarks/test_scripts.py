"""Each benchmark runs as a user starts it; what it compares is checked, never how fast it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def quick(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Return a call that runs a script with `--quick --json` from some other folder."""

    def run(name: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, str(ROOT / "benchmarks" / name), "--quick", "--json"],
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert found["quick"] is True
        assert list(tmp_path.iterdir()) == []
        return found

    return run


@pytest.mark.slow
def test_attacks_compares_images_that_agree(quick: Any) -> None:
    """All contenders reach the bare loop's robust accuracy; the method gives its images.

    A flip is a gradient so near zero that rounding decides its sign: at most one value in a
    hundred, and no verdict hangs on one. secml-torch, where it is installed, takes one step less.
    """
    found = quick("attacks.py")
    (network,) = found["networks"].values()
    rows = network["contenders"]
    bare = rows["bare loop"]
    assert bare["flips"] == 0
    assert 0 < bare["robust_accuracy"] < network["clean_accuracy"]
    assert bare["cpu"] == {"median": 1.0, "low": 1.0, "high": 1.0}
    for name, row in rows.items():
        if name.startswith("secml"):
            continue
        assert row["robust_accuracy"] == bare["robust_accuracy"], name
        assert row["verdicts_changed"] == 0, name
        assert row["flips"] <= 0.01 * row["values"], name
        assert row["flips_to_float64"] <= 0.01 * row["values"], name
    assert {row["contender"] for row in found["limits"]} == {
        "the method",
        "the public call",
        "the public call, early stop",
    }


@pytest.mark.slow
def test_a_schedule_of_one_minute_runs_by_itself(quick: Any) -> None:
    """What was pushed is pulled, run, accepted, committed, pushed and told."""
    (look,) = quick("nights.py")["looks"]
    assert look["pulled"].endswith("fetched data/test, data/train")
    assert look["outcome"] == "done"
    assert look["accepted"] == look["run"]
    assert look["compared"] == [
        "UNDECIDED predictions.accuracy not_worse_than last: no accepted run to compare with yet"
    ]
    assert look["committed"].endswith(
        "shots: ? UNDECIDED: 1 of 2 gates undecided, 1 passed; 1 warning"
    )
    assert look["pushed"] == ["results/shots pushed to origin and DVC's"]
    assert (look["told"], look["in Prefect"]) == (["shots: undecided"], "Completed")


@pytest.mark.slow
def test_auto_attack_stays_in_the_budget_and_is_as_strong(quick: Any) -> None:
    """Everybody keeps linf 0.5 and is judged by the same network; ours leaves no more than a peer.

    1e-6 is for peers that check the budget in float32.
    """
    found = quick("auto_attack.py")
    rows = found["contenders"]
    ours = rows["auto_attack, the public call"]
    assert ours["robust_accuracy"] < found["clean_accuracy"]
    assert ours["linf"] <= 0.5
    for row in rows.values():
        assert 0 < row["linf"] <= 0.5 + 1e-6
        assert ours["robust_accuracy"] <= row["robust_accuracy"]
        assert row["cpu"]["median"] > 0
    assert {row["contender"] for row in found["limits"]} == set(found["ratios"])


@pytest.mark.slow
def test_coverage_under_shift_says_where_it_cannot(quick: Any) -> None:
    """Clean images are not told from clean ones; those in strong noise are, and weights hold more."""
    cells = quick("coverage_under_shift.py")["cells"]
    assert set(cells) == {"clean", "gaussian_noise 5", "shot_noise 5"}
    assert cells["clean"]["told apart"] < 0.6
    assert cells["gaussian_noise 5"]["told apart"] > 0.75
    assert cells["gaussian_noise 5"]["weighted"] > cells["gaussian_noise 5"]["plain"]


@pytest.mark.slow
def test_cascade_leaves_no_more_than_auto_attack(quick: Any) -> None:
    """Whole it is as strong; with a gate it may stop, and leaves no less than it does whole."""
    found = quick("cascade.py")
    rows = found["contenders"]
    whole = rows["cascade, whole"]["robust_accuracy"]
    assert whole <= rows["auto_attack, the public call"]["robust_accuracy"]
    assert whole < found["clean_accuracy"]
    assert set(found["stopped"]) == {row["contender"] for row in found["limits"]}
    for name in found["stopped"]:
        assert rows[name]["robust_accuracy"] >= whole


@pytest.mark.slow
def test_the_page_of_a_large_study_is_small(quick: Any) -> None:
    """Its size is the same on every machine; how long it takes to open is not tried here."""
    found = quick("report_page.py")
    size, again = found["limits"]
    assert size["what"] == "megabytes"
    assert 0.5 < size["measured"] <= size["limit"] == 10
    assert again["what"] == "seconds after a change"
    first, same, changed = found["seconds_to_draw"].values()
    for part in ("charts drawn", "images of rows"):
        assert min(first[part], same[part], changed[part]) > 0


@pytest.mark.slow
def test_startup_times_the_commands_of_a_user(quick: Any) -> None:
    """Help, version and plugins are timed beside the bare interpreter, and all of them work."""
    found = quick("startup.py")
    assert set(found["seconds"]) == {
        "python -c pass",
        "adversity --version",
        "adversity --help",
        "adversity plugins",
        "look at the plugins",
        "look at 200 plugins",
    }
    assert all(took["wall"]["low"] > 0 for took in found["seconds"].values())


@pytest.mark.slow
def test_overhead_does_the_same_work_twice(quick: Any) -> None:
    """Pipeline and plain script get the same network: accuracies differ by the noise drawn.

    128 images of which each script draws its own noise: 0.12 is three standard deviations
    of the difference of two such shares, were they independent.
    """
    found = quick("overhead.py")
    row = found["sizes"]["128"]
    ours, plain = row["pipeline"], row["plain"]
    assert ours["accuracy"] == pytest.approx(plain["accuracy"], abs=0.12)
    assert ours["robust_accuracy"] == pytest.approx(plain["robust_accuracy"], abs=0.12)
    assert 0 < ours["robust_accuracy"] < ours["accuracy"]
    assert set(found["lines"]["pipeline"]["cpu"]) == {"fixed", "each"}
    (parts,) = found["forced"].values()
    whole = parts.pop("the whole command")
    assert parts["the step's own work"]["wall"] > 0
    for clock in ("wall", "cpu"):  # each second is in one part
        assert sum(took[clock] for took in parts.values()) == pytest.approx(whole[clock], abs=0.01)


@pytest.mark.slow
def test_memory_counts_every_image_of_both_runs(quick: Any) -> None:
    """Children went through all images of their runs and said their peak."""
    found = quick("memory.py")
    assert [run["images"] for run in found["runs"]] == [48, 96]
    assert all(run["peak_mib"] > 50 for run in found["runs"])
    assert found["growth"]["image_bytes"] == 12288
    wide = found["wide"]
    assert [(run["images"], run["rows"]) for run in wide["runs"]] == [(48, 96), (96, 192)]
    assert (wide["growth"]["answer_bytes"], wide["growth"]["limit"]) == (4000, 1.1)


@pytest.mark.slow
def test_corruptions_times_all_of_them_without_peers(quick: Any) -> None:
    """Nothing else is installed for it; frost is left out where its photographs are not there."""
    found = quick("corruptions.py")
    rows = found["seconds"]
    assert len(rows) == 19
    timed = [name for name, row in rows.items() if row.get("ours", 0) > 0]
    assert set(rows) - set(timed) <= {"frost"}


@pytest.mark.slow
def test_calibration_holds_without_peers(quick: Any) -> None:
    """Values are those of the mathematics; ten times the rows, .450 off, take no more memory."""
    found = quick("calibration.py")
    rows = found["metrics"]
    assert rows["ece"]["ours"]["value"] == pytest.approx(0.160044311, abs=1e-9)
    assert rows["ece, classwise"]["ours"]["value"] == pytest.approx(0.034251870, abs=1e-9)
    assert all(row["ours"]["seconds"] > 0 for row in rows.values())
    assert [run["rows"] for run in found["runs"]] == [20_000, 200_000]
    for run in found["runs"]:
        assert run["values"] == pytest.approx([0.45] * 3, abs=1e-9)
    assert found["growth"]["mebibytes"] <= found["growth"]["limit"]
