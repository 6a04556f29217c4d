"""The adapter to DVC: dvc.yaml, locks, what changed and why."""
