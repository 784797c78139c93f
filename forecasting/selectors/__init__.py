"""What the forecast page reads: the board, the deals behind its figures, what moved, the pace."""
