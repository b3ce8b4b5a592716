"""The statistics macros against scipy and against plain Python."""

import math
import random
from pathlib import Path
from typing import Any

import duckdb
import pytest
from jinja2 import Environment
from scipy import integrate, stats

from cohorts import Fate, aalen_johansen, incidence_at

MACROS = Path(__file__).parent.parent / "dbt_project" / "macros"
Z = 1.959963984540054
TAU = 2400.0


STATISTICS = (
    "aalen_johansen",
    "aalen_johansen_at",
    "beta_cdf",
    "beta_greater",
    "beta_quantile",
    "beta_series",
    "gamma_cdf",
    "gamma_quantile",
    "kaplan_meier",
    "kaplan_meier_summary",
    "rate_columns",
    "rate_grade",
    "wilson_interval",
)


def macro(name: str) -> Any:
    """Give one dbt macro as a Python function that returns its SQL."""
    # One template of all files, since dbt puts every macro in one namespace too.
    source = "\n".join((MACROS / f"{statistic}.sql").read_text() for statistic in STATISTICS)
    template = Environment().from_string(source, globals={"var": {"min_n_rate": 10}.__getitem__})
    return getattr(template.module, name)


@pytest.fixture(scope="module")
def database() -> duckdb.DuckDBPyConnection:
    """An empty in-memory DuckDB."""
    return duckdb.connect()


def test_wilson_agrees_with_scipy(database: duckdb.DuckDBPyConnection) -> None:
    """Every k for small n and some large ones, both bounds."""
    wilson = macro("wilson_interval")
    database.execute(
        "create or replace table counts as select k, n from (select unnest([1, 2, 7, 10, 20, 57, 400]) as n)"
        " as ns, lateral (select unnest(range(0, n + 1)) as k) as ks"
    )
    rows = database.execute(
        f"select k, n, {wilson('k', 'n', 'low')}, {wilson('k', 'n', 'high')} from counts"
    ).fetchall()
    assert len(rows) > 490
    for k, n, low, high in rows:
        expected = stats.binomtest(k, n).proportion_ci(0.95, method="wilson")
        assert low == pytest.approx(expected.low, abs=1e-12)
        assert high == pytest.approx(expected.high, abs=1e-12)


def test_a_rate_over_nothing_has_no_interval(database: duckdb.DuckDBPyConnection) -> None:
    """n = 0 gives NULL, not a division by zero."""
    wilson = macro("wilson_interval")
    assert database.execute(f"select {wilson('0', '0', 'low')}").fetchall() == [(None,)]


@pytest.mark.parametrize(
    ("k", "n", "measurable", "grade"),
    [
        (0, 0, "true", "insufficient"),
        (9, 9, "true", "insufficient"),
        (5, 10, "true", "indicative"),
        (19, 19, "true", "indicative"),
        (20, 20, "true", "ok"),
        (18, 70, "true", "indicative"),
        (18, 72, "true", "ok"),
        (50, 100, "false", "not_measurable"),
    ],
)
def test_the_grade_follows_n_and_width(
    database: duckdb.DuckDBPyConnection, k: int, n: int, measurable: str, grade: str
) -> None:
    """The limits n = 10, n = 20 and a half-width of ten points."""
    columns = macro("rate_columns")("", str(k), str(n), measurable=measurable)
    row = database.execute(f"select {columns}").df().iloc[0]
    assert row["grade"] == grade
    assert (row["k"], row["n"]) == (k, n)
    shown = grade in ("ok", "indicative")
    assert math.isnan(row["estimate"]) is not shown
    assert math.isnan(row["ci_low"]) is not shown


