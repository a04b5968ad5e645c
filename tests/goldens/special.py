"""Writes special.json beside this file: what NumPy gives for special values, in float64 rounded to f32.

    python3 tests/goldens/special.py

Names are those of bench/specialValues.ts, and so is the order: the last operand changes fastest.
"""
import json
import os

import numpy as np

np.seterr(all="ignore")
largest = 2.0**128 - 2.0**104
values = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, largest, -largest, 2.0**-126, -(2.0**-126), 2.0**-149, -(2.0**-149)])

one = {
    "abs": np.abs, "sign": np.sign, "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x), "square": np.square, "reciprocal": np.reciprocal, "sin": np.sin, "cos": np.cos,
    "tanh": np.tanh, "atan": np.arctan, "floor": np.floor, "ceil": np.ceil, "round": np.round, "neg": np.negative,
    "nanMask": np.isnan, "finiteMask": np.isfinite, "logicalNot": np.logical_not,
    "powNumber, cube": lambda x: x**3.0, "powNumber, negative": lambda x: x**-2.0, "powNumber, fraction": lambda x: x**0.7,
    "powNumber, zero": lambda x: x**0.0, "clamp": lambda x: np.clip(x, -1, 0.5), "relu": lambda x: np.maximum(x, 0),
    "where, of a mask": lambda x: np.where(x, 1, 2),
}
two = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "pow": np.power, "maximum": np.maximum,
    "minimum": np.minimum, "equal": np.equal, "notEqual": np.not_equal, "less": np.less, "lessEqual": np.less_equal,
    "greater": np.greater, "greaterEqual": np.greater_equal, "logicalAnd": np.logical_and, "logicalOr": np.logical_or,
    "where, of values": lambda a, b: np.where(True, a, b),
}


def text(result):
    return " ".join(repr(float(v)) for v in np.asarray(result).astype(np.float32).ravel())


results = {name: text(f(values)) for name, f in one.items()}
results |= {name: text(np.broadcast_to(f(values[:, None], values[None, :]), (11, 11))) for name, f in two.items()}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "special.json")
with open(path, "w") as file:
    json.dump({"version": f"numpy {np.__version__}", "results": results}, file, indent=1)
    file.write("\n")
