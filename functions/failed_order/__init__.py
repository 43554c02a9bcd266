"""Records orders that failed at every attempt, and alerts the operators."""
