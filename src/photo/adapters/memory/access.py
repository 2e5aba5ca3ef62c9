"""API keys, and files known as infected, in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from photo.adapters.memory.transactions import MemoryDatabase
from photo.application.ports import InfectedFiles, KeyRepository
from photo.domain.access import ApiKey, KeyId, Tenant
from photo.domain.errors import NotFound
from photo.domain.infected import InfectedFile
from photo.domain.job import JobId


class MemoryKeyRepository(KeyRepository):
    def __init__(self, database: MemoryDatabase | None = None) -> None:
        self._keys: dict[KeyId, ApiKey] = (database or MemoryDatabase()).table()

    async def add(self, key: ApiKey) -> None:
        self._keys[key.id] = key

    async def get(self, key_id: KeyId) -> ApiKey:
        try:
            return self._keys[key_id]
        except KeyError:
            raise NotFound(f"There is no key {key_id!r}.") from None

    async def get_for(self, tenant: Tenant, key_id: KeyId) -> ApiKey:
        key = await self.get(key_id)
        if key.tenant != tenant:
            raise NotFound(f"There is no key {key_id!r}.")
        return key

    async def update(self, key_id: KeyId, change: Callable[[ApiKey], ApiKey]) -> ApiKey:
        self._keys[key_id] = change(await self.get(key_id))
        return self._keys[key_id]

    async def note_use(self, key_id: KeyId, *, at: datetime, secret_hmac: str) -> None:
        key = self._keys.get(key_id)
        if key and key.counts(at):
            self._keys[key_id] = key.used(at, secret_hmac=secret_hmac)

    async def page(
        self, tenant: Tenant, *, limit: int, before: KeyId | None = None
    ) -> Sequence[ApiKey]:
        return [
            key
            for key in await self.all()
            if key.tenant == tenant and (before is None or key.id < before)
        ][:limit]

    async def all(self) -> Sequence[ApiKey]:
        return sorted(self._keys.values(), key=lambda key: key.id, reverse=True)


class MemoryInfectedFiles(InfectedFiles):
    def __init__(self) -> None:
        self._files: dict[str, InfectedFile] = {}

    async def add(self, file: InfectedFile) -> None:
        self._files.setdefault(file.sha256, file)

    def forget_finder(self, job_id: JobId) -> None:
        """The job that found files was erased."""
        for file in [*self._files.values()]:
            if file.job_id == job_id:
                self._files[file.sha256] = replace(file, job_id=None)

    async def find(self, sha256: str) -> InfectedFile | None:
        return self._files.get(sha256)

    async def all(self, *, limit: int) -> Sequence[InfectedFile]:
        newest_first = sorted(
            self._files.values(), key=lambda file: file.found_at, reverse=True
        )
        return newest_first[:limit]

    async def forget(self, sha256: str) -> None:
        if self._files.pop(sha256, None) is None:
            raise NotFound(f"No infected file has the SHA-256 {sha256!r}.")
