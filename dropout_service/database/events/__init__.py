"""Learning events and what is kept with them: daily rollup, answers, resource types."""
