"""The sample cohort, from an inbox to an audited bucket."""
