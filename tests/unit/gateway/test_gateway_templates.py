from __future__ import annotations

import re

import pytest

from gateway.templates import Template, TemplateError


@pytest.mark.parametrize(
    ("template", "path", "matches"),
    [
        ("/v1/{hub=hubs/*}/envelopes", "/v1/hubs/a-1/envelopes", True),
        ("/v1/{hub=hubs/*}/envelopes", "/v1/hubs/a/b/envelopes", False),
        ("/v1/{hub=hubs/*}/envelopes", "/v1/hubs//envelopes", False),
        ("/v1/{hub=hubs/*}/envelopes", "/v1/hubs/a/envelopes/", False),
        ("/v1/{hub=hubs/*}/envelopes", "/v1/hubs/a/envelopes:receive", False),
        ("/v1/{hub=hubs/*}/envelopes:receive", "/v1/hubs/a/envelopes:receive", True),
        ("/v1/{hub=hubs/*}/envelopes:receive", "/v1/hubs/a/envelopes", False),
        ("/v1/{name=backups/*}:delete", "/v1/backups/a:delete", True),
        ("/v1/{name=backups/*}:delete", "/v1/backups/a:keep", False),
        ("/v1/{name=backups/*}", "/v1/backups/a:keep", False),
        ("/v1/{name=backups/*}", "/v1/backups/a%2Fb", False),
        ("/v1/{file}", "/v1/3.root.json", True),
        ("/v1/{rest=a/**}", "/v1/a/b/c", True),
        ("/v1/{a=x/*}/{b=y/*}", "/v1/x/1/y/2", True),
    ],
)
def test_a_template_matches_whole_paths(template: str, path: str, *, matches: bool) -> None:
    assert bool(re.fullmatch(Template.parse(template).regex, path)) == matches


def test_variables_are_told_by_field_and_pattern() -> None:
    template = Template.parse("/v1/{a.b=x/*}/{file}:do")
    assert template.variables == (("a.b", "x/*"), ("file", "*"))
    assert template.verb == "do"


def test_a_literal_comes_before_a_wildcard() -> None:
    texts = ["/v1/{n=a/**}", "/v1/{n=a/*}", "/v1/a/b", "/v1/{n=*/b}"]
    assert sorted(texts, key=lambda text: Template.parse(text).rank) == [
        "/v1/a/b",
        "/v1/{n=a/*}",
        "/v1/{n=a/**}",
        "/v1/{n=*/b}",
    ]


@pytest.mark.parametrize("text", ["", "v1/a", "/v1/{a=**}/b", "/v1/{A}", "/v1/a b", "/v1//a", "/v1/{a"])
def test_what_we_do_not_serve_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        Template.parse(text)
