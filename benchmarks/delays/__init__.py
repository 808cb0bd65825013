"""How good delay predictions are, on real orders (Olist) and beside an oracle (the simulated merchant)."""
