"""What did not reach those who watch."""

from prometheus_client import Counter

#: Of the whole process: it is counted from before there is a registry, which shows it.
LOST = Counter(
    "photo_telemetry_lost",
    "Spans and reports of bugs that could not be sent, by what they are of.",
    ["of"],
    registry=None,
)
for _of in ("traces", "error_reports"):
    LOST.labels(_of)
