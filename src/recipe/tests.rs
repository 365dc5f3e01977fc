//! Whole recipes, and every message with its exact text.
