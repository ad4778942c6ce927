"""The judge of `core.claims`: its error rates on simulated data, its invariances, and how it treats what is missing or odd."""
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from sslkit.core.claims import (LEVELS, MIN_SEEDS, Claim, Metric, above_floor, all_of, average, better, check, correlates, down, drops, first, gap, holds_by_chance,
                                interval, judge, ordered, pick, spearman, spearman_interval, up, within, worse)
from sslkit.core.errors import InputError

UP, DOWN = dict(acc=up("fraction")), dict(acc=down())


def rows(metric="acc", seeds=None, **arms):
    return [dict(arm=a, seed=s, metrics={metric: v}) for a, values in arms.items() for s, v in zip(seeds or range(99), values)]


def verdicts(claim, d, metrics=UP, looks=(5,)):
    "Verdicts for each row of paired differences `d` (experiments, seeds)."
    base = np.random.default_rng(99).normal(0, 3, d.shape)
    return np.array([judge(claim, rows(a=b + x, b=b), metrics, looks=looks).verdict for b, x in zip(base, d)])


def simulated(truth, looks, margin=0.0, n=100_000, equivalent=False, levels=None, seed=0):
    "Shares of holds and refuted by vectorised intervals; `test_simulation_is_the_judge` ties it to `judge`."
    from scipy.special import stdtrit
    d = np.random.default_rng(seed).normal(truth, 1, (n, looks[-1]))
    holds, refuted = np.zeros(n, bool), np.zeros(n, bool)
    for k, level in zip(looks, levels or [LEVELS[len(looks)]] * 2):
        mean, half = d[:, :k].mean(1), stdtrit(k - 1, 0.5 + level / 2) * d[:, :k].std(1, ddof=1) / k**0.5
        undecided = ~(holds | refuted)
        if equivalent: h, r = (mean + half < margin) & (mean - half > -margin), (mean - half > margin) | (mean + half < -margin)
        else: h, r = mean - half > margin, mean + half < margin
        holds, refuted = holds | undecided & h, refuted | undecided & r
    return holds.mean(), refuted.mean()


# ---------------------------------------------------------------- error rates

@pytest.mark.parametrize("looks", [(5,), (5, 10)])
def test_simulation_is_the_judge(looks):
    d = np.random.default_rng(3).normal(1.0, 1.0, (1500, looks[-1]))
    v = verdicts(better("a", than="b", metric="acc"), d, looks=looks)
    share = np.array([(v == w).mean() for w in ("holds", "refuted")])
    assert np.abs(share - simulated(1.0, looks)).max() < 4 * (0.25 / 1500) ** 0.5


@pytest.mark.parametrize("looks", [(5,), (5, 10)])
def test_false_verdicts_at_the_margin_stay_below_three_percent(looks):
    holds, refuted = simulated(0.7, looks, margin=0.7)
    assert 0.02 < holds < 0.03 and 0.02 < refuted < 0.03


def test_a_second_look_that_was_not_planned_would_cost_more():
    assert simulated(0, (5, 10), levels=(0.95, 0.972))[0] > 0.03


def test_power():
    assert 0.36 < simulated(1, (5,))[0] < 0.44 and 0.68 < simulated(1, (5, 10))[0] < 0.77 and simulated(3, (5,))[0] > 0.99
    seen = interval(np.random.default_rng(0).normal(0, 1, 2000)[:5].tolist())
    smallest = seen[3] / np.std(np.random.default_rng(0).normal(0, 1, 2000)[:5], ddof=1)           # in standard deviations
    assert 0.75 < simulated(smallest, (5,))[0] < 0.85                                             # "four of five repetitions"


@pytest.mark.parametrize("looks", [(5,), (5, 10)])
def test_equivalence(looks):
    holds, _ = simulated(2.0, looks, margin=2.0, equivalent=True)                                  # truth at the edge: not equivalent
    _, refuted = simulated(2.0, looks, margin=2.0, equivalent=True)
    assert holds < 0.03 and refuted < 0.03
    assert simulated(0, looks, margin=3.0, equivalent=True)[0] > 0.9                               # and truly equal is found
    assert simulated(0, looks, margin=0.5, equivalent=True)[0] < 0.03                              # unless seeds are too noisy to say
    d = np.random.default_rng(5).normal(2.0, 1, (1000, 5))
    assert (verdicts(within("a", of="b", metric="acc", by=2.0), d) == "holds").mean() < 0.03 + 0.01
    assert (verdicts(within("a", of="b", metric="acc", by=2.0), d - 2.0) == "holds").mean() > 0.25


