"""The engine: plugins called, chains attacked, stages run, runs summed up."""

import os

# MKL's matrix product rounds a row otherwise at another address unless it is set not to: with
# 210 inputs, 32 of the 64 places of a block gave other bits (torch 2.15, AVX-512). It reads this
# at its first product, and costs nothing that could be measured. Whoever has chosen a mode
# keeps it.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
