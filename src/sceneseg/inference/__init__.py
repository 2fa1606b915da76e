"""From a trained model to pictures: drawing, and what improves a prediction."""
