"""Sample + shots -> prompt: strict templates, few-shot choice, and the two styles (text and chat)."""
