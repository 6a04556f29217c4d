"""The adapter to Prefect: flows, the project's server, schedules."""
