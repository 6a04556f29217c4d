"""Traps of the figure: what is counted, stored, recorded and believed."""

from __future__ import annotations

from one_trap import Trap

_KIT = "tests/testing/test_twins_attack.py::test_twin_fails_exactly_its_check"
_PEERS = "tests/testing/test_peer_defects_attack.py::test_kit_finds_the_defect"
_ATTACK = "tests/plugins/attack"
_HERE = "tests/traps"
_STORED = "tests/traps/test_stored_images.py"
_WHO = "tests/traps/test_who_counts.py"
_MASKED = "tests/traps/test_masked_victims.py"
_IDENTITY = "tests/traps/test_victims_identity.py"

OF_FIGURES: dict[int, Trap] = {
    8: Trap(
        "The victim's own answer is taken for the truth "
        "(default of ART and armory; cleverhans#104, torchattacks#19)",
        "Robust is what was right by the data's label and stayed so; unlabelled data are refused",
        (f"{_WHO}::test_3_8_robust_accuracy_is_counted_against_the_truth", f"{_KIT}[OwnLabels]"),
    ),
    10: Trap(
        "Images that are wrong already are doubled or end in a crash (torchattacks#51, AutoAttack#81)",
        "They come back untouched, at distance 0 and no cost, and count as not robust",
        (f"{_WHO}::test_3_10_what_is_wrong_already_is_left_alone",),
    ),
    11: Trap(
        "Robust accuracy is averaged over attacks (DEEPSEC#2; AutoAttack#45, #85)",
        "Of several attacks the worst counts, image by image; another one can only lower it",
        (f"{_WHO}::test_3_11_the_worst_of_all_attacks_counts_for_each_image",),
    ),
    12: Trap(
        "Images are judged before they are stored in eight bits, or rounded down "
        "(AutoAttack#44, Foolbox#423, #324; torchattacks)",
        "Images are kept in float32, read back, and judged as they were read",
        (
            f"{_STORED}::test_3_12_the_verdict_is_that_of_the_stored_images",
            f"{_PEERS}[FloorsToBytes]",
        ),
    ),
    13: Trap(
        "A gradient that is masked passes for robustness (AutoAttack#43, #44, ART#1298)",
        "Shares of zero gradients and of images never moved void the figure and can fail a gate",
        (
            f"{_MASKED}::test_3_13_a_masked_gradient_is_flagged_and_fails_a_gate",
            f"{_MASKED}::test_3_13_the_same_rounding_in_the_chain_is_no_protection",
            f"{_ATTACK}/scores/test_square.py::test_it_beats_pgd_where_the_gradient_is_masked",
        ),
    ),
    14: Trap(
        "Accuracy rises with eps, steps or restarts and nobody stops (ART#687, robust-ml#3)",
        "A curve that rises beyond its intervals is void; more of anything loses nothing",
        (
            f"{_MASKED}::test_3_14_accuracy_that_rises_with_eps_voids_the_curve",
            f"{_KIT}[TiresOut]",
            f"{_KIT}[BestOfTheBatch]",
        ),
    ),
    16: Trap(
        "A metric is wrong at other batch sizes, or the mean of means of batches "
        "(HEART; armory#299, Foolbox#735)",
        "Metrics see the whole table, whatever shards it was computed in",
        (f"{_STORED}::test_3_16_measures_do_not_depend_on_shards",),
    ),
    17: Trap(
        "What was resumed is not the whole (RobustBench's evaluation, AutoAttack)",
        "Killed at any moment and run again, table and images are the same bytes",
        (
            f"{_STORED}::test_3_17_a_resumed_attack_is_the_whole_attack",
            "tests/e2e/test_killed.py::test_killed_in_an_attack_only_unfinished_shards_are_computed_again",
        ),
    ),
    25: Trap(
        "The nearest failure counts as a success however far it is (DEEPSEC#10, Foolbox#669; ART)",
        "Distances are a curve of their own; with eps only what lies within counts",
        (
            f"{_WHO}::test_3_25_a_failure_out_of_reach_is_no_success",
            f"{_ATTACK}/minimum/test_minimum_rows.py::test_twin_that_keeps_the_last_failure_ends_further_out",
        ),
    ),
    27: Trap(
        "Images made for one model are used against another (DEEPSEC#1)",
        "Adversarial images are stored under the victim's content",
        (f"{_IDENTITY}::test_3_27_a_key_without_the_victim_is_found_out",),
    ),
    28: Trap(
        "Results are known by names, which stay where contents change (checkmaite, armory, MAITE)",
        "One byte of data, one parameter, one seed, one version is another key",
        (
            f"{_IDENTITY}::test_3_28_one_changed_byte_is_another_set_of_images",
            f"{_IDENTITY}::test_3_28_a_key_of_names_is_found_out",
            "tests/registry/test_provenance.py::test_a_new_version_changes_the_fingerprint",
        ),
    ),
    30: Trap(
        "What is called proved is not (alpha-beta-CROWN#103, auto_LiRPA#2, #88)",
        "No attack comes nearer than the exact distance of linear models, trees and neighbours",
        (
            f"{_HERE}/test_exact_comes_first.py::test_3_30_no_attack_comes_nearer_than_what_is_proved",
            f"{_ATTACK}/exact/test_exact_linear.py::test_twin_that_forgets_the_box_is_caught",
            f"{_ATTACK}/exact/test_exact_trees.py::test_twin_with_rounded_thresholds_is_caught",
            f"{_ATTACK}/exact/test_exact_prototypes.py::test_twin_that_looks_at_one_pair_is_caught",
        ),
    ),
    31: Trap(
        "A broken package takes the others down, or another version changes the numbers "
        "(RobustBench#104, ART#1654, #1191; NRTK)",
        "A broken plugin is listed with its reason, the others load, and versions are recorded",
        (
            "tests/thirdparty/test_broken_kinds.py::test_a_broken_distribution_is_named_with_what_to_do",
            "tests/thirdparty/test_broken_kinds.py::test_nobody_else_is_hidden_or_accused",
            "tests/plugins/classifier/test_light_catalogue.py::test_listing_imports_nothing_heavy",
        ),
    ),
    32: Trap(
        "Images that fitted a classifier, a calibrator or a defence judge it as well, under other "
        "names (fashion-mnist#44, RIAWELC#2)",
        "Data sets that meet are compared by file and by pixels before anything runs; what was "
        "fitted elsewhere is said to prove nothing",
        (
            f"{_HERE}/test_leakage.py::test_3_32_images_that_fitted_do_not_judge",
            f"{_HERE}/test_leakage.py::test_3_32_other_images_show_the_coin",
            "tests/engine/stages/test_apart.py::test_whatever_was_fitted_on_the_way_counts",
        ),
    ),
    35: Trap(
        "The flag says that the figure is void, and the gate on it passes (this project, before)",
        "A gate that rests on a void figure is an error, unless a stronger attack could only "
        "confirm it; a FAIL stays one",
        (
            f"{_MASKED}::test_3_35_a_gate_on_a_void_figure_is_an_error",
            "tests/pipeline/test_void_gates.py::test_a_void_figure_proves_only_what_a_stronger_attack_could_not_undo",
            "tests/engine/summary/test_believable.py::test_probabilities_in_disguise_void_a_figure_and_fail_a_gate",
        ),
    ),
}
