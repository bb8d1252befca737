"""The tables of what agents keep for themselves. The same definitions serve SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

from signaling.call_tables import Words

metadata = sa.MetaData()

replies_table = sa.Table(
    "quick_replies",
    metadata,
    sa.Column("identity", Words, primary_key=True),
    sa.Column("updated", sa.Double, nullable=False),
    sa.Column("replies", Words, nullable=False),
)
links_table = sa.Table(
    "help_links",
    metadata,
    sa.Column("id", Words, primary_key=True),
    sa.Column("agent", Words, nullable=False),
    sa.Column("topic", Words, nullable=False),
    sa.Column("expires", sa.Double, nullable=False),
)
INDEXES = (
    sa.Index("help_links_by_expires", links_table.c.expires),
    sa.Index("help_links_by_agent", links_table.c.agent, links_table.c.expires),
)
STATEMENTS: Sequence[DDLElement] = (
    CreateTable(replies_table),
    CreateTable(links_table),
    *map(CreateIndex, INDEXES),
)
