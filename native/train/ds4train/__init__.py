"""How the bundled model is made: data, tokenizer, training, export, evaluation (see ../README.md)."""
