"""Thirty published claims as clauses: the vocabulary of `core.claims` has to say them naturally, and the judge has to tell
measurements that support them from measurements that contradict one clause at a time."""
import zlib
from dataclasses import dataclass, field

import numpy as np
import pytest

from sslkit.core.claims import (Claim, above_floor, all_of, average, better, check, correlates, down, drops, first, gap, judge, ordered, pick, up, within, worse)

STEPS = [0, 100, 200, 300, 400]


def curve(*values): return [[t, v] for t, v in zip(STEPS, values)]


@dataclass
class Case:
    "A claim; values that make it hold; for each clause, changed values that break this clause and no other."
    id: str
    chapter: str
    claim: Claim
    metrics: dict
    values: dict                                    # arm -> metric -> value
    breaks: list                                    # one for each clause: arm -> metric -> value
    floors: list = field(default_factory=list)

    def rows(self, changed=None, seeds=5):
        "Rows with noise: a large part that the arms of a seed share and a small one of their own."
        rows = []
        for arm, metrics in self.values.items():
            metrics = {**metrics, **(changed or {}).get(arm, {})}
            own = np.random.default_rng(zlib.crc32(arm.encode()))
            for s in range(seeds):
                shared = np.random.default_rng(s).normal()

                def noisy(v):
                    if isinstance(v, bool): return v
                    if isinstance(v, list): return [[t, noisy(x)] for t, x in v]
                    return v + max(abs(v), 0.02) * (0.01 * shared + 0.003 * own.normal())
                rows.append(dict(arm=arm, seed=s, metrics={m: noisy(v) for m, v in metrics.items()}))
        return rows


def family(name, n=10, **metrics):
    "Configurations `name/0`, `name/1`, ...; each metric is a function of i."
    return {f"{name}/{i}": {m: f(i) for m, f in metrics.items()} for i in range(n)}


acc = up("fraction")

