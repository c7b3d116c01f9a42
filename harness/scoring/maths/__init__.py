"""How a mathematical answer is written: signs, numbers, units, plain text, and the shapes that must not be mixed up."""
