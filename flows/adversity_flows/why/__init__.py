"""Why a number changed between two runs: their combinations, computed, and the change shared out."""
