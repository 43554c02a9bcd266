"""What a mutant changes: one expression or statement of one file."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
BOOLEAN: dict[type[ast.boolop], type[ast.boolop]] = {ast.And: ast.Or, ast.Or: ast.And}


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change of a file.

    Args:
        path: the file, relative to the project's root.
        original: the file's tree, and `place` that of the changed node in the order of `ast.walk`.
        node, changed: the node, and what replaces it.
    """

    path: str
    original: ast.Module
    place: int
    node: ast.AST
    changed: ast.AST

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.before} -> {self.after}"

    @property
    def line(self) -> int:
        """Where the change is."""
        return getattr(self.node, "lineno", 0)

    @property
    def before(self) -> str:
        """The code that is changed, on one line."""
        return _one_line(self.node)

    @property
    def after(self) -> str:
        """The changed code, on one line."""
        return _one_line(self.changed)

    @property
    def source(self) -> str:
        """The whole file as changed."""
        return ast.unparse(_with(self.original, self.place, self.changed))


def mutants_of(path: str, source: str) -> Iterator[Mutant]:
    """Every mutant of a file.

    Args:
        path: the file, relative to the project's root.
        source: its content.

    Yields:
        One mutant for each comparison, arithmetic or Boolean operator, number, Boolean, condition and call for its
        effect. Annotations, docstrings, what only a type checker runs and arguments of decorators stay as they are:
        no test can notice that a dataclass is not frozen.
    """
    tree = ast.parse(source)
    kept = {part for node in ast.walk(tree) for decorator in _decorators(node) for part in ast.walk(decorator)}
    for place, node in enumerate(ast.walk(tree)):
        if node not in kept and (changed := _changed(node)) is not None:
            yield Mutant(path=path, original=tree, place=place, node=node, changed=changed)


def _decorators(node: ast.AST) -> list[ast.expr]:
    is_decorated = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    return node.decorator_list if is_decorated else []


def _changed(node: ast.AST) -> ast.AST | None:
    """The node with one change, or None for what no mutant changes."""
    new = copy.deepcopy(node)
    match new:
        case ast.Compare(ops=[operator]) if type(operator) in COMPARISONS:
            new.ops = [COMPARISONS[type(operator)]()]
        case ast.BinOp(op=operator) if type(operator) in ARITHMETIC and not _is_text(new):
            new.op = ARITHMETIC[type(operator)]()
        case ast.BoolOp(op=operator):
            new.op = BOOLEAN[type(operator)]()
        case ast.Constant(value=bool() as value):
            new.value = not value
        case ast.Constant(value=int() | float() as value):
            new.value = value * 2 + 1
        case ast.UnaryOp(op=ast.Not()):
            return new.operand
        case ast.IfExp():
            new.body, new.orelse = new.orelse, new.body
        case ast.If() if not _is_for_types(new):
            new.test = ast.UnaryOp(op=ast.Not(), operand=new.test)
        case ast.Expr(value=ast.Call()):
            return ast.copy_location(ast.Pass(), node)
        case _:
            return None
    return new


def _is_text(operation: ast.BinOp) -> bool:
    """Whether an operation is on texts or lists, where another operator is an error that every test notices."""
    sides = (operation.left, operation.right)
    return any(
        isinstance(side, ast.JoinedStr | ast.List | ast.Tuple | ast.Dict)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
        for side in sides
    )


def _is_for_types(condition: ast.If) -> bool:
    return ast.unparse(condition.test) in {"TYPE_CHECKING", "__name__ == '__main__'"}


def _with(tree: ast.Module, place: int, changed: ast.AST) -> ast.Module:
    """A copy of the tree with the node at a place in the order of `ast.walk` replaced."""
    mutated = copy.deepcopy(tree)
    target = next(node for at, node in enumerate(ast.walk(mutated)) if at == place)
    for parent in ast.walk(mutated):
        for name, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, name, changed)
            elif isinstance(value, list) and any(each is target for each in value):
                value[:] = [changed if each is target else each for each in value]
    return ast.fix_missing_locations(mutated)


def _one_line(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0][:100]