def test_two_clauses_hold_no_more_often_by_chance_than_one():
    rng, n, false = np.random.default_rng(1), 800, 0
    for _ in range(n):
        a, b, c = rng.normal(size=(3, 5)) * 1.0
        false += judge(better("a", than=["b", "c"], metric="acc"), rows(a=a, b=b, c=c), UP).verdict == "holds"
    assert false / n < 0.03


def grid_of_runs(rng, rho, noise, configurations=8, seeds=3):
    "Configurations with correlated means and seeds that scatter about them."
    x = rng.normal(size=configurations)
    y = rho * x + (1 - rho**2) ** 0.5 * rng.normal(size=configurations)
    spread = lambda m: (m[:, None] + noise * rng.normal(size=(configurations, seeds))).ravel()
    return spread(x), spread(y), np.repeat(np.arange(configurations), seeds)


@pytest.mark.parametrize("rho,noise,configurations", [(0.62, 0.05, 8), (0.95, 0.5, 8), (0.62, 0.3, 16), (0.1, 0.1, 8)])
def test_correlation_errors(rho, noise, configurations):
    truth = 6 / math.pi * math.asin(rho / (1 + noise**2) / 2)                                      # Spearman of two normals
    rng, n = np.random.default_rng(0), 400
    found = np.array([spearman_interval(*grid_of_runs(rng, rho, noise, configurations), draws=400)[1:] for _ in range(n)])
    assert (found[:, 0] > truth).mean() <= 0.03 + 0.015 and (found[:, 1] < truth).mean() <= 0.03 + 0.015   # and two standard errors


def test_bootstrap_over_runs_of_the_same_configurations_would_deceive():
    truth, rng, n = 6 / math.pi * math.asin(0.62 / (1 + 0.05**2) / 2), np.random.default_rng(0), 200
    grids = [grid_of_runs(rng, 0.62, 0.05) for _ in range(n)]
    false = np.mean([spearman_interval(x, y, np.arange(len(x)), draws=400)[1] > truth for x, y, _ in grids])
    assert false > 0.05


def test_correlation_verdicts():
    family = lambda sign: [dict(arm=f"f/{i}", seed=s, metrics=dict(p=i, q=sign * i + 0.1 * s)) for i in range(9) for s in range(5)]
    ask = lambda sign, **kw: judge(correlates("p", "q", family="f/*", **kw), family(sign), dict(p=up(), q=down())).verdict
    assert [ask(1), ask(1, above=0.6), ask(1, below=-0.6), ask(-1), ask(-1, below=-0.6), ask(-1, below=0)] == ["holds", "holds", "refuted", "refuted", "holds", "holds"]
    assert judge(correlates("p", "q", family=[f"f/{i}" for i in range(7)]), family(1), dict(p=up(), q=up())).verdict == "incomplete"
    assert judge(correlates("p", "q", family=[f"f/{i}" for i in range(8)]), family(1), dict(p=up(), q=up())).verdict == "holds"
    assert judge(correlates("p", "q"), [r for r in family(1) if r["seed"] < 4], dict(p=up(), q=up())).verdict == "incomplete"
    r, low, high = spearman_interval(range(8), range(8), range(8))
    assert r == high == 1 and 0.99 < low < 1                                                        # no certainty from eight runs
    constant = judge(correlates("p", "q", above=0.1), [{**row, "metrics": dict(p=1, q=row["metrics"]["q"])} for row in family(1)], dict(p=up(), q=up()))
    assert constant.verdict == "refuted" and constant.results[0].estimate == 0


def test_spearman_is_scipys():
    from scipy.stats import spearmanr
    rng = np.random.default_rng(0)
    assert spearman([1, 2], [3, 4])[0] == 1 == -spearman([1, 2], [4, 3])[0] and spearman([1, 2], [3, 3])[0] == 0
    for _ in range(20):
        x, y = rng.integers(0, 6, 15), rng.normal(size=15).round(1)
        assert math.isclose(spearman(x, y)[0], spearmanr(x, y).statistic, abs_tol=1e-12)
        w = rng.multinomial(15, np.full(15, 1 / 15))
        assert math.isclose(spearman(x, y, w[None])[0], spearmanr(np.repeat(x, w), np.repeat(y, w)).statistic, abs_tol=1e-12)


