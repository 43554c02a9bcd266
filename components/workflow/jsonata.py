"""The workflow's JSONata: how Python writes expressions, and the functions that more than one of them needs.

Step Functions speaks JSONata 2.0.6 (Step Functions Developer Guide, "Transforming data with JSONata"). Three of its
rules shape every snippet: there is no input document, so a bare ``$`` or field name stands only inside a path; an
expression without a result is an error; functions cannot be kept in variables, so each expression brings its own.
"""

from __future__ import annotations

# Writes any JSON value as a DynamoDB attribute value. The brackets keep lists of one and of none lists.
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

# Says in words why a task failed. Lambda's Cause is the function's error as JSON, of which people need the message; the
# stack trace is in the log. The message is cut out rather than the whole parsed: a Cause may be cut short or no JSON at
# all, and an expression that fails here would replace the failure it should describe.
READABLE_CAUSE = rf"""
$readableCause := function($cause) {{(
  $text := $type($cause) = "string" ? $cause : "";
  $found := $match($text, /"errorMessage"\s*:\s*"((?:[^\\"]|\\.)*)"/)[0];
  $message := $exists($found) ? $parse('"' & $found.groups[0] & '"') : $text;
  $message = "" ? "No cause was given." : $substring($message, 0, {MAX_CAUSE_CHARACTERS})
)}};
"""


def expression(source: str) -> str:
    """Mark JSONata as such for Step Functions. Line breaks and indentation are for the reader of the source only."""
    return f"{{% {' '.join(line.strip() for line in source.strip().splitlines())} %}}"


def string(source: str) -> dict[str, str]:
    """A DynamoDB string attribute from an expression that yields a string."""
    return {"S": expression(source)}


def number(source: str) -> dict[str, str]:
    """A DynamoDB number attribute, which JSON carries as a string, from an expression that yields a number."""
    return {"N": expression(f"$string({source})")}
