"""What was read, in Postgres, and the inverted index of its words.

The newest jobs with a word are neighbours in the index. Of several words that drives
which is the rarest among the newest jobs, and each of its jobs is looked up under the
others. Scalar subqueries, because the planner may make joins of anything else.
"""

from collections.abc import Sequence

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert as insert_or
from sqlalchemy.ext.asyncio import AsyncConnection

from photo.adapters.postgres.database import translated
from photo.adapters.postgres.rows import from_row, to_row
from photo.adapters.postgres.schema import job_texts, job_words
from photo.adapters.postgres.schema.base import Id
from photo.adapters.postgres.transactions import Database
from photo.application.ports import Candidates, TextIndex
from photo.domain.access import Tenant
from photo.domain.errors import ValidationFailed
from photo.domain.job import JobId
from photo.domain.search import Query
from photo.domain.searchable import SearchableText

#: How many of the rarest word's jobs are looked at.
MAX_LOOKED_AT = 2000
MAX_EXPANSIONS = 50
_LAST_CHARACTER = "\U0010ffff"
# Literals: a plan for any limit is a plan for a large one.
_MOST = literal_column(str(MAX_LOOKED_AT), Integer)
_ONE = literal_column("1", Integer)
# A word is the rarer, the older its hundredth job from the newest is.
_SAMPLE = literal_column("99", Integer)

_word, _job_id = job_words.c.word, job_words.c.job_id
_mine = job_words.c.tenant == bindparam("tenant")

_ADD = (
    insert_or(job_texts)
    .on_conflict_do_nothing(index_elements=[job_texts.c.job_id])
    .returning(job_texts.c.job_id)
)
_ADD_WORDS = insert(job_words).from_select(
    ["tenant", "word", "job_id"],
    select(
        job_texts.c.tenant, func.unnest(job_texts.c.words), job_texts.c.job_id
    ).where(job_texts.c.job_id == bindparam("this")),
)
_removed = (
    delete(job_texts)
    .where(job_texts.c.job_id == bindparam("this"))
    .returning(job_texts.c.tenant, job_texts.c.words)
    .cte("removed")
)
_forgotten = (
    delete(job_words)
    .where(
        job_words.c.tenant == _removed.c.tenant,
        _word == any_(_removed.c.words),
        _job_id == bindparam("this"),
    )
    .returning(_word)
    .cte("forgotten")
)
_REMOVE = select(
    select(func.count()).select_from(_removed).scalar_subquery()
    + select(func.count()).select_from(_forgotten).scalar_subquery()
)
_TEXTS = (
    select(job_texts)
    .where(
        job_texts.c.tenant == bindparam("tenant"),
        job_texts.c.job_id == any_(bindparam("job_ids", type_=ARRAY(Id))),
    )
    .order_by(job_texts.c.job_id.desc())
)


def _first_word(*conditions: ColumnElement[bool]) -> Select[str]:
    within = _word < bindparam("end", type_=Id)
    return select(_word).where(_mine, within, *conditions).order_by(_word).limit(_ONE)


# From each word to the next, however many jobs have it.
_first = _first_word(_word >= bindparam("prefix", type_=Id))
_begun = _first.cte("begun", recursive=True)
_next = _first_word(_word > _begun.c.word).correlate(_begun).scalar_subquery()
_begun = _begun.union_all(select(_next).where(_begun.c.word.is_not(None)))
_EXPANSIONS = (
    select(_begun.c.word).where(_begun.c.word.is_not(None)).limit(MAX_EXPANSIONS + 1)
)

_array = func.unnest(bindparam("words", type_=ARRAY(Id)))
_asked = _array.table_valued("word").render_derived(name="asked")
_SAMPLES = select(
    _asked.c.word,
    select(_job_id)
    .where(_mine, _word == _asked.c.word, _job_id < bindparam("before"))
    .order_by(_job_id.desc())
    .offset(_SAMPLE)
    .limit(_ONE)
    .correlate(_asked)
    .scalar_subquery()
    .label("sample"),
)

#: One is as good as the other: a whole word is alone.
Alternatives = Sequence[str]


