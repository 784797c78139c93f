"""Rules about the code itself: sizes, names, purity. Each was seen failing once."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.product import PACKAGES, ROOT

MAX_FUNCTION_LINES = 40
MAX_FILE_LINES = 400
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "managers", "misc"}


def _sources() -> list[Path]:
    return [
        p for name in PACKAGES for p in sorted((ROOT / name).rglob("*.py")) if "migrations" not in p.parts
    ]


def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring: a long explanation is no fault."""
    first = node.body[0]
    doc = (
        first.end_lineno - first.lineno + 1
        if isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
        else 0
    )
    return node.end_lineno - node.lineno + 1 - doc


def test_there_is_something_to_check() -> None:
    assert len(_sources()) > 40


def test_functions_stay_short() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} ({_body_lines(node)} lines)"
        for path in _sources()
        for node in ast.walk(_parse(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _body_lines(node) > MAX_FUNCTION_LINES
    ]
    assert not long, "Split these functions:\n" + "\n".join(long)


def test_files_stay_short() -> None:
    long = [
        f"{path.relative_to(ROOT)} ({count} lines)"
        for path in _sources()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    ]
    assert not long, "Find the two names that say more than one:\n" + "\n".join(long)


def test_no_drawers_for_everything() -> None:
    drawers = [
        str(p.relative_to(ROOT))
        for p in _sources()
        if p.stem in BANNED_NAMES or p.parent.name in BANNED_NAMES
    ]
    assert not drawers, f"Name these for what they hold: {drawers}"


def test_the_package_root_stays_empty() -> None:
    """Celery's customary import here would load it with every use of the kernel."""
    assert (ROOT / "salesops" / "__init__.py").read_text() == ""


def test_public_things_say_what_they_mean() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in _sources()
        for node in _parse(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not silent, "Add a docstring (meaning, unit, errors):\n" + "\n".join(silent)


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in _sources()
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(_parse(path))
    ]
    assert not silent, f"A first line of what the module holds: {silent}"


def _money_floats(path: Path) -> list[str]:
    """Calls of float() in pure code: money must not pass through one."""
    return [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for node in ast.walk(_parse(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
    ]


def test_no_float_in_the_pure_centre() -> None:
    pure = [
        p
        for p in _sources()
        if "domain" in p.parts or "kernel" in p.parts or p.name in {"services.py", "rollups.py"}
    ]
    found = [line for path in pure for line in _money_floats(path)]
    assert not found, f"Decimal, not float: {found}"


@pytest.mark.parametrize("layer", [p for p in PACKAGES if (ROOT / p / "domain").exists()] + ["salesops"])
def test_the_pure_centre_loads_without_django(layer: str) -> None:
    """Imports every module of a domain (or the kernel) in a fresh interpreter and looks for Django."""
    folder = ROOT / layer / ("kernel" if layer == "salesops" else "domain")
    modules = [
        ".".join(p.relative_to(ROOT).with_suffix("").parts)
        for p in folder.rglob("*.py")
        if p.name != "__init__.py"
    ]
    code = (
        f"import sys, importlib; [importlib.import_module(m) for m in {modules!r}]; "
        "sys.exit('django' in sys.modules and 'Django was imported')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
