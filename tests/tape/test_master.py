"""The instruments of a recorded day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scalper.domain.instruments import Instrument, InstrumentKind, OptionType
from scalper.errors import InputError
from scalper.tape.master import Master, read_master
from tests.shared_files import SHARED
from tests.tape.recordings import CALL_ROW, HEADER, INDEX_ROW, PUT_ROW

SENSEX_ROW = "BSE,I,51,INDEX,SENSEX,SENSEX,1.0,0001-01-01,,XX,0.0500,N,0,"
SENSEX_CALL_ROW = "BSE,D,40001,OPTIDX,SENSEX,BSXOPT,20.0,2026-01-29,82900.00000,CE,5.0000,M,1000,"


def read(folder: Path, *rows: str) -> Master:
    path = folder / "master.csv"
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return read_master(path)


def test_option_row_becomes_a_contract_with_its_tick_size_in_paise(tmp_path: Path) -> None:
    master = read(tmp_path, INDEX_ROW, CALL_ROW)

    assert master.warnings == ()
    assert master.instruments[1] == Instrument(
        key="NSE_FNO:40001",
        segment="NSE_FNO",
        security_id="40001",
        kind=InstrumentKind.OPTION,
        underlying="NIFTY",
        symbol="NIFTY-Jan2026-25400-CE",
        lot_size=65,
        tick_size_paise=5,
        expiry=date(2026, 1, 13),
        strike_paise=2_540_000,
        option_type=OptionType.CE,
        is_monthly=False,
        freeze_quantity=1800,
    )


def test_symbol_is_made_from_the_contract_and_not_read(tmp_path: Path) -> None:
    master = read(tmp_path, SENSEX_ROW, SENSEX_CALL_ROW)

    index, call = master.instruments
    assert (index.key, index.symbol) == ("IDX_I:51", "SENSEX")
    assert (call.key, call.symbol, call.is_monthly) == ("BSE_FNO:40001", "SENSEX-Jan2026-82900-CE", True)


def test_indices_come_before_their_options(tmp_path: Path) -> None:
    master = read(tmp_path, CALL_ROW, PUT_ROW, INDEX_ROW)

    assert [each.security_id for each in master.instruments] == ["13", "40001", "40002"]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(CALL_ROW.replace("40001", ""), id="blank id"),
        pytest.param(CALL_ROW.replace("40001", "TEST_1"), id="test id"),
        pytest.param(CALL_ROW.replace("65.0", "nan"), id="lot size nan"),
        pytest.param(CALL_ROW.replace("65.0", "6.5"), id="lot size not whole"),
        pytest.param(CALL_ROW.replace("65.0", ""), id="no lot size"),
        pytest.param(CALL_ROW.replace("25400.00000", "-0.01"), id="no strike"),
        pytest.param(CALL_ROW.replace("2026-01-13", "13 Jan"), id="no expiry"),
        pytest.param(CALL_ROW.replace("1800", "65"), id="not one lot below the freeze quantity"),
        pytest.param(CALL_ROW.replace(",CE,", ",XX,"), id="no option type"),
        pytest.param(CALL_ROW.replace("NSE,D", "MCX,M"), id="other exchange"),
        pytest.param(CALL_ROW.replace("NIFTY", "MIDCPNIFTY"), id="index not in the file"),
        pytest.param("NSE,D", id="row cut short, not an option"),
    ],
)
def test_row_that_makes_no_sense_is_skipped(tmp_path: Path, row: str) -> None:
    master = read(tmp_path, INDEX_ROW, row, PUT_ROW)

    assert [each.security_id for each in master.instruments] == ["13", "40002"]
    assert len(master.warnings) == (0 if row == "NSE,D" else 1)


def test_rows_skipped_for_one_reason_make_one_line(tmp_path: Path) -> None:
    bad = CALL_ROW.replace("65.0", "nan")

    master = read(tmp_path, INDEX_ROW, bad, bad, PUT_ROW)

    assert master.warnings == (
        "master.csv: 2 rows: skipped, not a usable instrument; "
        "first line 3: LOT_SIZE: expected a finite number, found 'nan'",
    )


def test_later_of_two_rows_with_one_key_wins(tmp_path: Path) -> None:
    master = read(tmp_path, INDEX_ROW, CALL_ROW, CALL_ROW.replace("25400", "25450"))

    assert [each.strike_paise for each in master.instruments[1:]] == [2_545_000]
    assert len(master.warnings) == 1


@pytest.mark.parametrize("content", [b"", b"EXCH_ID,SEGMENT\nNSE,I\n", b"\xff\xfe\x00binary"])
def test_file_that_is_no_master_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "master.csv"
    path.write_bytes(content)

    with pytest.raises(InputError, match="expected"):
        read_master(path)


def test_missing_master_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_master(tmp_path / "master.csv")


@pytest.mark.shared
def test_every_recorded_master_is_read_without_a_warning() -> None:
    masters = [read_master(path) for path in sorted((SHARED / "data" / "days").glob("*/master.csv"))]

    assert len(masters) == 79
    assert {master.warnings for master in masters} == {()}
    assert sum(len(master.instruments) for master in masters) == 2655
