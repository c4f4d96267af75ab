"""Who may do what in the database of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest

if TYPE_CHECKING:
    from tests.stack import Stack

ROLES = ("fleet_owner", "fleet_service")


@pytest.mark.parametrize("role", ROLES)
async def test_no_role_of_a_service_is_a_superuser_or_passes_by_row_security(stack: Stack, role: str) -> None:
    connection = await asyncpg.connect(stack.running.data["databases"]["admin"])
    try:
        row = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", role)
        members = await connection.fetchval(
            "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = $1", role
        )
    finally:
        await connection.close()
    assert row is not None
    wrong = [
        each for each in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication") if row[each]
    ]
    assert wrong == []
    assert members == 0


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE fleet.mine (x int)",
        "CREATE TABLE public.mine (x int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "ALTER TABLE fleet.hub DISABLE ROW LEVEL SECURITY",
        "SET ROLE fleet_owner",
        "DELETE FROM fleet.hub",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
async def test_the_service_role_cannot_change_the_schema_or_become_its_owner(stack: Stack, statement: str) -> None:
    connection = await asyncpg.connect(stack.running.data["databases"]["fleet_service"])
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_wrong_password_is_refused(stack: Stack) -> None:
    url = stack.running.data["databases"]["fleet_service"]
    login, _, host = url.rpartition("@")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"{login}x@{host}")
