"""What a finished run says: measures compared with each other, examples, ledger and report."""
