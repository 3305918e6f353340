"""All configuration, read once, from the environment and from `.env`. Nothing else looks there.

Everything has a default that works on one machine. A value that cannot work stops the start with one sentence.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.signature import secrets_in

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
MIN_KEY_BYTES = 32
_WEB = ("http", "https")
_LENGTH = re.compile(r"([1-9]\d{0,3})([hd])")


class SettingsError(Exception):
    """The configuration cannot work; the message says what to change."""


def _default_data_dir() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "cosession"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "cosession"


class Settings(BaseSettings):
    """One field per variable; see docs/self-hosting.md for what each means."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True, frozen=True)

    data_dir: Path = Field(default_factory=_default_data_dir, alias="COSESSION_DATA_DIR")
    base_url_override: str = Field(default="", alias="COSESSION_BASE_URL")
    allowed_hosts: str = Field(default="", alias="COSESSION_ALLOWED_HOSTS")
    trusted_proxies: str = Field(default="", alias="COSESSION_TRUSTED_PROXIES")
    host: str = Field(default="127.0.0.1", alias="HOST")
    port: int = Field(default=8000, ge=0, le=65_535, alias="PORT")
    database_url_override: str = Field(default="", alias="DATABASE_URL")
    redis_url: str = Field(default="", alias="REDIS_URL")
    jwt_secret_key: SecretStr = Field(default=SecretStr(""), alias="JWT_SECRET_KEY")
    smtp_url: SecretStr = Field(default=SecretStr(""), alias="SMTP_URL")
    mail_from: str = Field(default="", alias="MAIL_FROM")
    end_idle: str = Field(default="", alias="COSESSION_END_IDLE_AFTER")
    keep_ended_for: str = Field(default="90d", alias="COSESSION_KEEP_ENDED_FOR")
    sign_up: str = Field(default="invited", alias="COSESSION_SIGN_UP")
    push_test_service: str = Field(default="", alias="COSESSION_PUSH_TEST_SERVICE")
    slack_signing_secret: SecretStr = Field(default=SecretStr(""), alias="SLACK_SIGNING_SECRET")
    slack_bot_token: SecretStr = Field(default=SecretStr(""), alias="SLACK_BOT_TOKEN")
    slack_app_token: SecretStr = Field(default=SecretStr(""), alias="SLACK_APP_TOKEN")
    slack_client_id: str = Field(default="", alias="SLACK_CLIENT_ID")
    slack_client_secret: SecretStr = Field(default=SecretStr(""), alias="SLACK_CLIENT_SECRET")
    slack_api_url: str = Field(default="", alias="SLACK_API_URL")
    server_token: SecretStr = Field(default=SecretStr(""), alias="COSESSION_TOKEN")

    @property
    def base_url(self) -> str:
        """Where people reach this server, without a trailing slash."""
        return self.base_url_override.rstrip("/") or f"http://localhost:{self.port}"

    @property
    def database_url(self) -> str:
        url = self.database_url_override
        if not url:
            return f"sqlite:///{self.data_dir.resolve()}/cosession.db"
        for prefix in ("postgres://", "postgresql://"):
            if url.startswith(prefix):
                return "postgresql+asyncpg://" + url.removeprefix(prefix)
        return url

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def has_slack(self) -> bool:
        """A workspace's token is set, or workspaces can be added at `/slack/install`."""
        return bool(self.slack_bot_token.get_secret_value()) or self.installs_slack

    @property
    def installs_slack(self) -> bool:
        """Workspaces are added by OAuth: the app's own secrets are set."""
        has_secrets = bool(self.slack_client_id and self.slack_client_secret.get_secret_value())
        signing, app = self.slack_signing_secret.get_secret_value(), self.slack_app_token.get_secret_value()
        return has_secrets and bool(signing or app)

    @property
    def is_development(self) -> bool:
        """Nobody but this machine can reach the server, and no Slack workspace is connected: the sandbox is on."""
        return not self.has_slack and self.host in LOOPBACK and urlsplit(self.base_url).hostname in LOOPBACK

    @property
    def has_sandbox(self) -> bool:
        """The workspace in a box lives in one process."""
        return self.is_development and not self.redis_url

    @property
    def hosts(self) -> frozenset[str]:
        """The values of `Host` that are answered: the public one, this machine's own names, and what was added."""
        public = urlsplit(self.base_url)
        port = public.port or (443 if public.scheme == "https" else 80)
        names = {public.netloc.lower(), *(f"{name}:{self.port}" for name in ("localhost", "127.0.0.1", "[::1]"))}
        if port in (80, 443):
            names.add(str(public.hostname))
        return frozenset(names | {name.strip().lower() for name in self.allowed_hosts.split(",") if name.strip()})

    @property
    def end_idle_after(self) -> timedelta | None:
        """After how long without an entry a session ends by itself; None for never."""
        return _length(self.end_idle)

    @property
    def keep_ended(self) -> timedelta | None:
        """How long a session is kept after it has ended; None for ever."""
        return _length(self.keep_ended_for)

    def jwt_key(self) -> str:
        """The configured key, or one that is made once and kept in the data folder."""
        return self.jwt_secret_key.get_secret_value() or _kept_key(self.data_dir / "secret.key")


def _length(text: str) -> timedelta | None:
    match = _LENGTH.fullmatch(text)
    return timedelta(**{{"h": "hours", "d": "days"}[match[2]]: int(match[1])}) if match is not None else None


