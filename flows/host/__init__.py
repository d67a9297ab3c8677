"""What every process here is told, and how it ends. It imports nothing: telemetry must be off in time."""
