"""Makes payloads and hides forbidden keys in them: any depth, any spelling, any encoding. Knows nothing of the filter.

The words are chosen as firmware authors would write them, not copied from the lexicon.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

NOW = 1_795_000_000

LATIN = (
    "camera front_camera camera_state video_stream video_url snapshot doorbell_ring webcam_enabled cam_on jpeg_size "
    "microphone microphone_level mic_muted mic_gain audio_level audio_rms sound_level voice_command speech_active "
    "occupancy occupied occupancy_sensing room_occupied presence presence_detected human_presence motion motion_count "
    "motion_detected pir_state people_count mmwave_target radar_distance person_detected contact_sensor contact_state "
    "door_open door_contact window_open front_door reed_switch garage_door door_closed vacancy last_motion_time "
    "is_home_occupied kamera mikrofon anwesenheit bewegung mouvement presencia movimiento"
).split()
OTHER = (
    "камера движение микрофон присутствие 摄像头 麦克风 门磁 有人 カメラ マイク 人感センサー "
    "카메라 움직임 κάμερα "
    "κίνηση caméra présence Türkontakt Präsenzmelder câmera rörelse närvaro czujnik_ruchu كاميرا מצלמה 📷 🎤"
).split()
HARMLESS = "uptime load disk_pct fan_rpm temperature_c reboot_count firmware channel retries tx_bytes u v".split()
LOOK_ALIKE = str.maketrans("aceopsxyijhkAEOPCTX", "асеорѕхуіјһкАЕОРСТХ")
LEET = str.maketrans("aeio", "4310")
ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e"
MARKS = "\u0301\u0308\u0327\u0332"
# Occupancy sensing, boolean state, camera AV stream management.
CLUSTERS = (0x0406, 0x0045, 0x0551)


def camel(word: str) -> str:
    first, *rest = word.split("_")
    return first + "".join(each.capitalize() for each in rest)


def sprinkle(word: str, rng: random.Random, what: str) -> str:
    return "".join(each + (rng.choice(what) if rng.random() < 0.4 else "") for each in word)


def wide(word: str) -> str:
    return "".join(chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in word)


def bold(word: str) -> str:
    return "".join(chr(0x1D41A + ord(each) - 97) if "a" <= each <= "z" else each for each in word)


SPELLINGS: tuple[Callable[[str, random.Random], str], ...] = (
    lambda word, _: word,
    lambda word, _: word.upper(),
    lambda word, _: word.replace("_", "-"),
    lambda word, _: word.replace("_", "."),
    lambda word, _: word.replace("_", ""),
    lambda word, _: camel(word),
    lambda word, _: camel(word).swapcase(),
    lambda word, rng: "".join(rng.choice((each.upper(), each.lower())) for each in word),
    lambda word, rng: "".join(each.translate(LOOK_ALIKE) if rng.random() < 0.6 else each for each in word),
    lambda word, rng: sprinkle(word, rng, ZERO_WIDTH),
    lambda word, rng: sprinkle(word, rng, MARKS),
    lambda word, _: wide(word),
    lambda word, _: bold(word),
    lambda word, _: word.translate(LEET),
    lambda word, _: f"state/{word}",
    lambda word, _: f"hub.sensors.{word}/value",
    lambda word, rng: f"{word}_{rng.randrange(9)}",
    lambda word, _: f"x-{word}",
)
# What may be done to any script without making it another word.
ANY_SCRIPT = (0, 2, 3, 9, 14, 15, 16, 17)


def word(rng: random.Random) -> str:
    """Return a forbidden key in some spelling."""
    if rng.random() < 0.25:
        return SPELLINGS[rng.choice(ANY_SCRIPT)](rng.choice(OTHER), rng)
    spelled = rng.choice(SPELLINGS)(rng.choice(LATIN), rng)
    return rng.choice(SPELLINGS[9:10] + SPELLINGS[14:])(spelled, rng) if rng.random() < 0.2 else spelled


def _base64(text: str, rng: random.Random) -> str:
    raw = text.encode()
    encoded = rng.choice((base64.b64encode, base64.urlsafe_b64encode))(raw).decode()
    return encoded.rstrip("=") if rng.random() < 0.5 else encoded


def _text(rng: random.Random, depth: int = 0) -> str:
    """Return a text that says a forbidden key when it is opened."""
    said = json.dumps({word(rng): rng.randrange(9)}, ensure_ascii=rng.random() < 0.5)
    if depth < 2 and rng.random() < 0.3:
        said = json.dumps([_text(rng, depth + 1)], ensure_ascii=rng.random() < 0.5)
    return rng.choice((said, _base64(said, rng), said.encode().hex(), quote(said)))


def planted(rng: random.Random) -> Any:
    """Return a value that hides a forbidden key."""
    cluster = rng.choice(CLUSTERS)
    match rng.randrange(10):
        case 0 | 1 | 2 | 3:
            return {word(rng): rng.choice((1, True, None, "on", [0], {}))}
        case 4:
            return {rng.choice(("name", "key", "id", "metric")): word(rng), "value": rng.randrange(2)}
        case 5:
            name = word(rng)
            cut = rng.randrange(len(name))
            return [{"bn": name[:cut], "n": name[cut:], "v": 1} if cut else {"n": name, "v": 1}]
        case 6 | 7:
            return {rng.choice(HARMLESS): _text(rng)}
        case 8:
            number = rng.choice((cluster, hex(cluster), f"0x{cluster:04X}", str(cluster)))
            return {rng.choice(("cluster", "clusterId", "cluster_id", "ClusterID")): number}
        case _:
            path = (f"1/{cluster}/0", f"2/0x{cluster:04x}/0", f"0x{cluster:08X}", str(cluster))
            return {rng.choice(path): 1}


def sample(rng: random.Random) -> dict[str, Any]:
    """Return a sample that may be kept."""
    found: dict[str, Any] = {"sample_seconds": NOW - rng.randrange(600_000)}
    for key, low, high in (("cpu_pct", 0, 100), ("ram_pct", 0, 100), ("signal_dbm", -120, 0)):
        if rng.random() < 0.9:
            found[key] = rng.randint(low, high) if rng.random() < 0.8 else round(rng.uniform(low, high), 2)
    if len(found) == 1:
        found["cpu_pct"] = 1
    return found


def batch(rng: random.Random) -> dict[str, Any]:
    """Return a batch that may be kept."""
    return {"samples": [sample(rng) for _ in range(rng.choice((1, 1, 1, 2, 5)))]}


def wrapped(value: Any, rng: random.Random) -> Any:
    """Return the value, somewhere deep."""
    for _ in range(rng.choice((0, 0, 1, 2, 4, 8))):
        value = {rng.choice(HARMLESS): value} if rng.random() < 0.6 else [rng.randrange(9), value]
    return value


def hide(tree: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Put a forbidden key somewhere into a batch."""
    value = wrapped(planted(rng), rng)
    target = rng.choice((tree, tree["samples"][-1]))
    if isinstance(value, dict) and rng.random() < 0.7 and not value.keys() & target.keys():
        target.update(value)
    else:
        target[rng.choice(HARMLESS)] = value
    return tree


def encode(tree: Any, rng: random.Random) -> bytes:
    """Return the tree as some JSON: order, white space and escapes as they come."""
    spaces = rng.choice(((",", ":"), (", ", ": "), (" ,\n", "\t: ")))
    text = json.dumps(shuffled(tree, rng), ensure_ascii=rng.random() < 0.5, separators=spaces)
    return text.encode()


def shuffled(tree: Any, rng: random.Random) -> Any:
    if isinstance(tree, dict):
        pairs = list(tree.items())
        rng.shuffle(pairs)
        return {key: shuffled(value, rng) for key, value in pairs}
    return [shuffled(each, rng) for each in tree] if isinstance(tree, list) else tree
