"""The tables of the records database, as SQLAlchemy Core. Alembic (`adapters/migrations`) brings a database to this shape.

State only: what happened is in the ledger. Texts that may have to be erased (purposes, comments, statements, submitted
files) are blobs beside the database; a row holds their salted digest.
"""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Time = String(40)
"""RFC 3339 text in UTC: sorts as time, reads the same in every engine."""

persons = Table(
    "persons",
    metadata,
    Column("id", String(30), primary_key=True),
    Column("name_ja", String(100), nullable=False),
    Column("name_en", String(100), nullable=False),
    Column("affiliation_ja", String(200), nullable=False, default=""),
    Column("affiliation_en", String(200), nullable=False, default=""),
    Column("password_hash", String(200), nullable=False),
    Column("totp_secret", String(64), nullable=False),
    Column("totp_last_step", Integer, nullable=False, default=0),
    Column("active", Boolean, nullable=False, default=True),
)

person_roles = Table(
    "person_roles",
    metadata,
    Column("person", ForeignKey("persons.id"), primary_key=True),
    Column("role", String(20), primary_key=True),
    Column("granted_at", Time, primary_key=True),
    Column("revoked_at", Time),
)

applications = Table(
    "applications",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project", String(30), nullable=False, unique=True),
    Column("applicant", ForeignKey("persons.id"), nullable=False, index=True),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("body", JSON, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("submitted_at", Time),
    Column("decided_at", Time),
)

opinions = Table(
    "opinions",
    metadata,
    Column("application", ForeignKey("applications.id"), primary_key=True),
    Column("database", String(40), primary_key=True),
    Column("reviewer", ForeignKey("persons.id"), primary_key=True),
    Column("opinion", String(10), nullable=False),
    Column("comment", String(100)),
    Column("given_at", Time, nullable=False),
)

permits = Table(
    "permits",
    metadata,
    Column("permit_id", String(40), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("project", String(30), nullable=False, index=True),
    Column("application", ForeignKey("applications.id")),
    Column("envelope", JSON, nullable=False),
    Column("valid_from", Time, nullable=False),
    Column("valid_to", Time, nullable=False),
    Column("granted_at", Time, nullable=False),
    Column("revoked_at", Time),
)

amendments = Table(
    "amendments",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("permit_id", String(40), nullable=False),
    Column("revises", Integer, nullable=False),
    Column("project", String(30), nullable=False, index=True),
    Column("applicant", ForeignKey("persons.id"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("body", JSON, nullable=False),
    Column("reason", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("waiting_for", String(40), unique=True),
    Column("submitted_at", Time, nullable=False),
    Column("decided_at", Time),
    Column("brought", Integer),
    ForeignKeyConstraint(["permit_id", "revises"], ["permits.permit_id", "permits.revision"]),
)
"""`waiting_for` is the permit's number while the amendment is open: unique, so that a permit has one open amendment."""

amendment_opinions = Table(
    "amendment_opinions",
    metadata,
    Column("amendment", ForeignKey("amendments.id"), primary_key=True),
    Column("reviewer", ForeignKey("persons.id"), primary_key=True),
    Column("opinion", String(10), nullable=False),
    Column("comment", String(100)),
    Column("given_at", Time, nullable=False),
)

workspace_sessions = Table(
    "workspace_sessions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("token_digest", String(80), nullable=False, unique=True),
    Column("person", ForeignKey("persons.id"), nullable=False, index=True),
    Column("project", String(30), nullable=False),
    Column("permit_id", String(40), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("address", String(45), nullable=False),
    Column("started_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("revoked_at", Time),
    Column("ended_because", String(60)),
)

queries = Table(
    "queries",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("session", ForeignKey("workspace_sessions.id"), nullable=False),
    Column("person", String(30), nullable=False),
    Column("project", String(30), nullable=False, index=True),
    Column("permit_id", String(40), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("form", String(10), nullable=False),
    Column("state", String(12), nullable=False),
    Column("statement", String(100)),
    Column("rows", Integer, nullable=False, default=0),
    Column("bytes", Integer, nullable=False, default=0),
    Column("receipt", JSON),
    Column("day", String(10), nullable=False, index=True),
    Column("asked_at", Time, nullable=False),
    Column("ended_at", Time),
)

exports = Table(
    "exports",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("project", String(30), nullable=False, index=True),
    Column("permit_id", String(40), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("person", ForeignKey("persons.id"), nullable=False),
    Column("output", String(40), nullable=False),
    Column("purpose", String(100), nullable=False),
    Column("digest", String(80), nullable=False),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False, default=1),
    Column("submitted_at", Time, nullable=False),
    Column("decided_at", Time),
    Column("released_at", Time),
)

export_files = Table(
    "export_files",
    metadata,
    Column("export", ForeignKey("exports.id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("media_type", String(80), nullable=False),
    Column("digest", String(80), nullable=False),
    Column("size", Integer, nullable=False),
    Column("verdict", String(10), nullable=False),
    Column("findings", JSON, nullable=False),
    Column("declared", JSON, nullable=False),
    UniqueConstraint("export", "name"),
)

votes = Table(
    "votes",
    metadata,
    Column("export", ForeignKey("exports.id"), primary_key=True),
    Column("checker", ForeignKey("persons.id"), primary_key=True),
    Column("vote", String(10), nullable=False),
    Column("comment", String(100)),
    Column("digest", String(80), nullable=False),
    Column("given_at", Time, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("leaf_id", String(40), nullable=False, unique=True),
    Column("leaf", JSON, nullable=False),
    Column("index", Integer, index=True),
    sqlite_autoincrement=True,
)
"""Events that committed with their state. `index` is the leaf's place in the log once it is durable there."""
