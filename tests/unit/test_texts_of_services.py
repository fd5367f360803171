"""Fixed texts of dropout, which the pages translate: none is missing, none is out of date."""

import ast
from importlib import import_module
from types import ModuleType

import pytest

from dropout_service.domain.advice import ADVICE as GIVEN
from dropout_service.domain.rules import risk
from tests.support.source_files import ROOT
from veritas_web.domain.reasons import TOPICS
from veritas_web.domain.service_texts import ADVICE, MISSING

RULES = ("behavior", "cognition", "engagement", "indicators", "passive_presence")


def text_of(node: ast.expr, module: ModuleType) -> str | None:
    """Return the text of a literal, with the module's constants in it."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(text_of(part, module) or "" for part in parts)
        case ast.FormattedValue(value=ast.Name(id=name)):
            return str(getattr(module, name))
    return None


def reasons_in(name: str) -> set[str]:
    """Return the texts of missing data that a module of rules has."""
    module = import_module(f"{risk.__package__}.{name}")
    source = ROOT.joinpath(*str(module.__name__).split(".")).with_suffix(".py").read_text()
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    found = [
        call.args[0]
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "Unknown"
    ]
    found += [word.value for call in calls for word in call.keywords if word.arg == "absent"]
    return {text for node in found if (text := text_of(node, module))}


def test_every_advice_is_translated() -> None:
    assert dict(ADVICE) == dict(GIVEN)


def test_every_indicator_and_topic_has_a_name() -> None:
    assert set(GIVEN) == set(TOPICS)


@pytest.mark.parametrize("name", RULES)
def test_every_reason_of_missing_data_is_translated(name: str) -> None:
    assert reasons_in(name) - set(MISSING) == set()
