"""No secret reaches a log, and what goes wrong stands in the file with its traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from loguru import logger

from scalper.errors import HomeError
from scalper.logs import log_failure, log_to_file, log_to_stderr, redacted, stderr_held_back


@pytest.fixture(autouse=True)
def quiet_afterwards() -> Iterator[None]:
    yield
    logger.remove()
    logger.configure(patcher=lambda record: None)


@pytest.mark.parametrize(
    "text",
    [
        "cannot reach postgresql://trader:SECRET@db.example/scalper",
        "cannot reach redis://:SE:CR@SECRET@host:6379/0",
        "access_token=SECRET",
        "ACCESS_TOKEN: SECRET",
        '{"access_token": "SECRET", "expires": 5}',
        "{'accessToken': 'SECRET with blanks'}",
        "https://host/path?token=SECRET&day=1",
        "Authorization: Bearer SECRET",
        "authorization=Basic SECRET==",
        "client-secret = SECRET",
        "api_key=SECRET",
        "api-key: SECRET",
        "password=SECRET",
        "pin=SECRET",
        "PIN: SECRET",
        "dhan_pin=SECRET",
        "totp=SECRET",
        "token eyJhbGciOi.eyJSECRET.sigSECRET",
    ],
)
def test_a_secret_is_left_out(text: str) -> None:
    shown = redacted(text)

    assert "SECRET" not in shown
    assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        "sold 65 NIFTY-Jan2026-25700-CE at 99.35, net -114.55 rupees (position 1, session_end_0945)",
        "spinning=3, opinion: good, tokens of trust",
        "database postgresql://host/scalper",
        "letter 31896 of risk_manager",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert redacted(text) == text


def test_secrets_reach_neither_stderr_nor_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr()
    file = log_to_file(tmp_path)

    try:
        raise ValueError("token=SECRET")
    except ValueError as error:
        logger.opt(exception=error).error("failed with password={}", "SECRET")

    shown, kept = capsys.readouterr(), file.read_text(encoding="utf-8")
    assert "SECRET" not in shown.err + shown.out + kept
    assert shown.out == ""
    assert shown.err.count("\n") == 1, "people get one line, without the traceback"
    assert "ValueError" in json.loads(kept)["traceback"]


def test_the_file_holds_one_object_a_line(tmp_path: Path) -> None:
    log_to_stderr()
    file = log_to_file(tmp_path)

    logger.debug("first {}", 1)
    logger.info("with {{braces}} and <b>marks</b>")

    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert [line["text"] for line in lines] == ["first 1", "with {{braces}} and <b>marks</b>"]
    assert [line["level"] for line in lines] == ["DEBUG", "INFO"]


def test_while_a_view_has_the_screen_warnings_wait_and_news_does_not_show(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr()

    with stderr_held_back():
        logger.info("news")
        logger.warning("degraded")
        assert capsys.readouterr().err == ""

    assert "degraded" in capsys.readouterr().err


def test_a_failure_stands_in_the_file_with_its_traceback(tmp_path: Path) -> None:
    place = log_failure(tmp_path / "log", ZeroDivisionError("division by zero"))

    line = json.loads(Path(place).read_text(encoding="utf-8"))
    assert line["level"] == "CRITICAL"
    assert "ZeroDivisionError: division by zero" in line["traceback"]


def test_a_folder_that_cannot_be_written_is_a_home_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(HomeError, match="cannot be written"):
        log_to_file(tmp_path / "file" / "log")
