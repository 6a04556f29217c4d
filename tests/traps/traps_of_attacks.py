"""Traps of the attack: how it searches, what it may change, and the victim that it sees."""

from __future__ import annotations

from one_trap import Trap

_KIT = "tests/testing/test_twins_attack.py::test_twin_fails_exactly_its_check"
_PEERS = "tests/testing/test_peer_defects_attack.py::test_kit_finds_the_defect"
_COMMON = "tests/testing/test_twins_common.py::test_twin_fails_exactly_one_check"
_ATTACK = "tests/plugins/attack"
_HERE = "tests/traps"
_STORED = "tests/traps/test_stored_images.py"
_SCALE = "tests/traps/test_scale_and_box.py"
_ANSWERS = "tests/traps/test_answers_of_victims.py"
_STARTS = "tests/traps/test_starts_and_restarts.py"
_NONE = "tests/traps/test_gradients_that_are_none.py"
_CHAIN = "tests/traps/test_whole_chain.py"

OF_ATTACKS: dict[int, Trap] = {
    1: Trap(
        "Steps of an l1 attack are divided by the l1 length and pulled back by rescaling, and "
        "end at half of the optimum (Foolbox; cleverhans#828, #830)",
        "Linear models have a closed form; all of it is reached in three norms, in one step",
        (
            f"{_ATTACK}/test_linear_optimum.py::test_dual_norm_away_from_the_box",
            f"{_ATTACK}/test_linear_optimum.py::test_optimum_inside_the_box",
            f"{_KIT}[RescaledL1]",
        ),
    ),
    2: Trap(
        "The point after the last step is never looked at, so that one step gives back the clean "
        "image (SecML-Torch, adv-lib; secml#145)",
        "One step is FGSM to the bit; k steps cost k gradients, and the last point counts",
        (
            f"{_ATTACK}/gradient/test_pgd_reference.py::test_one_step_of_pgd_is_fgsm_bit_for_bit",
            f"{_ATTACK}/gradient/test_pgd_reference.py::test_exactly_as_many_gradients_as_steps",
            f"{_KIT}[LosesTheLastStep]",
        ),
    ),
    3: Trap(
        "A maximum, a norm or an early stop is taken over the batch "
        "(SecML-Torch; torchattacks#12, #33)",
        "A sample's image is the same bytes alone, in another order and beside a copy",
        (
            f"{_PEERS}[WholeBatchMaximum]",
            f"{_ATTACK}/gradient/test_pgd_momentum.py::test_a_norm_over_the_batch_is_told_from_each_sample_s_own",
            f"{_ATTACK}/minimum/test_minimum_rows.py::test_twin_that_stops_for_the_whole_batch_depends_on_it",
        ),
    ),
    4: Trap(
        "Random starts go by the place in the batch, so that batch size and order change the "
        "result (AutoAttack#54, Foolbox#246)",
        "Random numbers are keyed by seed, step, sample and restart",
        (
            f"{_STARTS}::test_3_4_a_start_belongs_to_the_sample",
            f"{_PEERS}[StartByPlace]",
            "tests/engine/public/test_pipeline_run.py::test_same_bytes_for_any_batch_shard_and_worker_count",
        ),
    ),
    5: Trap(
        "Numbers come from a global generator, or one is seeded in passing (ART, AutoAttack)",
        "One seed gives one result, and the global generators are as they were",
        (f"{_PEERS}[GlobalGenerator]", f"{_COMMON}[global_random_state]"),
    ),
    6: Trap(
        "The perturbation is larger than eps (ART#73, Foolbox#388)",
        "The norm is taken in float64 of what is stored; above eps the run fails with the figure",
        (
            f"{_STORED}::test_3_6_the_budget_is_that_of_the_stored_images",
            f"{_KIT}[Generous]",
            f"{_PEERS}[ThirdTooFar]",
        ),
    ),
    7: Trap(
        "Images leave the box, or eps is meant behind a normalisation "
        "(ART#148, armory#936, #243, torchattacks#136)",
        "Images lie in [0, 1] in front of the victim, and eps is a length in that space",
        (
            f"{_SCALE}::test_3_7_eps_is_meant_in_front_of_the_normalisation",
            f"{_SCALE}::test_3_7_images_outside_the_box_are_refused",
        ),
    ),
    9: Trap(
        "One change for the whole batch, for all calls, or along one axis (ART, in space)",
        "The worst of the grid is that of brute force for each image",
        (
            f"{_ATTACK}/parametric/test_spatial.py::test_one_change_for_the_whole_batch_leaves_more_standing",
            f"{_HERE}/test_layout_of_images.py::test_3_9_both_directions_are_searched_in_channels_first_images",
            f"{_PEERS}[OneTransform]",
            f"{_PEERS}[RemembersTheTransform]",
        ),
    ),
    15: Trap(
        "The victim is attacked in training mode, or left with other statistics, gradients or mode "
        "(Foolbox#74, #648, ART#28, #484, torchattacks#124, AutoAttack#74)",
        "It is attacked in eval mode, and every mode, buffer and gradient is as it was",
        (
            "tests/engine/chain/test_target.py::test_network_is_left_exactly_as_found",
            f"{_KIT}[FlipsModes]",
            f"{_KIT}[LeavesGradients]",
        ),
    ),
    18: Trap(
        "A loss for logits gets probabilities, or has too few classes (AutoAttack#76, #110)",
        "Probabilities enter as logarithms or are flagged; a loss the classes forbid is refused",
        (
            f"{_ANSWERS}::test_3_18_probabilities_are_attacked_as_what_they_are",
            f"{_ANSWERS}::test_3_18_probabilities_in_disguise_are_flagged",
            f"{_ANSWERS}::test_3_18_a_loss_that_the_classes_do_not_allow_is_refused",
        ),
    ),
    19: Trap(
        "Large or negative logits stop the gradient, 0 / 0 makes NaN, NaN counts as a success "
        "(advertorch#63, Madry-mnist#10, torchattacks#168)",
        "Losses are shifted and differentiated in closed form; NaN is an error that names the victim",
        (
            f"{_ANSWERS}::test_3_19_nan_is_an_error_and_no_success",
            f"{_ANSWERS}::test_3_19_a_large_offset_of_the_logits_protects_nobody",
            f"{_KIT}[Saturates]",
            f"{_KIT}[DividesByZero]",
            f"{_ATTACK}/minimum/test_carlini_wagner.py::test_twin_with_a_zero_for_the_label_finds_nothing_below_zero",
        ),
    ),
    20: Trap(
        "A rule that holds for one direction is used for the other, or an aim is ignored "
        "(ART#840, #2256, torchattacks#121, #140)",
        "Both directions are tried on linear victims; an attack that cannot aim refuses to",
        (
            f"{_ANSWERS}::test_3_20_an_attack_that_cannot_aim_says_so",
            f"{_ATTACK}/test_linear_optimum.py::test_targeted_attack_climbs_towards_the_wish",
            f"{_KIT}[TargetedAway]",
        ),
    ),
    21: Trap(
        "Eps is on another scale, or 0.031 stands for 8/255 (AutoAttack#54, CNNF#1, armory#862)",
        "Eps is a fraction on the scale of the box, used and recorded as written; 8 is refused in linf",
        (
            f"{_SCALE}::test_3_21_eps_is_the_fraction_that_was_written",
            f"{_SCALE}::test_3_21_eight_is_not_eight_levels",
            f"{_SCALE}::test_3_21_the_record_has_norm_and_eps_as_written",
            f"{_KIT}[OtherScale]",
        ),
    ),
    22: Trap(
        "Step size and start are defaults that nobody names (Foolbox#704)",
        "Every setting is in the record; one specification gives one result by any plugin",
        (
            f"{_SCALE}::test_3_22_every_setting_is_recorded_also_those_left_out",
            f"{_STARTS}::test_3_22_one_step_of_two_plugins_with_one_specification",
            f"{_ATTACK}/gradient/test_pgd_reference.py::test_same_images_as_a_reference_loop",
        ),
    ),
    23: Trap(
        "A restart forgets what another had, or its start (ART#714, torchattacks#83)",
        "Each sample keeps its best restart, and the start is where the climb begins",
        (
            f"{_STARTS}::test_3_23_the_random_start_is_where_the_climb_begins",
            f"{_STARTS}::test_3_23_more_restarts_lose_nobody",
        ),
    ),
    24: Trap(
        "Where nothing was found the clean image comes back (adv-lib, AutoAttack; Foolbox#235, #531)",
        "`images` holds the worst point, `success_or_clean` the failures alone",
        (
            f"{_ATTACK}/ensemble/test_auto_attack.py::test_whoever_stands_has_the_worst_point_and_not_the_clean_image",
            f"{_ATTACK}/minimum/test_fab.py::test_a_sample_that_holds_comes_back_worse",
            "tests/engine/chain/test_budget.py::test_success_or_clean_gives_the_clean_image_back_where_nothing_was_found",
        ),
    ),
    26: Trap(
        "A defence in front of the classifier is not part of what is attacked "
        "(ART#1483, #1492, #702, #739, #289, #1004)",
        "The whole chain is attacked; grey-box is a choice that is named and passes no gate",
        (
            f"{_CHAIN}::test_3_26_who_sees_the_defence_gets_through_it",
            f"{_CHAIN}::test_3_26_grey_box_is_said_and_passes_no_gate",
        ),
    ),
    29: Trap(
        "A check switches off debugger and coverage (AutoAttack#88)",
        "The trace function is the same after every attack, and the kit looks for it",
        (
            f"{_HERE}/test_trace_function.py::test_3_29_the_trace_function_stays",
            f"{_HERE}/test_trace_function.py::test_3_29_the_twin_is_found_out",
            f"{_COMMON}[host_left_alone]",
        ),
    ),
    33: Trap(
        "A gradient of NaN or infinity passes for one, and what could not be attacked for robust "
        "(ART#824, armory#981)",
        "It is none: never felt, 0 where it reaches an attack, named with n of N, and the figure is "
        "void",
        (
            f"{_NONE}::test_3_33_a_gradient_of_nan_is_none",
            "tests/engine/attack/test_no_gradient.py::test_nan_is_no_gradient",
            "tests/engine/attack/test_no_gradient.py::test_the_rest_of_a_gradient_is_used_and_does_not_count",
            "tests/engine/attack/test_no_gradient.py::test_one_draw_without_a_gradient_leaves_the_others",
        ),
    ),
    34: Trap(
        "A clamp has no derivative at its bounds, and pixels of exactly 0 and 1 are never felt "
        "(pytorch#195931, #7002)",
        "Every clip keeps the closed interval's derivative, the kit tries it at 0 and 1, and a "
        "network that hides pixels is flagged",
        (
            f"{_NONE}::test_3_34_black_pixels_are_felt_behind_a_clip",
            f"{_NONE}::test_3_34_hidden_pixels_void_the_figure_and_fail_a_gate",
            "tests/engine/attack/test_hidden_pixels.py::test_an_honest_network_is_not_accused",
            "tests/testing/test_twins_degradation.py::test_twin_fails_exactly_one_check[bounds_are_felt]",
            "tests/testing/test_twins_restoration.py::test_twin_fails_exactly_one_check[bounds_are_felt]",
            "tests/testing/test_twins_classifier.py::test_twin_fails_exactly_its_check[bounds_are_felt]",
        ),
    ),
}
