"""I5, I6: what a manifest vouches for is there, and nothing else."""

from collections.abc import Iterator

from drill.evidence import Artifact, Evidence, JobRow, Violation
from photo.domain.files import MANIFEST
from photo.domain.job import Status


def files_as_promised(evidence: Evidence) -> Iterator[Violation]:
    """I5: every file of a manifest has its size and checksum; there are no others."""
    if evidence.tidied.damaged:
        what = "the service itself finds results damaged"
        yield Violation("I5", what, str(evidence.tidied.damaged))
    vouched = set()
    for row in _succeeded(evidence):
        vouched.add(_key(row, MANIFEST))
        for file in evidence.manifests.get(row.id, ()):
            key = _key(row, file.name)
            vouched.add(key)
            found = evidence.artifacts.get(key)
            if found is None:
                yield Violation("I5", "a file of a manifest is missing", key)
            elif found != Artifact(file.size_bytes, file.sha256):
                yield Violation("I5", "a file is not what its manifest says", key)
    for key in evidence.artifacts.keys() - vouched:
        yield Violation("I5", "no manifest vouches for this file", key)


def manifests_as_recorded(evidence: Evidence) -> Iterator[Violation]:
    """I6: a succeeded job's manifest is the one that its row has the checksum of."""
    for row in _succeeded(evidence):
        found = evidence.artifacts.get(_key(row, MANIFEST))
        if found is None:
            yield Violation("I6", "its manifest is missing", row.id)
        elif found.sha256 != row.manifest_sha256:
            yield Violation("I6", "its manifest is another one", row.id)
        elif not evidence.manifests.get(row.id):
            yield Violation("I6", "its manifest names no file", row.id)


def _succeeded(evidence: Evidence) -> list[JobRow]:
    rows = evidence.jobs.values()
    return [row for row in rows if row.status == Status.SUCCEEDED]


def _key(row: JobRow, name: str) -> str:
    return f"{row.tenant}/{row.id}/{name}"
