"""StrikeSelector names the contract at the money of the expiry that is traded, with the price it has."""

from __future__ import annotations

import pytest

from scalper.actors.messages.feed import GetTicks, TicksFound
from scalper.actors.messages.signals import StrikesPicked
from scalper.actors.strike_selector import StrikeSelector
from scalper.domain.direction import Direction
from scalper.domain.instruments import OptionType
from scalper.domain.picks import PickRules
from scalper.domain.strikes import ExpiryPolicy
from tests.actors.harness import Stage
from tests.builders import DAY, ELEVEN, a_direction, a_tick, an_option, later

STRIKES = [25_600_00 + 50_00 * step for step in range(9)]
CONTRACTS = tuple(an_option(strike, side) for strike in STRIKES for side in OptionType)


def a_stage() -> Stage:
    rules = {
        "NIFTY": PickRules(policy=ExpiryPolicy.WEEKLY, is_expiry_day_allowed=True, interval_fallback_paise=50_00),
        "SENSEX": PickRules(policy=ExpiryPolicy.WEEKLY, is_expiry_day_allowed=True, interval_fallback_paise=100_00),
    }
    return Stage(
        {
            "strike_selector": (
                StrikeSelector,
                lambda link: StrikeSelector(link, day=DAY, contracts=CONTRACTS, rules=rules),
            )
        }
    )


def answered(stage: Stage, ltp_paise: int | None = 98_00) -> StrikesPicked:
    question = stage.said(GetTicks)[-1]
    tick = None if ltp_paise is None else a_tick(ltp_paise, key=question.keys[0])
    stage.tell(TicksFound(at=later(0.1), request=question.request, ticks=(tick,)))
    return stage.said(StrikesPicked)[-1]


@pytest.mark.parametrize(
    ("direction", "spot_paise", "strike_paise", "side"),
    [
        (Direction.BULLISH, 25_760_00, 25_750_00, OptionType.CE),
        (Direction.BEARISH, 25_760_00, 25_750_00, OptionType.PE),
        (Direction.BULLISH, 25_775_00, 25_800_00, OptionType.CE),
        (Direction.BULLISH, 25_774_95, 25_750_00, OptionType.CE),
    ],
)
def test_bullish_picks_the_money_call_and_bearish_the_money_put(
    direction: Direction, spot_paise: int, strike_paise: int, side: OptionType
) -> None:
    stage = a_stage()

    stage.tell(a_direction(direction=direction, close_paise=spot_paise))
    picked = answered(stage)

    (pick,) = picked.picks
    assert (pick.instrument.strike_paise, pick.instrument.option_type, pick.ltp_paise) == (strike_paise, side, 98_00)


def test_without_a_tick_it_is_picked_without_a_price() -> None:
    stage = a_stage()

    stage.tell(a_direction())
    picked = answered(stage, None)

    assert [pick.ltp_paise for pick in picked.picks] == [0]


def test_without_a_contract_the_reason_is_told_at_once() -> None:
    stage = a_stage()

    stage.tell(a_direction(index_key="SENSEX"))

    (picked,) = stage.said(StrikesPicked)
    assert picked.picks == ()
    assert "no weekly CE contract of SENSEX" in picked.reason


def test_an_answer_nobody_waits_for_is_passed_over() -> None:
    stage = a_stage()
    stage.tell(a_direction())
    answered(stage)

    answered(stage)

    assert len(stage.said(StrikesPicked)) == 1


def test_a_late_answer_about_another_contract_prices_nothing() -> None:
    stage = a_stage()
    stage.tell(a_direction(), a_direction(direction=Direction.BEARISH))
    first, second = stage.said(GetTicks)

    stage.tell(TicksFound(at=ELEVEN, request=first.request, ticks=(a_tick(300_00, key=first.keys[0]),)))
    stage.tell(TicksFound(at=ELEVEN, request=second.request, ticks=(a_tick(98_00, key=second.keys[0]),)))

    picked = stage.said(StrikesPicked)
    assert [(one.picks[0].instrument.key, one.picks[0].ltp_paise) for one in picked][-1] == (second.keys[0], 98_00)
    assert all(
        one.picks[0].ltp_paise == (300_00 if one.picks[0].instrument.key == first.keys[0] else 98_00) for one in picked
    )
