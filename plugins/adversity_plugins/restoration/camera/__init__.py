"""What a camera did, undone: the mosaic of its sensor, the faults of its lens."""