@pytest.mark.parametrize("looks", [(5,), (5, 10)])
@pytest.mark.parametrize("than", [None, "b"])
def test_drops_errors(looks, than):
    rng, n, steps = np.random.default_rng(0), 600, 8
    flat = lambda: [[[t, v] for t, v in enumerate(c)] for c in rng.normal(size=(looks[-1], steps))]
    v = [judge(drops("a", from_peak="acc", than=than), rows(a=flat(), b=flat()), UP, looks=looks).verdict for _ in range(n)]
    assert v.count("holds") / n < 0.03 + 0.01
    peak = np.zeros(steps); peak[2] = 1.0                                                          # a true drop of exactly the margin
    humps = lambda: [[[t, v] for t, v in enumerate(c + peak)] for c in rng.normal(size=(looks[-1], steps))]
    v = [judge(drops("a", from_peak="acc", by=1.0, than=than), rows(a=humps(), b=flat()), UP, looks=looks).verdict for _ in range(n)]
    assert v.count("refuted") / n < 0.03 + 0.01 and v.count("holds") / n < 0.03 + 0.01
    sharp = [[[t, v] for t, v in enumerate(6 * peak + 0.3 * c)] for c in rng.normal(size=(looks[-1], steps))]
    assert judge(drops("a", from_peak="acc", than=than), rows(a=sharp, b=[[[t, 0.3 * v] for t, v in c] for c in flat()]), UP, looks=looks).verdict == "holds"


def test_interval_is_scipys():
    from scipy.stats import t
    v = [0.3, 0.1, 0.4, 0.1, 0.5]
    low, high = t.interval(0.95, 4, loc=np.mean(v), scale=np.std(v, ddof=1) / 5**0.5)
    assert np.allclose(interval(v)[:3], [np.mean(v), low, high])
    assert np.allclose(interval([0.0, 1.0])[1:3], t.interval(0.95, 1, loc=0.5, scale=0.5)) and interval([3.0])[1:3] == (-math.inf, math.inf)


# ---------------------------------------------------------------- invariances

five = st.lists(st.floats(-1, 1).map(lambda x: round(x, 3)), min_size=5, max_size=5)
claims = st.sampled_from([better("a", than="b", metric="acc", by=0.1), worse("a", than="b", metric="acc"), within("a", of="b", metric="acc", by=0.4)])
numbers = lambda v: [x for r in v.results for x in (r.estimate, r.low, r.high, r.smallest)]


@settings(deadline=None, max_examples=60)
@given(a=five, b=five, shift=five, claim=claims)
def test_what_a_seed_does_to_both_arms_does_not_count(a, b, shift, claim):
    before = judge(claim, rows(a=a, b=b), UP)
    after = judge(claim, rows(a=np.add(a, shift), b=np.add(b, shift)), UP)
    assert np.allclose(numbers(before), numbers(after), atol=1e-9)
    assert before.verdict == after.verdict or min(abs(x - r.margin * s) for r in before.results for x in (r.low, r.high) for s in (1, -1)) < 1e-6


@settings(deadline=None, max_examples=60)
@given(a=five, b=five, by=st.sampled_from([0, 0.05, -0.3]))
def test_swapping_the_arms_turns_the_difference_round(a, b, by):
    one = judge(better("a", than="b", metric="acc", by=by), rows(a=a, b=b), UP)
    flipped = judge(better("b", than="a", metric="acc", by=-by), rows(a=a, b=b), UP)
    fallen = judge(better("a", than="b", metric="acc", by=-by), rows(a=a, b=b), DOWN)
    named = judge(worse("a", than="b", metric="acc", by=-by), rows(a=a, b=b), UP)
    r, f = one.results[0], flipped.results[0]
    assert np.allclose([r.estimate, r.low, r.high], [-f.estimate, -f.high, -f.low])
    opposite = dict(holds="refuted", refuted="holds", undecided="undecided")
    assert flipped.verdict == fallen.verdict == named.verdict == opposite[one.verdict]
    same = lambda claim: judge(claim, rows(a=a, b=b), UP).verdict
    assert same(within("a", of="b", metric="acc", by=0.3)) == same(within("b", of="a", metric="acc", by=0.3))


