"""Alembic: `bring_up_to_date(engine)` takes a records database of any earlier shape to the present one."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config


def bring_up_to_date(engine: sa.Engine) -> None:
    """Run every migration that the database has not seen. Safe to run again."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
