"""The small network that is trained here, and how, as classifiers and regressors both need it."""
