"""What every engine over Hugging Face checkpoints needs: files, tokenizer, prompt encoding, loading."""
