"""What all tables share."""

from sqlalchemy import Column, DateTime, MetaData, Text

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ck": "%(table_name)s_%(constraint_name)s",
    }
)

#: Compared byte by byte: ids sort by time, and words by their letters, everywhere.
Id = Text(collation="C")
Time = DateTime(timezone=True)


def tenant(*, primary_key: bool = False) -> Column[str]:
    """Whose row it is. A policy of every such table shows it to nobody else."""
    return Column("tenant", Text, primary_key=primary_key, nullable=False)
