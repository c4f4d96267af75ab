"""Make the record of processing (GDPR Art. 30) and the data map from column comments and the contracts' data classes.

What people have to say (purpose, basis, retention) stands in `docs/privacy/activities/`, a file for each service; each
table that holds more than PUBLIC columns belongs to exactly one activity there. `--check` fails when
`docs/privacy/record-of-processing.md` is stale; a column without a class, or a table without an activity, always fails.
"""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from ora.options.v1 import options_pb2 as options

from mesh.migrate import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
ACTIVITIES: Final = Path("docs/privacy/activities")
PAGE: Final = Path("docs/privacy/record-of-processing.md")
CLASSES: Final = ("PUBLIC", "PSEUDONYM", "PII", "SECRET", "OPAQUE")
KEYS: Final = ("name", "role", "purpose", "people", "basis", "recipients", "retention", "erasure", "tables")
_SENSITIVE: Final = ("PII", "SECRET", "OPAQUE")
_TEXT: Final = r"'((?:[^']|'')*)'"
_STATEMENT: Final = re.compile(
    r"(?P<create>^CREATE TABLE (?P<made>\w+\.\w+) \((?P<body>.*?)^\))"
    rf"|(?P<table>^COMMENT ON TABLE (?P<named>\w+\.\w+) IS {_TEXT.replace('(', '(?P<about>', 1)};)"
    rf"|(?P<column>^COMMENT ON COLUMN (?P<of>\w+\.\w+)\.(?P<col>\w+) IS {_TEXT.replace('(', '(?P<said>', 1)};)"
    r"|(?P<alter>^ALTER TABLE (?P<altered>\w+\.\w+)(?P<changes>[^;]*);)"
    r"|(?P<drop>^DROP TABLE (?P<dropped>\w+\.\w+))",
    re.MULTILINE | re.DOTALL,
)
_NO_COLUMN: Final = frozenset({"PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "CONSTRAINT", "EXCLUDE", "LIKE"})
_COLUMN_LINE: Final = re.compile(r"^    (\w+) +\S", re.MULTILINE)


class RecordError(Exception):
    """Something is not classified, or belongs to no activity."""


@dataclass
class Table:
    """One table, as its migrations leave it."""

    name: str
    about: str = ""
    # None: not classified.
    columns: dict[str, str | None] = field(default_factory=dict)

    def of(self, *classes: str) -> list[str]:
        """Return the columns of some classes."""
        return [name for name, said in self.columns.items() if said and said.partition(":")[0] in classes]


def tables_of(sql: Iterable[str]) -> dict[str, Table]:
    """Return the tables that the statements leave, with what is said of their columns."""
    found: dict[str, Table] = {}
    for text in sql:
        for match in _STATEMENT.finditer(text):
            _apply(found, match)
    return found


def _apply(found: dict[str, Table], match: re.Match[str]) -> None:
    if match["create"]:
        names = [each for each in _COLUMN_LINE.findall(match["body"]) if each not in _NO_COLUMN]
        found[match["made"]] = Table(match["made"], columns=dict.fromkeys(names))
    elif match["table"]:
        found[match["named"]].about = match["about"].replace("''", "'")
    elif match["column"]:
        found[match["of"]].columns[match["col"]] = match["said"].replace("''", "'")
    elif match["alter"]:
        columns = found[match["altered"]].columns
        columns.update(dict.fromkeys(re.findall(r"ADD COLUMN (?:IF NOT EXISTS )?(\w+)", match["changes"])))
        for gone in re.findall(r"DROP COLUMN (?:IF EXISTS )?(\w+)", match["changes"]):
            columns.pop(gone, None)
    else:
        found.pop(match["dropped"], None)


def services(root: Path) -> list[str]:
    """Return the services that keep rows."""
    return sorted(each.parent.name for each in root.glob("*_svc/migrations"))


def data_map(root: Path) -> dict[str, Table]:
    """Return every table of every service, classified, or raise ``RecordError``."""
    found: dict[str, Table] = {}
    for service in services(root):
        schema = service.removesuffix("_svc")
        migrations = read(root / service / "migrations", schema)
        found.update(tables_of(each.sql for each in migrations))
    problems = [
        f"{table.name}.{name} has no data class in its comment"
        for table in found.values()
        for name, said in table.columns.items()
        if said is None or said.partition(": ")[0] not in CLASSES
    ]
    problems += [f"{each.name} has no comment" for each in found.values() if not each.about]
    _demand(problems)
    return found


def activities(root: Path, tables: Mapping[str, Table]) -> dict[str, Any]:
    """Return what people say of the processing; each table with more than PUBLIC columns is in one activity."""
    given: dict[str, Any] = {"about": {}, "activities": [], "elsewhere": []}
    for path in sorted((root / ACTIVITIES).glob("*.yaml")):
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
        given["about"].update(said.get("about", {}))
        given["activities"] += said.get("activities", [])
        given["elsewhere"] += said.get("elsewhere", [])
    told = [(name, each["name"]) for each in given["activities"] for name in each["tables"]]
    names = [name for name, _ in told]
    wanted = {each.name for each in tables.values() if each.of(*CLASSES[1:])}
    problems = [f"{name} is in no activity of {ACTIVITIES}" for name in sorted(wanted - set(names))]
    problems += [f"{name} is in {activity!r} and does not exist" for name, activity in told if name not in tables]
    problems += [f"{name} is in more than one activity" for name in sorted({x for x in names if names.count(x) > 1})]
    for each in given["activities"]:
        problems += [f"{each.get('name')}: {key} is missing" for key in KEYS if not each.get(key)]
    _demand(problems)
    return given


def contract_fields(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield message, field and class of every field that is more than a pseudonym, from the contracts."""
    for path in sorted((root / "proto/python/ora").rglob("*_pb2.py")):
        name = ".".join(path.relative_to(root / "proto/python").with_suffix("").parts)
        for message in import_module(name).DESCRIPTOR.message_types_by_name.values():
            yield from _fields(message)


def _fields(message: Any) -> Iterator[tuple[str, str, str]]:
    default = message.GetOptions().Extensions[options.default_class]
    for each in message.fields:
        number = each.GetOptions().Extensions[options.data_class] or default
        kind = options.DataClass.Name(number).removeprefix("DATA_CLASS_")
        if kind in _SENSITIVE and (each.message_type is None or each.message_type.file.package == "google.api"):
            yield message.full_name, each.name, kind
    for nested in message.nested_types:
        yield from _fields(nested)


def page(root: Path) -> str:
    """Return the whole record."""
    tables = data_map(root)
    given = activities(root, tables)
    lines = [
        "# Record of processing activities, and the data map",
        "",
        _origin(),
        "",
        *(f"- **{name}**: {text}" for name, text in given["about"].items()),
        "",
        "## Activities",
    ]
    for each in given["activities"]:
        lines += _activity(each, tables)
    lines += ["", "## What is kept outside of tables", "", "| where | what | how long |", "|---|---|---|"]
    lines += [f"| {each['where']} | {each['what']} | {each['retention']} |" for each in given["elsewhere"]]
    lines += ["", "## Data map: tables", "", _legend()]
    for name in sorted(tables):
        lines += _map(tables[name])
    return "\n".join([*lines, *_contract(root)]) + "\n"


def _origin() -> str:
    return (
        "Made by `proto/tools/record.py` from the comments on the columns, the data classes in the contracts and"
        f" `{ACTIVITIES}`; `make proto-check` fails when it is stale. GDPR Art. 30, Australian Privacy Principle 1."
    )


def _legend() -> str:
    return (
        "PII names a person or a place. PSEUDONYM is a random identifier that only our tables join to one. SECRET is a"
        " key, token or proof, hashed or wrapped. OPAQUE is sealed by clients: the cloud cannot open it. PUBLIC columns"
        " are counted, not listed."
    )


def _activity(each: Mapping[str, Any], tables: Mapping[str, Table]) -> list[str]:
    kept = [tables[name] for name in each["tables"]]
    personal = [f"`{table.name}`: {', '.join(found)}" for table in kept if (found := table.of("PII"))]
    classes = sorted({name for table in kept for name in CLASSES[1:] if table.of(name)})
    return [
        "",
        f"### {each['name']}",
        "",
        f"- Role: {each['role']}",
        f"- Purpose: {each['purpose']}",
        f"- Whose data: {each['people']}",
        f"- Legal basis: {each['basis']}",
        f"- Who receives it: {each['recipients']}",
        f"- How long: {each['retention']}",
        f"- How it is erased: {each['erasure']}",
        f"- Kinds of data: {', '.join(classes)}",
        f"- Personal in clear or under our keys: {'; '.join(personal) or 'none'}",
        f"- Tables: {', '.join(f'`{table.name}`' for table in kept)}",
    ]


def _map(table: Table) -> list[str]:
    public = table.of("PUBLIC")
    lines = ["", f"### `{table.name}`", "", table.about, ""]
    listed = [(name, said) for name, said in table.columns.items() if said and name not in public]
    if listed:
        lines += ["| column | class | what |", "|---|---|---|"]
        for name, said in listed:
            kind, _, what = said.partition(": ")
            lines.append(f"| `{name}` | {kind} | {what} |")
        lines.append("")
    return [*lines, f"{len(public)} PUBLIC column{'s' if len(public) != 1 else ''}."]


def _contract(root: Path) -> list[str]:
    found: dict[str, list[str]] = {}
    for message, name, kind in contract_fields(root):
        found.setdefault(message, []).append(f"`{name}` {kind}")
    lines = ["", "## Data map: contracts", "", "Fields that are more than a pseudonym, by message.", ""]
    lines += ["| message | fields |", "|---|---|"]
    return [*lines, *(f"| `{message}` | {', '.join(fields)} |" for message, fields in sorted(found.items()))]


def _demand(problems: Sequence[str]) -> None:
    if problems:
        raise RecordError("\n".join(problems))


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the record, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is stale")
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree to read")
    given = parser.parse_args(arguments)
    try:
        made = page(given.root)
    except RecordError as error:
        print(error, file=sys.stderr)
        return 1
    path = given.root / PAGE
    if not given.check:
        path.write_text(made, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != made:
        print(f"{PAGE} is stale: run python proto/tools/record.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
