"""Settings that mean the same in every service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field


class CommonSettings(BaseModel):
    """The environment variables that every service has; a service's settings extend this model.

    Attributes
    ----------
    data_bucket
        Name of the lake's data bucket.
    app, env
        Names of the installation and of its environment, for logs and metrics.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    data_bucket: Annotated[str, Field(alias="DATA_BUCKET", min_length=1)]
    app: Annotated[str, Field(alias="LAKE_APP")] = "openlake"
    env: Annotated[str, Field(alias="LAKE_ENV")] = "dev"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings; an empty variable counts as unset.

        Raises
        ------
        pydantic.ValidationError
            Naming each variable that is missing or wrong.
        """
        return cls.model_validate({name: value for name, value in environment.items() if value})
