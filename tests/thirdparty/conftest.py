"""Keep what only looks like our tests out of our run."""

# The distribution's own tests run where it is installed; the broken ones must never be imported.
collect_ignore = ["acme-adversity", "acme-inspectors", "acme-kernels", "acme-measures", "broken"]
