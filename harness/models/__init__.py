"""What a model is, by its config alone: parameters, attention, cache growth, tokenizer, card."""
