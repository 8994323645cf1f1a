"""What connectors will give, and what they gave: previews, summaries, explanations of pairs."""
