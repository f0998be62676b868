"""Measure sealing and encoding: ``python benchmarks/envelope.py``.

Prints megabytes of plaintext per second, best of five, one thread.
"""

from __future__ import annotations

import os
import time
import timeit
from collections.abc import Callable

import numpy as np

from starburst.codec import decode, encode
from starburst.envelope import Header, open_sealed, seal, unseal
from starburst.signing import SigningKey, verify

KEY = os.urandom(32)
HEADER = Header(session="a" * 20, kind="result", name="c00000012", attempt=1, format="data")
MEGABYTES = 100


def best(work: Callable[[], object], repeat: int = 5) -> float:
    """Return the best of some run times, in seconds."""
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def report(name: str, seconds: float) -> None:
    """Print one line."""
    print(f"{name:<44} {MEGABYTES / seconds:>8,.0f} MB/s")


def main() -> None:
    """Print every measurement."""
    random = np.random.default_rng(1)
    data = {
        "float64 gaussian": random.normal(size=MEGABYTES * 10**6 // 8),
        "int8 genotypes": random.integers(0, 3, size=MEGABYTES * 10**6, dtype=np.int8),
    }
    for name, array in data.items():
        for compress in (False, True):
            label = f"{name}, {'zstd if it pays' if compress else 'no zstd'}"
            raw = memoryview(array).cast("B")
            sealed = seal([raw], key=KEY, header=HEADER, compress=compress)
            report(
                f"seal {label}",
                best(lambda raw=raw, c=compress: seal([raw], key=KEY, header=HEADER, compress=c)),
            )
            report(
                f"unseal {label}",
                best(lambda sealed=sealed: unseal(sealed, key=KEY, expect=HEADER)),
            )

        def travel(array: np.ndarray = array) -> object:
            encoded = encode(array, mode="data")
            sealed = seal(encoded.parts, key=KEY, header=HEADER)
            opened = open_sealed(sealed, key=KEY, expect=HEADER)
            return decode(opened.header.format, opened.data, mode="data")

        report(f"encode, seal, unseal, decode {name}", best(travel))
    signing = SigningKey.generate()
    large = bytes(MEGABYTES * 10**6)
    signed = signing.sign(large)
    report("sign", best(lambda: signing.sign(large)))
    report("verify", best(lambda: verify(signed, public=signing.public)))

    small = os.urandom(500)
    one = encode(5, mode="data")
    plain = memoryview(b"".join(one.parts))
    for name, work in {
        "encode an int": lambda: encode(5, mode="data"),
        "decode an int": lambda: decode("data", plain, mode="data"),
        "seal and unseal 500 bytes": lambda: unseal(
            seal([small], key=KEY, header=HEADER), key=KEY, expect=HEADER
        ),
    }.items():
        count = 5000
        print(f"{name:<44} {timeit.timeit(work, number=count) / count * 1e6:>8,.1f} µs")


if __name__ == "__main__":
    main()