def test_gamma_distribution_agrees_with_scipy(database: duckdb.DuckDBPyConnection) -> None:
    """Shapes from below one to a very busy team, x from far left to far right of the mean."""
    cdf = macro("gamma_cdf")
    points = [
        (a, x)
        for a in (0.5, 1.0, 3.5, 40.5, 150.5, 1200.5, 30000.5)
        for x in (0.0, 1e-3, a / 3, a - math.sqrt(a) * 0.9, a, a + math.sqrt(a), a * 3, 1200.0, 150.0)
        if x >= 0
    ]
    database.execute("create or replace table points (a double, x double)")
    database.executemany("insert into points values (?, ?)", points)
    rows = database.execute(f"select a, x, {cdf('a', 'x')} from points").fetchall()
    for a, x, value in rows:
        assert value == pytest.approx(stats.gamma.cdf(x, a), rel=1e-8, abs=1e-9), (a, x)


def test_gamma_quantile_agrees_with_scipy(database: duckdb.DuckDBPyConnection) -> None:
    """The 2.5 % and 97.5 % points, which bound the published rate."""
    quantile = macro("gamma_quantile")
    database.execute(
        "create or replace table shapes as"
        " select unnest([0.5, 3.5, 40.5, 150.5, 1200.5, 9000.5])::double as a"
    )
    for p in (0.025, 0.5, 0.975):
        for a, value in database.execute(f"select a, {quantile(str(p), 'a')} from shapes").fetchall():
            assert value == pytest.approx(stats.gamma.ppf(p, a), rel=1e-7)


@pytest.mark.parametrize(
    ("k1", "n1", "k0", "n0"),
    [(3, 10, 3, 10), (25, 90, 18, 90), (0, 12, 5, 20), (20, 20, 1, 15), (400, 1500, 300, 1400)],
)
def test_probability_of_better_agrees_with_an_integral(
    database: duckdb.DuckDBPyConnection, k1: int, n1: int, k0: int, n0: int
) -> None:
    """P(p1 > p0) over the two Beta posteriors, by numerical integration."""
    greater = macro("beta_greater")(str(k1), str(n1), str(k0), str(n0))
    ((value,),) = database.execute(f"select {greater}").fetchall()
    now, before = stats.beta(k1 + 1, n1 - k1 + 1), stats.beta(k0 + 1, n0 - k0 + 1)
    peak = [now.mean(), before.mean()]
    expected, _ = integrate.quad(lambda p: now.pdf(p) * before.cdf(p), 0, 1, points=peak, limit=400)
    assert value == pytest.approx(expected, abs=1e-7)


def plain_kaplan_meier(sample: list[tuple[float, bool]]) -> dict[str, Any]:
    """The textbook product-limit estimate, one time after the other."""
    survival, greenwood, area, previous = 1.0, 0.0, 0.0, 0.0
    result: dict[str, Any] = {"median": None, "low": None, "high": None, "p90": None, "steps": []}
    for t in sorted({time for time, _ in sample}):
        at_risk = sum(time >= t for time, _ in sample)
        events = sum(time == t and answered for time, answered in sample)
        area += survival * (min(t, TAU) - min(previous, TAU))
        previous = t
        survival *= 1 - events / at_risk
        if events < at_risk:
            greenwood += events / (at_risk * (at_risk - events))
        low: float | None
        high: float | None
        if events == at_risk:
            survival, low, high = 0.0, 0.0, None
        elif greenwood == 0:
            low = high = 1.0
        else:
            width = Z * math.sqrt(greenwood) / abs(math.log(survival))
            low, high = survival ** math.exp(width), survival ** math.exp(-width)
        result["steps"].append((t, at_risk, events, survival, low, high))
        for name, curve, level in (
            ("median", survival, 0.5),
            ("low", low, 0.5),
            ("high", high, 0.5),
            ("p90", survival, 0.1),
        ):
            if result[name] is None and curve is not None and curve <= level + 1e-9:
                result[name] = t
    area += survival * (TAU - min(previous, TAU))
    result["area"] = area if previous >= TAU or survival == 0 else None
    return result


