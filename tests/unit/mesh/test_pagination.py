from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import tests.contract.scratch.compiled  # noqa: F401 - its methods are described
from mesh.call import Call
from mesh.config import Secret
from mesh.errors import InvalidArgumentError
from mesh.identity import ApiClient
from mesh.ids import TenantId, uuid7
from mesh.pagination import DEFAULT_SIZE, MAX_SIZE, PageTokens, page_size
from mesh.policy import method_of

KEY, OTHER_KEY = Secret("11" * 32), Secret("22" * 32)
TENANT = TenantId(uuid7())


def _list_request() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="paging.proto", package="paging", syntax="proto3")
    message = file.message_type.add(name="ListRequest")
    for number, (name, kind) in enumerate({"page_token": 9, "page_size": 5, "filter": 9}.items(), 1):
        message.field.add(name=name, number=number, type=kind, label=1)
    descriptor_pool.Default().Add(file)
    return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName("paging.ListRequest"))


ListRequest = _list_request()


def call(*, tenant: TenantId = TENANT, token_id: str = "t", method: str = "Read") -> Call:  # noqa: S107 - made up
    who = ApiClient(token_id=token_id, tenant=tenant, scopes=frozenset())
    made = Call(method=method_of(f"/scratch.v1.ScratchService/{method}"), metadata=(), auth_context={})
    made.subject = who
    return made


def test_token_continues_the_same_question() -> None:
    tokens = PageTokens([KEY])
    token = tokens.seal(call(), ListRequest(filter="a", page_size=10), b"cursor")
    assert b"cursor" not in token.encode()
    assert tokens.open(call(), ListRequest(filter="a", page_size=20, page_token=token)) == b"cursor"


def test_first_page_has_no_cursor_and_last_has_no_token() -> None:
    tokens = PageTokens([KEY])
    assert tokens.open(call(), ListRequest()) == b""
    assert tokens.seal(call(), ListRequest(), b"") == ""


@pytest.mark.parametrize(
    "other",
    [{"tenant": TenantId(uuid7())}, {"token_id": "u"}, {"method": "Watch"}],
    ids=["tenant", "subject", "method"],
)
def test_token_of_another_is_refused(other: dict[str, Any]) -> None:
    tokens = PageTokens([KEY])
    token = tokens.seal(call(), ListRequest(), b"cursor")
    _refused(tokens, call(**other), ListRequest(page_token=token))


def test_token_for_another_question_is_refused() -> None:
    tokens = PageTokens([KEY])
    token = tokens.seal(call(), ListRequest(filter="a"), b"cursor")
    _refused(tokens, call(), ListRequest(filter="b", page_token=token))


def test_changed_tokens_are_refused() -> None:
    tokens = PageTokens([KEY])
    token = tokens.seal(call(), ListRequest(), b"cursor")
    for position in range(0, len(token), 3):
        changed = token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]
        _refused(tokens, call(), ListRequest(page_token=changed))
    for rubbish in ("A", "!!!!", token[:20], token + "=" * 4, "é", "A" * 5000):
        _refused(tokens, call(), ListRequest(page_token=rubbish))


def test_keys_can_be_exchanged() -> None:
    token = PageTokens([KEY]).seal(call(), ListRequest(), b"cursor")
    request = ListRequest(page_token=token)
    assert PageTokens([OTHER_KEY, KEY]).open(call(), request) == b"cursor"
    _refused(PageTokens([OTHER_KEY]), call(), request)


@pytest.mark.parametrize("keys", [[], [Secret("11" * 16)], [Secret("xx")]], ids=["none", "short", "no hex"])
def test_unusable_keys_are_refused(keys: list[Secret]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - two messages
        PageTokens(keys)


def test_page_size_is_bounded() -> None:
    assert [page_size(each) for each in (0, 1, MAX_SIZE, MAX_SIZE + 1)] == [DEFAULT_SIZE, 1, MAX_SIZE, MAX_SIZE]
    with pytest.raises(InvalidArgumentError):
        page_size(-1)


def _refused(tokens: PageTokens, who: Call, request: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        tokens.open(who, request)
    assert caught.value.reason == "PAGE_TOKEN_INVALID"
