"""What `write` does: a lazy field of noise, made sheet by sheet while it is written."""

import time

import dask.array
import numpy as np
import xarray as xr

SHEET = (512, 1024)
SHEETS_A_MEGABYTE = 2


def compute(*, megabytes: int, seed: int, seconds: float) -> xr.Dataset:
    sheets = megabytes * SHEETS_A_MEGABYTE

    def noise(block_info: dict) -> np.ndarray:
        number = block_info[None]["chunk-location"][0]
        time.sleep(seconds / sheets)
        return np.random.default_rng((seed, number)).integers(0, 255, (1, *SHEET), dtype=np.uint8)

    chunks = ((1,) * sheets, *((size,) for size in SHEET))
    field = dask.array.map_blocks(noise, chunks=chunks, dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8))
    return xr.Dataset({"noise": (("sheet", "row", "column"), field)})
