"""Settings of `patronage serve`. Argument > environment > patronage.toml > default."""

import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from patronage.errors import SettingsError

__all__ = ["LaneSettings", "ServeSettings", "serve_settings"]


class LaneSettings(BaseModel):
    """A `[[serve.lanes]]` table: which events it takes, and how soon they count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    kinds: tuple[str, ...] = ()
    pace: Literal["at once", "hourly", "daily"] = "at once"
    weight: float = Field(0.5, ge=0.0, le=1.0)
    at_least: Decimal | None = None
    review: bool = False
    alert: bool = False


class ServeSettings(BaseSettings):
    """The `[serve]` table of patronage.toml, and `PATRONAGE_SERVE_*` in the environment.

    Attributes
    ----------
    workspace : folder of a `patronage run`
    events : "" for SQLite in the workspace, a path, or postgresql://…
    online : "" for within the process, redis://… or redis+cluster://…
    high_value : purchases from this amount on are scored first; None: the largest 1 % of the run's
    lanes : in place of the default ones
    rate_limit : requests a second of one key
    max_waiting_seconds : events that would wait longer to be committed are refused at once
    history_days : how long a change of a score is kept; every customer has one a day at least
    """

    model_config = SettingsConfigDict(
        env_prefix="PATRONAGE_SERVE_", extra="forbid", frozen=True, env_ignore_empty=True
    )

    workspace: Path = Path("patronage-out")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65_535)
    workers: int = Field(1, ge=1, le=64)
    events: SecretStr = SecretStr("")
    online: SecretStr = SecretStr("")
    high_value: Decimal | None = None
    lanes: tuple[LaneSettings, ...] | None = None
    rate_limit: float = Field(5_000.0, gt=0)
    max_waiting_seconds: float = Field(2.0, gt=0)
    history_days: int = Field(90, ge=1)
    log_format: Literal["text", "json"] = "text"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        del dotenv_settings, file_secret_settings
        told = InitSettingsSource(settings_cls, _from_file())
        return init_settings, env_settings, told


def serve_settings(arguments: Mapping[str, Any]) -> ServeSettings:
    """The settings, with those arguments that are not None.

    Raises
    ------
    SettingsError : one is unknown or outside its range; patronage.toml cannot be read
    """
    try:
        return ServeSettings(**{k: v for k, v in arguments.items() if v is not None})
    except ValidationError as error:
        told = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()
        )
        raise SettingsError(
            f"the settings of `patronage serve` are wrong: {told}.\n"
            "To mend: see `patronage serve --help`; they come from arguments, PATRONAGE_SERVE_* "
            "in the environment and [serve] in patronage.toml."
        ) from error


def _from_file() -> dict[str, Any]:
    path = Path(os.environ.get("PATRONAGE_CONFIG", "patronage.toml"))
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text()).get("serve", {})
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from error
    if not isinstance(found, dict):
        raise SettingsError(f"{path}: serve must be a table, [serve].")
    return found