@settings(deadline=None, max_examples=40)
@given(a=five, b=five, order=st.permutations(range(12)))
def test_order_of_rows_and_unmatched_seeds(a, b, order):
    evidence = rows(a=a, b=b)
    before = judge(better("a", than="b", metric="acc"), evidence, UP)
    more = evidence + rows(a=[9.0], seeds=[77]) + rows(b=[-9.0], seeds=[78])
    after = judge(better("a", than="b", metric="acc"), [more[i] for i in order], UP)
    assert after.results == before.results and after.verdict == before.verdict and (before.ignored, after.ignored) == (0, 2)
    assert "2 rows were not used" in str(after)


# ---------------------------------------------------------------- rules

def test_verdicts_at_hand_worked_values():
    d = [0.1, 0.2, 0.3, 0.4, 0.5]                                   # mean .3, s = .158114, half = 2.776445 * .070711 = .196324
    ask = lambda by, **kw: judge(better("a", than="b", metric="acc", by=by), rows(a=d, b=[0] * 5), UP, **kw)
    r = ask(0).results[0]
    assert np.allclose([r.estimate, r.low, r.high], [0.3, 0.103676, 0.496324], atol=1e-6) and np.isclose(r.smallest, (2.776445 + 0.940965) * 0.0707107)
    assert [ask(by).verdict for by in (0.10, 0.11, 0.49, 0.50)] == ["holds", "undecided", "undecided", "refuted"]
    assert [ask(by, looks=(5, 10)).verdict for by in (0.05, 0.10)] == ["holds", "undecided"]       # 97.2 %: half = 3.34 * .0707
    assert ask(0.10, looks=(5, 10)).next_look == 10 and "second look" in str(ask(0.10, looks=(5, 10)))


def test_looks():
    rng = np.random.default_rng(0)
    early, late = [0.5, 0.51, 0.5, 0.49, 0.5], [-3.0] * 5
    claim = better("a", than="b", metric="acc")
    assert judge(claim, rows(a=early + late, b=[0] * 10), UP, looks=(5, 10)).verdict == "holds"    # decided at the first look: it stays
    assert judge(claim, rows(a=early + late, b=[0] * 10), UP, looks=(5,)).ignored == 10            # nobody looks at more than was planned
    wobbly = [0.4, -0.3, 0.5, 0.2, 0.3]
    second = judge(claim, rows(a=wobbly + [0.3 + 0.01 * x for x in rng.normal(size=5)], b=[0] * 10), UP, looks=(5, 10))
    assert (second.verdict, second.n, second.next_look) == ("holds", 10, None)
    seven = judge(claim, rows(a=wobbly + [0.3, 0.3], b=[0] * 7), UP, looks=(5, 10))
    assert (seven.verdict, seven.n, seven.next_look) == ("undecided", 5, 10)                       # between the looks nothing is concluded
    for looks in [(5, 7), (), (0,), (5, 10, 20), (5.0,)]:
        with pytest.raises(InputError, match="looks="): judge(claim, rows(a=early, b=early), UP, looks=looks)


def test_incomplete():
    claim = better("a", than="b", metric="acc")
    three = judge(claim, rows(a=[0.5, 0.6, 0.7], b=[0.1, 0.1, 0.1]), UP)
    r = three.results[0]
    assert three.verdict == "incomplete" and np.allclose([r.estimate, r.low, r.high], [0.5, 0.4, 0.6]) and r.smallest is None and "3 of 5 seeds" in r.reason
    assert judge(claim, rows(a=[0.5] * 3, b=[0.1] * 3), UP, looks=(3,)).verdict == "incomplete" and MIN_SEEDS == 5
    assert judge(claim, rows(a=[0.5] * 5), UP).results[0].reason == "b lacks seeds 0, 1, 2, 3, 4"
    assert judge(claim, [], UP).verdict == "incomplete"
    nan = judge(claim, rows(a=[0.5] * 4 + [math.nan], b=[0.1] * 5), UP)
    assert nan.verdict == "incomplete" and nan.results[0].reason == "acc of a lacks seed 4"
    mixed = all_of(better("a", than="b", metric="acc"), better("a", than="c", metric="acc"))
    assert judge(mixed, rows(a=[0.0] * 5, b=[1.0] * 5), UP).verdict == "incomplete"                # also when another clause is refuted
    shifted = judge(claim, rows(a=[1.0] * 5) + rows(b=[0.0] * 5, seeds=range(1, 6)), UP)
    assert shifted.verdict == "incomplete" and shifted.results[0].n == 4                           # no seed is exchanged for another
    assert judge(check("fine", arms="x/*"), [dict(arm="x/1", seed=s, metrics=dict(fine=True)) for s in range(5)], {}, arms=["x/1", "x/2"]).verdict == "holds"
    family = [dict(arm=f"x/{i}", seed=s, metrics=dict(p=i, q=i)) for i in range(9) for s in range(5)]
    lost = judge(correlates("p", "q", family="x/*"), family, dict(p=up(), q=up()), arms=[f"x/{i}" for i in range(10)])
    assert lost.verdict == "incomplete" and "x/9 lacks seeds" in lost.results[0].reason


