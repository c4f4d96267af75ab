"""What every adapter of the key port does. An adapter's test says how one is made and how its root keys are turned."""

from __future__ import annotations

from abc import ABC, abstractmethod

import pytest

from mesh.errors import DataLossError
from mesh.kms import KEY_BYTES, Kms

CONTEXT = {"purpose": "project_key", "tenant": "t", "project": "p"}


class KmsSuite(ABC):
    """Run on each adapter."""

    @abstractmethod
    def kms(self) -> Kms:
        """Return the adapter under test."""

    @abstractmethod
    def again(self) -> Kms:
        """Return what another process sees of it."""

    @abstractmethod
    async def rotate(self) -> None:
        """Put a new root key in place."""

    async def test_a_key_opens_in_its_context_alone(self) -> None:
        kms = self.kms()
        made = await kms.generate_data_key(CONTEXT)
        assert len(made.plaintext) == KEY_BYTES
        assert made.plaintext not in made.blob
        assert await kms.unwrap(made.blob, dict(reversed(CONTEXT.items()))) == made.plaintext
        for wrong in ({"tenant": "u"}, {"project": "q"}, {"more": "x"}):
            with pytest.raises(DataLossError) as refused:
                await kms.unwrap(made.blob, {**CONTEXT, **wrong})
            assert refused.value.reason == "KEY_CONTEXT"

    async def test_each_key_is_another(self) -> None:
        kms = self.kms()
        one, other = await kms.generate_data_key(CONTEXT), await kms.generate_data_key(CONTEXT)
        assert one.plaintext != other.plaintext
        assert kms.key_id(one.blob) != kms.key_id(other.blob)

    async def test_what_is_destroyed_stays_so_also_for_another_process(self) -> None:
        kms = self.kms()
        made, other = await kms.generate_data_key(CONTEXT), await kms.generate_data_key(CONTEXT)
        for _ in range(2):
            await kms.destroy(made.blob, CONTEXT)
        for each in (kms, self.again()):
            for ask in (each.unwrap, each.rewrap):
                with pytest.raises(DataLossError) as refused:
                    await ask(made.blob, CONTEXT)
                assert refused.value.reason == "KEY_DESTROYED"
        assert await kms.unwrap(other.blob, CONTEXT) == other.plaintext

    async def test_rewrapping_keeps_the_key_and_its_identity(self) -> None:
        kms = self.kms()
        made = await kms.generate_data_key(CONTEXT)
        await self.rotate()
        again = await kms.rewrap(made.blob, CONTEXT)
        assert again != made.blob
        assert kms.key_id(again) == kms.key_id(made.blob)
        assert await kms.unwrap(again, CONTEXT) == await kms.unwrap(made.blob, CONTEXT) == made.plaintext
        with pytest.raises(DataLossError):
            await kms.unwrap(again, {**CONTEXT, "tenant": "u"})
        await kms.destroy(again, CONTEXT)
        with pytest.raises(DataLossError):
            await kms.unwrap(made.blob, CONTEXT)

    async def test_a_changed_blob_is_refused(self) -> None:
        kms = self.kms()
        made = await kms.generate_data_key(CONTEXT)
        for blob in (b"", b"\x01", bytes(79), made.blob[:-1], made.blob[:-1] + bytes([made.blob[-1] ^ 1])):
            with pytest.raises(DataLossError) as refused:
                await kms.unwrap(blob, CONTEXT)
            assert refused.value.reason == "KEY_CONTEXT"

    async def test_keys_are_not_shown(self) -> None:
        assert repr(await self.kms().generate_data_key(CONTEXT)) == "DataKey()"
