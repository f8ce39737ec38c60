"""The language itself: tokens, literals, parameters, statements. Nothing here reads or sends."""
