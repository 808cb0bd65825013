"""One row per period, clock and what was estimated: a carrier's adjusted rate, a difference of two carriers, a lane's.

Marginal standardisation: a logistic regression on cells (carrier x service level + service level x lane + week)
predicts what each carrier would have achieved on the merchant's whole mix of parcels. Intervals come from a bootstrap
of lane-days, one Newton step a replicate, with residuals freed of what the fit has taken from them (Bell and McCaffrey
2002). A lane's own figures also let a carrier depart from its effect there, as far as its parcels on the lane speak for
it: an empirical Bayes estimate, whose remaining variance widens the interval. Only the periods that this refresh
touches are computed; the marts keep the others. No draw depends on anything but the seed, so the same cells give the
same figures.
"""

import numpy as np
import pyarrow

REPLICATES = 200
SEED = 20260105
Z = 1.959963984540054
# Prior standard deviation of a lane's log odds about its service level: keeps lanes without a late parcel finite. A
# tighter one leaves part of a lane's difficulty with whoever serves it, which is what the adjustment is to take away.
SPREAD = 5.0
LEVERAGE = 0.9  # of a lane-day, at most: a day that alone decides a parameter has no residual to learn from
OTHERS_SHARE, OTHERS_PARCELS = 0.2, 30  # of a stratum, that others hold where a carrier can be compared

COLUMNS = {
    "kind": pyarrow.string(),
    "shop": pyarrow.string(),
    "period_kind": pyarrow.string(),
    "period_start": pyarrow.date32(),
    "clock": pyarrow.string(),
    "service_level": pyarrow.string(),
    "lane": pyarrow.string(),
    "carrier": pyarrow.string(),
    "other_carrier": pyarrow.string(),
    "parcels": pyarrow.int64(),
    "overlap": pyarrow.float64(),
    "estimate": pyarrow.float64(),
    "low": pyarrow.float64(),
    "high": pyarrow.float64(),
}


def sums(values, starts):
    """Sums of runs along the last axis; `starts` are where the runs begin."""
    return np.add.reduceat(values, starts, axis=-1)


