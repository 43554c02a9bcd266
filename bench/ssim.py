"""How alike two pictures look: structural similarity (Wang et al., 2004) of brightness, in blocks of 8 by 8 pixels."""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageMath

_BLOCK = 8
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(one: Image.Image, other: Image.Image) -> float:
    """1 for equal pictures, about 0 for unrelated ones.

    Args:
        one, other: of one size, at least 8 by 8 pixels.
    """
    a, b = one.convert("L").convert("F"), other.convert("L").convert("F")
    mean_a, mean_b = a.reduce(_BLOCK), b.reduce(_BLOCK)
    squares_a, squares_b, products = (
        ImageMath.lambda_eval(lambda of: of["x"] * of["y"], x=x, y=y).reduce(_BLOCK)
        for x, y in ((a, a), (b, b), (a, b))
    )
    blocks = ImageMath.lambda_eval(_of_blocks, ma=mean_a, mb=mean_b, aa=squares_a, bb=squares_b, ab=products)
    return float(blocks.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))


def _of_blocks(of: dict[str, Any]) -> Any:
    means = of["ma"] * of["mb"]
    variances = of["aa"] - of["ma"] * of["ma"] + of["bb"] - of["mb"] * of["mb"]
    luminance = (means * 2 + _C1) / (of["ma"] * of["ma"] + of["mb"] * of["mb"] + _C1)
    return luminance * ((of["ab"] - means) * 2 + _C2) / (variances + _C2)
