"""Ghost text: what is asked of the model while somebody types, and what is made of its answer."""