def random_sample(number: int) -> list[tuple[float, bool]]:
    """A sample with ties, zeros and censoring; some all answered, some never."""
    chance = random.Random(number)
    answered = chance.choice([0.0, 0.3, 0.7, 0.9, 1.0])
    grain = chance.choice([1.0, 30.0, 0.001])
    return [
        (round(chance.choice([0.0, chance.expovariate(1 / 900)]) / grain) * grain, chance.random() < answered)
        for _ in range(chance.randint(1, 60))
    ]


def test_kaplan_meier_agrees_with_plain_python(database: duckdb.DuckDBPyConnection) -> None:
    """200 random samples at once: quantiles, interval, restricted mean, and each step."""
    samples = {number: random_sample(number) for number in range(200)}
    database.execute("create or replace table waits (sample integer, minutes double, is_answered boolean)")
    database.executemany(
        "insert into waits values (?, ?, ?)",
        [(number, t, answered) for number, sample in samples.items() for t, answered in sample],
    )
    summary = macro("kaplan_meier_summary")("waits", ["sample"], "minutes", "is_answered", "2400.0")
    rows = database.execute(
        "select sample, n, answered, median, median_ci_low, median_ci_high, p90, mean_restricted"
        f" from {summary} as summaries"
    ).fetchall()
    assert len(rows) == 200
    steps = macro("kaplan_meier")("waits", ["sample"], "minutes", "is_answered")
    by_sample: dict[int, list[Any]] = {}
    for number, *step in database.execute(
        f"select sample, t, at_risk, events, survival, ci_low, ci_high from {steps} as steps"
        " order by sample, t"
    ).fetchall():
        by_sample.setdefault(number, []).append(step)
    for number, n, answered, *figures in rows:
        expected = plain_kaplan_meier(samples[number])
        assert (n, answered) == (len(samples[number]), sum(event for _, event in samples[number]))
        wanted = [expected[name] for name in ("median", "low", "high", "p90", "area")]
        for ours, theirs in zip(figures, wanted, strict=True):
            assert ours == (None if theirs is None else pytest.approx(theirs, abs=1e-6)), (
                number,
                figures,
                wanted,
            )
        for ours, theirs in zip(by_sample[number], expected["steps"], strict=True):
            assert ours == [None if x is None else pytest.approx(x, abs=1e-9) for x in theirs]


@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")
def test_kaplan_meier_band_agrees_with_scipy(database: duckdb.DuckDBPyConnection) -> None:
    """The log-log band of scipy.stats.ecdf, at each event time where it is defined."""
    sample = random_sample(17) + [(float(t * 37 % 900), t % 5 > 0) for t in range(80)]
    database.execute("create or replace table waits (sample integer, minutes double, is_answered boolean)")
    database.executemany("insert into waits values (1, ?, ?)", sample)
    steps = macro("kaplan_meier")("waits", ["sample"], "minutes", "is_answered")
    ours = database.execute(
        f"select t, survival, ci_low, ci_high from {steps} as steps order by t"
    ).fetchall()
    curve = stats.ecdf(
        stats.CensoredData(
            uncensored=[t for t, event in sample if event], right=[t for t, event in sample if not event]
        )
    ).sf
    band = curve.confidence_interval(method="log-log")
    compared = 0
    for t, survival, low, high in ours:
        assert survival == pytest.approx(float(curve.evaluate(t)), abs=1e-12)
        expected = float(band.low.evaluate(t)), float(band.high.evaluate(t))
        if 0 < survival < 1 and not math.isnan(expected[0]):
            assert (low, high) == pytest.approx(expected, abs=1e-9)
            compared += 1
    assert compared > 30


def untied_sample(number: int) -> list[tuple[float, Fate]]:
    """A sample without ties: some heavily censored, some with hardly a competing event."""
    chance = random.Random(number)
    fates: tuple[Fate, Fate, Fate] = ("event", "competing", "censored")
    weights = chance.choice([(1, 1, 1), (1, 3, 1), (3, 1, 0), (1, 0, 2), (2, 1, 4)])
    return [
        (chance.expovariate(1 / 900), chance.choices(fates, weights)[0]) for _ in range(chance.randint(2, 25))
    ]