class PostgresTextIndex(TextIndex):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, text: SearchableText) -> None:
        async with self._database.begin():
            with translated():
                async with self._database.connect() as db:
                    added = await db.execute(_ADD, to_row(text))
                    if added.first():
                        await db.execute(_ADD_WORDS, {"this": text.job_id})

    async def remove(self, job_id: JobId) -> int:
        with translated():
            async with self._database.connect() as db:
                removed = await db.execute(_REMOVE, {"this": job_id})
                count: int = removed.scalar_one()
                return count

    async def candidates(
        self, tenant: Tenant, query: Query, *, limit: int, before: JobId | None
    ) -> Candidates:
        values = {"tenant": tenant, "before": before or _LAST_CHARACTER}
        with translated():
            async with self._database.connect() as db:
                prefixes = [
                    await _expanded(db, tenant, prefix) for prefix in query.prefixes
                ]
                terms = [*([word] for word in query.index_words), *prefixes]
                if not all(terms):
                    return Candidates([], None)
                driver, *others = await _rarest_first(db, terms, values)
                return await _walk(db, driver, others, values, limit)

    async def texts(
        self, tenant: Tenant, job_ids: Sequence[JobId]
    ) -> Sequence[SearchableText]:
        values = {"tenant": tenant, "job_ids": [*job_ids]}
        with translated():
            async with self._database.connect() as db:
                found = await db.execute(_TEXTS, values)
                return [from_row(row, SearchableText) for row in found.mappings()]


async def _expanded(db: AsyncConnection, tenant: Tenant, prefix: str) -> Alternatives:
    values = {"tenant": tenant, "prefix": prefix, "end": prefix + _LAST_CHARACTER}
    words = (await db.execute(_EXPANSIONS, values)).scalars().all()
    if len(words) > MAX_EXPANSIONS:
        raise ValidationFailed(
            f"q: More than {MAX_EXPANSIONS} different words begin like that. "
            "Write more letters before the star.",
            pointer="/q",
        )
    return words


async def _rarest_first(
    db: AsyncConnection, terms: Sequence[Alternatives], values: dict[str, str]
) -> Sequence[Alternatives]:
    if len(terms) == 1:
        return terms
    asked = [*{word for term in terms for word in term}]
    found = await db.execute(_SAMPLES, {**values, "words": asked})
    samples = {word: sample or "" for word, sample in found.all()}
    return sorted(terms, key=lambda term: max(samples[word] for word in term))


async def _walk(
    db: AsyncConnection,
    driver: Alternatives,
    others: Sequence[Alternatives],
    values: dict[str, str],
    limit: int,
) -> Candidates:
    looked_at = _newest(driver).subquery("looked_at")
    job_id = looked_at.c.job_id
    page = (
        select(job_id)
        .where(*(_has(job_id, term) for term in others))
        .order_by(job_id.desc())
        .limit(limit)
    )
    found = (await db.execute(page, values)).scalars().all()
    if len(found) == limit:
        return Candidates(found, found[-1])
    seen = select(func.min(job_id), func.count()).select_from(looked_at)
    last, count = (await db.execute(seen, values)).one()
    return Candidates(found, last if count == MAX_LOOKED_AT else None)


def _newest(words: Alternatives) -> Select[tuple[str]]:
    """The newest jobs with one of some words, in the order of the index."""
    each = [
        select(_job_id)
        .where(_mine, _word == word, _job_id < bindparam("before"))
        .order_by(_job_id.desc())
        .limit(_MOST)
        for word in words
    ]
    if len(each) == 1:
        return each[0]
    merged = union_all(*each).subquery()
    job_id = merged.c.job_id
    return select(job_id).distinct().order_by(job_id.desc()).limit(_MOST)


def _has(job_id: ColumnElement[str], words: Alternatives) -> ColumnElement[bool]:
    other = job_words.alias()
    return (
        select(true())
        .where(
            other.c.tenant == bindparam("tenant"),
            other.c.word.in_(words),
            other.c.job_id == job_id,
        )
        .limit(_ONE)
        .scalar_subquery()
        .is_not(None)
    )
