"""Pure decisions of pricing: the pipeline with its places, and freight."""
