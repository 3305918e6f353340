"""What an operator does by command: directly, and through the server that holds the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import CosessionError
from cosession import chores, operator, settings
from tests.support.server import ServerProcess


def here(data_dir: Path, port: int = 8000) -> settings.Settings:
    return settings.load(_env_file=None, COSESSION_DATA_DIR=data_dir, PORT=port)


def test_jobs_are_named_run_and_remembered_directly(tmp_path: Path) -> None:
    config = here(tmp_path)
    assert {job["name"] for job in chores.list_of_jobs(config)} >= {"prune", "digests", "expire-invites"}
    assert chores.run_job(config, "digests") == 0
    with pytest.raises(CosessionError, match="jobs list"):
        chores.run_job(config, "nothing")
    idle = settings.load(_env_file=None, COSESSION_DATA_DIR=tmp_path, COSESSION_END_IDLE_AFTER="30d")
    assert "end-idle-sessions" in {job["name"] for job in chores.list_of_jobs(idle)}


def test_people_who_leave_directly(tmp_path: Path) -> None:
    config = here(tmp_path)
    operator.add_user(config, "admin@example.com", "Admin")
    operator.add_user(config, "bob@example.com", "Bob")
    assert chores.export_of(config, "bob@example.com")["name"] == "Bob"
    chores.leave(config, "bob@example.com", "deactivate")
    assert chores.export_of(config, "bob@example.com")["is_active"] is False
    chores.leave(config, "bob@example.com", "reactivate")
    assert chores.erase_person(config, "bob@example.com") == 0
    with pytest.raises(CosessionError):
        chores.export_of(config, "bob@example.com")
    with pytest.raises(CosessionError, match="only admin"):
        chores.erase_person(config, "admin@example.com")


def test_the_same_through_a_running_server(server_process: ServerProcess) -> None:
    config = here(server_process.data_dir, server_process.port)
    jobs = {job["name"]: job for job in chores.list_of_jobs(config)}
    assert jobs["prune"]["every"] == 600
    assert chores.run_job(config, "prune") >= 0
    operator.add_user(config, "dora@example.com", "Dora")
    chores.leave(config, "dora@example.com", "deactivate")
    assert chores.export_of(config, "dora@example.com")["is_active"] is False
    assert chores.erase_person(config, "dora@example.com") == 0
    with pytest.raises(operator.CommandFailed):
        chores.leave(config, "dora@example.com", "reactivate")


@pytest.mark.parametrize("value", ["soon", "30", "0d", "30m"])
def test_a_length_of_time_that_makes_no_sense_stops_the_start(tmp_path: Path, value: str) -> None:
    with pytest.raises(settings.SettingsError, match="COSESSION_END_IDLE_AFTER"):
        settings.load(_env_file=None, COSESSION_DATA_DIR=tmp_path, COSESSION_END_IDLE_AFTER=value)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"SMTP_URL": "mail.example.com", "MAIL_FROM": "a@example.com"}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://user:secret-word@x/y", "MAIL_FROM": "a@example.com"}, "SMTP_URL"),
        ({"SMTP_URL": "smtp://localhost"}, "MAIL_FROM"),
        ({"MAIL_FROM": "nobody"}, "MAIL_FROM"),
        ({"COSESSION_SIGN_UP": "everybody"}, "COSESSION_SIGN_UP"),
        ({"COSESSION_SIGN_UP": "@example.com, anyone"}, "COSESSION_SIGN_UP"),
    ],
)
def test_settings_of_mail_that_cannot_work_are_named(tmp_path: Path, values: dict[str, str], named: str) -> None:
    with pytest.raises(settings.SettingsError, match=named) as refused:
        settings.load(_env_file=None, COSESSION_DATA_DIR=tmp_path, **values)
    assert "secret-word" not in str(refused.value)