def test_differences_that_do_not_vary():
    ask = lambda a, b, **kw: judge(better("a", than="b", metric="acc", **kw), rows(a=[a] * 5, b=[b] * 5), UP).verdict
    assert ask(0.8, 0.7) == "holds" and ask(0.7, 0.8) == "refuted" and ask(0.7, 0.7) == "undecided"
    assert ask(0.7, 0.6, by=0.1) == "undecided" == ask(0.3, 0.1, by=0.2)                           # 0.7 - 0.6 is not 0.1 in binary
    assert ask(2e-10, 1e-10) == "holds" and ask(1e6 + 0.1, 1e6, by=0.1) == "undecided"
    assert ask(0.1 + 0.2, 0.3) == "undecided" and ask(0.7, 0.7, by=-0.01) == "holds"
    assert judge(within("a", of="b", metric="acc", by=0.01), rows(a=[0.7] * 5, b=[0.7] * 5), UP).verdict == "holds"


def test_below_floor():
    evidence = rows(m=[0.43, 0.45, 0.41, 0.44, 0.42], ablated=[0.2] * 5, raw=[0.47] * 5, random=[0.3] * 5)
    v = judge(better("m", than="ablated", metric="acc"), evidence, UP, floors=["raw", "random"])
    assert v.verdict == "holds" and len(v.below_floor) == 1 and "floor raw (0.43 and 0.47)" in v.below_floor[0]
    assert "below its floor" in str(v) and "below its floor" in v._repr_html_() and v.to_dict()["below_floor"]
    assert judge(better("m", than="ablated", metric="acc"), evidence, DOWN, floors=["raw", "random"]).below_floor[0].endswith("floor random (0.43 and 0.3)")
    assert not judge(worse("ablated", than="m", metric="acc"), evidence, UP, floors=["raw"]).below_floor     # nobody praised it
    other = evidence + rows(metric="loss", raw=[1.0] * 5)
    assert judge(better("m", than="ablated", metric="acc"), [r for r in other if "loss" not in r["metrics"]], UP, floors=["random"]).below_floor == ()


def test_pick_and_average_and_gap_by_hand():
    evidence = [dict(arm=a, seed=s, metrics=dict(acc=t, val=v)) for a, pairs in
                {"f/1": [(.5, .1), (.6, .9)], "f/2": [(.7, .8), (.9, .2)], "b": [(.4, 0), (.4, 0)]}.items() for s, (t, v) in enumerate(pairs)]
    value = lambda term, **kw: judge(better(term, than="b", metric="acc"), evidence, dict(acc=up(), val=up(), **kw), looks=(2,)).results[0].values
    assert np.allclose(value(pick("f/*", by="val")), [.3, .2]) and np.allclose(value(pick(["f/1", "f/2"], by="acc")), [.3, .5]) and np.allclose(value(average("f/*")), [.2, .35])
    low = judge(better(pick("f/*", by="val"), than="b", metric="acc"), evidence, dict(acc=up(), val=down()), looks=(2,)).results[0].values
    assert np.allclose(low, [.1, .5])                                                              # by the smallest val
    gaps = judge(better(gap("f/2", "f/1"), than=gap("f/1", "b"), metric="acc"), evidence, dict(acc=up(), val=up()), looks=(2,)).results[0].values
    assert np.allclose(gaps, [.2 - .1, .3 - .2])
    assert np.allclose(judge(better(gap("f/1", "f/2"), than=.05, metric="acc"), evidence, dict(acc=down(), val=up()), looks=(2,)).results[0].values, [.15, .25])


