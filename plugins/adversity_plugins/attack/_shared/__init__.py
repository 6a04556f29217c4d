"""What several families compute with: norms, losses, hyperplanes."""