def tied_sample(number: int) -> list[tuple[float, Fate]]:
    """Whole days, so that events, competing events and censored ones fall together; some at zero."""
    chance = random.Random(number)
    span = chance.choice([3, 10, 60])
    return [
        (float(chance.randint(0, span)), fate)
        for _, fate in untied_sample(number)
        for _ in range(chance.randint(1, 3))
    ]


def write_fates(database: duckdb.DuckDBPyConnection, samples: dict[int, list[tuple[float, Fate]]]) -> None:
    rows = [(number, t, fate) for number, sample in samples.items() for t, fate in sample]
    database.execute("create or replace table fates (sample integer, t double, fate varchar)")
    database.execute(
        "insert into fates select unnest(?::integer[]), unnest(?::double[]), unnest(?::varchar[])",
        [list(column) for column in zip(*rows, strict=True)],
    )
    database.execute(
        "create or replace table waits as select sample, t as minutes, fate = 'event' as is_event,"
        " fate = 'competing' as is_competing from fates"
    )


def steps_by_sample(database: duckdb.DuckDBPyConnection, query: str) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for number, *step in database.execute(query).fetchall():
        found.setdefault(number, []).append(step)
    return found


AALEN_JOHANSEN = ("waits", ["sample"], "minutes", "is_event", "is_competing")


def test_aalen_johansen_agrees_with_plain_python(database: duckdb.DuckDBPyConnection) -> None:
    """1,000 random samples full of ties, at once: every step, its band, and the incidence at a horizon."""
    samples = {number: tied_sample(number) for number in range(1000)}
    write_fates(database, samples)
    found = steps_by_sample(
        database,
        "select sample, t, at_risk, events, competing, survival, incidence, ci_low, ci_high"
        f" from {macro('aalen_johansen')(*AALEN_JOHANSEN)} as steps order by sample, t",
    )
    at_ten = {
        number: row
        for number, *row in database.execute(
            "select sample, aj_n, aj_k, aj_incidence, aj_is_followed"
            f" from {macro('aalen_johansen_at')(*AALEN_JOHANSEN, '10.0')} as steps"
        ).fetchall()
    }
    assert found.keys() == at_ten.keys() == samples.keys()
    bands = 0
    for number, sample in samples.items():
        for ours, step in zip(found[number], aalen_johansen(sample), strict=True):
            expected = [
                step.t, step.at_risk, step.events, step.competing, step.survival, step.incidence,
                step.low, step.high,
            ]  # fmt: skip
            assert ours == [None if x is None else pytest.approx(x, abs=1e-9) for x in expected], number
            bands += step.low is not None
        reached = incidence_at(sample, 10.0)
        n, k, incidence, is_followed = at_ten[number]
        assert n == len(sample)
        assert k == sum(t <= 10 and fate == "event" for t, fate in sample)
        assert is_followed is (reached is not None)
        if reached is not None:
            assert incidence == pytest.approx(reached.incidence, abs=1e-9)
    assert bands > 5000


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::FutureWarning")
def test_curves_agree_with_lifelines(database: duckdb.DuckDBPyConnection) -> None:
    """1,000 random samples: incidence, survival, both bands and the restricted mean to 1e-9.

    Untied, because lifelines moves tied times about at random; where it divides by nothing there is no band.
    """
    from lifelines import AalenJohansenFitter, KaplanMeierFitter
    from lifelines.utils import restricted_mean_survival_time

    samples = {number: untied_sample(number) for number in range(1000)}
    write_fates(database, samples)
    incidences = steps_by_sample(
        database,
        "select sample, incidence, ci_low, ci_high"
        f" from {macro('aalen_johansen')(*AALEN_JOHANSEN)} as steps order by sample, t",
    )
    kaplan_meier = ("waits", ["sample"], "minutes", "is_event")
    survivals = steps_by_sample(
        database,
        "select sample, survival, ci_low, ci_high"
        f" from {macro('kaplan_meier')(*kaplan_meier)} as steps order by sample, t",
    )
    means = dict(
        database.execute(
            "select sample, mean_restricted"
            f" from {macro('kaplan_meier_summary')(*kaplan_meier, str(TAU))} as summaries"
        ).fetchall()
    )
    codes = {"censored": 0, "event": 1, "competing": 2}
    compared = {"incidence band": 0, "survival band": 0, "mean": 0}

    def agree(number: int, what: str, ours: list[Any], estimate: Any, band: Any) -> None:
        assert [row[0] for row in ours] == pytest.approx(list(estimate), abs=1e-9), (number, what)
        for (value, low, high), (first, second) in zip(ours, band, strict=True):
            if 1e-12 < value < 1 - 1e-12 and not math.isnan(first + second):
                assert (low, high) == pytest.approx(sorted((first, second)), abs=1e-9), (number, what)
                compared[f"{what} band"] += 1

    for number, sample in samples.items():
        times = [t for t, _ in sample]
        fates = [codes[fate] for _, fate in sample]
        if any(fates):
            aj = AalenJohansenFitter().fit(times, fates, event_of_interest=1)
            agree(
                number, "incidence", incidences[number],
                aj.cumulative_density_.to_numpy()[1:, 0], aj.confidence_interval_.to_numpy()[1:],
            )  # fmt: skip
        km = KaplanMeierFitter().fit(times, [fate == 1 for fate in fates])
        agree(
            number, "survival", survivals[number],
            km.survival_function_.to_numpy()[1:, 0], km.confidence_interval_.to_numpy()[1:],
        )  # fmt: skip
        if means[number] is not None:
            assert means[number] == pytest.approx(restricted_mean_survival_time(km, TAU), rel=1e-9), number
            compared["mean"] += 1
    assert compared["incidence band"] > 5000 and compared["survival band"] > 5000, compared
    assert compared["mean"] > 300, compared


