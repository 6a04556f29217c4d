"""A run of a step that is fitted, in a process of its own, to be killed at any moment."""

from __future__ import annotations

import sys
from pathlib import Path

from adversity.engine.public.open_stage import open_stage
from adversity.engine.set_up.workspace import Workspace
from adversity.pipeline.make_plan import make_plan
from adversity.pipeline.read.load import load_pipeline
from adversity.registry import discover


def main(root: Path, out: Path, step: str) -> None:
    """Run the project's pipeline as far as a step; what is there already is not run again."""
    plan = make_plan(load_pipeline(root / "pipelines/p.yaml", root=root), discover())
    for stage in plan.stages:
        if (out / stage.out).exists():
            continue
        run = open_stage(plan, stage, Workspace(root, out, out / "store"))
        for shard in run.pending():
            run.run_shard(shard)
        run.finish(out / stage.out)
        if stage.step == step:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
