"""How often the rules are right: on phrases kept from whoever writes rules, and on real messages labelled by hand.

Nothing here says that the figures are good; the README has to say what they are.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.landing import topics
from simulator.files import write_files
from simulator.settings import Request
from simulator.stream import arrivals
from simulator.world import World

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"
SHARED = Path(os.environ.get("WHEREHOUSE_SHARED_DATA", ROOT / ".." / "shared" / "data"))
LABELS = ROOT / "tests" / "cases" / "support_tweets" / "labels.csv"
MENTIONS = r"\b(deliver|parcel|package|ship|courier|tracking|dispatch|my order|arriv)"
TARGET = 0.97


def test_phrases_kept_for_tests(tmp_path: Path) -> None:
    """Tickets as finally tagged, of a world that speaks only in kept phrases."""
    right = kept_tickets(tmp_path, seed=11)
    assert len(right) > 300
    assert np.mean(right) >= TARGET
    assert f"{np.mean(right):.1%} of {len(right)} tickets" in README.read_text(encoding="utf-8")


def kept_tickets(folder: Path, *, seed: int) -> list[bool]:
    """Of each ticket of such a world, whether its topic is found."""
    world = World(Request(seed=seed, days=20, orders_per_day=250, phrases="kept"))
    write_files(world, folder / "out", folder / "truth")
    truth = pl.read_parquet(folder / "truth" / "tickets" / "**" / "*.parquet", hive_partitioning=False)
    written = pl.concat([some.records for some in arrivals(world) if some.entity == "tickets"])
    last = written.unique("ticket_id", keep="last", maintain_order=True)
    both = last.join(truth.select("ticket_id", true_topic="topic"), on="ticket_id")
    found = topics.classify_all(both.select("subject", "body", "tags").rows())
    return [one.topic == true for one, true in zip(found, both["true_topic"], strict=True)]


def test_real_messages_labelled_by_hand() -> None:
    tweets = SHARED / "support_tweets" / "tweets.parquet"
    if not tweets.exists():
        pytest.skip(f"no real data at {SHARED}: set WHEREHOUSE_SHARED_DATA")
    inbound = (
        pl.read_parquet(tweets)
        .filter("inbound")
        .with_columns(mentions=pl.col("text").str.to_lowercase().str.contains(MENTIONS))
    )
    labels = pl.read_csv(LABELS).join(inbound, on="tweet_id", how="left", validate="1:1")
    assert set(labels.filter(sample="delivery")["tweet_id"]) == set(inbound.filter("mentions")["tweet_id"])
    assert labels.filter(sample="other")["mentions"].to_list() == [False] * 200
    reported = labels.filter(use="report")
    found = topics.classify_all([(None, text, None) for text in reported["text"]])
    readme = README.read_text(encoding="utf-8")
    for topic in ("wismo", "delivery_problem"):
        said = np.array([one.topic == topic for one in found])
        true = (reported["label"] == topic).to_numpy()
        sample = (reported["sample"] == "other").to_numpy()
        sizes = (labels.filter(sample="delivery").height, inbound.filter(~pl.col("mentions")).height)
        line = f"| `{topic}` | {_measured(said, true, sample, sizes, of=said)} | {_measured(said, true, sample, sizes, of=true)} |"
        assert line in readme, line


def _measured(said: np.ndarray, true: np.ndarray, sample: np.ndarray, sizes: tuple[int, int], *, of: np.ndarray) -> str:
    """Weighted share of `of` in which both agree, with a 95 % interval: messages drawn anew within each sample."""
    chance = np.random.default_rng(7)
    places = [np.flatnonzero(~sample), np.flatnonzero(sample)]
    weights = np.where(sample, sizes[1] / len(places[1]), sizes[0] / len(places[0]))

    def share(rows: np.ndarray) -> float:
        hit = weights[rows] * (said & true)[rows]
        return float(hit.sum() / (weights[rows] * of[rows]).sum())

    drawn = [share(np.concatenate([chance.choice(one, len(one)) for one in places])) for _ in range(2_000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{share(np.arange(len(said))):.0%} ({low:.0%} to {high:.0%})"
