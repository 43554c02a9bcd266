"""JSONata expressions of the workflow, and the functions that several of them share.

Step Functions uses JSONata 2.0.6 (Step Functions Developer Guide, "Transforming data with JSONata"). Three of its
rules matter here: there is no input document, so a bare ``$`` or field name is valid only inside a path; an expression
without a result is an error; variables cannot hold functions, so each expression defines its own.
"""

from __future__ import annotations

# Converts any JSON value to a DynamoDB attribute value. The brackets preserve empty lists and lists of one.
AS_ATTRIBUTE = """
$asAttribute := function($value) {
  $type($value) = "string" ? {"S": $value}
  : $type($value) = "number" ? {"N": $string($value)}
  : $type($value) = "boolean" ? {"BOOL": $value}
  : $type($value) = "array" ? {"L": [$map($value, function($item) { $asAttribute($item) })]}
  : $type($value) = "object" ? {"M": $merge([$each($value, function($item, $name) { {$name: $asAttribute($item)} })])}
  : {"NULL": true}
};
"""

MAX_CAUSE_CHARACTERS = 1000

# The message in a task's Cause. Lambda's Cause is the function's error as JSON with a stack trace, which is also in
# the log. The message is extracted instead of parsing the JSON: a Cause may be truncated or not JSON, and an expression
# that fails here would replace the failure that it describes.
READABLE_CAUSE = rf"""
$readableCause := function($cause) {{(
  $text := $type($cause) = "string" ? $cause : "";
  $found := $match($text, /"errorMessage"\s*:\s*"((?:[^\\"]|\\.)*)"/)[0];
  $message := $exists($found) ? $parse('"' & $found.groups[0] & '"') : $text;
  $message = "" ? "No cause was given." : $substring($message, 0, {MAX_CAUSE_CHARACTERS})
)}};
"""


def expression(source: str) -> str:
    """Wrap JSONata for Step Functions, with line breaks and indentation of the source removed."""
    return f"{{% {' '.join(line.strip() for line in source.strip().splitlines())} %}}"


def string(source: str) -> dict[str, str]:
    """A DynamoDB string attribute from an expression that yields a string."""
    return {"S": expression(source)}


def number(source: str) -> dict[str, str]:
    """A DynamoDB number attribute, which JSON carries as a string, from an expression that yields a number."""
    return {"N": expression(f"$string({source})")}
