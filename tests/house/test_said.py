"""What code without a reader says is written out where it is said, and known in German."""

import ast

from salesops.kernel.said import Said
from tests.german import left_in_english
from tests.house.product import PACKAGES, ROOT

ELSEWHERE = {
    "salesops/kernel/said.py": "what was kept",
    "opportunities/domain/import_mapping.py": "names of fields, offered by opportunities.apps",
    "opportunities/domain/import_rows.py": "names of attributes as the mapping has them",
    "territories/services/quota_file.py": "the words of a refusal",
}
"""Files in which a sentence is made of words that stand elsewhere."""


def _said() -> list[tuple[str, ast.expr]]:
    return [
        (str(path.relative_to(ROOT)), node.args[0])
        for name in PACKAGES
        for path in sorted((ROOT / name).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Said"
    ]


def test_templates_are_written_out() -> None:
    made = {name for name, template in _said() if not isinstance(template, ast.Constant)}
    assert made == set(ELSEWHERE), "manage.py translations collects only what is written out"


def test_all_that_is_said_is_known_in_german() -> None:
    templates = [Said(template.value) for _, template in _said() if isinstance(template, ast.Constant)]
    assert len(templates) > 200
    assert left_in_english(*templates) == [], "run manage.py translations, then fill in the German"
