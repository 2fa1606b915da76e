"""Published weights: their manifest and cards, and how they are fetched."""