PRINCIPLES = [
    Case("rotnet", "pretext",  # far above random features and raw pixels
         above_floor("rotnet", "linear", by=0.1),
         dict(linear=acc), dict(rotnet=dict(linear=.60), random_encoder=dict(linear=.40), raw_input=dict(linear=.35)),
         [dict(random_encoder=dict(linear=.55))], ["random_encoder", "raw_input"]),
    Case("isogclr", "contrastive",  # learned temperatures follow class frequency; tails gain over one mean temperature
         all_of(better("isogclr", than=0.1, metric="temperature_frequency"), better("isogclr", than="one_mean_temperature", metric="tail_knn")),
         dict(temperature_frequency=up(), tail_knn=acc), dict(isogclr=dict(temperature_frequency=.4, tail_knn=.5), one_mean_temperature=dict(tail_knn=.4)),
         [dict(isogclr=dict(temperature_frequency=.02)), dict(one_mean_temperature=dict(tail_knn=.55))]),
    Case("simclr_v2", "contrastive",  # bigger is better, most with few labels; distillation helps the small one
         all_of(better("big", than="small", metric="acc_1"), better("small_distilled", than="small", metric="acc_1"),
                better(gap("big", "small", "acc_1"), than=gap("big", "small", "acc_100"))),
         dict(acc_1=acc, acc_100=acc),
         dict(big=dict(acc_1=.6, acc_100=.8), small=dict(acc_1=.4, acc_100=.75), small_distilled=dict(acc_1=.5, acc_100=.76)),
         [dict(big=dict(acc_1=.38, acc_100=.70)), dict(small_distilled=dict(acc_1=.35)), dict(big=dict(acc_100=.99))]),
    Case("directpred", "distill",  # weights collapse without predictor or stop-gradient, and only then; predictor aligns
         all_of(worse("no_predictor", than=.25, metric="norm_left"), worse("no_stop_gradient", than=.25, metric="norm_left"),
                better(average(["directpred", "sgd_predictor"]), than=.5, metric="norm_left"), better("directpred", than=.02, metric="misaligned")),
         dict(norm_left=up(), misaligned=down()),
         dict(no_predictor=dict(norm_left=.05), no_stop_gradient=dict(norm_left=.1), directpred=dict(norm_left=.8, misaligned=.005), sgd_predictor=dict(norm_left=.7)),
         [dict(no_predictor=dict(norm_left=.4)), dict(no_stop_gradient=dict(norm_left=.3)), dict(directpred=dict(norm_left=.2)), dict(directpred=dict(misaligned=.1))]),
    Case("dinov3", "distill",  # dense features decay in a long run; a late Gram loss restores them and leaves global ones alone
         all_of(drops("without_gram", from_peak="patch_miou", by=.02), better("late_gram", than="without_gram", metric="patch_miou", by=.02),
                within("late_gram", of="without_gram", metric="knn", by=.01)),
         dict(patch_miou=acc, knn=acc),
         dict(without_gram=dict(patch_miou=curve(.1, .4, .5, .42, .40), knn=.7), late_gram=dict(patch_miou=curve(.1, .4, .5, .42, .52), knn=.701)),
         [dict(without_gram=dict(patch_miou=curve(.1, .3, .35, .38, .40))), dict(late_gram=dict(patch_miou=curve(.1, .4, .5, .4, .39))), dict(late_gram=dict(knn=.66))]),
    Case("rankme", "decorrelate",  # rank predicts accuracy in each sweep; choosing by it costs little, by the loss more
         all_of(*(correlates("rankme", "linear", family=f"{m}/*", above=.6) for m in ("simclr", "barlow_twins")),
                better(pick("simclr/*", by="rankme"), than=pick("simclr/*", by="linear"), metric="linear", by=-.015),
                better(pick("simclr/*", by="rankme"), than=pick("simclr/*", by="loss"), metric="linear")),
         dict(rankme=up(), linear=acc, loss=down()),
         {**family("simclr", 20, rankme=lambda i: 10. * i + 5, linear=lambda i: .3 + .02 * i, loss=lambda i: 1. + i),
          **family("barlow_twins", rankme=lambda i: 8. * i + 4, linear=lambda i: .2 + .04 * i, loss=lambda i: 1.)},
         [{f"simclr/{i}": dict(rankme=200. - 10 * i, linear=.4 if i == 5 else .5 + .0005 * i, loss=.5 if i == 5 else 1. + i) for i in range(20)}, {f"barlow_twins/{i}": dict(rankme=80. - i) for i in range(10)},
          {"simclr/17": dict(rankme=250.)},
          {f"simclr/{i}": dict(loss=20. - i) for i in range(18)} | {"simclr/18": dict(rankme=250., linear=.672), "simclr/19": dict(loss=.5)}]),
    Case("mixed_barlow_twins", "decorrelate",  # over-training on a small set: higher at the end, smaller loss from the peak
         all_of(better("mixed", than="barlow_twins", metric="knn"), drops("barlow_twins", from_peak="knn", than="mixed")),
         dict(knn=acc), dict(mixed=dict(knn=curve(.2, .4, .5, .55, .54)), barlow_twins=dict(knn=curve(.2, .45, .52, .5, .45))),
         [dict(barlow_twins=dict(knn=curve(.2, .7, .8, .75, .7))), dict(mixed=dict(knn=curve(.2, .9, .7, .6, .54)))]),
    Case("gedi", "cluster",  # by a wide margin over k-means and over itself without the generative term
         better("gedi", than=["kmeans", "no_generative"], metric="nmi", by=.3),
         dict(nmi=up()), dict(gedi=dict(nmi=.95), kmeans=dict(nmi=.02), no_generative=dict(nmi=.3)), [dict(no_generative=dict(nmi=.8))]),
    Case("croco", "masked",  # flow from cross-view completion; the second view is really used
         all_of(better("croco", than=["mae", "random_encoder"], metric="end_point_error"), better("croco", than=0, metric="mse_rise_when_shuffled")),
         dict(end_point_error=down("pixels"), mse_rise_when_shuffled=up()),
         dict(croco=dict(end_point_error=2., mse_rise_when_shuffled=.1), mae=dict(end_point_error=3.), random_encoder=dict(end_point_error=5.)),
         [dict(mae=dict(end_point_error=1.5)), dict(croco=dict(mse_rise_when_shuffled=-.01))], ["random_encoder"]),
    Case("random_field_aug", "views",  # an inverted U: some mild strength helps, the strongest harms
         all_of(better(pick("mild/*", by="val_linear"), than="global_transform", metric="linear"), worse("strongest", than="global_transform", metric="linear")),
         dict(linear=acc, val_linear=acc),
         {"mild/1": dict(linear=.5, val_linear=.5), "mild/2": dict(linear=.6, val_linear=.6), "global_transform": dict(linear=.55), "strongest": dict(linear=.3)},
         [{"mild/1": dict(val_linear=.7)}, dict(strongest=dict(linear=.58))]),
    Case("genview", "views",  # adaptive strength against real pairs and fixed strengths; bad pairs weigh less
         all_of(better("adaptive", than=["real_only", average("fixed/*")], metric="linear"), better("adaptive", than=0, metric="weight_of_good_minus_bad")),
         dict(linear=acc, weight_of_good_minus_bad=up()),
         {"adaptive": dict(linear=.6, weight_of_good_minus_bad=.2), "real_only": dict(linear=.5), "fixed/1": dict(linear=.61), "fixed/2": dict(linear=.5)},
         [{"fixed/2": dict(linear=.7)}, dict(adaptive=dict(weight_of_good_minus_bad=-.1))]),
]

