"""What a member means to buy: lines, their selection, and what they come to now."""
