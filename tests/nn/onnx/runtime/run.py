"""Runs ONNX files by another runtime: ONNX Runtime where Python has it, else the reference evaluator of the onnx package (1.13 or later).

    python3 tests/nn/onnx/runtime/run.py FOLDER

For each NAME.onnx of FOLDER, with its input of float32 in NAME.input.f32 and the shape of it in NAME.json, writes NAME.output.f32. Prints which
runtime it was. Ends with status 3 where there is none.
"""

import json
import sys
from pathlib import Path

try:
    import numpy
except ImportError:
    print("no numpy")
    sys.exit(3)


def runtime():
    try:
        import onnxruntime

        def run(path, x):
            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            return session.run(None, {session.get_inputs()[0].name: x})[0]

        return f"ONNX Runtime {onnxruntime.__version__}", run
    except ImportError:
        pass
    try:
        import onnx
        from onnx.reference import ReferenceEvaluator

        def evaluate(path, x):
            model = onnx.load(str(path))
            onnx.checker.check_model(model, full_check=True)
            return ReferenceEvaluator(model).run(None, {model.graph.input[0].name: x})[0]

        return f"the reference evaluator of onnx {onnx.__version__}", evaluate
    except ImportError:
        return None


if __name__ == "__main__":
    found = runtime()
    if found is None:
        print("neither onnxruntime nor onnx 1.13 or later")
        sys.exit(3)
    name, run_model = found
    for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
        shape = json.loads(path.with_suffix(".json").read_text())
        x = numpy.fromfile(path.with_suffix(".input.f32"), dtype="<f4").reshape(shape)
        numpy.asarray(run_model(path, x), dtype="<f4").tofile(path.with_suffix(".output.f32"))
    print(name)