def load(**overrides: Any) -> Settings:
    """The settings of this process. Raises SettingsError."""
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{first['loc'][0]}: {first['msg']}.") from None
    for complaint in _complaints(settings):
        raise SettingsError(complaint)
    return settings


def _complaints(settings: Settings) -> list[str]:
    """Every sentence about a value that cannot work."""
    found: list[str] = []
    key = settings.jwt_secret_key.get_secret_value()
    if key and len(key.encode()) < MIN_KEY_BYTES:
        found.append(f"JWT_SECRET_KEY is too short: it needs at least {MIN_KEY_BYTES} bytes, best random ones.")
    if key and len(set(key)) < 8:
        found.append("JWT_SECRET_KEY can be guessed: use random bytes, such as `openssl rand -hex 32` prints.")
    signing, bot = settings.slack_signing_secret.get_secret_value(), settings.slack_bot_token.get_secret_value()
    if bot and not signing and not settings.slack_app_token.get_secret_value():
        found.append("SLACK_BOT_TOKEN is set, SLACK_SIGNING_SECRET is not: set both (Slack: Basic Information).")
    if signing and not bot and not settings.slack_client_id:
        found.append(
            "SLACK_SIGNING_SECRET is set, SLACK_BOT_TOKEN is not: set both (Slack: OAuth & Permissions), or set"
            " SLACK_CLIENT_ID and SLACK_CLIENT_SECRET to add workspaces at /slack/install."
        )
    if bot.startswith("xoxe."):
        found.append(
            "SLACK_BOT_TOKEN ends after twelve hours, because the app's tokens are rotated: unset it, and add the"
            " workspace at /slack/install."
        )
    found += _complaints_about_app_token(settings)
    if len(secrets_in(signing)) > 2:
        found.append("SLACK_SIGNING_SECRET takes one secret, or two with a comma between them while it is replaced.")
    if bool(settings.slack_client_id) != bool(settings.slack_client_secret.get_secret_value()):
        found.append("SLACK_CLIENT_ID and SLACK_CLIENT_SECRET belong together: set both or neither.")
    if settings.smtp_url.get_secret_value() and not settings.mail_from:
        found.append("SMTP_URL is set, MAIL_FROM is not: say which address mail comes from.")
    if settings.end_idle and settings.end_idle_after is None:
        found.append("COSESSION_END_IDLE_AFTER must be a length of time like 12h or 30d.")
    if settings.keep_ended_for != "forever" and settings.keep_ended is None:
        found.append("COSESSION_KEEP_ENDED_FOR must be a length of time like 90d, or forever.")
    found += _complaints_about_mail(settings)
    test = urlsplit(settings.push_test_service)
    if settings.push_test_service and (test.hostname not in LOOPBACK or test.path or test.scheme not in _WEB):
        found.append("COSESSION_PUSH_TEST_SERVICE is for tests: it must be an origin on this machine, without a path.")
    base = urlsplit(settings.base_url)
    if base.scheme not in _WEB or not base.hostname or base.path:
        found.append("COSESSION_BASE_URL must look like https://cosession.example.com, without a path.")
    if settings.redis_url:
        found += _complaints_about_redis(settings)
    if not settings.database_url.startswith(("sqlite:///", "postgresql+asyncpg://")):
        found.append("DATABASE_URL must begin with sqlite:/// or postgresql://.")
    return found


def _complaints_about_app_token(settings: Settings) -> list[str]:
    app = settings.slack_app_token.get_secret_value()
    if not app:
        return []
    if not app.startswith("xapp-"):
        return ["SLACK_APP_TOKEN must be the app-level token, which begins with xapp- (Slack: Basic Information)."]
    if not settings.has_slack:
        return ["SLACK_APP_TOKEN is set, SLACK_BOT_TOKEN is not: set both (Slack: OAuth & Permissions)."]
    return []


def _complaints_about_mail(settings: Settings) -> list[str]:
    found: list[str] = []
    words = [word.strip() for word in settings.sign_up.split(",")]
    are_domains = all(re.fullmatch(r"@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", word) for word in words)
    if words not in (["invited"], ["anyone"]) and not are_domains:
        found.append("COSESSION_SIGN_UP must be invited, anyone, or domains like @example.com,@example.org.")
    if settings.smtp_url.get_secret_value() or settings.mail_from:
        from integrations.mail.settings import MailSettingsError, sender, smtp_settings

        try:
            if settings.smtp_url.get_secret_value():
                smtp_settings(settings.smtp_url.get_secret_value())
            if settings.mail_from:
                sender(settings.mail_from)
        except MailSettingsError as error:
            found.append(str(error))
    return found


def _complaints_about_redis(settings: Settings) -> list[str]:
    found: list[str] = []
    if not settings.redis_url.startswith(("redis://", "rediss://", "unix://")):
        found.append("REDIS_URL must begin with redis://, rediss:// or unix://.")
    if settings.is_sqlite:
        found.append("REDIS_URL is for several processes, SQLite serves one: set DATABASE_URL too, or unset REDIS_URL.")
    if not settings.jwt_secret_key.get_secret_value():
        found.append("REDIS_URL is set, JWT_SECRET_KEY is not: processes that work together need the same key.")
    return found


def environment() -> dict[str, str]:
    """The process's environment, for what is handed on: to a redactor, to a browser."""
    return dict(os.environ)


def _kept_key(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    key = secrets.token_hex(32)
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
    return key
