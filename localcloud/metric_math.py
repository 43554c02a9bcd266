"""Evaluates CloudWatch metric math at one point in time ("Amazon CloudWatch User Guide", Using math expressions).

Supported: numbers, query ids, ``+ - * /``, comparisons, AND, OR, parentheses, IF and FILL, which the
program's alarms use. The result of a missing data point is missing, except in FILL.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping

Value = float | None


class UnsupportedMath(Exception):
    """The expression uses something that is not supported; the message names it."""


_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluate(expression: str, metrics: Mapping[str, Value]) -> Value:
    """Return the expression's value, or None if data is missing.

    Args:
        expression: for example `IF(invocations > 20, 100 * errors / invocations, 0)`.
        metrics: values by query id that the expression can refer to; None where there is no data point.

    Raises:
        UnsupportedMath: the expression is malformed or uses an unsupported function.
    """
    spelled_as_python = re.sub(r"\bAND\b|&&", " and ", re.sub(r"\bOR\b|\|\|", " or ", expression))
    try:
        tree = ast.parse(spelled_as_python.strip(), mode="eval")
    except SyntaxError:
        raise UnsupportedMath(f"{expression!r} is not an expression") from None
    return _Evaluation(expression, metrics).of(tree.body)


class _Evaluation:
    def __init__(self, expression: str, metrics: Mapping[str, Value]) -> None:
        self._expression = expression
        self._metrics = metrics

    def of(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                value = float(number)
            case ast.Name(id=name) if name in self._metrics:
                value = self._metrics[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = self._both(operator.sub, ast.Constant(0), operand)
            case ast.BinOp(left=left, op=arithmetic, right=right) if type(arithmetic) in _ARITHMETIC:
                value = self._both(_ARITHMETIC[type(arithmetic)], left, right)
            case ast.Compare(left=left, ops=[comparison], comparators=[right]) if type(comparison) in _COMPARISONS:
                value = self._both(_COMPARISONS[type(comparison)], left, right)
            case ast.BoolOp(op=connective, values=operands):
                truths = [self.of(operand) for operand in operands]
                decide = all if isinstance(connective, ast.And) else any
                value = None if None in truths else float(decide(truths))
            case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
                value = self._call(function, arguments)
            case _:
                raise UnsupportedMath(f"{ast.unparse(node)!r} in {self._expression!r} is not supported here")
        return value

    def _call(self, function: str, arguments: list[ast.expr]) -> Value:
        match function, arguments:
            case "IF", [condition, then, otherwise]:
                truth = self.of(condition)
                value = None if truth is None else self.of(then if truth else otherwise)
            case "FILL", [metric, filler]:
                present = self.of(metric)
                value = self.of(filler) if present is None else present
            case _:
                raise UnsupportedMath(f"{function} as used in {self._expression!r} is not supported here")
        return value

    def _both(self, combine: Callable[[float, float], float], left: ast.expr, right: ast.expr) -> Value:
        first, second = self.of(left), self.of(right)
        if first is None or second is None:
            return None
        try:
            return float(combine(first, second))
        except ZeroDivisionError:
            return None
