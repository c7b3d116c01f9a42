"""A finished run in other tools' formats; a file's name is the format's name (`lm_eval` is `--to lm-eval`)."""