def test_beta_distribution_agrees_with_scipy(database: duckdb.DuckDBPyConnection) -> None:
    """Shapes from a rate of nearly nothing to nearly all, far from and close to the mean."""
    shapes = [
        (0.05, 12.0),
        (1.0, 1.0),
        (2.5, 30.1),
        (8.75, 26.25),
        (60.0, 45.5),
        (400.2, 1200.8),
        (55.0, 1.2),
        # Nobody failed, and nobody at all: what is left of the prior is a sliver at the far end.
        (59.9, 0.098),
        (0.0125, 410.0),
        (3000.0, 0.02),
    ]
    points = [
        (a, b, x)
        for a, b in shapes
        for mean in [a / (a + b)]
        for x in (
            0.0,
            mean / 50,
            mean / 2,
            mean * 0.999,
            mean,
            (1 + 3 * mean) / 4,
            (1 + mean) / 2,
            0.999,
            1.0,
        )
    ]
    database.execute("create or replace table points (a double, b double, x double)")
    database.executemany("insert into points values (?, ?, ?)", points)
    rows = database.execute(f"select a, b, x, {macro('beta_cdf')('x', 'a', 'b')} from points").fetchall()
    assert len(rows) == len(points)
    for a, b, x, value in rows:
        assert value == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-8, abs=1e-10), (a, b, x)
    for p in (0.025, 0.5, 0.975):
        quantile = macro("beta_quantile")(str(p), "a", "b")
        for a, b, value in database.execute(f"select distinct a, b, {quantile} from points").fetchall():
            assert value == pytest.approx(stats.beta.ppf(p, a, b), abs=1e-9), (p, a, b)


