"""The day's instrument file beside a recording, read into instruments.

The layout is the broker's detailed instrument file, read by header name. Index rows state their tick size in rupees
(`0.0500`), option rows in paise (`5.0000`); symbol names are not to be trusted (`BSXOPT` on SENSEX options), so they
are made from the contract.
Source: REQUIREMENTS 3.1; broker reference section 8.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from scalper.domain.instruments import Instrument, InstrumentKind, OptionType, instrument_key, option_symbol
from scalper.domain.units import paise_from_rupees
from scalper.errors import InputError
from scalper.tape.faults import Faults

#: Segment of the feed by exchange and segment letter of the file.
_SEGMENTS = {("NSE", "I"): "IDX_I", ("BSE", "I"): "IDX_I", ("NSE", "D"): "NSE_FNO", ("BSE", "D"): "BSE_FNO"}
#: Index levels move in steps of 0.05 rupees in every recording.
_INDEX_TICK_SIZE_PAISE = 5
_COLUMNS = (
    "EXCH_ID",
    "SEGMENT",
    "SECURITY_ID",
    "INSTRUMENT",
    "UNDERLYING_SYMBOL",
    "LOT_SIZE",
    "SM_EXPIRY_DATE",
    "STRIKE_PRICE",
    "OPTION_TYPE",
    "TICK_SIZE",
    "EXPIRY_FLAG",
    "SM_FREEZE_QTY",
)


class Master(msgspec.Struct, frozen=True):
    """What a master file holds for us.

    Attributes:
        instruments: Indices first, then their options, each in the order of the file.
        warnings: One line per kind of row that was skipped.
    """

    instruments: tuple[Instrument, ...]
    warnings: tuple[str, ...]


def read_master(path: Path) -> Master:
    """Read the indices and index options of a master file; anything else in it is not ours to trade.

    Rows that make no sense are counted and skipped, and so are options whose index is not in the file. Of two rows
    with one key the later wins.

    Raises:
        InputError: The file is missing, empty, not text, or lacks a column.

    Source: REQUIREMENTS 3.1.
    """
    faults = Faults(path.name)
    found: dict[str, Instrument] = {}
    for number, row in enumerate(_rows(path), start=2):
        if row["INSTRUMENT"] not in ("INDEX", "OPTIDX"):
            continue
        try:
            instrument = instrument_from_row(row)
        except ValueError as error:
            faults.add("skipped, not a usable instrument", f"line {number}: {error}")
            continue
        if instrument.key in found:
            faults.add("a key stated again, the later row is taken", f"line {number}: {instrument.key}")
        found[instrument.key] = instrument
    indices = tuple(each for each in found.values() if each.kind is InstrumentKind.INDEX)
    options = _options_with_index(indices, found, faults)
    return Master(indices + options, faults.lines())


def instrument_from_row(row: Mapping[str, str]) -> Instrument:
    """One INDEX or OPTIDX row as an instrument.

    Raises:
        ValueError: A field is missing or makes no sense; says which, what was found and what was expected.

    Source: REQUIREMENTS 3.1.
    """
    segment = _SEGMENTS.get((row["EXCH_ID"], row["SEGMENT"]))
    if segment is None:
        raise ValueError(f"expected an NSE or BSE index or derivative, found {row['EXCH_ID']}, {row['SEGMENT']}")
    security_id = row["SECURITY_ID"]
    if not security_id or security_id.startswith("TEST_"):
        raise ValueError(f"expected a security id, found {security_id!r}")
    underlying = row["UNDERLYING_SYMBOL"].upper()
    if not underlying:
        raise ValueError(f"expected an underlying symbol, found none (security {security_id})")
    if row["INSTRUMENT"] == "INDEX":
        return _index(segment, security_id, underlying)
    return _option(segment, security_id, underlying, row)


def _index(segment: str, security_id: str, underlying: str) -> Instrument:
    return Instrument(
        key=instrument_key(segment, security_id),
        segment=segment,
        security_id=security_id,
        kind=InstrumentKind.INDEX,
        underlying=underlying,
        symbol=underlying,
        lot_size=1,
        tick_size_paise=_INDEX_TICK_SIZE_PAISE,
    )


def _option(segment: str, security_id: str, underlying: str, row: Mapping[str, str]) -> Instrument:
    expiry = date.fromisoformat(row["SM_EXPIRY_DATE"][:10])
    strike_paise = paise_from_rupees(_positive(row, "STRIKE_PRICE"))
    option_type = OptionType(row["OPTION_TYPE"])
    lot_size = _whole(row, "LOT_SIZE")
    return Instrument(
        key=instrument_key(segment, security_id),
        segment=segment,
        security_id=security_id,
        kind=InstrumentKind.OPTION,
        underlying=underlying,
        symbol=option_symbol(underlying, expiry, strike_paise, option_type),
        lot_size=lot_size,
        tick_size_paise=_whole(row, "TICK_SIZE"),
        expiry=expiry,
        strike_paise=strike_paise,
        option_type=option_type,
        is_monthly=row["EXPIRY_FLAG"] == "M",
        freeze_quantity=_freeze_quantity(row, lot_size),
    )


def _freeze_quantity(row: Mapping[str, str], lot_size: int) -> int:
    """0 where the file gives none; a number that lets not one lot through would make every order impossible."""
    freeze = max(0, int(_number(row, "SM_FREEZE_QTY")))
    if 0 < freeze <= lot_size:
        raise ValueError(f"SM_FREEZE_QTY: expected more than the lot of {lot_size}, found {freeze}")
    return freeze


def _options_with_index(
    indices: tuple[Instrument, ...], found: Mapping[str, Instrument], faults: Faults
) -> tuple[Instrument, ...]:
    underlyings = {index.underlying for index in indices}
    options = [each for each in found.values() if each.kind is InstrumentKind.OPTION]
    for orphan in options:
        if orphan.underlying not in underlyings:
            faults.add("skipped, its index is not in the file", f"{orphan.symbol} of {orphan.underlying}")
    return tuple(each for each in options if each.underlying in underlyings)


def _number(row: Mapping[str, str], column: str) -> Decimal:
    try:
        number = Decimal(row[column] or "0")
    except InvalidOperation:
        raise ValueError(f"{column}: expected a number, found {row[column]!r}") from None
    if not number.is_finite():
        raise ValueError(f"{column}: expected a finite number, found {row[column]!r}")
    return number


def _positive(row: Mapping[str, str], column: str) -> Decimal:
    number = _number(row, column)
    if number <= 0:
        raise ValueError(f"{column}: expected a number above 0, found {row[column]!r}")
    return number


def _whole(row: Mapping[str, str], column: str) -> int:
    number = _positive(row, column)
    if number != int(number):
        raise ValueError(f"{column}: expected a whole number, found {row[column]!r}")
    return int(number)


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows as text by column; a short row has empty text where it lacks columns."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            header = reader.fieldnames or ()
            rows = [{column: (row.get(column) or "").strip() for column in _COLUMNS} for row in reader]
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; expected the instruments of the recorded day") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: expected a readable text file of comma-separated values, found {error}") from error
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        found = ", ".join(header[:4]) or "an empty file"
        raise InputError(f"{path}: expected the column(s) {', '.join(missing)}, found {found}")
    return rows
