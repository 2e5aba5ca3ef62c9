"""I14: logs tell what happened, and nothing that was entrusted."""

import json
import re
from collections.abc import Iterator

from drill.evidence import Evidence, Violation

#: Of a presigned link or form.
_SIGNATURE = re.compile(r"X-Amz-Signature", re.IGNORECASE)
_WORD = re.compile(r"\w+")


def told_no_secret(evidence: Evidence) -> Iterator[Violation]:
    """I14: every line of a log is JSON, without secret, signature or a photo's word.

    What is shown of a line is where it is, never the line. No other tenant saw a job.
    """
    for job_id in evidence.ledger.leaked:
        yield Violation("I14", "another tenant saw a job", job_id)
    words = {accepted.word for accepted in evidence.ledger.accepted} - {""}
    for line in evidence.lines:
        if not _is_json(line.text):
            yield Violation("I14", "a line is no JSON object", line.place)
        if _SIGNATURE.search(line.text):
            yield Violation("I14", "a line has a link's signature", line.place)
        if any(secret in line.text for secret in evidence.secrets):
            yield Violation("I14", "a line has a secret", line.place)
        if not words.isdisjoint(_WORD.findall(line.text)):
            yield Violation("I14", "a line has the text of a photo", line.place)


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
