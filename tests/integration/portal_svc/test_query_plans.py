"""Every statement finds its rows by an index, with many rows of many tenants; what does not, has a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.integration.portal_svc.test_schema import statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.portal_svc.postgres import Database

TENANTS, ROWS = 40, 4000
INDEXED = ("Index Scan", "Index Only Scan", "Bitmap Index Scan")
# A plan that reads a whole table or index, and why that is no harm.
WHOLE = {
    "audit_reading.UNSIGNED": "a partial index of the chains that are to be signed: all of it is wanted",
    "job_board.PAGE": "operators read a page of tasks in the index's order; there are as many as there is work",
    "job_board.FORGET_DISCARDED": "a job's sweep of a table that holds what is still to do",
    "job_board.RECURRING": "one row for each job",
    "objects.DOOMED": "a partial index of what is to be deleted: all of it is wanted",
    "support.PAGE_ORGANIZATIONS": "operators read a page in the index's order",
}
FILL = Path(__file__).with_name("many_rows.sql")


async def test_every_statement_finds_its_rows_by_an_index(database: Database) -> None:
    owner = await database.connect("postgres")
    await owner.execute(FILL.read_text(encoding="utf-8").format(tenants=TENANTS, rows=ROWS))
    tenant = await owner.fetchval("SELECT tenant_id FROM portal.organization LIMIT 1")
    await owner.close()
    service = await database.connect()
    await service.execute("SELECT set_config('app.tenant_id', $1, false)", str(tenant))
    # A plan for any value; and a whole table only where nothing else would do.
    await service.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
    whole = {}
    for each in statements():
        (statement,), name = each.values, each.id
        count = len((await service.prepare(statement)).get_parameters())
        await service.execute(f"PREPARE asked AS {statement}")
        nothing = f"({', '.join(['NULL'] * count)})" if count else ""
        plan = json.loads(await service.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE asked{nothing}"))
        await service.execute("DEALLOCATE asked")
        found = list(wholly_read(plan[0]["Plan"]))
        if found:
            whole[name] = found
    await service.close()
    assert {name: whole[name] for name in whole if name not in WHOLE} == {}
    assert set(WHOLE) <= set(whole), "a reason that nothing needs any more"


def wholly_read(node: dict[str, Any]) -> Iterator[str]:
    """Yield the tables and indexes that a plan reads from one end to the other."""
    kind = node["Node Type"]
    if kind == "Seq Scan" or (kind in INDEXED and "Index Cond" not in node):
        yield f"{kind} on {node.get('Index Name', node.get('Relation Name'))}"
    for inner in node.get("Plans", ()):
        yield from wholly_read(inner)
