"""A user's own model from a file: ONNX, TorchScript, an exported program."""