MODALITIES = [
    Case("tokencut", "dense",  # above other unsupervised localisers on the same features; the features matter
         all_of(better("tokencut", than=["lost", "attention"], metric="corloc"), worse("tokencut_random_features", than="tokencut", metric="corloc", by=.1)),
         dict(corloc=acc), dict(tokencut=dict(corloc=.7), lost=dict(corloc=.6), attention=dict(corloc=.5), tokencut_random_features=dict(corloc=.3)),
         [dict(lost=dict(corloc=.75)), dict(tokencut_random_features=dict(corloc=.68))]),
    Case("video_mae", "video",  # 90 % tubes: far above scratch, not below random masks, whose easier task has the lower loss
         all_of(better("tube", than="scratch", metric="motion", by=.1), better("tube", than="random_mask", metric="motion", by=-.01), worse("tube", than="random_mask", metric="pretraining_loss")),
         dict(motion=acc, pretraining_loss=down()),
         dict(tube=dict(motion=.7, pretraining_loss=.5), random_mask=dict(motion=.69, pretraining_loss=.3), scratch=dict(motion=.5)),
         [dict(scratch=dict(motion=.65)), dict(random_mask=dict(motion=.75)), dict(tube=dict(pretraining_loss=.2))]),
    Case("robust_depth", "space",  # better when corrupted, at most 5 % worse when clean
         all_of(better("robust", than=["clean_only", "naive"], metric="absrel_corrupted"), better("robust", than="clean_only", metric="absrel_clean", factor=1.05)),
         dict(absrel_corrupted=down(), absrel_clean=down()),
         dict(robust=dict(absrel_corrupted=.15, absrel_clean=.102), clean_only=dict(absrel_corrupted=.3, absrel_clean=.1), naive=dict(absrel_corrupted=.2)),
         [dict(naive=dict(absrel_corrupted=.1)), dict(robust=dict(absrel_clean=.11))]),
    Case("dinostar", "space",  # above every teacher; four fifths of human labels
         all_of(better("union_student", than=["teacher_a", "teacher_b"], metric="bev_ap"), better("union_student", than="human_labels", metric="bev_ap", factor=.8)),
         dict(bev_ap=acc), dict(union_student=dict(bev_ap=.55), teacher_a=dict(bev_ap=.4), teacher_b=dict(bev_ap=.45), human_labels=dict(bev_ap=.6)),
         [dict(teacher_b=dict(bev_ap=.57)), dict(human_labels=dict(bev_ap=.75))]),
    Case("weakstil", "medical",  # tile predictions follow the hidden density; features matter
         all_of(better("ssl", than=.5, metric="tile_spearman"), better("ssl", than="random_encoder", metric="slide_r2")),
         dict(tile_spearman=up(), slide_r2=up()), dict(ssl=dict(tile_spearman=.7, slide_r2=.8), random_encoder=dict(slide_r2=.4)),
         [dict(ssl=dict(tile_spearman=.45)), dict(random_encoder=dict(slide_r2=.85))], ["random_encoder"]),
    Case("croma", "earth",  # both objectives together; the position bias survives larger images better
         all_of(better("croma", than=["contrastive_only", "mae_only"], metric="knn"), better("croma", than="sin_cos_positions", metric="loss_at_twice_the_size")),
         dict(knn=acc, loss_at_twice_the_size=down("fraction")),
         dict(croma=dict(knn=.7, loss_at_twice_the_size=.02), contrastive_only=dict(knn=.6), mae_only=dict(knn=.5), sin_cos_positions=dict(loss_at_twice_the_size=.1)),
         [dict(mae_only=dict(knn=.72)), dict(croma=dict(loss_at_twice_the_size=.15))]),
    Case("brain2speech_clip", "signals",  # three ablations, all above chance
         all_of(better("full", than=["regression", "mel_target", "no_subject_layer"], metric="top10"),
                *(better(a, than=.02, metric="top10") for a in ("regression", "mel_target"))),
         dict(top10=acc), dict(full=dict(top10=.4), regression=dict(top10=.1), mel_target=dict(top10=.2), no_subject_layer=dict(top10=.3)),
         [dict(no_subject_layer=dict(top10=.41)), dict(regression=dict(top10=.015)), dict(mel_target=dict(top10=.01))]),
    Case("atst", "audio",  # frame model: clearly better on frames, equivalent on clips; masking is needed
         all_of(better("frame", than="clip", metric="event_f1", by=.05), within("frame", of="clip", metric="map", by=.03), better("frame", than="frame_no_mask", metric="event_f1")),
         dict(event_f1=acc, map=acc), dict(frame=dict(event_f1=.5, map=.401), clip=dict(event_f1=.4, map=.4), frame_no_mask=dict(event_f1=.45)),
         [dict(clip=dict(event_f1=.47)), dict(clip=dict(map=.46)), dict(frame_no_mask=dict(event_f1=.52))]),
    Case("salt", "language",  # lower at equal steps; at the baseline's last loss earlier; better than distilling throughout
         all_of(better("salt", than=["standard", "distill_throughout"], metric="val_loss"), first("salt", before="standard", metric="val_loss", by=50)),
         dict(val_loss=down("nats")),
         dict(salt=dict(val_loss=curve(6., 4., 2.9, 2.7, 2.5)), standard=dict(val_loss=curve(6., 4.5, 3.6, 3.2, 3.)), distill_throughout=dict(val_loss=curve(6., 3.8, 3., 2.9, 2.8))),
         [dict(distill_throughout=dict(val_loss=curve(6., 3., 2.5, 2.4, 2.3))), dict(salt=dict(val_loss=curve(6., 5., 4.5, 3.5, 2.5)))]),
    Case("clip", "image_text",  # withheld combinations: far above chance, above a bag of words; more templates do no harm
         all_of(better("clip", than=1 / 16, metric="zero_shot", factor=3), better("clip", than="bag_of_words", metric="zero_shot"), better("clip", than=-.01, metric="ensemble_gain")),
         dict(zero_shot=acc, ensemble_gain=acc), dict(clip=dict(zero_shot=.5, ensemble_gain=.01), bag_of_words=dict(zero_shot=.3)),
         [dict(clip=dict(zero_shot=.17), bag_of_words=dict(zero_shot=.1)), dict(bag_of_words=dict(zero_shot=.52)), dict(clip=dict(ensemble_gain=-.05))]),
    Case("ssl_item_rec", "graph",  # relative gains (of logarithms) are larger in the tail; correlated masking is no worse
         all_of(better("cfm", than="two_tower", metric="log_recall_head"), better(gap("cfm", "two_tower", "log_recall_tail"), than=gap("cfm", "two_tower", "log_recall_head")),
                better("cfm", than="rfm", metric="log_recall_head", by=-.01)),
         dict(log_recall_head=up(), log_recall_tail=up()),
         dict(cfm=dict(log_recall_head=-1., log_recall_tail=-1.8), two_tower=dict(log_recall_head=-1.1, log_recall_tail=-2.3), rfm=dict(log_recall_head=-1.02)),
         [dict(two_tower=dict(log_recall_head=-.9, log_recall_tail=-1.9)), dict(two_tower=dict(log_recall_tail=-1.81)), dict(rfm=dict(log_recall_head=-.8))]),
    Case("vsformer", "table",  # each half is at chance on the other's task; together close to the better one; the prior is needed
         all_of(within("shape_only", of=.5, metric="value_task", by=.03), within("value_only", of=.5, metric="shape_task", by=.03),
                better("joint", than="value_only", metric="value_task", by=-.02), worse("no_prior", than="joint", metric="mean_accuracy")),
         dict(value_task=acc, shape_task=acc, mean_accuracy=acc),
         dict(shape_only=dict(value_task=.501, shape_task=.9), value_only=dict(shape_task=.499, value_task=.9), joint=dict(value_task=.895, mean_accuracy=.89), no_prior=dict(mean_accuracy=.8)),
         [dict(shape_only=dict(value_task=.6)), dict(value_only=dict(shape_task=.4)), dict(joint=dict(value_task=.8)), dict(no_prior=dict(mean_accuracy=.92))]),
]

