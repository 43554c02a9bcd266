"""What files cost: measured work, counted from the stack's settings and its workflow, times list prices."""
