"""`adversity schedule`: looks, their log, deployments and workers."""