USE = [
    Case("score_rl", "reasoning",  # self-correction is real, larger than in the ablations, at no price in the first answer
         all_of(better("score", than=.01, metric="correction"), better("score", than=["pair_sft", "no_shaping"], metric="correction"), better("score", than="no_shaping", metric="acc_t1", by=-.01)),
         dict(correction=acc, acc_t1=acc), dict(score=dict(correction=.1, acc_t1=.5), pair_sft=dict(correction=.02), no_shaping=dict(correction=.01, acc_t1=.5)),
         [dict(score=dict(correction=.005), pair_sft=dict(correction=-.02), no_shaping=dict(correction=-.01)), dict(pair_sft=dict(correction=.12)), dict(no_shaping=dict(acc_t1=.6))]),
    Case("critic_bench", "reasoning",  # critique grows with size; uncertain queries are harder; self-check lowers the error
         all_of(ordered(["large", "medium", "small"], metric="critique"), better("large", than=0, metric="certain_minus_uncertain"), better("self_check", than="self_consistency", metric="error")),
         dict(critique=acc, certain_minus_uncertain=acc, error=down()),
         dict(large=dict(critique=.8, certain_minus_uncertain=.2), medium=dict(critique=.7), small=dict(critique=.6), self_check=dict(error=.2), self_consistency=dict(error=.25)),
         [dict(medium=dict(critique=.55)), dict(large=dict(certain_minus_uncertain=-.1)), dict(self_check=dict(error=.3))]),
    Case("contrastive_ucb", "decision",  # solves the lock; its twin without the bonus does not
         all_of(better("ucb", than=.9, metric="final_return"), worse("no_bonus", than=.1, metric="final_return")),
         dict(final_return=up()), dict(ucb=dict(final_return=.99), no_bonus=dict(final_return=.02)), [dict(ucb=dict(final_return=.7)), dict(no_bonus=dict(final_return=.2))]),
    Case("grasp2vec", "decision",  # twice the loss without negatives; three times chance
         all_of(better("grasp2vec", than="no_negatives", metric="top1", factor=2), better("grasp2vec", than=.11, metric="hit_rate", factor=3)),
         dict(top1=acc, hit_rate=acc), dict(grasp2vec=dict(top1=.7, hit_rate=.6), no_negatives=dict(top1=.2)), [dict(no_negatives=dict(top1=.4)), dict(grasp2vec=dict(hit_rate=.3))]),
    Case("nmc_baseline", "labels",  # the same whatever the class order; above learners that forget
         all_of(check("same_for_every_order", arms="nmc"), better("nmc", than=["fine_tuning", "ewc", "linear_head"], metric="final_accuracy")),
         dict(final_accuracy=acc), dict(nmc=dict(same_for_every_order=True, final_accuracy=.6), fine_tuning=dict(final_accuracy=.2), ewc=dict(final_accuracy=.3), linear_head=dict(final_accuracy=.4)),
         [dict(nmc=dict(same_for_every_order=False)), dict(ewc=dict(final_accuracy=.65))]),
    Case("self_training_survey", "labels",  # dynamic thresholds rank better; wrong pseudo-labels go with lost accuracy
         all_of(better("dynamic", than="fixed", metric="mean_rank"), correlates("pseudo_label_error", "accuracy_lost", family="set/*")),
         dict(mean_rank=down(), pseudo_label_error=down(), accuracy_lost=down()),
         {"dynamic": dict(mean_rank=1.5), "fixed": dict(mean_rank=2.5), **family("set", pseudo_label_error=lambda i: .05 * i, accuracy_lost=lambda i: .02 * i)},
         [dict(dynamic=dict(mean_rank=3.)), {f"set/{i}": dict(accuracy_lost=.3 - .02 * i) for i in range(10)}]),
    Case("ctrl_backdoor", "trust",  # the attack works and costs little clean accuracy
         all_of(better("poisoned", than="clean", metric="attack_success", factor=3), better("poisoned", than="clean", metric="accuracy", by=-.03)),
         dict(attack_success=acc, accuracy=acc), dict(poisoned=dict(attack_success=.6, accuracy=.79), clean=dict(attack_success=.1, accuracy=.8)),
         [dict(clean=dict(attack_success=.25)), dict(poisoned=dict(accuracy=.7))]),
]

