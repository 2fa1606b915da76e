"""The comparison page: candidates, ranking, answer and differences."""
