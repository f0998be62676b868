"""dask's LocalCluster, as its documentation has it: ``client.map`` and ``client.gather``.

Its port on this machine asks nobody who they are, and runs what they send. So it speaks TLS, with a
certificate that lives as long as it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from distributed import Client, LocalCluster  # pyright: ignore[reportMissingImports]
from distributed.security import Security  # pyright: ignore[reportMissingImports]

from benchmarks.sides.serve import Run, serve


@contextmanager
def _start() -> Iterator[Run]:
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            protocol="tls://",
            security=Security.temporary(),
        ) as cluster,
        Client(cluster) as client,
    ):
        # pure=False: equal inputs are tasks of their own, as they are everywhere else.
        yield lambda function, inputs: client.gather(client.map(function, inputs, pure=False))


if __name__ == "__main__":
    serve(_start, package="distributed")
