"""Support at the command line: jobs and metadata, each look with its ticket."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from devstack.identity.personas import BRIGHT_SPARKS
from tests.e2e.portal.test_handover_story import story_of
from tests.stack import ora

if TYPE_CHECKING:
    from tests.e2e.home import Home
    from tests.stack import Stack

TICKET = ("--ticket", "T-1")


async def test_support_sees_lives_and_figures_and_nothing_that_a_person_wrote(stack: Stack, fresh: Home) -> None:
    home = stack.home.path
    async with story_of(stack, fresh) as story:
        await story.register()
        await story.keys()
        await story.create()
        await story.bind()
    listed = ora(home, "portal", "organizations", *TICKET)
    assert f"organizations/{BRIGHT_SPARKS}" in listed.stdout, listed.stderr
    shown = ora(home, "portal", "show", story.project, *TICKET)
    assert re.search(r"state +INSTALLING", shown.stdout), shown.stderr
    of_hub = ora(home, "portal", "projects", f"hubs/{fresh.hub}", *TICKET)
    assert of_hub.stdout.startswith(story.project)
    for each in (listed, shown, of_hub):
        assert story.marker not in each.stdout
    assert "suspended" in ora(home, "portal", "suspend", story.project, *TICKET).stdout
    assert "suspended" not in ora(home, "portal", "resume", story.project, *TICKET).stdout
    checked = ora(home, "portal", "verify-audit", f"organizations/{BRIGHT_SPARKS}", *TICKET)
    assert checked.returncode == 0, checked.stderr
    assert "entryCount" in checked.stdout
    assert ora(home, "portal", "show", story.project).returncode == 2


async def test_operators_see_the_portals_work(stack: Stack) -> None:
    home = stack.home.path
    listed = ora(home, "jobs", "list", *TICKET)
    assert "CHECKPOINT_AUDIT" in listed.stdout, listed.stderr
    ran = ora(home, "jobs", "run", "CHECKPOINT_AUDIT", *TICKET)
    assert "sign audit checkpoints" in ran.stdout, ran.stderr
    missing = ora(home, "jobs", "retry", "jobs/0197a000-0000-7000-8000-000000000000", *TICKET)
    assert missing.returncode == 1
    assert "there is no such job" in missing.stderr
