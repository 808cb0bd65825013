"""One coherent merchant's world with known truth. Nothing of the product imports it; it imports `pipelines.domain`."""
