"""What a tenant has had done on a day (UTC), and how much that may be."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from photo.domain.errors import RateLimited

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageDay:
    day: date
    #: Accepted on this day.
    jobs: int = 0
    #: Of the photos, counted once their size was known.
    bytes: int = 0
    #: Ended on this day.
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyQuota:
    """A tenant's share of a day; None is no limit."""

    jobs: int | None = None
    bytes: int | None = None

    @property
    def limits(self) -> bool:
        return self.jobs is not None or self.bytes is not None

    def refusal(self, now: datetime) -> RateLimited:
        parts = []
        if self.jobs is not None:
            parts.append(f"{self.jobs} jobs")
        if self.bytes is not None:
            parts.append(f"{self.bytes} bytes of photos")
        midnight = datetime.combine(now.date() + _A_DAY, time(), tzinfo=now.tzinfo)
        return RateLimited(
            f"This would take the tenant beyond its {' and '.join(parts)} a day (UTC). "
            "Try again after midnight UTC.",
            retry_after=midnight - now,
        )
