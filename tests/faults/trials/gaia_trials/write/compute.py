"""What `write` does: a lazy field of noise, made chunk by chunk."""

import time

import dask.array
import numpy as np
import xarray as xr

CHUNK_BYTES = 2**20


def compute(*, megabytes: int, seed: int, seconds: float) -> xr.Dataset:
    def noise(block_info: dict) -> np.ndarray:
        (number,) = block_info[None]["chunk-location"]
        time.sleep(seconds / megabytes)
        return np.random.default_rng((seed, number)).integers(0, 255, CHUNK_BYTES, dtype=np.uint8)

    field = dask.array.map_blocks(
        noise, chunks=((CHUNK_BYTES,) * megabytes,), dtype=np.uint8, meta=np.empty(0, np.uint8)
    )
    return xr.Dataset({"noise": ("x", field)})
