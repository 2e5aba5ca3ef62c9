"""What was read, and where each word was."""

from sqlalchemy import ARRAY, JSON, Column, ForeignKey, Table

from photo.adapters.postgres.schema.base import Id, metadata, tenant

job_texts = Table(
    "job_texts",
    metadata,
    Column(
        "job_id",
        Id,
        ForeignKey("jobs.id", name="job_texts_job_fkey", ondelete="CASCADE"),
        primary_key=True,
    ),
    tenant(),
    Column("pages", JSON, nullable=False),
    # The words under which `job_words` knows it.
    Column("words", ARRAY(Id), nullable=False),
)

#: An inverted index: the newest jobs with a word are neighbours. (Row-level security
#: keeps a GIN index from being used: its operators are not leakproof.)
job_words = Table(
    "job_words",
    metadata,
    tenant(primary_key=True),
    Column("word", Id, primary_key=True),
    Column("job_id", Id, primary_key=True),
)
