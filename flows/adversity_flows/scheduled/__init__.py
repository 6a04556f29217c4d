"""One scheduled look at a pipeline: a commit of it in a worktree, its data, its run, its results."""
