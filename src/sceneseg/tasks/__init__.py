"""Tasks: the only place where model, loss, metric and label space meet."""