CASES = {c.id: c for c in (*PRINCIPLES, *MODALITIES, *USE)}


def verdict(case, changed=None, claim=None): return judge(claim or case.claim, case.rows(changed), case.metrics, case.floors)


def test_thirty_claims_from_every_chapter():
    assert len(CASES) == 30 and len({c.chapter for c in CASES.values()}) == 22
    assert all(len(group) >= 3 for group in (PRINCIPLES, MODALITIES, USE))
    kinds = {type(p).__name__ for c in CASES.values() for p in c.claim.parts()}
    assert kinds == {"better", "worse", "within", "above_floor", "ordered", "correlates", "first", "drops", "check"}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_claim_holds_and_each_clause_can_break_it(case):
    good = verdict(case)
    assert good.verdict == "holds" and not good.below_floor, str(good)
    clauses = case.claim.parts()
    assert len(case.breaks) == len(clauses), "one set of contradicting values for each clause"
    for broken, changed in enumerate(case.breaks):
        whole = verdict(case, changed)
        assert whole.verdict == "refuted", f"{case.breaks[broken]}\n{whole}"
        for i, clause in enumerate(clauses):
            part = verdict(case, changed, claim=clause)
            assert (part.verdict == "holds") == (i != broken), f"clause {i} while {broken} is broken\n{part}"


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_claim_is_data(case):
    import json
    back = Claim.from_dict(json.loads(json.dumps(case.claim.to_dict())))
    assert back == case.claim and str(back) == str(case.claim) and hash(back) == hash(case.claim)
    assert json.dumps(verdict(case, claim=back).to_dict()) == json.dumps(verdict(case).to_dict())
    assert not any(ugly in str(case.claim) for ugly in ("(", "None", "'"))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_missing_seed_leaves_the_claim_incomplete(case):
    rows = case.rows()
    for arm in case.values:
        v = judge(case.claim, [r for r in rows if (r["arm"], r["seed"]) != (arm, 2)], case.metrics, case.floors)
        assert v.verdict == "incomplete" and any(arm in r.reason and "2" in r.reason for r in v.results), str(v)
