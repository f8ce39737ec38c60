"""What a value looks like in a notebook: mime bundles, made without IPython."""
