"""What is called from Python: create, run, and the calls they return."""