def test_the_incidence_of_a_young_month_is_close_to_the_truth_where_naive_readings_are_not(
    database: duckdb.DuckDBPyConnection,
) -> None:
    """The simulation of spec/metrics.md section 9: 25 % qualify in the end, after 9 days in the median; 60 % go, sooner.

    200 months of 150 leads, each read a week after its end: three in four leads are younger than the window.
    """
    chance = random.Random(9)
    true = 0.25 * stats.norm.cdf(math.log(30 / 9))
    samples: dict[int, list[tuple[float, Fate]]] = {}
    for number in range(200):
        samples[number] = []
        for _ in range(150):
            age = chance.uniform(7, 37)
            coming = chance.random()
            fate: Fate = "event" if coming < 0.25 else "competing" if coming < 0.85 else "censored"
            lag = chance.lognormvariate(math.log(9 if fate == "event" else 5), 1.0)
            samples[number].append((lag, fate) if fate != "censored" and lag <= age else (age, "censored"))
    write_fates(database, samples)
    aj = database.execute(
        "select aj_incidence, aj_ci_low, aj_ci_high"
        f" from {macro('aalen_johansen_at')(*AALEN_JOHANSEN, '30.0')} as months where aj_is_followed"
    ).fetchall()
    gone_censored = database.execute(
        "select 1 - min(survival)"
        f" from {macro('kaplan_meier')('waits', ['sample'], 'minutes', 'is_event')} as steps where t <= 30"
        " group by sample"
    ).fetchall()
    ((naive, closed_only),) = database.execute(
        "select avg(naive), avg(closed_only) from (select"
        " count(case when is_event and minutes <= 30 then 1 end) / count(*) as naive,"
        " count(case when is_event then 1 end) / count(case when is_event or is_competing then 1 end)"
        " as closed_only from waits group by sample)"
    ).fetchall()
    assert len(aj) == len(gone_censored) == 200
    assert sum(estimate for estimate, _, _ in aj) / 200 == pytest.approx(true, abs=0.007)
    covered = sum(low <= true <= high for _, low, high in aj) / 200
    assert 0.90 <= covered <= 0.99, covered
    assert naive < true - 0.015
    assert closed_only > true + 0.02
    assert sum(estimate for (estimate,) in gone_censored) / 200 > true + 0.10


def test_identical_reps_look_different_raw_and_alike_beside_their_team(
    database: duckdb.DuckDBPyConnection,
) -> None:
    """Three reps of 25 %, 20 leads each, lie 15 points apart in 63 % of the months.

    That is the exact chance that three Binomial(20, 0.25) lie 3 apart. Section 9 says 56 %: in floating point some
    pairs of shares that are 3 / 20 apart differ by less than 0.15.
    """
    chance = random.Random(4)
    rows = [
        (month, sum(chance.random() < 0.25 for _ in range(20))) for month in range(1000) for _ in range(3)
    ]
    database.execute(
        "create or replace table reps as select unnest(?::integer[]) as month, unnest(?::double[]) as k",
        [list(column) for column in zip(*rows, strict=True)],
    )
    database.execute(
        "create or replace table posteriors as select *, k + 10 * prior as a, 20 - k + 10 * (1 - prior) as b"
        " from (select *, (sum(k) over (partition by month) + 0.5) / 61 as prior from reps)"
    )
    ((raw, shrunken),) = database.execute(
        "select avg(case when raw >= 0.15 - 1e-9 then 1 else 0 end), avg(case when close >= 0.15 then 1 else 0 end)"
        " from (select (max(k) - min(k)) / 20 as raw, max(a / (a + b)) - min(a / (a + b)) as close"
        " from posteriors group by month)"
    ).fetchall()
    ((certain,),) = database.execute(
        f"select avg(case when abs({macro('beta_cdf')('prior', 'a', 'b')} - 0.5) > 0.475 then 1 else 0 end)"
        " from posteriors"
    ).fetchall()
    assert raw == pytest.approx(0.627, abs=0.05)
    assert shrunken < 0.35
    assert certain < 0.03
