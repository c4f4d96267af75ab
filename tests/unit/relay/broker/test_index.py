"""The subscription index and the retained messages, beside a matcher that is slow and plain."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.broker.index import SubscriptionIndex
from relay.broker.message import Message
from relay.broker.retained import RetainedMessages
from relay.broker.topics import parse_filter
from relay.routing.session import Grant

GRANT = Grant(0, no_local=False, retain_as_published=False)
# Few names, so that they meet; an empty level and a reserved one are names like others.
NAMES = st.sampled_from(["a", "b", "", "$x", "$SYS"])
TOPICS = st.lists(NAMES, min_size=1, max_size=4).map("/".join).filter(bool)
PLAIN = (
    st.tuples(st.lists(NAMES | st.just("+"), max_size=3), NAMES | st.sampled_from(["+", "#"]))
    .map(lambda parts: "/".join([*parts[0], parts[1]]))
    .filter(bool)
)
FILTERS = PLAIN | st.tuples(st.sampled_from(["g", "h"]), PLAIN).map(lambda each: f"$share/{each[0]}/{each[1]}")
EXAMPLES = settings(max_examples=300, deadline=None)


def matches(topic_filter: str, topic: str) -> bool:
    """Return what 4.7 says, level by level."""
    if topic_filter.startswith("$share/"):
        topic_filter = topic_filter.split("/", 2)[2]
    if topic.startswith("$") and topic_filter[0] in "+#":
        return False
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for index, each in enumerate(wanted):
        if each == "#":
            return len(levels) >= index
        if index >= len(levels) or each not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)


def reached(index: SubscriptionIndex[str], topic: str) -> tuple[set[tuple[str, int]], set[bytes]]:
    found = index.match(topic.encode())
    assert len(set(map(id, found))) == len(found)
    plain = [(name, grant.identifier) for level in found for name, grant in level.plain.items()]
    assert len(set(plain)) == len(plain)
    return set(plain), {group.filter for level in found for group in level.shared.values()}


@given(st.lists(st.tuples(st.sampled_from(["s", "t", "u"]), FILTERS, st.booleans()), max_size=30), st.lists(TOPICS))
@EXAMPLES
def test_the_index_reaches_whom_a_plain_matcher_reaches(steps: list[tuple[str, str, bool]], topics: list[str]) -> None:
    index: SubscriptionIndex[str] = SubscriptionIndex()
    held: dict[tuple[str, str], int] = {}
    for number, (name, topic_filter, stays) in enumerate(steps, 1):
        known = (name, topic_filter) in held
        if stays:
            assert index.add(topic_filter.encode(), name, GRANT._replace(identifier=number)) is not known
            held[name, topic_filter] = number
        else:
            assert index.remove(topic_filter.encode(), name) is known
            held.pop((name, topic_filter), None)
    assert index.count == len(held)
    for topic in topics:
        plain, groups = reached(index, topic)
        wanted = {key: number for key, number in held.items() if matches(key[1], topic)}
        assert plain == {(name, number) for (name, each), number in wanted.items() if not each.startswith("$share/")}
        assert groups == {each.encode() for _, each in wanted if each.startswith("$share/")}
    for name, topic_filter in held:
        assert index.remove(topic_filter.encode(), name)
    assert (index.count, index.size()) == (0, 1)


@given(st.lists(st.tuples(TOPICS, st.binary(max_size=3), st.integers(0, 9)), max_size=30), st.lists(PLAIN))
@EXAMPLES
def test_retained_messages_are_those_that_a_plain_matcher_finds(
    steps: list[tuple[str, bytes, int]], filters: list[str]
) -> None:
    retained, held = RetainedMessages(20, 100_000), dict[str, Message]()
    for topic, payload, until in steps:
        message = Message(topic=topic.encode(), payload=payload, qos=0, retain=True, expires_at=until or float("inf"))
        if not payload:
            retained.remove(topic.encode())
            held.pop(topic, None)
        elif retained.put(message):
            held[topic] = message
        else:
            assert len(held) == 20
    for topic_filter in filters:
        found = retained.match(parse_filter(topic_filter.encode()).levels, 5)
        assert len(found) == len(set(map(id, found)))
        alive = {topic: each for topic, each in held.items() if each.expires_at > 5}
        assert {each.topic.decode() for each in found} == {topic for topic in alive if matches(topic_filter, topic)}
    retained.expire(5)
    held = {topic: each for topic, each in held.items() if each.expires_at > 5}
    assert retained.count == len(held)
    assert retained.bytes == sum(each.size for each in held.values())
    for topic in held:
        retained.remove(topic.encode())
    assert (retained.count, retained.bytes) == (0, 0)


def test_what_is_retained_is_bounded_in_bytes_and_what_was_there_stays() -> None:
    retained = RetainedMessages(10, 1000)
    small = Message(topic=b"a", payload=b"x", qos=0, retain=True)
    assert retained.put(small)
    assert not retained.put(Message(topic=b"a", payload=b"x" * 2000, qos=0, retain=True))
    assert retained.get(b"a") is small


def test_a_match_costs_no_more_than_the_index_has_levels() -> None:
    index: SubscriptionIndex[int] = SubscriptionIndex()
    # Every mix of `a` and `+` in twelve levels: a matcher that walked paths twice would not come back.
    for number in range(4096):
        levels = ["+" if number >> bit & 1 else "a" for bit in range(12)]
        index.add("/".join(levels).encode(), number, GRANT)
    assert len(index.match(b"/".join([b"a"] * 12))) == 4096
