"""Where marks of a chart are: numbers in, percent of the width and pixels of the height out; knows no run."""
