"""Imports handlers, and modules that they import by name, and prints the errors.

`handler_check` runs it in an interpreter of its own:

    import_handlers.py CODE LAYER PACKAGES MODULE…

Prints a JSON list with one sentence for each problem. Only what no environment variable can change is a problem: a
module may raise anything else here, where a function's variables are not set.
"""

import importlib
import json
import sys
import traceback
from pathlib import Path


def problems(code, modules):
    """Compile every module of the code, then import the handlers' modules."""
    found = []
    for path in sorted(Path(code).rglob("*.py")):
        try:
            compile(path.read_bytes(), path, "exec")
        except SyntaxError as error:
            found.append(f"{path.relative_to(code)}:{error.lineno}: {error.msg}")
    return found or [problem for module in modules if (problem := import_problem(code, module))]


def import_problem(code, module):
    """Say why a handler cannot be imported; None if it can be."""
    try:
        imported = importlib.import_module(module)
    except ImportError as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(code)]
        file = f"{module.replace('.', '/')}.py"
        place = f"{frames[-1].filename.removeprefix(code).lstrip('/')}:{frames[-1].lineno}" if frames else file
        return f"{place}: {error}"
    except Exception:
        return None
    if module.endswith(".handler") and not callable(getattr(imported, "handler", None)):
        return f"{module.replace('.', '/')}.py: it defines no function `handler`"
    return None


if __name__ == "__main__":
    code, layer, packages, *modules = sys.argv[1:]
    sys.path[:] = [code, layer, *sys.path[1:], packages]
    print(json.dumps(problems(code, modules)))