def test_floors_do_not_belong_to_a_pattern():
    family = [dict(arm=f"m{i}", seed=s, metrics=dict(p=i, q=i)) for i in range(8) for s in range(5)]
    floor = [dict(arm="floor", seed=s, metrics=dict(p=100, q=-100)) for s in range(5)]
    v = judge(correlates("p", "q", above=0.5), family + floor, dict(p=up(), q=up()), floors=["floor"])
    assert v.verdict == "holds" and v.results[0].n == 8


def test_first_counts_what_does_not_arrive():
    curve = lambda *v: [[10 * i, x] for i, x in enumerate(v)]
    a, b = [curve(0, .5, .6)] * 4 + [curve(0, .1, .2)], [curve(0, .2, .55)] * 5
    v = judge(first("a", before="b", metric="acc", by=-10), rows(a=a, b=b), UP)                    # one of five never gets there
    assert v.verdict == "undecided" and "a does not get there in 1 of 5 seeds" in v.results[0].reason
    v = judge(first("b", before="a", metric="acc", level=.4), rows(a=[curve(0, .1, .2)] * 5, b=b), UP)
    assert v.verdict == "undecided" and np.allclose(v.results[0].values, 0)
    v = judge(first("b", before="a", metric="acc", level=.1), rows(a=[curve(0, 0, 0)] * 5, b=b), UP)
    assert v.verdict == "holds" and np.allclose(v.results[0].values, 10)                           # at 10; a not even at 20
    assert judge(first("a", before="b", metric="acc", level="c"), rows(a=a, b=b, c=[curve(.4, .3)] * 5), UP).verdict == "undecided"
    assert judge(first("a", before="b", metric="acc", level="c"), rows(a=a[:4] + a[:1], b=b, c=[curve(.4, .3)] * 5), UP).verdict == "holds"
    assert judge(first("a", before="b", metric="acc", factor=.5), rows(a=[40, 41, 42, 40, 41], b=[100] * 5), UP).verdict == "holds"   # counts of steps
    loss = judge(first("a", before="b", metric="acc"), rows(a=[curve(3, 1, .9)] * 5, b=[curve(3, 2, 1)] * 5), DOWN)
    assert loss.verdict == "holds" and np.allclose(loss.results[0].values, 10)


def test_drop_by_hand():
    curve = lambda *v: [[10 * i, x] for i, x in enumerate(v)]
    bends = [curve(0, .9, .5, .4), curve(0, .1, .8, .3), curve(0, .7, .7, .2)]                      # means 0, .567, .667, .3
    v = judge(drops("a", from_peak="acc"), rows(a=bends, b=[curve(.5, .6, .1, .1)] * 3), UP, looks=(3,))
    assert v.verdict == "incomplete" and np.allclose(v.results[0].values, [.1, .5, .5])
    v = judge(drops("a", from_peak="acc", than="b"), rows(a=bends, b=[curve(.1, .2, .1, .1)] * 3), UP, looks=(3,))
    assert np.allclose(v.results[0].values, [.0, .4, .4])                                          # b dropped by 0.1
    v = judge(drops("a", from_peak="acc", than="b"), rows(a=bends, b=[curve(.1, .2, .3, .9)] * 3), UP, looks=(3,))
    assert np.allclose(v.results[0].values, [.1, .5, .5])                                          # b rose: its drop is 0, not negative
    r = judge(drops("a", from_peak="acc"), rows(a=[curve(0, .9 + .01 * s, .5, .4) for s in range(5)]), UP).results[0]
    half = 3.960 * .015811 / 5 ** .5                                                               # t(4) at 1 - .025 / 3
    assert np.isclose(r.low, .52 - half, atol=1e-4) and np.isclose(r.high, .52 + 2.776445 * .0070711, atol=1e-6)
    assert judge(drops("a", from_peak="acc"), rows(a=[curve(0, .1, .2, .3 + .01 * s) for s in range(5)]), UP).verdict == "refuted"
    up_again = judge(drops("a", from_peak="acc"), rows(a=[curve(5, 1, 2)] * 5), DOWN)
    assert up_again.verdict == "holds" and np.allclose(up_again.results[0].values, 1)              # a loss that rises has dropped from its best
    with pytest.raises(InputError, match="different steps"): judge(drops("a", from_peak="acc"), rows(a=[curve(1, 2), curve(1, 2, 3)]), UP)


