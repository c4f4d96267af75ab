"""Owns the image that is on its way: pieces of one size in the flash, from the beginning without gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from hubsim.slots import Flash

PIECE: Final = 65_536


class ImageStore:
    """One image. What a cut of power leaves is a beginning of it."""

    def __init__(self, flash: Flash, piece: int = PIECE) -> None:
        self._flash, self._piece = flash, piece

    def start(self, digest: bytes) -> int:
        """Make room for an image; return how many bytes of just this one are there."""
        if self._flash.read("image") != digest:
            self.forget()
            self._flash.write("image", digest)
        return sum(map(len, self.pieces()))

    async def go_on(self, have: int, parts: AsyncIterator[bytes], *, length: int) -> None:
        """Write what comes after ``have`` bytes; one part beyond ``length`` is enough to see that it is too long."""
        index, held = have // self._piece, b""
        async for part in parts:
            held += part
            have += len(part)
            while len(held) >= self._piece:
                self._flash.write(f"image {index}", held[: self._piece])
                index, held = index + 1, held[self._piece :]
            if have > length:
                break
        if held:
            self._flash.write(f"image {index}", held)

    def pieces(self) -> Iterator[bytes]:
        """Yield what is there."""
        index = 0
        while piece := self._flash.read(f"image {index}"):
            yield piece
            index += 1

    def forget(self) -> None:
        """Drop what is there, from the end, so that what is left meanwhile is a beginning."""
        for index in reversed(range(sum(1 for _ in self.pieces()))):
            self._flash.write(f"image {index}", b"")
