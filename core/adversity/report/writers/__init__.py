"""The report as HTML, markdown, JSON, plots and images."""
