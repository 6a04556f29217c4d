"""Images from under water, with their colours back."""
