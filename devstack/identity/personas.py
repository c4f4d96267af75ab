"""Owns the people of a development stack. Their passwords are no secret: nobody but a local provider believes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PASSWORD: Final = "development"  # noqa: S105 - printed on the login page
OTP: Final = "123456"

BRIGHT_SPARKS: Final = "0197a000-0000-7000-8000-00000000000a"
OTHER_WIRES: Final = "0197a000-0000-7000-8000-00000000000b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One person at one provider."""

    name: str
    display_name: str
    # The provider that knows them: `voltex` or `homes`.
    provider: str
    # Their `sub`, stable and meaningless, as a provider makes it.
    subject: str
    roles: tuple[str, ...]
    # The organisation of electricians and organisation admins.
    org: str | None = None
    # The number of their licence in Voltex ID's register.
    licence: str | None = None


PERSONAS: Final = {
    each.name: each
    for each in (
        Persona(
            name="sparky",
            display_name="Sam Sparky",
            provider="voltex",
            subject="vx-5d1f0a",
            roles=("electrician",),
            org=BRIGHT_SPARKS,
            licence="EC100001",
        ),
        Persona(
            name="boss",
            display_name="Billie Boss",
            provider="voltex",
            subject="vx-77c3e1",
            roles=("org_admin", "electrician"),
            org=BRIGHT_SPARKS,
            licence="EC100002",
        ),
        Persona(
            name="rival",
            display_name="Ravi Rival",
            provider="voltex",
            subject="vx-a90b42",
            roles=("electrician",),
            org=OTHER_WIRES,
            licence="EC100003",
        ),
        Persona(name="helper", display_name="Hana Helper", provider="voltex", subject="vx-10ffee", roles=("support",)),
        Persona(name="keeper", display_name="Kim Keeper", provider="voltex", subject="vx-2a77de", roles=("support",)),
        Persona(name="homer", display_name="Harper Homer", provider="homes", subject="hm-3b7d90", roles=("homeowner",)),
        Persona(
            name="newcomer", display_name="Noor Newcomer", provider="homes", subject="hm-c41a55", roles=("homeowner",)
        ),
    )
}
