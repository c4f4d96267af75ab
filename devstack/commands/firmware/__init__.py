"""`ora firmware …`: images, releases and rollouts, for operators."""

from __future__ import annotations

from typing import Final

from devstack.commands.lazy import Lazy

_IMAGES: Final = "devstack.commands.firmware.images"
_ROLLOUTS: Final = "devstack.commands.firmware.rollouts"
_TABLE: Final = {
    "upload": (_IMAGES, "Bring an image to fleet."),
    "release": (_IMAGES, "Make a release of an image, signed by the offline keys."),
    "rollout": (_ROLLOUTS, "Plan a rollout in waves; somebody else approves it."),
    "approve": (_ROLLOUTS, "Start a rollout that somebody else planned."),
    "watch": (_ROLLOUTS, "Show a rollout as it goes."),
    "pause": (_ROLLOUTS, "Offer nothing more until it is resumed."),
    "resume": (_ROLLOUTS, "Go on with a rollout that was paused."),
    "abort": (_ROLLOUTS, "End a rollout."),
    "report": (_ROLLOUTS, "Print what came of a rollout."),
}

firmware = Lazy(_TABLE, "firmware", "Images, releases and rollouts, as the operator workload and Ora's staff.")
