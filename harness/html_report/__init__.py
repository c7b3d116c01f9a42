"""One HTML file about runs and claims: readable offline, with nothing to install; scores, comparisons, samples."""
