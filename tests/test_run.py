"""What a run does with the logs of other days."""

from __future__ import annotations

from pathlib import Path

from scalper.config import load_config
from scalper.run import Onlooker, Request, run_day
from tests.traded_day import write_traded_day


def test_old_logs_are_compressed_and_removed_when_their_time_is_up(tmp_path: Path) -> None:
    logs = tmp_path / "home" / "log"
    for name in ("2026-01-09", "2026-01-12", "notes"):
        (logs / name).mkdir(parents=True)
        (logs / name / "letters-0001.jsonl").write_text("{}\n", encoding="utf-8")
    config = load_config(None, ("message_log.retention_days=3",), {})
    day = write_traded_day(tmp_path / "days")

    run_day(Request(config=config, home=tmp_path / "home", source=day, speed=None), Onlooker(), 0.0)

    assert not (logs / "2026-01-09").exists()
    assert [path.name for path in (logs / "2026-01-12").iterdir()] == ["letters-0001.jsonl.gz"]
    assert [path.name for path in (logs / "notes").iterdir()] == ["letters-0001.jsonl"]
    assert (logs / "2026-01-13" / "letters-0001.jsonl").exists()
