"""The two shipped tables say what the exchange did, and a wrong line is named."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, time
from pathlib import Path

import pytest

from scalper.domain.charges import Exchange
from scalper.errors import ConfigError
from scalper.reference import load_calendar, load_charges
from tests.shared_files import SHARED

CONF = Path(__file__).parents[1] / "conf"


@pytest.fixture(scope="module")
def calendar():
    return load_calendar(CONF / "calendar.yaml")


@pytest.fixture(scope="module")
def charges():
    return load_charges(CONF / "charges.yaml")


def written(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("day", "trades"), [
    (date(2026, 1, 14), True),
    (date(2026, 1, 15), False),   # a holiday the package lacks
    (date(2026, 1, 26), False),   # a holiday of the package
    (date(2026, 1, 31), False),   # a Saturday
    (date(2026, 2, 1), True),     # budget, a Sunday
    (date(2025, 2, 1), True),     # budget, a Saturday
    (date(2024, 1, 20), True),
    (date(2024, 1, 22), False),
    (date(2024, 5, 20), False),
    (date(2023, 6, 28), True),    # the holiday was moved to the next day
    (date(2023, 6, 29), False),
    (date(2023, 11, 12), True),   # Muhurat, a Sunday
    (date(2025, 10, 21), True),   # Muhurat, a holiday of the package
    (date(2025, 10, 22), False),
])  # fmt: skip
def test_shipped_calendar_knows_the_trading_days(calendar, day, trades):
    assert calendar.is_trading_day(day) is trades


@pytest.mark.parametrize(("day", "closes", "still_from"), [
    (date(2026, 7, 31), time(15, 30), None),
    (date(2026, 8, 3), time(15, 40), time(15, 15)),
    (date(2026, 2, 1), time(15, 30), None),
    (date(2024, 11, 1), time(19, 0), None),
    (date(2024, 3, 2), time(12, 30), None),
])  # fmt: skip
def test_shipped_calendar_knows_when_a_day_closes(calendar, day, closes, still_from):
    session = calendar.session(day)

    assert session.closes_at.time() == closes
    assert (session.index_still_from and session.index_still_from.time()) == still_from


@pytest.mark.shared
def test_every_recorded_day_is_a_trading_day_with_rates(calendar, charges):
    days = {date.fromisoformat(folder.name.partition("-")[2]) for folder in (SHARED / "data" / "days").iterdir()}

    assert days
    assert [day for day in sorted(days) if calendar.session(day) is None] == []
    assert all(charges.rates(exchange, day).brokerage_paise for day in days for exchange in Exchange)


def test_a_special_session_takes_its_ladder_from_its_ends(calendar):
    muhurat = calendar.session(date(2024, 11, 1))

    assert [at.strftime("%H:%M") for at in (
        muhurat.opens_at, muhurat.entries_from, muhurat.no_new_entries_at, muhurat.session_end_at, muhurat.time_exit_at
    )] == ["18:00", "18:05", "18:30", "18:45", "18:50"]  # fmt: skip


def test_the_package_knows_years_within_its_range(calendar):
    assert calendar.knows_year(2026)
    assert not calendar.knows_year(1990)


@pytest.mark.parametrize(("exchange", "day", "stt", "exchange_ppb", "ipft"), [
    (Exchange.NSE, date(2023, 3, 31), 500_000, 500_000, 5_000),
    (Exchange.NSE, date(2023, 4, 1), 625_000, 500_000, 5_000),
    (Exchange.NSE, date(2024, 9, 30), 625_000, 500_000, 5_000),
    (Exchange.NSE, date(2024, 10, 1), 1_000_000, 350_300, 5_000),
    (Exchange.NSE, date(2026, 3, 31), 1_000_000, 350_300, 5_000),
    (Exchange.NSE, date(2026, 4, 1), 1_500_000, 355_300, 0),
    (Exchange.BSE, date(2026, 1, 12), 1_000_000, 325_000, 0),
    (Exchange.BSE, date(2026, 4, 1), 1_500_000, 325_000, 0),
])  # fmt: skip
def test_shipped_charges_change_on_their_dates(charges, exchange, day, stt, exchange_ppb, ipft):
    rates = charges.rates(exchange, day)

    assert (rates.stt_ppb, rates.exchange_ppb, rates.ipft_ppb) == (stt, exchange_ppb, ipft)
    assert (rates.brokerage_paise, rates.sebi_ppb, rates.stamp_ppb, rates.gst_ppb) == (2000, 1_000, 30_000, 180_000_000)


def test_own_rows_are_laid_over_the_shipped_charges(tmp_path):
    own = written(tmp_path, "brokerage:\n  - {from: 2020-07-01, rupees: 15.50}\n")

    rates = load_charges(CONF / "charges.yaml", own).rates(Exchange.NSE, date(2026, 4, 1))

    assert (rates.brokerage_paise, rates.stt_ppb) == (1550, 1_500_000)


def test_own_rows_are_laid_over_the_shipped_calendar(tmp_path):
    own = written(tmp_path, "holidays:\n  - {day: 2026-02-01}\ntrading_days:\n  - {day: 2026-01-15, name: after all}\n")

    calendar = load_calendar(CONF / "calendar.yaml", own)

    assert not calendar.is_trading_day(date(2026, 2, 1))
    assert calendar.is_trading_day(date(2026, 1, 15))


def test_an_empty_own_file_changes_nothing(tmp_path, calendar):
    own = written(tmp_path, "holidays:\n")

    assert load_calendar(CONF / "calendar.yaml", own).session(date(2026, 8, 3)) == calendar.session(date(2026, 8, 3))


@pytest.mark.parametrize(("text", "complaints"), [
    ("holidais: []\n", ["line 1", "'holidais'", "holidays"]),
    ("holidays: 2026-01-15\n", ["line 1", "holidays", "'2026-01-15'", "a list of rows"]),
    ("holidays:\n  - {day: 15.1.2026}\n", ["line 2", "holidays.day", "'15.1.2026'", "YYYY-MM-DD"]),
    ("holidays:\n  - {name: lost}\n", ["line 2", "holidays.day", "found nothing"]),
    ("holidays:\n  - {day: [2026-01-15]}\n", ["line 2", "holidays.day", "a list", "one value"]),
    ("holidays:\n  - {day: 2026-01-15, opens: '9:15'}\n", ["line 2", "key 'opens'"]),
    ("holidays:\n  - day: 2026-01-15\n  - day: 2026-01-15\n", ["line 3", "each date once"]),
    ("holidays: []\nholidays: []\n", ["line 2", "'holidays' twice"]),
    ("holidays:\n  - day: 2026-01-15\ntrading_days:\n  - day: 2026-01-15\n", ["line 4", "one section only"]),
    ("special_sessions:\n  - {day: 2026-11-08, opens: '18:15', closes: noon}\n", ["closes", "'noon'", "HH:MM"]),
    ("special_sessions:\n  - {day: 2026-11-08, opens: '18:15', closes: '17:15'}\n", ["line 2", "must ascend"]),
    ("- a\n", ["line 1", "a list", "keys with values"]),
    ("a: [\n", ["is not YAML"]),
])  # fmt: skip
def test_a_wrong_calendar_is_refused_by_file_line_key_and_expectation(tmp_path, text, complaints):
    own = written(tmp_path, text)

    with pytest.raises(ConfigError) as refusal:
        load_calendar(CONF / "calendar.yaml", own)

    for part in (str(own), *complaints):
        assert part in str(refusal.value)


@pytest.mark.parametrize(("text", "complaints"), [
    ("stt:\n  - {from: 2027-04-01, pct: high}\n", ["line 2", "stt.pct", "'high'", "a number"]),
    ("stt:\n  - {from: 2027-04-01, pct: -0.1}\n", ["stt.pct", "'-0.1'", "zero or more"]),
    ("stt:\n  - {from: 2027-04-01, pct: nan}\n", ["stt.pct", "'nan'"]),
    ("stt:\n  - {from: 2027-04-01, pct: 0.00000001}\n", ["stt.pct", "steps no finer"]),
    ("stt:\n  - {from: 2027-04-01, rupees: 1}\n", ["stt", "key 'rupees'", "pct"]),
    ("brokerage:\n  - {from: 2027-04-01, rupees: 0.001}\n", ["brokerage.rupees", "'0.001'"]),
    ("exchange:\n  MCX:\n    - {from: 2027-04-01, pct: 1}\n", ["line 2", "'MCX'", "NSE, BSE"]),
])  # fmt: skip
def test_wrong_charges_are_refused_by_file_line_key_and_expectation(tmp_path, text, complaints):
    own = written(tmp_path, text)

    with pytest.raises(ConfigError) as refusal:
        load_charges(CONF / "charges.yaml", own)

    for part in (str(own), *complaints):
        assert part in str(refusal.value)


def test_all_faults_of_a_file_are_told_at_once(tmp_path):
    own = written(tmp_path, "holidays:\n  - {day: soon}\n  - {day: later}\n")

    with pytest.raises(ConfigError) as refusal:
        load_calendar(CONF / "calendar.yaml", own)

    assert len(str(refusal.value).splitlines()) == 2


def test_a_missing_component_is_refused(tmp_path):
    own = written(tmp_path, "brokerage:\n  - {from: 2020-07-01, rupees: 20}\n")

    with pytest.raises(ConfigError, match="no stt rate"):
        load_charges(own)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere.yaml: cannot be read"):
        load_calendar(tmp_path / "nowhere.yaml")


def test_the_holidays_package_waits_for_the_first_day_that_needs_it():
    # A fresh interpreter: another test may have imported the package into this one.
    question = (
        "import sys; from datetime import date; from pathlib import Path; from scalper.reference import load_calendar;"
        f"c = load_calendar(Path({str(CONF / 'calendar.yaml')!r})); c.session(date(2026, 2, 1));"
        "print('holidays' in sys.modules); c.session(date(2026, 2, 2)); print('holidays' in sys.modules)"
    )

    answer = subprocess.run(
        [sys.executable, "-c", question], cwd=CONF.parent, capture_output=True, text=True, check=True, timeout=30
    )

    assert answer.stdout.split() == ["False", "True"]
