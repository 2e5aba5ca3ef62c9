"""Every invariant of the drill is seen broken, on made-up evidence."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from drill.evidence import (
    Artifact,
    Change,
    DeliveryRow,
    Evidence,
    JobRow,
    Line,
    Step,
    Tidied,
    Violation,
)
from drill.invariants import violations
from drill.invariants.answers import GRACE_SECONDS, failed_later
from drill.invariants.attempts import MOST_SCHEDULED
from drill.ledger import Accepted, Answer, Kind, Ledger, Received
from drill.shapes import Deed, Fault, Part, Struck
from photo.domain.files import StoredFile

GOOD, BAD = "job_good", "job_bad"
MANIFEST = "drill/job_good/manifest.json"
TEXT = "drill/job_good/text.txt"
WORD = "Zwetschge"
SECRET = "pass-word"


def a_ledger() -> Ledger:
    ledger = Ledger(
        accepted=[
            Accepted(
                job_id=GOOD, kind=Kind.GOOD, idempotency_key="k1", at=1, word=WORD
            ),
            Accepted(job_id=BAD, kind=Kind.INFECTED, idempotency_key="k2", at=1),
        ],
        answers=[an_answer(202, at=5)],
        received=[a_copy("msg_1", GOOD), a_copy("msg_2", BAD)],
        followed={GOOD: [1, 2, 3]},
    )
    ledger.jobs_of["k1"].add(GOOD)
    ledger.jobs_of["k2"].add(BAD)
    ledger.told[GOOD].add("succeeded")
    return ledger


def an_answer(status: int | None, *, at: float, code: str | None = None) -> Answer:
    return Answer(at=at, method="POST", route="/v1/jobs", status=status, code=code)


def a_copy(webhook_id: str, job_id: str, status: int | None = 200) -> Received:
    return Received(
        at=9, webhook_id=webhook_id, job_id=job_id, event="job.ended", status=status
    )


def a_job(id: str, status: str, request: str, error: str | None = None) -> JobRow:
    return JobRow(
        id=id,
        tenant="drill",
        status=status,
        error=error,
        manifest_sha256="ab" if status == "succeeded" else None,
        raw_key=f"drill/{id}",
        request=request,
        version=3,
    )


def whole() -> Evidence:
    """Nothing is wrong with it."""
    return Evidence(
        ledger=a_ledger(),
        struck=[
            Struck(
                fault=Fault(at=1, deed=Deed.KILL, part=Part.WORKER),
                began=100,
                ended=110,
            )
        ],
        jobs={
            GOOD: a_job(GOOD, "succeeded", "k1"),
            BAD: a_job(BAD, "failed", "k2", "infected"),
        },
        changes=[
            Change(GOOD, 2, "running"),
            Change(GOOD, 3, "succeeded"),
            Change(BAD, 2, "running"),
            Change(BAD, 3, "failed"),
        ],
        deliveries=[
            DeliveryRow("msg_1", "drill", "whk_1", GOOD, "delivered"),
            DeliveryRow("msg_2", "drill", "whk_1", BAD, "delivered"),
        ],
        raw={f"drill/{GOOD}"},
        artifacts={MANIFEST: Artifact(5, "ab"), TEXT: Artifact(9, "cd")},
        manifests={GOOD: [StoredFile("text.txt", "text/plain", 9, "cd")]},
        texts={GOOD: f"a {WORD.lower()} b"},
        steps=[Step("run", GOOD, "verify", 1)],
        lines=[done(GOOD, "verify")],
        secrets={SECRET},
    )


def done(job_id: str, step: str, **about: str) -> Line:
    event = {"event": "step_done", "job_id": job_id, "step": step, **about}
    return Line("worker.log:1", json.dumps(event))


def with_ledger(change: Callable[[Ledger], object]) -> Evidence:
    evidence = whole()
    change(evidence.ledger)
    return evidence


def with_job(id: str, **changes: object) -> Evidence:
    evidence = whole()
    row = replace(evidence.jobs[id], **changes)  # type: ignore[arg-type] # of its fields
    return replace(evidence, jobs={**evidence.jobs, id: row})


def with_row(row: JobRow) -> Evidence:
    evidence = whole()
    return replace(evidence, jobs={**evidence.jobs, row.id: row})


def without_job(id: str) -> Evidence:
    evidence = whole()
    return replace(evidence, jobs={GOOD: evidence.jobs[GOOD]} if id == BAD else {})


def with_delivery(*fields: str, received: bool = False) -> Evidence:
    evidence = whole()
    if received:
        evidence.ledger.received.append(a_copy(fields[0], GOOD))
    return replace(evidence, deliveries=[*evidence.deliveries, DeliveryRow(*fields)])


def with_changes(*changes: Change) -> Evidence:
    evidence = whole()
    return replace(evidence, changes=[*evidence.changes, *changes])


def with_artifacts(**artifacts: Artifact) -> Evidence:
    evidence = whole()
    named = {f"drill/{name.replace('__', '/')}": it for name, it in artifacts.items()}
    return replace(evidence, artifacts={**evidence.artifacts, **named})


def called_back() -> Evidence:
    def promise(ledger: Ledger) -> None:
        ledger.accepted[0] = replace(ledger.accepted[0], called_back=True)

    return with_ledger(promise)


def killing(*crashes: str) -> Evidence:
    """A photo on which children died, and which is kept."""
    evidence = with_job(BAD, error="corrupt_image", crashes=crashes)
    evidence.ledger.accepted[1] = replace(evidence.ledger.accepted[1], kind=Kind.POISON)
    return replace(evidence, raw_a_day_later={f"drill/{BAD}"})


def with_line(text: str) -> Evidence:
    return replace(whole(), lines=[Line("api.log:7", text)])


def answered(*answers: Answer) -> Evidence:
    return with_ledger(lambda ledger: ledger.answers.extend(answers))


def found(evidence: Evidence) -> set[str]:
    return {violation.invariant for violation in violations(evidence)}


def test_nothing_is_wrong_with_whole_evidence() -> None:
    assert violations(whole()) == []


BROKEN = {
    "a promised job is lost": ("I1", without_job(BAD)),
    "a good job failed": ("I1", with_job(GOOD, status="failed", error="internal")),
    "an infected job succeeded": ("I1", with_job(BAD, status="succeeded", error=None)),
    "a job never ends": ("I1", with_job(GOOD, status="running")),
    "a job ends twice": (
        "I2",
        replace(
            with_job(GOOD, version=4),
            changes=[*whole().changes, Change(GOOD, 4, "succeeded")],
        ),
    ),
    "a job goes on after its end": ("I2", with_changes(Change(GOOD, 4, "running"))),
    "a history has a gap": (
        "I2",
        replace(
            with_job(GOOD, version=4),
            changes=[
                each._replace(version=4) if each == (GOOD, 3, "succeeded") else each
                for each in whole().changes
            ],
        ),
    ),
    "a row is no longer what it ended as": ("I2", with_job(GOOD, version=4)),
    "a client was told of another end": (
        "I2",
        with_ledger(lambda ledger: ledger.told[GOOD].add("failed")),
    ),
    "a job is nobody's": ("I3", with_row(a_job("job_x", "failed", "k9", "infected"))),
    "a job of no client at all": (
        "I3",
        with_row(replace(a_job("job_x", "succeeded", "k9"), request=None)),
    ),
    "a key has two answers": (
        "I4",
        with_ledger(lambda ledger: ledger.jobs_of["k1"].add("job_x")),
    ),
    "a key made two jobs": (
        "I4",
        with_row(a_job("job_x", "failed", "k1", "infected")),
    ),
    "an answer names another's job": ("I4", with_job(GOOD, request="k9")),
    "an artifact is missing": (
        "I5",
        replace(whole(), artifacts={MANIFEST: Artifact(5, "ab")}),
    ),
    "an artifact has other bytes": (
        "I5",
        with_artifacts(**{TEXT[6:].replace("/", "__"): Artifact(9, "ce")}),
    ),
    "an artifact is an orphan": (
        "I5",
        with_artifacts(job_good__page=Artifact(1, "ab")),
    ),
    "a result is damaged": ("I5", replace(whole(), tidied=Tidied(damaged=1))),
    "a manifest is missing": (
        "I6",
        replace(whole(), artifacts={TEXT: Artifact(9, "cd")}),
    ),
    "a manifest is another one": ("I6", with_job(GOOD, manifest_sha256="cd")),
    "a manifest names nothing": ("I6", replace(whole(), manifests={})),
    "a harmful photo succeeded": (
        "I7",
        with_job(BAD, status="succeeded", error=None, manifest_sha256="ab"),
    ),
    "a good photo failed": ("I7", with_job(GOOD, status="failed", error="internal")),
    "an infected photo was kept": ("I7", replace(whole(), raw={f"drill/{BAD}"})),
    "an infected photo has artifacts": (
        "I7",
        with_artifacts(job_bad__original=Artifact(1, "ab")),
    ),
    "a good text is another's": ("I7", replace(whole(), texts={GOOD: "Marille"})),
    "a client got another's text": (
        "I7",
        with_ledger(lambda ledger: ledger.mixed_up.append(GOOD)),
    ),
    "an end was told to nobody": (
        "I8",
        replace(with_ledger(lambda ledger: ledger.received.clear()), deliveries=[]),
    ),
    "its own webhook is owed nothing": ("I8", called_back()),
    "a delivery was given up": (
        "I8",
        with_delivery("msg_3", "drill", "whk_2", GOOD, "failed"),
    ),
    "a webhook is owed the same twice": (
        "I8",
        with_delivery("msg_3", "drill", "whk_1", GOOD, "delivered", received=True),
    ),
    "a delivery was never received": (
        "I8",
        with_delivery("msg_3", "drill", "whk_2", GOOD, "delivered"),
    ),
    "a webhook has an id of its own": (
        "I8",
        with_ledger(lambda ledger: ledger.received.append(a_copy("msg_9", GOOD))),
    ),
    "a webhook was refused, and is called delivered": (
        "I8",
        with_ledger(
            lambda ledger: ledger.received.__setitem__(0, a_copy("msg_1", GOOD, 500))
        ),
    ),
    "a signature is wrong": (
        "I8",
        with_ledger(lambda ledger: setattr(ledger, "forged", 1)),
    ),
    "a delivery is pending": (
        "I9",
        with_delivery("msg_3", "drill", "whk_2", GOOD, "pending"),
    ),
    "a job is unfinished": ("I9", with_job(GOOD, status="queued")),
    "a workflow runs": ("I9", replace(whole(), running=["process-photo/job_good"])),
    "a lock is held": ("I9", replace(whole(), sessions=["advisory lock of 7"])),
    "scratch is left": ("I9", replace(whole(), scratch=["photo-1a2b"])),
    "a photo went too early": (
        "I10",
        with_job(GOOD, status="failed", error="upload_missing"),
    ),
    "a photo is kept for ever": (
        "I10",
        replace(whole(), raw_a_day_later={f"drill/{GOOD}"}),
    ),
    "an upload of nobody's is kept for ever": (
        "I10",
        replace(whole(), raw_a_day_later={"drill/upl_x"}),
    ),
    "what killed was not kept": (
        "I10",
        replace(killing("SIGSEGV"), raw_a_day_later=set()),
    ),
    "a photo kills one child after the other": ("I11", killing(*["SIGSEGV"] * 4)),
    "a step is tried for ever": (
        "I11",
        replace(whole(), steps=[Step("run", GOOD, "verify", 1)] * (MOST_SCHEDULED + 1)),
    ),
    "a step is done twice": ("I11", replace(whole(), lines=[done(GOOD, "verify")] * 2)),
    "the service breaks in the middle of a fault": (
        "I12",
        answered(an_answer(500, at=105, code="internal")),
    ),
    "the service fails without a fault": (
        "I12",
        answered(an_answer(503, at=50, code="dependency_unavailable")),
    ),
    "the service fails long after a fault": (
        "I12",
        answered(an_answer(503, at=110 + GRACE_SECONDS + 1)),
    ),
    "the service does not answer": ("I12", answered(an_answer(None, at=50))),
    "overloaded, but not for how long": (
        "I12",
        answered(an_answer(503, at=50, code="overloaded")),
    ),
    "a request in order was turned down": (
        "I12",
        with_ledger(lambda ledger: ledger.refused.append("upload_used k1")),
    ),
    "a version was left out": (
        "I13",
        with_ledger(lambda ledger: ledger.followed.update({GOOD: [1, 3]})),
    ),
    "a version was told twice": (
        "I13",
        with_ledger(lambda ledger: ledger.followed.update({GOOD: [1, 2, 2, 3]})),
    ),
    "the first version was left out": (
        "I13",
        with_ledger(lambda ledger: ledger.followed.update({GOOD: [2, 3]})),
    ),
    "the last version was left out": (
        "I13",
        with_ledger(lambda ledger: ledger.followed.update({GOOD: [1, 2]})),
    ),
    "a follower heard nothing": (
        "I13",
        with_ledger(lambda ledger: ledger.followed.update({GOOD: []})),
    ),
    "a log is for people": ("I14", with_line("Traceback (most recent call last):")),
    "a log has a secret": ("I14", with_line(json.dumps({"event": SECRET}))),
    "a log has a photo's word": ("I14", with_line(json.dumps({"event": f"a {WORD}."}))),
    "a log has a link": ("I14", with_line(json.dumps({"url": "?x-amz-signature=1"}))),
    "another tenant saw a job": (
        "I14",
        with_ledger(lambda ledger: ledger.leaked.append(GOOD)),
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_found(what: str) -> None:
    invariant, evidence = BROKEN[what]
    assert invariant in found(evidence)


def test_every_invariant_is_seen_broken() -> None:
    numbers = {f"I{number}" for number in range(1, 15)}
    assert {invariant for invariant, _ in BROKEN.values()} == numbers


def test_a_fault_excuses_what_fails_until_a_while_after_it() -> None:
    during = an_answer(503, at=101, code="dependency_unavailable")
    after = an_answer(None, at=110 + GRACE_SECONDS - 1)
    assert violations(answered(during, after)) == []


def test_what_killed_three_children_is_kept_and_that_is_in_order() -> None:
    crashes = ["SIGSEGV", "worker lost", "SIGKILL", "worker lost", "exit 1"]
    assert violations(killing(*crashes)) == []


def test_a_delivery_may_be_attempted_again() -> None:
    again = done(GOOD, "attempt-delivery", delivery_id="msg_1")
    assert violations(replace(whole(), lines=[again] * 2)) == []


def test_whoever_has_a_webhook_of_his_own_is_told_twice() -> None:
    evidence = called_back()
    evidence.ledger.received.append(a_copy("msg_3", GOOD))
    own = DeliveryRow("msg_3", "drill", "whk_default", GOOD, "delivered")
    deliveries = [*evidence.deliveries, own]
    assert violations(replace(evidence, deliveries=deliveries)) == []


def test_until_it_has_caught_up_requests_may_fail_and_then_no_more() -> None:
    late = answered(an_answer(None, at=190), an_answer(503, at=200))
    late = replace(late, catching_up=(110, 200))
    assert violations(late) == []
    assert failed_later(late) == 2
    assert found(replace(late, catching_up=(110, 199))) == {"I12"}


def test_back_pressure_is_no_failure() -> None:
    refusal = replace(an_answer(503, at=50, code="overloaded"), retry_after=1.0)
    assert violations(answered(refusal)) == []


def test_a_job_whose_client_gave_up_is_nobodys_and_yet_in_order() -> None:
    evidence = with_row(a_job("job_x", "failed", "k9", "infected"))
    owed = DeliveryRow("msg_9", "drill", "whk_1", "job_x", "delivered")
    evidence.ledger.given_up.append("k9")
    evidence.ledger.received.append(a_copy("msg_9", "job_x"))
    evidence = replace(
        evidence,
        changes=[
            *evidence.changes,
            Change("job_x", 2, "running"),
            Change("job_x", 3, "failed"),
        ],
        deliveries=[*evidence.deliveries, owed],
    )
    assert violations(evidence) == []
    unfinished = with_row(a_job("job_x", "running", "k9"))
    unfinished.ledger.given_up.append("k9")
    assert "I3" in found(unfinished)


def test_a_line_that_tells_is_not_told() -> None:
    told = [
        violation
        for violation in violations(with_line(f"{SECRET} {WORD} X-Amz-Signature"))
        if violation.invariant == "I14"
    ]
    assert Violation("I14", "a line has a secret", "api.log:7") in told
    assert not any(SECRET in str(each) or WORD in str(each) for each in told)
