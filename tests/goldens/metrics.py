"""Goldens of similarities of maps in float64, from SciPy and scikit-image (Debian's python3-scipy, python3-skimage):

    python3 tests/goldens/metrics.py > tests/goldens/metrics.json

Maps are 28 x 28, made of hash(i, stream) by the formulas of `maps`, rounded to f32, so the test makes the same numbers. NaN is
written as null. The formatter of the repository lays the file out."""

import json
import warnings

import numpy as np
import scipy
import skimage
from scipy import ndimage, stats
from scipy.spatial import distance
from skimage.feature import hog
from skimage.metrics import structural_similarity

SIDE = 28
PIXELS = SIDE * SIDE


def unit(stream):
    i = np.arange(1, PIXELS + 1, dtype=np.uint64)
    m = np.uint64(0xFFFFFFFF)
    b = ((i * np.uint64(0x9E3779B1)) & m) ^ np.uint64((stream * 0x85EBCA6B) & 0xFFFFFFFF)
    b = ((b ^ (b >> np.uint64(16))) * np.uint64(0x7FEB352D)) & m
    b = ((b ^ (b >> np.uint64(15))) * np.uint64(0x846CA68B)) & m
    return (b ^ (b >> np.uint64(16))).astype(np.float64) / 2.0**32


maps = {
    "signed": lambda: 2 * unit(1) - 1,
    "related": lambda: 0.7 * (2 * unit(1) - 1) + 0.3 * (2 * unit(2) - 1),
    "opposite": lambda: 1 - 2 * unit(1),
    "unrelated": lambda: unit(3) ** 2,
    "ties": lambda: np.floor(5 * unit(4)),
    "more ties": lambda: np.floor(3 * unit(4)) + np.floor(1.2 * unit(5)),
    "sparse": lambda: np.maximum(0, unit(6) - 0.9),
    "constant": lambda: np.full(PIXELS, 0.1),
}
pairs = [
    ("signed", "signed"), ("signed", "related"), ("signed", "opposite"), ("signed", "unrelated"), ("ties", "more ties"),
    ("ties", "unrelated"), ("sparse", "ties"), ("sparse", "unrelated"), ("constant", "signed"), ("constant", "constant"),
]
RANGE = 2.0


def made(name):
    return maps[name]().astype(np.float32).astype(np.float64)


def largest(a, k):
    return set(np.argsort(-a, kind="stable")[:k].tolist())


def number(v):
    return None if np.isnan(v) else float(v)


def features(a, height=SIDE, width=SIDE):
    return hog(a.reshape(SIDE, SIDE)[:height, :width], orientations=9, pixels_per_cell=(4, 4), cells_per_block=(3, 3), block_norm="L2-Hys")


def compare(a, b):
    x, y = a.reshape(SIDE, SIDE), b.reshape(SIDE, SIDE)
    centre = [np.array(ndimage.center_of_mass(np.abs(m))) for m in (x, y)]
    return {
        "spearman": number(stats.spearmanr(a, b).correlation),
        "kendall": number(stats.kendalltau(a, b, variant="b").correlation),
        "pearson": number(stats.pearsonr(a, b)[0]),
        "cosine": number(1 - distance.cosine(a, b)),
        "topK": {str(k): len(largest(a, k) & largest(b, k)) / k for k in (1, 50, 300, PIXELS)},
        "ssim": number(structural_similarity(x, y, data_range=RANGE, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)),
        "hogPearson": number(stats.pearsonr(features(a), features(b))[0]),
        "normalisedSquaredError": number(np.mean((a / np.mean(np.abs(a)) - b / np.mean(np.abs(b))) ** 2)),
        "massCentreShift": number(np.linalg.norm(centre[0] - centre[1])),
    }


np.seterr(all="ignore")
warnings.filterwarnings("ignore")
print(json.dumps({
    "madeBy": f"scipy {scipy.__version__}, scikit-image {skimage.__version__}, numpy {np.__version__}",
    "range": RANGE,
    "pairs": [{"a": a, "b": b, "expected": compare(made(a), made(b))} for a, b in pairs],
    "hog": [
        {"map": name, "height": h, "width": w, "features": [round(float(v), 9) for v in features(made(name), h, w)[:count]]}
        for name, h, w, count in (("signed", SIDE, SIDE, 405), ("ties", SIDE, SIDE, 405), ("signed", 27, 18, 162))
    ],
    "mass": {"map": "sparse", "mask": "every pixel of row < 10", "expected": float(made("sparse")[:280].sum() / made("sparse").sum())},
}, indent=1))
