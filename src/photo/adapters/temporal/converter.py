"""Payloads as JSON; one that does not fit its type is a bug, and no retry cures it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    PayloadConverter,
)
from temporalio.exceptions import ApplicationError


class StrictPayloadConverter(DefaultPayloadConverter):
    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[Any]:
        try:
            return super().from_payloads(payloads, type_hints)
        except Exception as error:  # whatever a malformed payload makes JSON raise
            raise ApplicationError(
                "A message does not fit its type.",
                type="undecodable",
                non_retryable=True,
            ) from error


class StrictFailureConverter(DefaultFailureConverter):
    """A failure whose cause cannot be retried cannot be retried either.

    The SDK wraps what the payload converter raises in an error of its own, which
    Temporal would retry. Tracebacks are for our log: Temporal gets none.
    """

    def to_failure(
        self,
        exception: BaseException,
        payload_converter: PayloadConverter,
        failure: Failure,
    ) -> None:
        super().to_failure(exception, payload_converter, failure)
        failure.stack_trace = ""
        if failure.HasField("application_failure_info"):
            cause = failure.cause.application_failure_info
            failure.application_failure_info.non_retryable |= cause.non_retryable


STRICT = replace(
    DataConverter.default,
    payload_converter_class=StrictPayloadConverter,
    failure_converter_class=StrictFailureConverter,
)
