"""The cleaning rules, each once: for single values and for whole columns."""