def runs(*keys):
    """Where runs of equal keys begin, and the number of the run of each row. Rows are sorted by the keys."""
    changed = np.zeros(len(keys[0]), dtype=bool)
    changed[0] = True
    for key in keys:
        changed[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(changed), np.cumsum(changed) - 1


def sigmoid(x):
    """Logistic function."""
    return 1.0 / (1.0 + np.exp(-np.clip(x, -30.0, 30.0)))


class Fit:
    """One period's cells by level, lane, week: carrier, level, lane, week, day as integers; n due, y on time."""

    def __init__(self, cells):
        self.cells = cells
        self.carriers = int(cells["carrier"].max()) + 1
        self.levels = int(cells["level"].max()) + 1
        self.weeks = int(cells["week"].max()) + 1
        self.stratum_starts, self.stratum = runs(cells["level"], cells["lane"])
        self.mix_starts, self.mix = runs(cells["level"], cells["lane"], cells["week"])
        self.strata = len(self.stratum_starts)
        self.effects = self.levels * self.carriers
        self.small = self.levels + self.effects + self.weeks
        self.size = self.small + self.strata
        # columns of the design that are one in each row
        self.design = np.stack(
            [
                cells["level"],
                self.levels + cells["level"] * self.carriers + cells["carrier"],
                self.levels + self.effects + cells["week"],
                self.small + self.stratum,
            ]
        )
        # carriers and weeks are held to sum near nothing by a faint prior; lanes by a real one
        self.penalty = np.concatenate(
            [np.full(self.levels, 1e-6), np.full(self.effects + self.weeks, 1e-3), np.full(self.strata, SPREAD**-2)]
        )

    def information(self, weights):
        """Penalised information matrix."""
        flat = np.zeros(self.size * self.size)
        for row in self.design:
            for column in self.design:
                flat += np.bincount(row * self.size + column, weights, self.size * self.size)
        return flat.reshape(self.size, self.size) + np.diag(self.penalty)

    def score(self, residuals):
        """Sums of residuals by parameter."""
        return sum(np.bincount(row, residuals, self.size) for row in self.design)

    def solve(self):
        """Penalised maximum likelihood by Newton steps; keeps the inverse information."""
        n, y = self.cells["n"], self.cells["y"]
        overall = np.clip(y.sum() / n.sum(), 0.01, 0.99)
        beta = np.zeros(self.size)
        beta[: self.levels] = np.log(overall / (1 - overall))
        for _ in range(30):
            p = sigmoid(beta[self.design].sum(axis=0))
            step = np.linalg.solve(
                self.information(n * p * (1 - p)), self.score(y - n * p) - self.penalty * self._off(beta)
            )
            beta = beta + np.clip(step, -2.0, 2.0)
            if np.abs(step).max() < 1e-9:
                break
        p = sigmoid(beta[self.design].sum(axis=0))
        self.inverse = np.linalg.inv(self.information(n * p * (1 - p)))
        self.beta, self.p, self.residuals = beta, p, y - n * p

    def _off(self, beta):
        return np.concatenate([np.zeros(self.levels), beta[self.levels :]])

    def freed(self):
        """Residuals as large as they would be had their lane-day no part in the fit (its cells taken as one row)."""
        own = sum(self.inverse[row, column] for row in self.design for column in self.design)
        starts, day = runs(self.cells["level"], self.cells["lane"], self.cells["day"])
        leverage = sums(self.cells["n"] * self.p * (1 - self.p) * own, starts)
        return self.residuals / np.sqrt(1 - np.minimum(leverage, LEVERAGE))[day]

    def departures(self):
        """[carrier, replicate, stratum]: how far a carrier's log odds are from its effect there, as far as is known."""
        cell, size = self.cells["carrier"] * self.strata + self.stratum, self.carriers * self.strata
        residual = np.bincount(cell, self.residuals, size).reshape(self.carriers, 1, self.strata)
        weight = np.bincount(cell, self.cells["n"] * self.p * (1 - self.p), size).reshape(residual.shape)
        weight *= 1 - weight / np.maximum(weight.sum(axis=0), 1e-9)  # what the lane's own effect leaves of it
        between = max(0.0, (residual**2 - weight).sum() / max((weight**2).sum(), 1e-9))
        drawn = np.random.default_rng(SEED).normal(size=(self.carriers, REPLICATES + 1, self.strata))
        drawn[:, 0] = 0.0
        return between * residual / (1 + between * weight) + np.sqrt(between / (1 + between * weight)) * drawn

    def replicates(self):
        """Weights of lane-days, a row a replicate; the first row is the data as they are."""
        _, cluster = np.unique(self.cells["lane"] * 100_000 + self.cells["day"], return_inverse=True)
        drawn = np.random.default_rng(SEED).poisson(1.0, size=(REPLICATES, cluster.max() + 1))
        return np.concatenate([np.ones((1, cluster.max() + 1)), drawn])[:, cluster]

    def coefficients(self, weighted):
        """Coefficients of each replicate by one Newton step from the fit; `weighted` are residuals times weight - 1."""
        one_hot = np.zeros((len(self.residuals), self.small))
        for row in self.design[:3]:
            one_hot[np.arange(len(row)), row] = 1.0
        scores = np.concatenate([weighted @ one_hot, sums(weighted, self.stratum_starts)], axis=1)
        return self.beta + scores @ self.inverse

    def achieved(self, beta, mix, departures=None):
        """[carrier, replicate, stratum]: how much of the mix would be in time, had the carrier carried all of it."""
        at = self.mix_starts
        stratum = self.stratum[at]
        base = beta[:, self.design[0][at]] + beta[:, self.design[2][at]] + beta[:, self.design[3][at]]
        effect = self.levels + self.cells["level"][at] * self.carriers
        found = []
        for carrier in range(self.carriers):
            odds = base + beta[:, effect + carrier]
            if departures is not None:
                odds += departures[carrier][:, stratum]
            found.append(sums(mix * sigmoid(odds), runs(stratum)[0]))
        return np.stack(found)


def shares_compared(cells, carriers, stratum, strata):
    """By carrier and stratum: its parcels, and those of them that others' parcels stand beside."""
    held = np.bincount(cells["carrier"] * strata + stratum, cells["n"], carriers * strata).reshape(carriers, strata)
    others = held.sum(axis=0) - held
    return held, held * ((others >= OTHERS_PARCELS) & (others >= OTHERS_SHARE * held.sum(axis=0)))


def interval(replicates):
    """Estimate, low and high of one figure's replicates; the first replicate is the data as they are."""
    half = Z * replicates[1:].std(axis=0, ddof=1)
    return [float(np.round(value, 12)) for value in (replicates[0], replicates[0] - half, replicates[0] + half)]


def estimates(cells, names, with_lanes):
    """Yields (kind, level, lane, carrier, other, parcels, overlap, estimate, low, high) of one period and clock."""
    fit = Fit(cells)
    fit.solve()
    first = fit.stratum_starts
    level_of, lane_of = cells["level"][first], cells["lane"][first]
    held, compared = shares_compared(cells, fit.carriers, fit.stratum, fit.strata)
    weights = fit.replicates()
    beta = fit.coefficients((weights - 1) * fit.freed())
    mix = sums(weights * cells["n"], fit.mix_starts)
    whole = np.maximum(sums(weights * cells["n"], first), 1e-9)
    expected = fit.achieved(beta, mix)

    def of(level, lane, which):
        rates = expected[:, :, which].sum(axis=2) / whole[:, which].sum(axis=1)
        return _of_carriers(level, lane, rates, held[:, which].sum(1), compared[:, which].sum(1), names)

    yield from of("all", None, np.ones(fit.strata, dtype=bool))
    for number, level in enumerate(names["level"]):
        yield from of(level, None, level_of == number)
    if not with_lanes:
        return
    expected = fit.achieved(beta, mix, fit.departures())
    for stratum in range(fit.strata):
        level, lane = names["level"][level_of[stratum]], names["lane"][lane_of[stratum]]
        yield from of(level, lane, np.arange(fit.strata) == stratum)
    for number, lane in enumerate(names["lane"]):
        yield from of("all", lane, lane_of == number)


def _of_carriers(level, lane, rates, held, compared, names):
    """Rows of each carrier and of each pair; a pair's overlap is the smaller of the two."""
    overlap = np.where(held > 0, compared / np.maximum(held, 1), 0.0)
    seen = np.flatnonzero(held > 0)
    kinds = ("rate", "difference") if lane is None else ("lane_rate", "lane_difference")
    for carrier in seen:
        found = interval(rates[carrier])
        yield (kinds[0], level, lane, names["carrier"][carrier], None, int(held[carrier]), overlap[carrier], *found)
    for one in seen:
        for other in seen[seen > one]:
            found = interval(rates[one] - rates[other])
            both = min(overlap[one], overlap[other])
            pair = names["carrier"][one], names["carrier"][other]
            yield (kinds[1], level, lane, *pair, int(held[one] + held[other]), both, *found)


CLOCKS = {"promise": ("due", "on_time"), "commitment": ("due_commitment", "on_time_commitment")}


def numbered(frame, due, on_time):
    """Integers for names, in the order that Fit needs; and the names."""
    some = frame.filter(frame[due] > 0).sort("service_level", "lane", "week", "day", "carrier")
    cells, names = {}, {}
    for key, column in (
        ("level", "service_level"),
        ("lane", "lane"),
        ("week", "week"),
        ("day", "day"),
        ("carrier", "carrier"),
    ):
        values, numbers = np.unique(some[column].to_numpy(), return_inverse=True)
        cells[key], names[key] = numbers, [str(value) for value in values]
    cells["n"], cells["y"] = some[due].to_numpy().astype(float), some[on_time].to_numpy().astype(float)
    return cells, names


def model(dbt, session):
    """The table: every touched period of every shop, by both clocks; lanes for quarters only."""
    dbt.config(materialized="table")
    dbt.ref("int_rate_cells").create_view("m_rate_cells")
    frame = session.sql("select * from m_rate_cells order by all").pl()
    rows = []
    for kind, column in (("4_weeks", "four_weeks"), ("quarter", "quarter")):
        own = frame.filter(frame[f"is_{column}_touched"])
        for (shop, start), part in sorted(own.partition_by("shop", f"{column}_start", as_dict=True).items()):
            for clock, counts in CLOCKS.items():
                cells, names = numbered(part, *counts)
                if len(names["carrier"]) > 1:
                    for row in estimates(cells, names, kind == "quarter"):
                        rows.append((row[0], shop, kind, start, clock, *row[1:]))
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    return pyarrow.table(
        {name: pyarrow.array(values, kind) for (name, kind), values in zip(COLUMNS.items(), columns, strict=True)}
    )
