"""Orchestration. Importing it switches off all telemetry before Prefect or DVC is loaded."""

from flows.host.environment import keep_to_ourselves

keep_to_ourselves()