def test_checks():
    evidence = [dict(arm=a, seed=s, metrics=dict(fine=True, x=i)) for i, a in enumerate("pq") for s in range(5)]
    assert judge(check("fine"), evidence, {}).verdict == "holds"
    assert judge(check("fine"), evidence[:-1] + [dict(arm="q", seed=4, metrics=dict(fine=np.bool_(False)))], {}).verdict == "refuted"
    def q_is_more(of): return of["q"]["x"] > of["p"]["x"]
    claim = check(q_is_more)
    assert judge(claim, evidence, {}).verdict == "holds" and judge(claim, evidence[:-1], {}).verdict == "incomplete"
    back = Claim.from_dict(json.loads(json.dumps(claim.to_dict())))
    assert back == claim and back.call is None and str(back) == "q_is_more is true"
    v = judge(back, evidence, {})
    assert v.verdict == "incomplete" and "judge the claim there" in v.results[0].reason            # nothing read from a file is run
    with pytest.raises(InputError, match="true or false"): judge(check("x"), evidence, {})


def test_mistakes_end_in_a_sentence():
    evidence = rows(a=[1.0] * 5, b=[0.0] * 5)
    for make, words in [(lambda: judge(better("a", than="b", metric="ac"), evidence, UP), "did you mean acc"),
                        (lambda: judge(better("a", than="b"), evidence, UP), "give metric="),
                        (lambda: judge(better("a", than=gap("a", "b"), metric="acc"), evidence, UP), "compare a gap with a gap"),
                        (lambda: judge(above_floor("a", "acc"), evidence, UP), "declares none"),
                        (lambda: judge(better(pick("z*", by="acc"), than="b", metric="acc"), evidence, UP), "no arm matches z"),
                        (lambda: judge(better("a", than="b", metric="acc"), evidence + evidence, UP), "two rows of seed 0"),
                        (lambda: better("a", than="b", metric="acc", by="much"), "by='much' is not a number"),
                        (lambda: better("a", than="b", metric="acc", by=math.inf), "not a number"),
                        (lambda: better(["a", "b"], than="c", metric="acc"), "cannot be compared"),
                        (lambda: better("a", than=[], metric="acc"), "is empty"),
                        (lambda: within("a", of="b", metric="acc", by=0), "no room for equivalence"),
                        (lambda: ordered(["a"], metric="acc"), "cannot be ordered"),
                        (lambda: correlates("x", "y", above=1, below=2), "give one of them"),
                        (lambda: all_of(), "needs clauses"), (lambda: all_of("a"), "needs clauses"),
                        (lambda: Claim.from_dict(dict(kind="beter")), "did you mean better"), (lambda: Claim.from_dict(gap("a", "b").to_dict()), "a term and no claim")]:
        with pytest.raises(InputError) as e: make()
        assert words in str(e.value) and "\n" not in str(e.value)


def test_shown():
    claim = better("barlow_twins", than="invariance_only", metric="linear", by=0.05)
    assert str(claim) == "linear of barlow_twins is better than invariance_only by 0.05"
    assert str(better(gap("big", "small", "acc_1"), than=gap("big", "small", "acc_100"))) == "the gain of big over small in acc_1 is larger than the gain of big over small in acc_100"
    assert str(better("a", than="b", metric="hits", factor=2)) == "hits of a is better than 2 times b"
    v = judge(claim, rows(metric="linear", **{"barlow_twins": [.5, .6, .7, .6, .5], "invariance_only": [.1] * 5}), dict(linear=up("<fraction>")))
    assert str(v).splitlines()[0] == "holds: n = 5 paired seeds, 95 % intervals" and "0.48 <fraction>" in str(v)
    assert "&lt;fraction&gt;" in v._repr_html_() and "<fraction>" not in v._repr_html_()
    json.dumps(v.to_dict(), allow_nan=False); json.dumps(judge(claim, [], dict(linear=up())).to_dict(), allow_nan=False)
    assert Metric.from_dict(up("dB").to_dict()) == up("dB") != down("dB")


def test_holds_by_chance():
    from scipy.stats import binom
    for n in (1, 3, 30, 271):
        expected, most = holds_by_chance(n)
        assert expected == n * 0.025 and most == binom.ppf(0.975, n, 0.025)
