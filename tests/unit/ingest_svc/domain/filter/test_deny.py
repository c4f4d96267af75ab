"""Where a forbidden key may hide, one example a line; and words that only look like one."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ingest_svc.domain.filter import allow, lexicon, text
from ingest_svc.domain.filter.judge import judge
from ingest_svc.domain.filter.verdict import Dropped, DropReason, Form

FORBIDDEN = """
camera CaMeRa front_cam isMicOn c-a-m-e-r-a саmеrа ｃａｍｅｒａ c4m3ra m1c occupancySensing PIRState a/b.motion door
1/1030/0 0x0406 0X00000406 0406 69 1/0x0045/0 Kamera камера 摄像头 🎥 🅒🅐🅜🅔🅡🅐 🇨🇦🇲🇪🇷🇦 carnera micenabled contact présence
𝓬𝓪𝓶𝓮𝓻𝓪 ᴄᴀᴍᴇʀᴀ Y2FtZXJh %63amera 63616d657261 ćämëřå reedSwitch occupancy١ camera①  ΚΑΜΕΡΑ مايكروفون/صوت วิดีโอ
""".split()
HARMLESS = """
uptime temperature fan_rpm disk_pct cpuPct firmware window_size voltage free_memory_bytes academic dynamic campaign
1.8.2 load_avg wifi_channel bssid reboot_count alarm_count version serial clusters_total retries queue_depth ntp_offset
flash_wear watchdog_resets comic_sans package_count tx_power uplink mqtt_reconnects
""".split()


def reason(tree: Any) -> DropReason:
    verdict = judge(json.dumps(tree).encode(), Form.JSON, now=0)
    assert isinstance(verdict, Dropped)
    return verdict.reason


def encoded(said: str) -> str:
    return base64.b64encode(said.encode()).decode()


@pytest.mark.parametrize(
    "key", [*FORBIDDEN, "cam\u200bera", "c a m e r a", "ca\u0301mera", "cam\u202eera", "c\u0000amera"]
)
def test_a_forbidden_key_is_known_in_any_spelling(key: str) -> None:
    assert reason({"samples": [{key: 1}]}) is DropReason.FORBIDDEN_KEY


@pytest.mark.parametrize("key", HARMLESS)
def test_a_harmless_key_is_unknown_and_raises_no_alarm(key: str) -> None:
    assert reason({"samples": [{key: 1}]}) is DropReason.UNKNOWN_KEY


@pytest.mark.parametrize(
    "value",
    [
        {"name": "camera", "value": 1},
        [{"n": "cam", "v": 1}],
        [{"bn": "occu", "n": "pancy", "v": 1}],
        [{"bn": "urn:dev:occu", "n": "x"}, {"n": "pancy", "v": 1}],
        {"cluster": 1030},
        {"clusterId": "0x45"},
        {"ClusterID": "69"},
        {"clusters": [6, 1361]},
        {"device_type": 21},
        {"deviceType": "0x0107"},
        {"door": {"x": {"y": 1}}},
        {"came": {"ra": 1}},
        {"x": '{"a":{"mic":1}}'},
        {"x": '{"a":1,"camera":1,"a":2}'},
        {"x": '"camera"'},
        {"x": json.dumps(json.dumps(json.dumps({"motion": 1})))},
        {"x": encoded('{"mic":1}')},
        {"x": encoded(encoded("camera"))},
        {"x": "data:application/json;base64," + encoded('{"mic":1}')},
        {"x": base64.b64encode("camera".encode("utf-16-le")).decode()},
        {"x": base64.b64encode(b"\x0a\x06camera\x10\x01").decode()},
        {"x": base64.urlsafe_b64encode(b"???>>>camera").decode()},
        {"x": b'{"mic":1}'.hex()},
        {"x": "63:61:6d:65:72:61"},
        {"x": "%7B%22motion%22%3A1%7D"},
        {encoded('{"presence":1}'): 1},
        [[[[[[{"x": [{"mic": None}]}]]]]]],
    ],
)
def test_a_forbidden_key_is_found_where_it_hides(value: Any) -> None:
    assert reason({"samples": value}) is DropReason.FORBIDDEN_KEY


def test_a_text_that_opens_without_end_is_dropped_as_too_deep() -> None:
    said = "x"
    while len(said) < 12_000:
        said = encoded(said)
    assert reason({"u": said}) in {DropReason.TOO_DEEP, DropReason.UNKNOWN_KEY}
    percent = "%" + "25" * 4000 + "41"
    assert reason({"u": percent}) is DropReason.TOO_DEEP


def test_the_lexicon_leaves_the_allowed_keys_alone() -> None:
    words = lexicon.standard()
    for key in allow.KEYS:
        assert not words.tells([text.fold(key)])
        assert not words.names_id(key, is_key=True)


def test_the_lexicon_knows_many_languages_and_every_concept_in_each() -> None:
    words = lexicon.standard()
    assert len(words.languages) >= 25
    assert words.version >= 1
    assert min(map(len, words.stems)) >= 1
    assert all(len(each) >= 4 or not each.isascii() for each in words.stems), "short words go to `words`"


def test_a_word_without_a_letter_is_no_word() -> None:
    with pytest.raises(ValueError, match="no letter"):
        lexicon.read({**EMPTY, "qualifiers": ["_"]})


EMPTY: dict[str, Any] = {
    "version": 1,
    "matter": {"stems": [], "clusters": [], "device_types": [], "cluster_keys": [], "device_type_keys": []},
    **{
        concept: {"stems": {"en": [], "symbols": []}, "words": {}}
        for concept in ("camera", "microphone", "presence", "contact")
    },
}
