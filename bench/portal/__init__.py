"""How fast the portal is with a million projects, and whether the answers to claims can be told apart by their time.

The portal that is measured is put together as its tests do it. A folder without `__init__` loses against an installed
package of the same name, and some wheels bring one that is called `tests`: so ours is named here.
"""

import sys
from types import ModuleType

import mesh  # noqa: F401 - before gRPC, whose ciphers it settles
from bench.processes import ROOT

if "tests" not in sys.modules:
    _tests = ModuleType("tests")
    _tests.__path__ = [str(ROOT / "tests")]
    sys.modules["tests"] = _tests
