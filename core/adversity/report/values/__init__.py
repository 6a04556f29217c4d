"""What a report is made of: the run's values, paired comparisons, and blocks to show."""
