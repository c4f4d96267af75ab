"""May this payload be kept? ``judge.judge`` answers; every other module is one of its rules."""
