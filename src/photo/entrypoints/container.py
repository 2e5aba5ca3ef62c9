"""Which adapter stands behind which port."""

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from time import monotonic

from dishka import (
    Provider,
    Scope,
    provide,
    provide_all,
)
from ulid import ULID

from photo.adapters.documents import JsonDocuments
from photo.adapters.formats import FormatRenderer
from photo.application.admission import AdmitJob
from photo.application.attempts import AttemptDelivery
from photo.application.audit import RecordChange
from photo.application.authentication import Authenticate, CheckKey
from photo.application.deliveries import (
    AnnounceEnd,
    ReplayDelivery,
    StartLostDeliveries,
)
from photo.application.draining import Draining
from photo.application.endings import EndJob, FinishJob
from photo.application.erasing import ConfirmErasures, EraseJob
from photo.application.following import FollowJob
from photo.application.holdings import Holdings
from photo.application.idempotency import AnswerOnce
from photo.application.inspecting import DescribePoison, InspectJob, SavePhoto
from photo.application.intake import FetchPhoto, VerifyPhoto
from photo.application.jobs import (
    AwaitJob,
    CancelJob,
    SubmitJob,
)
from photo.application.keys import CreateKey, MintKey, NewSecret, RevokeKey
from photo.application.limits import ChargeCaller, ChargeStranger
from photo.application.linking import ListFiles
from photo.application.ports import (
    Clock,
    Documents,
    NewId,
    RenderEvent,
    ResultRenderer,
    Stopwatch,
    WorkflowEngine,
)
from photo.application.processing import (
    NormalizePhoto,
    NoteWaiting,
    PublishResult,
    RecognizeText,
)
from photo.application.reconciling import CheckResults, RemoveFiles, SweepArtifacts
from photo.application.results import OpenResult
from photo.application.retention import ApplyRetention
from photo.application.retrying import RetryJob
from photo.application.searching import SearchTexts
from photo.application.starting import Starter, StartForgottenJobs, StopStrayWork
from photo.application.sweeping import SweepUploads
from photo.application.uploads import GrantUpload, LookUpUpload, ReceivePhoto
from photo.application.usage import CountJob, DescribePhoto, ShowUsage
from photo.application.webhooks import (
    CreateWebhook,
    DefaultWebhook,
    DeleteWebhook,
    EnableWebhook,
    MakeWebhook,
    RotateSecret,
)
from photo.entrypoints.http.webhook_views import WebhookEvent
from photo.entrypoints.readiness import AskReadiness


class Application(Provider):
    """The use cases: the same in production, in the worker and in tests."""

    scope = Scope.APP

    use_cases = provide_all(
        AdmitJob,
        AnnounceEnd,
        AnswerOnce,
        ApplyRetention,
        AttemptDelivery,
        Authenticate,
        AwaitJob,
        CancelJob,
        ChargeCaller,
        ChargeStranger,
        CheckKey,
        CheckResults,
        ConfirmErasures,
        CountJob,
        CreateKey,
        CreateWebhook,
        DefaultWebhook,
        DeleteWebhook,
        DescribePhoto,
        DescribePoison,
        Draining,
        EnableWebhook,
        EndJob,
        EraseJob,
        FetchPhoto,
        FinishJob,
        FollowJob,
        GrantUpload,
        Holdings,
        InspectJob,
        ListFiles,
        LookUpUpload,
        MakeWebhook,
        MintKey,
        NormalizePhoto,
        NoteWaiting,
        OpenResult,
        PublishResult,
        ReceivePhoto,
        RecognizeText,
        RecordChange,
        RemoveFiles,
        ReplayDelivery,
        RetryJob,
        RevokeKey,
        SearchTexts,
        RotateSecret,
        SavePhoto,
        ShowUsage,
        StartForgottenJobs,
        StartLostDeliveries,
        StopStrayWork,
        SubmitJob,
        SweepArtifacts,
        SweepUploads,
        VerifyPhoto,
    )
    documents = provide(JsonDocuments, provides=Documents)
    renderer = provide(FormatRenderer, provides=ResultRenderer)
    readiness = provide(AskReadiness)

    @provide
    async def starter(self, engine: WorkflowEngine) -> AsyncIterator[Starter]:
        starter = Starter(engine)
        yield starter
        await starter.close()

    @provide
    def clock(self) -> Clock:
        return lambda: datetime.now(UTC)

    @provide
    def stopwatch(self) -> Stopwatch:
        return monotonic

    @provide
    def new_id(self) -> NewId:
        return lambda prefix: f"{prefix}_{str(ULID()).lower()}"

    @provide
    def render_event(self) -> RenderEvent:
        return WebhookEvent.render

    @provide
    def new_secret(self) -> NewSecret:
        return lambda: secrets.token_hex(32)
